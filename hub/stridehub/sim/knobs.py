"""Everything about a synthetic runner, its pods and its radio that can be turned."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from stridehub.model import Placement

SegmentKind = Literal["stand", "run", "walk", "turn", "hop", "pull", "lie", "stop"]

GRAVITY_MPS2 = 9.80665


class Segment(msgspec.Struct, frozen=True):
    """One part of what the runner does; speed counts for running and walking only."""

    kind: SegmentKind
    duration_s: float = math.inf  # only the last segment may go on for ever
    speed_mps: float = 0.0
    turn_deg: float = 0.0  # heading change over the segment, to the left positive


DEFAULT_SCRIPT = (Segment("stand", 6.0), Segment("run", math.inf, 3.0))


class VariationKnobs(msgspec.Struct, frozen=True, kw_only=True):
    """Stride-to-stride standard deviations; the spectrum is 1/f-like."""

    stride_time_ratio: float = 0.012
    contact_time_ratio: float = 0.018
    speed_ratio: float = 0.008
    shank_ic_deg: float = 0.8
    thigh_ic_deg: float = 0.6
    kickback_deg: float = 1.5
    knee_lift_deg: float = 1.2
    lean_deg: float = 0.4
    foot_strike_deg: float = 1.0

    def scaled(self, factor: float) -> "VariationKnobs":
        """The same runner, `factor` times as variable (0 = every stride alike)."""
        values = {name: getattr(self, name) * factor for name in self.__struct_fields__}
        return VariationKnobs(**values)


class WobbleKnobs(msgspec.Struct, frozen=True, kw_only=True):
    """Soft tissue and garment ringing after each landing, as the pod sees it."""

    shank_g: float = 6.0
    spread_ratio: float = 0.12  # SD of the amplitude from landing to landing
    frequency_hz: float = 18.0
    damping_per_s: float = 26.0
    backward_ratio: float = 0.25  # of the amplitude along the limb
    gyro_rad_s_per_g: float = 0.08


class ImuKnobs(msgspec.Struct, frozen=True, kw_only=True):
    """Sensor errors; the defaults are those of a common consumer IMU."""

    acc_noise_ug_per_rthz: float = 110.0
    gyr_noise_mdps_per_rthz: float = 7.0
    acc_bias_mg: float = 20.0  # uniform within +- this, per axis
    gyr_bias_dps: float = 0.5
    scale_error_ratio: float = 0.005
    acc_range_g: float = 16.0
    gyr_range_dps: float = 2000.0


DEFAULT_IMU = ImuKnobs()


class MountKnobs(msgspec.Struct, frozen=True, kw_only=True):
    """How the pods sit: nominal mount, turned and shifted at random, or exactly as given."""

    turn_deg: float = 15.0  # each pod turned about a random axis by up to this
    shift_m: float = 0.0  # each pod shifted along its segment by up to +- this
    # placement -> rotation vector (rad) of the pod against its nominal mount
    rotation_rad: Mapping[Placement, tuple[float, float, float]] = {}


class ReactionKnobs(msgspec.Struct, frozen=True, kw_only=True):
    """What a cue does to the runner."""

    probability: float = 0.7
    delay_strides: float = 2.0
    rise_strides: float = 2.0
    hold_strides: float = 60.0  # time constant with which the change fades
    kept_ratio: float = 0.0  # of the change that stays for good: learning
    overstride_deg: float = -4.0
    heel_lift_deg: float = 8.0
    flick_deg: float = -6.0
    sitting_back_deg: float = -4.0


class RunnerKnobs(msgspec.Struct, frozen=True, kw_only=True):
    """A runner: body, what they do, how they do it. Angles are changes against the default gait."""

    script: Sequence[Segment] = DEFAULT_SCRIPT
    rate_hz: float = 208.0
    height_m: float = 1.78
    mass_kg: float = 70.0
    cadence_factor: float = 1.0
    contact_factor: float = 1.0
    overstride_deg: float = 0.0  # shank angle at IC; the thigh reaches along with it
    sitting_back_deg: float = 0.0  # thigh angle at IC: hips lower and further behind the foot
    heel_lift_deg: float = 0.0  # kickback and peak knee flexion
    flick_deg: float = 0.0  # thigh further back while the heel is up: heel trails behind
    knee_lift_deg: float = 0.0
    lean_deg: float = 0.0
    foot_strike_deg: float = 12.0  # foot angle at IC, toes up positive
    contact_asymmetry_ratio: float = 0.0  # (left - right) / mean contact time
    heel_lift_asymmetry_deg: float = 0.0  # left minus right
    fatigue: float = 0.0  # 1 = an ordinary runner tiring over an hour; see gait.FATIGUE
    pelvis_yaw_deg: float = 7.0
    pelvis_obliquity_deg: float = 5.0
    axial_rotation_deg: float = 5.0
    step_width_m: float = 0.06
    standing_sway_m: float = 0.004
    pod_off_s: Mapping[Placement, float] = {}  # placement -> time at which that pod falls off
    variation: VariationKnobs = VariationKnobs()
    wobble: WobbleKnobs = WobbleKnobs()
    imu: ImuKnobs = DEFAULT_IMU
    mount: MountKnobs = MountKnobs()
    reaction: ReactionKnobs = ReactionKnobs()

    def __post_init__(self) -> None:
        for segment in self.script:
            low, high = {"run": (2.0, 6.5), "walk": (0.8, 1.6)}.get(segment.kind, (-1.0, 99.0))
            if not low <= segment.speed_mps <= high:
                raise ValueError(
                    f"{segment.kind} at {segment.speed_mps} m/s: outside {low}..{high} m/s"
                )
            if not segment.duration_s > 0:
                raise ValueError(f"{segment.kind} for {segment.duration_s} s: must be positive")
        if not 52.0 <= self.rate_hz <= 833.0:
            raise ValueError(f"rate {self.rate_hz} Hz: outside 52..833 Hz")


class LinkKnobs(msgspec.Struct, frozen=True, kw_only=True):
    """The way of a pod's samples to the hub."""

    batch: int = 8  # samples a packet
    clock_skew_ppm: float = 20.0  # uniform within +- this
    imu_rate_error_ratio: float = 0.0  # true rate = nominal * (1 + this), e.g. 0.02
    connection_interval_s: float = 0.03
    stall_probability: float = 0.02  # chance that a connection event begins a stall
    stall_s: float = 0.08  # length of a stall; everything then arrives in one burst
    radio_delay_s: float = 0.002
    loss_ratio: float = 0.0
    holes: Sequence[tuple[float, float]] = ()  # (start_s, duration_s) without any packet
    clock_start_us: int | None = None  # None = random


def ideal(knobs: RunnerKnobs) -> RunnerKnobs:
    """The same runner with perfect sensors in nominal mounts and no wobble."""
    return msgspec.structs.replace(
        knobs,
        wobble=WobbleKnobs(shank_g=0.0),
        imu=ImuKnobs(
            acc_noise_ug_per_rthz=0.0,
            gyr_noise_mdps_per_rthz=0.0,
            acc_bias_mg=0.0,
            gyr_bias_dps=0.0,
            scale_error_ratio=0.0,
            acc_range_g=64.0,
            gyr_range_dps=4000.0,
        ),
        mount=MountKnobs(turn_deg=0.0),
    )
