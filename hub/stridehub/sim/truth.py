"""True stride metrics, from the body's own motion, as METRICS.md section 2 defines them."""

import math
from typing import Literal

import msgspec
import numpy as np

from stridehub.sim.anatomy import Anatomy
from stridehub.sim.gait import Contact
from stridehub.sim.script import GAITS
from stridehub.sim.tracks import Array

# Truth series that strides are measured on; the keys of Chunk.truth.
SERIES = (
    *(f"ang_{segment}_{side}" for segment in ("thigh", "shank", "foot") for side in "lr"),
    "ang_pelvis",
    "pelvis_y",
    "forward",
    "impact_l",
    "impact_r",
)


class TrueStride(msgspec.Struct, frozen=True, kw_only=True):
    """One stride and side; angles in degrees, times in seconds since the first sample."""

    side: Literal["left", "right"]
    index: int
    ic: float
    to: float
    next_ic: float
    walking: bool
    stride_time_ms: float
    contact_time_ms: float
    flight_time_ms: float
    duty_factor: float
    cadence_spm: float
    shank_angle_ic_deg: float
    overstride_ratio: float
    knee_flexion_ic_deg: float
    peak_knee_flexion_deg: float
    kickback_deg: float
    heel_lift_ratio: float
    heel_trail_ratio: float
    swing_lever_ratio: float
    knee_lift_deg: float
    hip_extension_deg: float
    hip_over_foot_ratio: float
    push_off_angle_deg: float
    lean_deg: float
    vertical_oscillation_mm: float
    impact_g: float
    speed_mps: float
    step_length_m: float
    foot_strike_angle_deg: float
    quality: tuple[str, ...] = ()


