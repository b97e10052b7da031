"""Contact and toe-off from the vertical force on the whole body, or else from the leg's movement.

Each segment's mass times its vertical specific force adds up to the force on the ground: zero in
flight, in units of body weight.
"""

import math
from dataclasses import dataclass

import numpy as np

from twin.body import Body
from twin.orientation import GRAVITY_MPS2
from twin.shank_events import Mark
from twin.track import GRID_HZ, Flaw, Track
from twin.vectors import LEFT, RIGHT, Floats

REACH = 4  # slots on each side of the smoothing kernel
SMOOTH = np.array([math.comb(2 * REACH, k) for k in range(2 * REACH + 1)]) / 4.0**REACH

TRUNK_MASS, THIGH_MASS, LOWER_MASS = 0.678, 0.100, 0.061  # Winter 2009, table 4.1
THIGH_POD_SHARE = 0.65  # of the thigh, below the hip
DEFAULT_THIGH_M = 0.43

CARRYING_G, LOADED_G, FLIGHT_G = 0.9, 0.5, 0.4
LOADING_S = 0.010

BODY_WEIGHT_G, UNLOADING_G, ALMOST_G = 1.0, 0.4, 0.15
FADE_SHARE = 1.5
FADE_REST_S = 0.010
WHIP_LAG_S = 0.017
FORCE_WEIGHT = 0.6
MIDDLE_LEAD_S = 0.004

CONTACT_BEFORE_S, CONTACT_AFTER_S, FLIGHT_AFTER_S = 0.050, 0.130, 0.050
TOE_OFF_BEFORE_S, TOE_OFF_AFTER_S = 0.130, 0.080
WHIP_BEFORE_S = 0.030
LANDING_S = 0.110
SHOCK_LAG_S = 0.010
SHOCK_WEIGHT = 0.6


@dataclass(frozen=True)
class Refined:
    time_s: float
    from_force: bool
    flight: bool | None  # None: cannot be told


@dataclass(frozen=True)
class Window:
    """Values of slots first, first + 1, ..."""

    first: int
    value: Floats

    def time_s(self, place: float) -> float:
        return (self.first + place) / GRID_HZ

    def crossing_s(self, before: int, level: float) -> float:
        a, b = self.value[before], self.value[before + 1]
        return self.time_s(before + float((level - a) / (b - a)))

    def first_fall(self, start: int, level: float) -> int | None:
        """Last index at or above the level before the first fall below it."""
        v = self.value[start:]
        falls = np.flatnonzero((v[:-1] >= level) & (v[1:] < level))
        return start + int(falls[0]) if len(falls) else None

    def least_s(self) -> float | None:
        """When it is least, by a parabola; None where that is at an end."""
        k = int(np.argmin(self.value))
        if k in (0, len(self.value) - 1):
            return None
        before, at, after = self.value[k - 1 : k + 2]
        bend = before - 2.0 * at + after
        return self.time_s(k + (float((before - after) / bend) / 2.0 if bend > 0.0 else 0.0))


def slots_needed(mark: Mark) -> int:
    """A refinement looks at slots up to this one."""
    after_s = CONTACT_AFTER_S if mark.is_contact else TOE_OFF_AFTER_S
    return math.floor((mark.mark_s + after_s) * GRID_HZ) + REACH + 1


def refine_contact(body: Body, side: int, mark: Mark) -> Refined:
    by_movement = Refined(_contact_by_movement(body, side, mark), False, None)
    force = _force(body, mark.mark_s - CONTACT_BEFORE_S, mark.mark_s + CONTACT_AFTER_S)
    if force is None:
        return by_movement
    before_carrying = round((CONTACT_BEFORE_S + FLIGHT_AFTER_S) * GRID_HZ)
    lightest = int(np.argmin(force.value[:before_carrying]))
    flight = bool(force.value[lightest] < FLIGHT_G)
    loading = _loading(force, lightest)
    if not flight or loading is None:
        return Refined(by_movement.time_s, False, flight)
    force_s = force.crossing_s(loading, LOADED_G) - LOADING_S
    return Refined(_weighed(force_s, FORCE_WEIGHT, by_movement.time_s), True, True)


def refine_toe_off(body: Body, side: int, mark: Mark, walking: bool) -> Refined:
    force = _force(body, mark.mark_s - TOE_OFF_BEFORE_S, mark.mark_s + TOE_OFF_AFTER_S)
    force_s = None if force is None else _toe_off_by_force(force)
    if force is not None:
        walking = force_s is None
    time_s = _toe_off_by_movement(body, side, mark, walking)
    if force_s is not None:
        time_s = _weighed(force_s, FORCE_WEIGHT, time_s)
    flight = None if force is None else force_s is not None
    return Refined(time_s, force_s is not None, flight)


def _slots(from_s: float, to_s: float) -> tuple[int, int]:
    """First slot, and the first after the span from..to."""
    return math.ceil(from_s * GRID_HZ), math.ceil(to_s * GRID_HZ)


def _good(track: Track | None, first: int, end: int) -> bool:
    return track is not None and track.is_good(first, end - 1, Flaw.SETTLING | Flaw.OFF)


