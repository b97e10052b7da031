"""What the movement says about where the pods really sit."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stridehub.model import ENOUGH_CONFIDENCE, Placement

# A shank swings half as much again as its thigh (rms rates of 340 to 400 against 210 to 240 deg/s
# in four recorded runners at 2.9 to 4 m/s).
_THIGH_SWINGS_LESS = 1.15
# Thigh and shank: the rates of a thigh go with those of the other leg's shank (correlation -0.5 to
# -0.7), hardly with its own (0.1). The kernel turns a pod's axis so that its leg makes sense, so
# only the sizes tell: those of both legs, added, are 0.7 to 1.2 apart in the recordings once the
# axes are found, 0.7 to 1.7 in simulated runs from 2 to 5.5 m/s, and change sides when swapped.
# Foot and shank of a leg go together (0.5 to 0.9 in simulated runs from 2.5 to 6.4 m/s), the other
# leg's against (-0.1 to -0.7).
_CLEAR = 0.5
_MOVING_DPS = 120.0  # rms rate of both shanks: below it nobody runs
_LEGS = {place for place in Placement if place not in (Placement.PELVIS, Placement.CHEST)}
_ENOUGH_S = 1.5  # of common samples: two strides
_SLOT_S = 0.005  # of the kernel's grid


class Motion(NamedTuple):
    """A pod's last seconds, as the kernel gives them: shape (n,) each."""

    time_s: NDArray[np.float64]
    angle_deg: NDArray[np.float32]
    rate_dps: NDArray[np.float32]
    confidence: float  # 0..1, of the pod's alignment


def hints(motions: Mapping[Placement, Motion]) -> list[str]:
    """What looks wrong, in words.

    Nothing while the runner does not run, pods are missing, or a leg's pod is still looking for
    its axes.
    """
    legs = [motion for place, motion in motions.items() if place in _LEGS]
    if any(motion.confidence < ENOUGH_CONFIDENCE for motion in legs):
        return []
    shanks = (Placement.SHANK_L, Placement.SHANK_R)
    rates = _common_rates(motions)
    if rates is None or any(s not in rates or _rms(rates[s]) < _MOVING_DPS for s in shanks):
        return []
    return [*_swapped_in_a_leg(rates), *_swapped_sides(rates)]


_Rates = Mapping[Placement, NDArray[np.float32]]
_Pair = tuple[Placement, Placement]


def _common_rates(motions: Mapping[Placement, Motion]) -> _Rates | None:
    """Of the pods that are up to date, over the time that all of them cover."""
    newest_s = max((m.time_s[-1] for m in motions.values() if len(m.time_s)), default=0.0)
    live = {
        place: motion
        for place, motion in motions.items()
        if len(motion.time_s) and newest_s - motion.time_s[-1] < _ENOUGH_S / 3
    }
    begin_s = max((motion.time_s[0] for motion in live.values()), default=0.0) - _SLOT_S / 2
    end_s = min((motion.time_s[-1] for motion in live.values()), default=0.0) + _SLOT_S / 2
    if end_s - begin_s < _ENOUGH_S:
        return None
    rates = {
        place: motion.rate_dps[(motion.time_s >= begin_s) & (motion.time_s <= end_s)]
        for place, motion in live.items()
    }
    count = min(map(len, rates.values()))
    return {place: rate[:count] for place, rate in rates.items()}


def _swapped_in_a_leg(rates: _Rates) -> Iterator[str]:
    for side, shank, thigh in (
        ("left", Placement.SHANK_L, Placement.THIGH_L),
        ("right", Placement.SHANK_R, Placement.THIGH_R),
    ):
        if thigh in rates and _rms(rates[thigh]) > _THIGH_SWINGS_LESS * _rms(rates[shank]):
            yield f"{side} thigh and shank look swapped"


def _swapped_sides(rates: _Rates) -> Iterator[str]:
    shanks = (Placement.SHANK_L, Placement.SHANK_R)
    thighs = (Placement.THIGH_L, Placement.THIGH_R)
    feet = (Placement.FOOT_L, Placement.FOOT_R)
    if all(place in rates for place in (*shanks, *thighs)):
        own, crossed = _correlations(rates, thighs, shanks)
        if np.abs(own).sum() - np.abs(crossed).sum() > _CLEAR:
            yield "left and right look swapped: of the shanks, or of the thighs"
    if all(place in rates for place in (*shanks, *feet)):
        own, crossed = _correlations(rates, shanks, feet)
        if crossed.sum() - own.sum() > _CLEAR:
            yield "left and right look swapped: of the feet, or of the shanks"


def _correlations(
    rates: _Rates, upper: _Pair, lower: _Pair
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of left and right each with its own leg's, and with the other's: shape (2,) each."""
    own = [_correlation(rates[a], rates[b]) for a, b in zip(upper, lower, strict=True)]
    crossed = [_correlation(rates[a], rates[b]) for a, b in zip(upper, lower[::-1], strict=True)]
    return np.array(own), np.array(crossed)


def _rms(values: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """0 where one of them does not move."""
    if not (a.any() and b.any()):
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
