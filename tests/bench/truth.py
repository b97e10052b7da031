"""True strides of a recording that carries its truth, by the definitions of docs/METRICS.md.

Segment angles are taken relative to standing plus the default standing offsets; ratios and chain
metrics come from those angles and the standard proportions, as in the kernel.
"""

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stridehub.model import RunnerProfile

Series = NDArray[np.float64]

STANDING = RunnerProfile()
THIGH_SHARE, SHANK_SHARE = 0.245 / 0.491, 0.246 / 0.491  # of hip to ankle (Winter 2009)


@dataclass(frozen=True)
class TrueStride:
    side: str  # "left" or "right"
    ic: float
    to: float
    next_ic: float
    metrics: dict[str, float]


class Truth:
    """The truth of one recording; times in seconds since its first sample."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as archive:
            self._data: dict[str, NDArray[Any]] = {key: archive[key] for key in archive.files}
        self.start = float(self._data["t"][0])
        self.time = self._data["t"].astype(float) - self.start
        self.standing: dict[str, float] = json.loads(str(self._data["truth_static_json"]))
        self.speed = float(self._data["speed"])

    def events(self, kind: str, side: str) -> Series:
        """`kind` "ic" or "to"."""
        return self._data[f"truth_{kind}_{side[0]}"].astype(float) - self.start

    def angle(self, segment: str) -> Series:
        """Of "thigh_l" and the like: relative to standing plus the default offset, deg."""
        angle = self._data[f"truth_ang_{segment}"].astype(float) - self.standing[f"ang_{segment}"]
        offset = {"thigh": STANDING.standing_thigh_deg, "shank": STANDING.standing_shank_deg}
        return angle + offset.get(segment.split("_")[0], 0.0)

    def strides(self, side: str) -> list[TrueStride]:
        contacts, releases = self.events("ic", side), self.events("to", side)
        found = []
        for ic, next_ic in pairwise(contacts):
            inside = releases[(releases > ic) & (releases < next_ic)]
            if len(inside):
                to = float(inside[0])
                found.append(
                    TrueStride(
                        side, float(ic), to, float(next_ic), self._metrics(side, ic, to, next_ic)
                    )
                )
        return found

    def _metrics(self, side: str, ic: float, to: float, next_ic: float) -> dict[str, float]:
        thigh, shank = self.angle(f"thigh_{side[0]}"), self.angle(f"shank_{side[0]}")
        forward, down = _ankle(thigh, shank)
        middle = 0.5 * (ic + to)
        swing = (self.time > to) & (self.time < next_ic)
        lifted = int(np.flatnonzero(swing)[np.argmin(down[swing])])
        late = (self.time > middle) & (self.time < next_ic)
        stride = (self.time >= ic) & (self.time < next_ic)
        return {
            "stride_time_ms": 1000 * (next_ic - ic),
            "contact_time_ms": 1000 * (to - ic),
            "cadence_spm": 120 / (next_ic - ic),
            "speed_mps": self.speed,
            "shank_angle_ic_deg": self._at(shank, ic),
            "overstride_ratio": self._at(forward, ic),
            "knee_flexion_ic_deg": self._at(thigh - shank, ic),
            "peak_knee_flexion_deg": float((thigh - shank)[swing].max()),
            "kickback_deg": float(-shank[swing].min()),
            "heel_lift_ratio": 1 - float(down[lifted]),
            "heel_trail_ratio": -float(forward[lifted]),
            "swing_lever_ratio": _lever(forward, down, lifted, swing),
            "knee_lift_deg": float(thigh[swing].max()),
            "hip_extension_deg": float(-thigh[late].min()),
            "hip_over_foot_ratio": -self._at(forward, middle),
            "push_off_angle_deg": float(
                np.degrees(np.arctan2(-self._at(forward, to), self._at(down, to)))
            ),
            "lean_deg": -float(self.angle("pelvis")[stride].mean()),
            "foot_strike_angle_deg": self._at(self.angle(f"foot_{side[0]}"), ic),
            "vertical_oscillation_mm": self._bounce(side, ic, next_ic),
        }

    def _bounce(self, side: str, ic: float, next_ic: float) -> float:
        other = self.events("ic", "right" if side == "left" else "left")
        inside = other[(other > ic) & (other < next_ic)]
        end = float(inside[0]) if len(inside) else 0.5 * (ic + next_ic)
        step = (self.time >= ic) & (self.time <= end)
        return 1000 * float(np.ptp(self._data["truth_pelvis_y"][step]))

    def _at(self, series: Series, time: float) -> float:
        return float(np.interp(time, self.time, series))


def _ankle(thigh_deg: Series, shank_deg: Series) -> tuple[Series, Series]:
    """Ankle relative to the hip, forward and down, in leg lengths."""
    thigh, shank = np.radians(thigh_deg), np.radians(shank_deg)
    forward = THIGH_SHARE * np.sin(thigh) + SHANK_SHARE * np.sin(shank)
    return forward, THIGH_SHARE * np.cos(thigh) + SHANK_SHARE * np.cos(shank)


def _lever(forward: Series, down: Series, lifted: int, swing: NDArray[np.bool_]) -> float:
    """Hip to ankle where the ankle passes under the hip on its way forward."""
    last = int(np.flatnonzero(swing)[-1])
    under = lifted + int(np.argmax(forward[lifted:last] >= 0))
    return float(np.hypot(forward[under], down[under]))
