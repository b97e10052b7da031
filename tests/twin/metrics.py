"""The metrics of one stride, as docs/METRICS.md defines them."""

import math
from dataclasses import dataclass, field

import numpy as np

from twin.body import Body, ankle
from twin.orientation import GRAVITY_MPS2
from twin.track import GRID_HZ, Flaw, Track, interpolated
from twin.vectors import Floats

IMPACT_S = 0.060
CLOCK_S = 2e-6  # pod clocks tell whole microseconds: a slot moves by so much between its samples
PLANTED_FROM, PLANTED_TO = 0.25, 0.65  # of stance
TURNING_DEG = 15.0  # a stride
POD_BEHIND_PELVIS_M = 0.13

ANGLE_FLAWS = Flaw.SETTLING | Flaw.OFF | Flaw.UNCALIBRATED
QUALITY = {
    Flaw.SETTLING: "not_calibrated",
    Flaw.UNCALIBRATED: "not_calibrated",
    Flaw.NO_STANDING: "no_standing",
    Flaw.CLIPPED: "clipped",
    Flaw.OFF: "not_worn",
}


@dataclass(frozen=True)
class Times:
    """Of one stride, seconds."""

    side: int
    ic: float
    to: float
    next_ic: float
    other_ic: float | None
    running: bool
    from_force: bool

    @property
    def slots(self) -> tuple[int, int]:
        """First and last within the stride."""
        return math.ceil(self.ic * GRID_HZ), math.ceil(self.next_ic * GRID_HZ) - 1

    @property
    def swing(self) -> slice:
        return slice(math.ceil(self.to * GRID_HZ), self.slots[1] + 1)


@dataclass
class Stride:
    """`values` by the names of METRICS.md; what is not known is not there."""

    times: Times
    impact_range_g: tuple[float, float] = (math.nan, math.nan)  # for a sample at the time of a slot
    values: dict[str, float] = field(default_factory=dict)
    quality: set[str] = field(default_factory=set)


def measure(body: Body, t: Times) -> Stride:
    stride = Stride(t)
    _measure_times(t, stride.values)
    _measure_leg(body, t, stride.values)
    _measure_impact(body, t, stride)
    foot = body.foot(t.side)
    if _has(foot, t, ANGLE_FLAWS | Flaw.NO_STANDING):
        assert foot is not None
        stride.values["foot_strike_angle_deg"] = float(interpolated(foot.angle_deg, t.ic)[0])
    _measure_pelvis(body, t, stride.values)
    _rate_quality(body, t, stride.quality)
    return stride


def _has(track: Track | None, t: Times, flaws: Flaw) -> bool:
    """The stride and a slot on each side, without the flaws."""
    first, last = t.slots
    return track is not None and track.is_good(first - 1, last + 1, flaws)


def _measure_times(t: Times, values: dict[str, float]) -> None:
    stride_s, contact_s = t.next_ic - t.ic, t.to - t.ic
    values["stride_time_ms"] = 1e3 * stride_s
    values["contact_time_ms"] = 1e3 * contact_s
    values["duty_factor"] = contact_s / stride_s
    values["cadence_spm"] = 120.0 / stride_s
    if t.other_ic is not None and t.other_ic > t.to:
        values["flight_time_ms"] = 1e3 * (t.other_ic - t.to)


def _measure_leg(body: Body, t: Times, values: dict[str, float]) -> None:
    thigh, shank = body.thigh(t.side), body.shank(t.side)
    thigh_deg = shank_deg = None
    middle = math.ceil(0.5 * (t.ic + t.to) * GRID_HZ)
    if shank is not None and _has(shank, t, ANGLE_FLAWS):
        shank_deg = shank.angle_deg + body.profile.standing_shank_deg
        values["shank_angle_ic_deg"] = float(interpolated(shank_deg, t.ic)[0])
        values["kickback_deg"] = -float(shank_deg[t.swing].min())
    if thigh is not None and _has(thigh, t, ANGLE_FLAWS):
        thigh_deg = thigh.angle_deg + body.profile.standing_thigh_deg
        values["knee_lift_deg"] = float(thigh_deg[t.swing].max())
        values["hip_extension_deg"] = -float(thigh_deg[middle : t.slots[1] + 1].min())
    if thigh_deg is not None and shank_deg is not None:
        _measure_poses(t, thigh_deg, shank_deg, values)
        _measure_swing(t, thigh_deg, shank_deg, values)
        if not math.isnan(body.thigh_m[t.side]):
            _measure_speed(body, t, thigh_deg, shank_deg, values)


def _measure_poses(t: Times, thigh: Floats, shank: Floats, values: dict[str, float]) -> None:
    moments = t.ic, 0.5 * (t.ic + t.to), t.to
    forward, down = ankle(interpolated(thigh, *moments), interpolated(shank, *moments))
    values["overstride_ratio"] = float(forward[0])
    values["hip_over_foot_ratio"] = -float(forward[1])
    values["push_off_angle_deg"] = math.degrees(math.atan2(-forward[2], down[2]))
    values["knee_flexion_ic_deg"] = float(
        interpolated(thigh, t.ic)[0] - interpolated(shank, t.ic)[0]
    )