def _at(t: Array, values: Array, when: float) -> float:
    """Four-point Lagrange interpolation on an even grid."""
    step = t[1] - t[0]
    i = int(np.clip((when - t[0]) // step, 1, len(t) - 3))
    u = (when - t[i]) / step
    a, b, c, d = values[i - 1 : i + 3]
    return float(
        -u * (u - 1) * (u - 2) / 6 * a
        + (u + 1) * (u - 1) * (u - 2) / 2 * b
        - (u + 1) * u * (u - 2) / 2 * c
        + (u + 1) * u * (u - 1) / 6 * d
    )


def _peak(values: Array) -> tuple[float, float]:
    """Largest value and its (fractional) index, by the parabola through three samples."""
    i = int(np.argmax(values))
    if i in (0, len(values) - 1):
        return float(values[i]), float(i)
    a, b, c = values[i - 1 : i + 2]
    bend = a - 2 * b + c
    shift = 0.5 * (a - c) / bend if bend < 0 else 0.0
    return float(b - 0.25 * (a - c) * shift), i + shift


class StrideMeter:
    """Measures strides on the series of `SERIES`, (len(SERIES), N) at times (N,)."""

    def __init__(self, anatomy: Anatomy) -> None:
        self._anatomy = anatomy

    def chain(self, thigh: Array, shank: Array) -> tuple[Array, Array]:
        """Ankle ahead of and below the hip, metres, from angles in degrees."""
        thigh, shank = np.radians(thigh), np.radians(shank)
        a = self._anatomy
        return (
            a.thigh * np.sin(thigh) + a.shank * np.sin(shank),
            a.thigh * np.cos(thigh) + a.shank * np.cos(shank),
        )

    def measure(
        self,
        t: Array,
        series: Array,
        contact: Contact,
        other_ic: float,
        next_ic: float,
        index: int,
        quality: tuple[str, ...],
    ) -> TrueStride:
        row = {name: series[i] for i, name in enumerate(SERIES)}
        leg = "lr"[contact.leg]
        thigh, shank = row[f"ang_thigh_{leg}"], row[f"ang_shank_{leg}"]
        length = self._anatomy.leg
        dx, dy = self.chain(thigh, shank)
        ic, to = contact.ic_s, contact.to_s
        stride = next_ic - ic
        swing = slice(*np.searchsorted(t, (to, next_ic)))
        whole = slice(*np.searchsorted(t, (ic, next_ic)))
        step = slice(*np.searchsorted(t, (ic, other_ic)))
        impact = slice(*np.searchsorted(t, (ic, ic + 0.06)))
        heel, heel_index = _peak(1 - dy[swing] / length)
        heel_at = float(np.interp(heel_index, np.arange(swing.stop - swing.start), t[swing]))
        return TrueStride(
            side="left" if contact.leg == 0 else "right",
            index=index,
            ic=ic,
            to=to,
            next_ic=next_ic,
            walking=contact.walking,
            stride_time_ms=1e3 * stride,
            contact_time_ms=1e3 * (to - ic),
            flight_time_ms=1e3 * (other_ic - to),
            duty_factor=(to - ic) / stride,
            cadence_spm=120.0 / stride,
            shank_angle_ic_deg=_at(t, shank, ic),
            overstride_ratio=_at(t, dx, ic) / length,
            knee_flexion_ic_deg=_at(t, thigh - shank, ic),
            peak_knee_flexion_deg=_peak((thigh - shank)[swing])[0],
            kickback_deg=_peak(-shank[swing])[0],
            heel_lift_ratio=heel,
            heel_trail_ratio=-_at(t, dx, heel_at) / length,
            swing_lever_ratio=self._lever(dx[swing], dy[swing]) / length,
            knee_lift_deg=_peak(thigh[swing])[0],
            hip_extension_deg=_peak(-thigh[whole])[0],
            hip_over_foot_ratio=-_at(t, dx, 0.5 * (ic + to)) / length,
            push_off_angle_deg=math.degrees(math.atan2(-_at(t, dx, to), _at(t, dy, to))),
            lean_deg=-float(np.mean(row["ang_pelvis"][whole])),
            vertical_oscillation_mm=1e3 * float(np.ptp(row["pelvis_y"][step])),
            impact_g=_peak(row[f"impact_{leg}"][impact])[0],
            speed_mps=(_at(t, row["forward"], next_ic) - _at(t, row["forward"], ic)) / stride,
            step_length_m=_at(t, row["forward"], other_ic) - _at(t, row["forward"], ic),
            foot_strike_angle_deg=_at(t, row[f"ang_foot_{leg}"], ic),
            quality=quality,
        )

    @staticmethod
    def _lever(dx: Array, dy: Array) -> float:
        """Hip to ankle as the ankle passes under the hip."""
        after = int(np.argmax((dx[1:] >= 0) & (dx[:-1] < 0)))
        share = dx[after] / (dx[after] - dx[after + 1])
        return float(dy[after] + share * (dy[after + 1] - dy[after]))


class StrideTruth:
    """Keeps the last seconds of truth and measures strides as they end."""

    _KEEP_S = 4.0

    def __init__(self, anatomy: Anatomy) -> None:
        self._meter = StrideMeter(anatomy)
        self._t = np.zeros(0)
        self._series = np.zeros((len(SERIES), 0))
        self._state = np.zeros(0, dtype=np.int8)
        self._contacts: list[Contact] = []
        self._count = 0

    def strides(
        self, t: Array, truth: dict[str, Array], state: Array, began: list[Contact]
    ) -> list[TrueStride]:
        rows = [truth[name] for name in SERIES]
        keep = self._t >= t[0] - self._KEEP_S
        self._t = np.concatenate([self._t[keep], t])
        self._series = np.concatenate([self._series[:, keep], np.stack(rows)], axis=1)
        self._state = np.concatenate([self._state[keep], state])
        self._contacts += began
        done = []
        # two samples beyond the stride's end let values be interpolated there
        while (stride := self._first()) is not None and stride[2] < t[-2]:
            done += self._measure(*stride)
            self._contacts.pop(0)
        return done

    def _first(self) -> tuple[Contact, float, float] | None:
        """The oldest contact, the other foot's next IC and its own next IC."""
        if len(self._contacts) < 3:
            return None
        contact, other, again = self._contacts[:3]
        return contact, other.ic_s, again.ic_s

    def _measure(self, contact: Contact, other_ic: float, next_ic: float) -> list[TrueStride]:
        inside = (self._t > contact.ic_s - 0.02) & (self._t < next_ic + 0.02)
        states = set(self._state[inside].tolist())
        legs = [c.leg for c in self._contacts[:3]]
        if len(states) != 1 or not states <= set(GAITS) or legs[0] != legs[2] or legs[0] == legs[1]:
            return []
        quality = ("walking",) if contact.walking else ()
        self._count += 1
        return [
            self._meter.measure(
                self._t, self._series, contact, other_ic, next_ic, self._count - 1, quality
            )
        ]
