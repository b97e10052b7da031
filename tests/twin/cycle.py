"""The mean cycle of a leg: its last good strides, as points evenly spaced in time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.body import Body
from twin.metrics import Stride, Times
from twin.track import Track, interpolated
from twin.vectors import Floats

POINTS = 50
MOST_STRIDES = 5
FRESH_S = 10.0


@dataclass
class MeanCycle:
    strides: int
    toe_off_share: float
    thigh_deg: Floats | None
    shank_deg: Floats


def mean_cycle(body: Body, strides: Sequence[Stride], side: int, now_s: float) -> MeanCycle | None:
    """Of the strides of that side up to now, in the order they ended."""
    good = [stride for stride in strides if stride.times.side == side and _is_good(stride)]
    fresh = [s for s in good[-MOST_STRIDES:] if now_s - s.times.next_ic <= FRESH_S]
    with_thigh = [stride for stride in fresh if "knee_lift_deg" in stride.values]
    shank = _mean_curve(body.shank(side), fresh)
    if shank is None:
        return None
    thigh = _mean_curve(body.thigh(side), with_thigh)
    return MeanCycle(
        strides=len(fresh),
        toe_off_share=float(np.mean([stride.values["duty_factor"] for stride in fresh])),
        thigh_deg=None if thigh is None else thigh + body.profile.standing_thigh_deg,
        shank_deg=shank + body.profile.standing_shank_deg,
    )


def _is_good(stride: Stride) -> bool:
    return (
        stride.times.running and "turning" not in stride.quality and "kickback_deg" in stride.values
    )


def _mean_curve(track: Track | None, strides: Sequence[Stride]) -> Floats | None:
    if track is None or not strides:
        return None
    each = [interpolated(track.angle_deg, *_moments(stride.times)) for stride in strides]
    mean: Floats = np.mean(each, axis=0)
    return mean


def _moments(t: Times) -> Floats:
    return t.ic + np.arange(POINTS) / POINTS * (t.next_ic - t.ic)