def _measure_swing(t: Times, thigh: Floats, shank: Floats, values: dict[str, float]) -> None:
    whole_thigh, whole_shank = thigh, shank
    thigh, shank = thigh[t.swing], shank[t.swing]
    forward, down = ankle(thigh, shank)
    highest = int(np.argmin(down))
    values["peak_knee_flexion_deg"] = float(np.max(thigh - shank))
    values["heel_lift_ratio"] = 1.0 - float(down[highest])
    values["heel_trail_ratio"] = _trail_at_peak(t, highest, whole_thigh, whole_shank)
    passes = np.flatnonzero((forward[:-1] < 0.0) & (forward[1:] >= 0.0))
    if len(passes):
        k = passes[-1]
        lever = np.hypot(forward, down)
        share = forward[k] / (forward[k] - forward[k + 1])
        values["swing_lever_ratio"] = float(lever[k] + share * (lever[k + 1] - lever[k]))


def _trail_at_peak(t: Times, highest: int, thigh: Floats, shank: Floats) -> float:
    """How far the ankle trails at the vertex of the parabola through the three highest slots."""
    peak = t.swing.start + highest
    around = slice(peak - 1, peak + 2)
    forward, down = ankle(thigh[around], shank[around])
    bend, slope, _ = np.polyfit([-1.0, 0.0, 1.0], down, 2)
    vertex = float(np.clip(-slope / (2.0 * bend), -1.0, 1.0)) if bend > 0.0 else 0.0
    return -float(np.interp(vertex, [-1.0, 0.0, 1.0], forward))


def _measure_speed(
    body: Body, t: Times, thigh: Floats, shank: Floats, values: dict[str, float]
) -> None:
    contact_s = t.to - t.ic
    planted = t.ic + PLANTED_FROM * contact_s, t.ic + PLANTED_TO * contact_s
    lower_m = body.shank_m[t.side] + body.ankle_roll_m
    ahead = body.thigh_m[t.side] * np.sin(np.radians(interpolated(thigh, *planted)))
    ahead = ahead + lower_m * np.sin(np.radians(interpolated(shank, *planted)))
    speed = body.profile.speed_factor * float(ahead[0] - ahead[1]) / (planted[1] - planted[0])
    step_s = 0.5 * (t.next_ic - t.ic) if t.other_ic is None else t.other_ic - t.ic
    values["speed_mps"] = speed
    values["step_length_m"] = speed * step_s


def _measure_impact(body: Body, t: Times, stride: Stride) -> None:
    shank = body.shank(t.side)
    assert shank is not None
    first, last = t.slots[0], math.ceil((t.ic + IMPACT_S) * GRID_HZ)
    if shank.holds(first, last):
        stride.values["impact_g"] = shank.peak_g(first, last)
        early, late = (shank.peak_g(first, last, by_s) for by_s in (-CLOCK_S, CLOCK_S))
        stride.impact_range_g = min(early, late), max(early, late)


def _measure_pelvis(body: Body, t: Times, values: dict[str, float]) -> None:
    pelvis = body.pelvis()
    if pelvis is None or not _has(pelvis, t, ANGLE_FLAWS):
        return
    first, last = t.slots
    stride = slice(first, last + 1)
    step_end_s = 0.5 * (t.ic + t.next_ic) if t.other_ic is None else t.other_ic
    step = math.ceil(step_end_s * GRID_HZ) + 1 - first
    # a whole stride ends as fast as it began, and as high
    force = pelvis.force_g[stride]
    speed = np.cumsum(force - force.mean()) * GRAVITY_MPS2 / GRID_HZ
    pod_m = np.cumsum(speed - speed.mean()) / GRID_HZ
    drop_m = POD_BEHIND_PELVIS_M * np.sin(np.radians(pelvis.angle_deg[stride]))
    values["vertical_oscillation_mm"] = 1e3 * float(np.ptp((pod_m + drop_m)[:step]))
    values["lean_deg"] = -float(pelvis.angle_deg[stride].mean())


def _rate_quality(body: Body, t: Times, quality: set[str]) -> None:
    first, last = t.slots
    thigh, pelvis = body.thigh(t.side), body.pelvis()
    for track in (body.shank(t.side), thigh, body.foot(t.side), pelvis):
        if track is not None:
            flaws = track.flaws_of(first - 1, last + 1)
            quality |= {name for flaw, name in QUALITY.items() if flaws & flaw}
            if last + 1 >= track.slots:
                quality.add("late")
            elif first - 1 < track.oldest:
                quality.add("gap")
    if thigh is None:
        quality.add("no_thigh")
    if pelvis is None:
        quality.add("no_pelvis")
    elif pelvis.holds(first - 1, last + 1) and _turned_deg(pelvis, t) > TURNING_DEG:
        quality.add("turning")
    if not t.running:
        quality.add("walking")
    if t.other_ic is None:
        quality.add("no_other_foot")
    if not t.from_force:
        quality.add("kinematic_events")
    if math.isnan(body.thigh_m[t.side]):
        quality.add("no_leg_length")


def _turned_deg(pelvis: Track, t: Times) -> float:
    first, last = t.slots
    return abs(float(pelvis.yaw_deg[last] - pelvis.yaw_deg[first]))
