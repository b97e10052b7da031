"""What stands beside a foot strike or an overstride: the mechanics upstream of it.

Association, never cause. Each side by itself: left and right differ in many things at once, and
pooled they would show that difference as if one thing followed the other.
"""

import math
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stridehub.coaching.window import is_valid
from stridehub.model import Side, Stride
from stridehub.rules import ExplainRules

OUTCOMES = ("foot_strike_angle_deg", "overstride_ratio")
UPSTREAM = ("heel_lift_ratio", "swing_lever_ratio", "lean_deg", "cadence_spm", "hip_extension_deg")

_TITLES = {
    "foot_strike_angle_deg": "foot strike angle",
    "overstride_ratio": "overstride",
    "heel_lift_ratio": "heel lift",
    "swing_lever_ratio": "swing lever",
    "lean_deg": "pelvis lean",
    "cadence_spm": "cadence",
    "hip_extension_deg": "hip extension",
}
_COLUMNS = (*OUTCOMES, *UPSTREAM)
_RANK_VARIANCE = 1.06  # of atanh(rho), times n - 3: Fieller 1957
_LAGS_SHARE = 5  # autocorrelation is summed over n / 5 lags: Pyper & Peterman 1998

_Floats = NDArray[np.float64]


class Correlation(NamedTuple):
    """Spearman's, and the interval it may lie in; None: too few for one."""

    rho: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Association:
    """One outcome and one metric upstream of it, on one side."""

    side: Side
    outcome: str
    metric: str
    outcome_median: float | None  # of the last strides
    metric_median: float | None
    correlation: Correlation | None  # over the session; None: too few strides, or one never moves
    n: int  # strides that know both
    is_enough: bool  # they are
    is_clear: bool  # not zero, and large enough to be told

    @property
    def text(self) -> str:
        pair = f"{_TITLES[self.outcome]} and {_TITLES[self.metric]}, {self.side}"
        if not self.is_enough:
            return f"{pair}: too few strides to tell ({self.n})"
        if self.correlation is None:
            return f"{pair}: one of them never changed ({self.n} strides)"
        rho, low, high, _ = self.correlation
        figures = f"rho {rho:z.1f}, {self.n} strides"
        if low is not None and high is not None:
            figures = f"rho {rho:z.1f}, likely {low:z.1f} to {high:z.1f}, {self.n} strides"
        if not self.is_clear:
            return f"{pair}: no clear link ({figures})"
        way = "rose and fell together" if rho > 0 else "one rose as the other fell"
        return f"{pair}: {way} ({figures})"


class Explanation:
    """Of one runner and session: valid running strides, thinned evenly once they are many."""

    def __init__(self, rules: ExplainRules) -> None:
        self._rules = rules
        self._sample = {side: _Sample(rules.most_strides, rules.last_strides) for side in Side}

    def on_stride(self, stride: Stride) -> None:
        """Takes every stride."""
        if is_valid(stride):
            self._sample[stride.side].add(stride)

    def copy(self) -> Self:
        """As of now, quickly made, to be looked at while strides go on."""
        return deepcopy(self)

    def about(self, outcome: str) -> Iterator[Association]:
        """One of OUTCOMES beside all of UPSTREAM, left then right; without what is not known.

        Each is worked out as it is asked for.
        """
        for side in Side:
            for metric in UPSTREAM:
                found = self._association(side, outcome, metric)
                if found.n > 0:
                    yield found

    def _association(self, side: Side, outcome: str, metric: str) -> Association:
        sample = self._sample[side]
        a, b = sample.both(outcome, metric)
        is_enough = len(a) >= self._rules.least_strides
        correlation = spearman(a, b, self._rules.confidence_z) if is_enough else None
        return Association(
            side=side,
            outcome=outcome,
            metric=metric,
            outcome_median=sample.last_median(outcome),
            metric_median=sample.last_median(metric),
            correlation=correlation,
            n=len(a),
            is_enough=is_enough,
            is_clear=correlation is not None and self._is_clear(correlation),
        )

    def _is_clear(self, correlation: Correlation) -> bool:
        if correlation.low is None or correlation.high is None:
            return False
        excludes_zero = correlation.low > 0.0 or correlation.high < 0.0
        return excludes_zero and abs(correlation.rho) >= self._rules.least_rho


