"""What the movement says about where the pods really sit."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stridehub.model import Placement

# A shank swings half as much again as its thigh (rms rates of 340 to 400 against 210 to 240 deg/s
# in four recorded runners at 2.9 to 4 m/s).
_THIGH_SWINGS_LESS = 1.15
# Shank and thigh of one leg move together more than with the other leg's: the correlations of
# their rates, both legs added, are 1.0 to 1.6 apart in those recordings, and change sign when two
# pods are swapped.
_CLEAR = 0.5
_MOVING_DPS = 120.0  # rms rate of both shanks: below it nobody runs
_ENOUGH_S = 1.5  # of common samples: two strides
_SLOT_S = 0.005  # of the kernel's grid


class Motion(NamedTuple):
    """A pod's last seconds, as the kernel gives them: shape (n,) each."""

    time_s: NDArray[np.float64]
    angle_deg: NDArray[np.float32]
    rate_dps: NDArray[np.float32]


def hints(motions: Mapping[Placement, Motion]) -> list[str]:
    """What looks wrong, in words; nothing while the runner does not run, or pods are missing."""
    shanks = (Placement.SHANK_L, Placement.SHANK_R)
    rates = _common_rates(motions)
    if rates is None or any(s not in rates or _rms(rates[s]) < _MOVING_DPS for s in shanks):
        return []
    return [*_swapped_in_a_leg(rates), *_swapped_sides(rates)]


_Rates = Mapping[Placement, NDArray[np.float32]]


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
    """Foot and shank, if both move with the other thigh, are told of once: with the shank."""
    for upper, lower, name in (
        ((Placement.THIGH_L, Placement.THIGH_R), (Placement.SHANK_L, Placement.SHANK_R), "shank"),
        ((Placement.SHANK_L, Placement.SHANK_R), (Placement.FOOT_L, Placement.FOOT_R), "foot"),
    ):
        if any(place not in rates for place in (*upper, *lower)):
            continue
        left, right = (rates[place] for place in upper)
        low_left, low_right = (rates[place] for place in lower)
        own = _correlation(left, low_left) + _correlation(right, low_right)
        crossed = _correlation(left, low_right) + _correlation(right, low_left)
        if crossed - own > _CLEAR:
            yield f"left and right {name} look swapped"


def _rms(values: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """0 where one of them does not move."""
    if not (a.any() and b.any()):
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
