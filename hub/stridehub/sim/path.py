"""Where the body is in the world."""

import numpy as np

from stridehub.sim.body import FORWARD, HEADING, HEIGHT, LATERAL
from stridehub.sim.tracks import Array


class Path:
    """Where mid-hip is in the world, integrated from its rates."""

    def __init__(self) -> None:
        self._end = np.zeros(4)  # x, z, heading, way
        self._last: Array | None = None
        self._heading = np.zeros(0)
        self._centre = np.zeros((3, 0))
        self.way = np.zeros(0)

    def advance(self, pose: Array, step: float) -> None:
        """Integrate by the trapezium rule with end corrections: error of fifth order."""
        turn = self._integral(2, pose[1, HEADING], pose[2, HEADING], step, 0)
        s, c = np.sin(turn), np.cos(turn)
        v, a = pose[1, FORWARD], pose[2, FORWARD]
        side, side_1 = pose[1, LATERAL], pose[2, LATERAL]
        spin = pose[1, HEADING]
        fore_1 = a + spin * side
        across_1 = side_1 - spin * v
        x = self._integral(0, c * v + s * side, c * fore_1 + s * across_1, step, 1)
        z = self._integral(1, -s * v + c * side, -s * fore_1 + c * across_1, step, 2)
        self.way = self._integral(3, v, a, step, 3)
        self._heading = turn
        self._centre = np.stack([x, pose[0, HEIGHT], z])

    def _integral(self, slot: int, rate: Array, slope: Array, step: float, memory: int) -> Array:
        if self._last is None:
            self._last = np.full((4, 2), np.nan)
        before = self._last[memory]
        if np.isnan(before[0]):
            before = np.array([rate[0] - step * slope[0], slope[0]])
            self._end[slot] -= step * rate[0]
        r = np.concatenate([[before[0]], rate])
        d = np.concatenate([[before[1]], slope])
        parts = 0.5 * step * (r[1:] + r[:-1]) - step**2 / 12 * np.diff(d)
        values = self._end[slot] + np.cumsum(parts)
        self._end[slot] = values[-1]
        self._last[memory] = rate[-1], slope[-1]
        return np.asarray(values)

    def world(self, point: Array) -> Array:
        """(N, 3) of points (3, N) in the heading frame about mid-hip."""
        s, c = np.sin(self._heading), np.cos(self._heading)
        x, y, z = point
        return np.asarray((self._centre + np.stack([c * x + s * z, y, -s * x + c * z])).T)
