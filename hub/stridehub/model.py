"""The nouns that every part of stridehub shares."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple, Self

import msgspec

from stridehub.errors import UnknownPlacementError


class Placement(IntEnum):
    """Where a pod sits; the values are the wire's."""

    PELVIS = 1
    THIGH_L = 2
    THIGH_R = 3
    SHANK_L = 4
    SHANK_R = 5
    FOOT_L = 6
    FOOT_R = 7
    CHEST = 8

    @property
    def label(self) -> str:
        """The name users and files see, such as "thigh_l"."""
        return self.name.lower()

    @classmethod
    def from_label(cls, label: str) -> Self:
        """Raises UnknownPlacementError for any other name."""
        for placement in cls:
            if placement.label == label:
                return placement
        raise UnknownPlacementError(label)


@dataclass(frozen=True, slots=True)
class PodInfo:
    """What a pod says of itself once per connection.

    Scales are integers on the wire, so that nothing is lost between pod and hub.
    """

    placement: Placement
    rate_mhz: int  # nominal sampling rate, millihertz
    acc_nm_s2_per_lsb: int  # nanometres per second squared per LSB
    gyr_nrad_s_per_lsb: int  # nanoradians per second per LSB
    batch: int  # samples a packet
    firmware: int = 0  # major << 8 | minor


class Side(StrEnum):
    """Of the runner's body."""

    LEFT = "left"
    RIGHT = "right"


class CueKind(StrEnum):
    """What a cue is about, in order of priority. Foot strike is an outcome and has none."""

    OVERSTRIDE = "overstride"
    HEEL_LIFT = "heel_lift"  # lazy
    FLICK = "flick"
    SITTING_BACK = "sitting_back"


class CueSide(StrEnum):
    """Where a cue is felt."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"


class EventKind(StrEnum):
    INITIAL_CONTACT = "initial_contact"
    TOE_OFF = "toe_off"


class Gait(StrEnum):
    UNKNOWN = "unknown"
    STANDING = "standing"
    WALKING = "walking"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class RunnerProfile:
    """What is known of a runner's body before any packet. None: not known."""

    runner: str = "runner"
    height_m: float | None = None
    mass_kg: float | None = None
    leg_length_left_m: float | None = None  # hip to ankle, standing
    leg_length_right_m: float | None = None
    standing_thigh_deg: float = -6.0  # hip-knee line while standing; the default is a mean of three
    standing_shank_deg: float = -6.0  # knee-ankle line while standing
    speed_factor: float = 1.0  # true over measured speed, from a run over a known distance


@dataclass(frozen=True, slots=True)
class GaitEvent:
    """One initial contact or toe-off, as soon as it is known (provisional) or from all pods."""

    kind: EventKind
    side: Side
    refined: bool
    time_s: float  # hub time at which it happened
    seen_s: float  # hub time of the sample that revealed it
    shank_angle_deg: float | None  # at a provisional initial contact
    overstride_ratio: float | None  # at a provisional initial contact, with a thigh pod


class Stride(msgspec.Struct, frozen=True, kw_only=True):
    """One stride: an initial contact to the next of the same foot. None: not known.

    Definitions of all fields: docs/METRICS.md. Times are hub seconds.
    """

    runner: str
    side: Side
    index: int  # counts the strides of this side from 0
    ic: float
    to: float
    next_ic: float
    stride_time_ms: float | None
    contact_time_ms: float | None
    flight_time_ms: float | None
    duty_factor: float | None
    cadence_spm: float | None
    shank_angle_ic_deg: float | None
    overstride_ratio: float | None
    knee_flexion_ic_deg: float | None
    peak_knee_flexion_deg: float | None
    kickback_deg: float | None
    heel_lift_ratio: float | None
    heel_trail_ratio: float | None
    swing_lever_ratio: float | None
    knee_lift_deg: float | None
    hip_extension_deg: float | None
    hip_over_foot_ratio: float | None
    push_off_angle_deg: float | None
    lean_deg: float | None
    vertical_oscillation_mm: float | None
    impact_g: float | None
    speed_mps: float | None
    step_length_m: float | None
    foot_strike_angle_deg: float | None
    quality: tuple[str, ...]  # why a value is missing or doubtful; empty when good

    @property
    def is_running(self) -> bool:
        return "walking" not in self.quality


ENOUGH_CONFIDENCE = 0.51  # of a pod's alignment, for angles


@dataclass(frozen=True, slots=True)
class PodStatus:
    """Counters and state of one pod in a kernel."""

    placement: Placement
    packets: int
    samples: int
    bad_packets: int
    lost_packets: int
    stale_packets: int
    clipped_samples: int
    filled_samples: int  # bridged over short gaps
    long_gaps: int
    reboots: int
    last_sample_s: float
    rate_hz: float  # measured
    skew_ppm: float
    alignment_confidence: float  # 0..1; angles need ENOUGH_CONFIDENCE
    angle_deg: float
    gyro_bias_dps: float
    has_standing: bool

    @property
    def is_calibrated(self) -> bool:
        """Its angles can be compared with zones."""
        return self.has_standing and self.alignment_confidence >= ENOUGH_CONFIDENCE


@dataclass(frozen=True, slots=True)
class KnownPod:
    """A pod of this hub's: bonded, and told what it is for."""

    address: str  # such as "F0:D6:16:00:00:01"
    name: str
    placement: Placement
    runner: str
    adapter: str  # the address of the adapter that holds the bond


class LinkState(StrEnum):
    """How far the hub is with a pod."""

    MISSING = "missing"  # looked for
    CONNECTING = "connecting"
    STREAMING = "streaming"
    WAITING = "waiting"  # a try failed; the next one comes by itself
    DEGRADED = "degraded"  # tries have failed for long; they go on, rarely


@dataclass(frozen=True, slots=True)
class PodHealth:
    """A pod as the hub sees it. None: not known."""

    pod: KnownPod
    state: LinkState
    reason: str | None  # why it does not stream, and what to do
    age_s: float | None  # of the newest packet
    battery_mv: int | None
    rssi_dbm: int | None  # of the last advertisement
    mtu: int | None
    interval_ms: float | None  # of the connection, at most; from round trips
    firmware: int | None  # major << 8 | minor
    connects: int
    packets: int
    imu_fault: bool
    samples_a_packet: int | None
    unreadable: int = 0  # records besides samples, of this connection


class Letter(NamedTuple):
    """A message to the broker that is on the disk until the broker has it."""

    number: int  # increases in the order of publishing
    topic: str
    payload: bytes