def _force(body: Body, from_s: float, to_s: float) -> Window | None:
    """On the body, smoothed, in units of its weight; None where the pods for it are missing."""
    first, end = _slots(from_s, to_s)
    out, out_end = first - REACH, end + REACH
    pelvis = body.tracks.get("pelvis")
    legs = [body.tracks.get(f"{segment}_{s}") for segment in ("thigh", "shank") for s in "lr"]
    worn = [t for t in legs if t is not None and _good(t, out - 1, out_end + 1)]
    has_pelvis = _good(pelvis, out - 1, out_end + 1)
    if len(worn) == len(legs):
        thigh_l, thigh_r, shank_l, shank_r = (t.force_g[out:out_end] for t in worn)
        limbs = THIGH_MASS * (thigh_l + thigh_r) + LOWER_MASS * (shank_l + shank_r)
        if pelvis is not None and has_pelvis:
            raw = TRUNK_MASS * pelvis.force_g[out:out_end] + limbs
        else:
            raw = TRUNK_MASS * _hips(body, worn[0], worn[1], out, out_end) + limbs
    elif pelvis is not None and has_pelvis:
        raw = pelvis.force_g[out:out_end]
    else:
        return None
    return Window(first, np.convolve(raw, SMOOTH, mode="valid"))


def _hips(body: Body, left: Track, right: Track, first: int, end: int) -> Floats:
    """Mean specific force of the hips, each above its thigh pod by a length times a cosine."""
    hips = []
    for side, thigh in ((LEFT, left), (RIGHT, right)):
        thigh_m = body.thigh_m[side]
        height = THIGH_POD_SHARE * (DEFAULT_THIGH_M if math.isnan(thigh_m) else thigh_m)
        above = height * np.cos(np.radians(thigh.angle_deg[first - 1 : end + 1]))
        hips.append(thigh.force_g[first:end] + np.diff(above, 2) * GRID_HZ**2 / GRAVITY_MPS2)
    mean: Floats = np.mean(hips, axis=0)
    return mean


def _loading(force: Window, lightest: int) -> int | None:
    """Index before the last rise through the loaded level on the way to carrying the body."""
    v = force.value
    rises = np.flatnonzero((v[:-1] < CARRYING_G) & (v[1:] >= CARRYING_G))
    rises = rises[rises >= lightest]
    if not len(rises):
        return None
    unloaded = np.flatnonzero(v[lightest : rises[0] + 1] < LOADED_G)
    return lightest + int(unloaded[-1]) if len(unloaded) else None


def _toe_off_by_force(force: Window) -> float | None:
    falling = force.first_fall(0, BODY_WEIGHT_G)
    unloading = None if falling is None else force.first_fall(falling, UNLOADING_G)
    if falling is None or unloading is None:
        return None
    unloading_s = force.crossing_s(unloading, UNLOADING_G)
    fall_s = unloading_s - force.crossing_s(falling, BODY_WEIGHT_G)
    latest_s = unloading_s + FADE_SHARE * fall_s
    floor_g = max(0.0, float(np.min(force.value[unloading:])))
    almost_g = min(UNLOADING_G, floor_g + ALMOST_G)
    almost = force.first_fall(unloading, almost_g)
    if almost is not None:
        latest_s = min(latest_s, force.crossing_s(almost, almost_g))
    return latest_s + FADE_REST_S


def _rate_is_least(track: Track, from_s: float, to_s: float) -> float | None:
    first, end = _slots(from_s, to_s)
    if not _good(track, first, end):
        return None
    return Window(first, track.rate_dps[first:end]).least_s()


def _falls_fastest(track: Track, series: Floats, from_s: float, to_s: float) -> float | None:
    """When a series of the track, smoothed, does."""
    first, end = _slots(from_s, to_s)
    if not _good(track, first - REACH, end + REACH):
        return None
    smooth = np.convolve(series[first - REACH : end + REACH], SMOOTH, mode="valid")
    return Window(first + 1, smooth[2:] - smooth[:-2]).least_s()


def _contact_by_movement(body: Body, side: int, mark: Mark) -> float:
    """Halfway between the rate's fall through zero and its minimum, a little early; and when the
    landing shock rises fastest."""
    shank = body.shank(side)
    assert shank is not None
    until_s = mark.mark_s + LANDING_S
    least_s = _rate_is_least(shank, mark.mark_s, until_s)
    if least_s is None:
        return mark.time_s
    middle_s = (mark.mark_s + least_s) / 2.0 - MIDDLE_LEAD_S
    shock_s = _falls_fastest(shank, -shank.force_g, mark.mark_s, until_s)
    return middle_s if shock_s is None else _weighed(shock_s - SHOCK_LAG_S, SHOCK_WEIGHT, middle_s)


def _toe_off_by_movement(body: Body, side: int, mark: Mark, walking: bool) -> float:
    shank = body.shank(side)
    assert shank is not None
    until_s = mark.mark_s + TOE_OFF_AFTER_S
    if walking:
        least_s = _rate_is_least(shank, mark.mark_s, until_s)
        return mark.mark_s if least_s is None else least_s
    whip_s = _falls_fastest(shank, shank.rate_dps, mark.mark_s - WHIP_BEFORE_S, until_s)
    return mark.mark_s if whip_s is None else whip_s - WHIP_LAG_S


def _weighed(value: float, weight: float, other: float) -> float:
    return weight * value + (1.0 - weight) * other