class _Sample:
    """Rows of _COLUMNS of one side, NaN where not known: every stride, then every second, ..."""

    def __init__(self, most: int, last: int) -> None:
        self._rows: _Floats = np.full((most, len(_COLUMNS)), np.nan)
        self._last: _Floats = np.full((last, len(_COLUMNS)), np.nan)
        self._count = 0  # of rows in use
        self._every = 1
        self._seen = 0

    def add(self, stride: Stride) -> None:
        row = [math.nan if (v := getattr(stride, c)) is None else v for c in _COLUMNS]
        self._last[self._seen % len(self._last)] = row
        if self._seen % self._every == 0:
            if self._count == len(self._rows):
                self._thin()
            if self._seen % self._every == 0:
                self._rows[self._count] = row
                self._count += 1
        self._seen += 1

    def _thin(self) -> None:
        kept = self._rows[::2].copy()
        self._count = len(kept)
        self._rows[: self._count] = kept
        self._every *= 2

    def both(self, one: str, other: str) -> tuple[_Floats, _Floats]:
        """Shape (n,) each, in the order of time: where both are known."""
        a = self._rows[: self._count, _COLUMNS.index(one)]
        b = self._rows[: self._count, _COLUMNS.index(other)]
        known = ~(np.isnan(a) | np.isnan(b))
        return a[known], b[known]

    def last_median(self, metric: str) -> float | None:
        values = self._last[:, _COLUMNS.index(metric)]
        known = values[~np.isnan(values)]
        return float(np.median(known)) if len(known) else None


def spearman(a: _Floats, b: _Floats, confidence_z: float) -> Correlation | None:
    """Rank correlation of two series (n,) in the order of time; None where one never moves.

    The interval is Fieller's (1957) on Fisher's scale, for the number of independent pairs.
    """
    ranks_a, ranks_b = ranks(a), ranks(b)
    if len(a) < 2 or not np.ptp(ranks_a) or not np.ptp(ranks_b):
        return None
    x, y = _standardised(ranks_a), _standardised(ranks_b)
    rho = float(np.clip(np.mean(x * y), -1.0, 1.0))
    independent = _independent(x, y)
    if independent <= 3.0:
        return Correlation(rho, None, None, len(a))
    reach = confidence_z * math.sqrt(_RANK_VARIANCE / (independent - 3.0))
    middle = math.atanh(min(max(rho, -1.0 + 1e-12), 1.0 - 1e-12))
    return Correlation(rho, math.tanh(middle - reach), math.tanh(middle + reach), len(a))


def ranks(values: _Floats) -> _Floats:
    """From 1, ties averaged: shape (n,)."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - 0.5 * (count - 1))[place], dtype=np.float64)


def _standardised(values: _Floats) -> _Floats:
    centred = values - values.mean()
    return np.asarray(centred / np.sqrt(np.mean(centred**2)))


def _independent(x: _Floats, y: _Floats) -> float:
    """Pairs that count: strides resemble those before, and n of them tell less than n others.

    1/N = 1/n + 2/n sum over lags of (n - lag)/n r_x r_y: Pyper & Peterman 1998.
    """
    n = len(x)
    lags = np.arange(1, n // _LAGS_SHARE + 1)
    pairs = n - lags
    both = _products(x, len(lags)) / pairs * _products(y, len(lags)) / pairs
    growth = 1.0 + 2.0 * float(np.sum(pairs / n * both))
    return n / max(growth, 1.0)


def _products(x: _Floats, lags: int) -> _Floats:
    """Sums of x[i] x[i + lag] for lags from 1 on: shape (lags,)."""
    # Long enough for nothing to wrap around; a power of two, as primes take ten times as long.
    length = 1 << (len(x) + lags).bit_length()
    spectrum = np.fft.rfft(x, length)
    return np.asarray(np.fft.irfft(np.abs(spectrum) ** 2, length)[1 : lags + 1])
