"""Piecewise polynomials in time, and the minimum-jerk curves that fill them.

A *jet* is an array (3, ...): value, first and second time derivative.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FREE = np.nan  # a knot's value, rate or acceleration that the curve may choose
ORDER = 8  # coefficients of a piece: the doubly integrated ground force is of degree 7


def _unit_hermite() -> Array:
    """(6, 6): (p0, v0, a0, p1, v1, a1) on the unit interval -> ascending coefficients."""
    rows = np.zeros((6, 6))
    rows[0, 0] = rows[1, 1] = 1.0
    rows[2, 2] = 2.0
    k = np.arange(6)
    rows[3], rows[4], rows[5] = 1.0, k, k * (k - 1)
    return np.asarray(np.linalg.inv(rows))


def _jerk_cost(hermite: Array) -> Array:
    """(6, 6) quadratic form: end conditions on the unit interval -> integral of squared jerk."""
    gram = np.zeros((6, 6))
    for i in range(3, 6):
        for j in range(3, 6):
            third = i * (i - 1) * (i - 2) * j * (j - 1) * (j - 2)
            gram[i, j] = third / (i + j - 5)
    return np.asarray(hermite.T @ gram @ hermite)


_HERMITE = _unit_hermite()
_COST = _jerk_cost(_HERMITE)


def quintic(duration: float, start: Array, end: Array) -> Array:
    """Coefficients (..., ORDER) of the quintic from jet `start` to jet `end`, both (..., 3)."""
    scale = duration ** np.arange(3.0)
    ends = np.concatenate([start * scale, end * scale], axis=-1)
    coefficients = np.zeros((*ends.shape[:-1], ORDER))
    coefficients[..., :6] = ends @ _HERMITE.T / duration ** np.arange(6.0)
    return coefficients


def minimum_jerk(times: Array, knots: Array) -> Array:
    """Coefficients (K-1, ORDER) of the curve of least squared jerk through `knots`.

    `times` (K,); `knots` (K, 3) value, rate, acceleration, NaN where free (Flash & Hogan 1985).
    """
    free = np.isnan(knots).ravel()
    filled = np.where(free, 0.0, knots.ravel())
    spans = np.diff(times)
    cost = np.zeros((knots.size, knots.size))
    for i, span in enumerate(spans):
        scale = np.tile(span ** np.arange(3.0), 2)
        cost[3 * i : 3 * i + 6, 3 * i : 3 * i + 6] += _COST * np.outer(scale, scale) / span**5
    if free.any():
        filled[free] = np.linalg.solve(cost[np.ix_(free, free)], -cost[free] @ filled)
    jets = filled.reshape(-1, 3)
    return np.stack([quintic(s, jets[i], jets[i + 1]) for i, s in enumerate(spans)])


class Track:
    """Several channels of piecewise polynomials on common breaks, growing at the end."""

    def __init__(self, channels: int, start_s: float) -> None:
        self._channels = channels
        self._breaks = [start_s]
        self._pieces: list[Array] = []
        self._table: Array | None = None

    @property
    def end_s(self) -> float:
        return self._breaks[-1]

    def append(self, end_s: float, coefficients: Array) -> None:
        """Add one piece up to `end_s`: (channels, ORDER), ascending, time from its beginning."""
        self._breaks.append(end_s)
        self._pieces.append(coefficients)
        self._table = None

    def forget_before(self, t: float) -> None:
        while len(self._pieces) > 1 and self._breaks[1] < t:
            del self._breaks[0], self._pieces[0]
            self._table = None

    def jets(self, t: Array) -> Array:
        """(3, channels, N) at times (N,); outside the track the end pieces are extrapolated."""
        if self._table is None:
            self._table = np.stack(self._pieces)
        index = np.searchsorted(self._breaks, t, side="right") - 1
        index = np.clip(index, 0, len(self._pieces) - 1)
        tau = t - np.asarray(self._breaks)[index]
        powers = np.zeros((3, ORDER, len(t)))
        powers[0, 0] = 1.0
        for k in range(1, ORDER):
            powers[0, k] = powers[0, k - 1] * tau
        degree = np.arange(ORDER, dtype=float)[:, None]
        powers[1, 1:] = degree[1:] * powers[0, :-1]
        powers[2, 2:] = (degree[2:] * degree[1:-1]) * powers[0, :-2]
        return np.asarray(np.einsum("nck,jkn->jcn", self._table[index], powers))
