"""An IMU that samples a motion at instants of its own."""

import numpy as np

from stridehub.sim.tracks import Array


class OwnInstants:
    """Give it a signal at even times in order; it gives the signal every `period_s`."""

    def __init__(self, period_s: float, start_s: float = 0.0) -> None:
        """The first sample is taken at `start_s`."""
        self._period_s = period_s
        self._start_s = start_s
        self._taken = 0
        # not passed yet: times (K,), values (K, channels)
        self._t = np.zeros(0)
        self._values = np.zeros((0, 0))

    def take(self, t: Array, values: Array) -> tuple[Array, Array]:
        """The instants (M,) and values (M, channels) that times (N,) and values complete.

        By cubic interpolation, so the last two times still wait for more. Raises ValueError for a
        signal that begins after the first sample.
        """
        if len(self._t) == 0 and len(t) > 0 and t[0] > self._start_s:
            raise ValueError(f"sampled from {self._start_s} s, before the signal at {t[0]} s")
        self._t = np.concatenate([self._t, t])
        self._values = np.concatenate([self._values.reshape(-1, values.shape[1]), values])
        instants = self._due()
        if len(instants) == 0:
            return instants, np.zeros((0, values.shape[1]))
        self._taken += len(instants)
        taken = self._interpolated(instants)
        self._t, self._values = self._t[-6:], self._values[-6:]
        return instants, taken

    def _due(self) -> Array:
        if len(self._t) < 4:
            return np.zeros(0)
        last = self._t[-1] - 2 * (self._t[1] - self._t[0]) - self._start_s
        if last < self._taken * self._period_s:
            return np.zeros(0)
        due = np.arange(self._taken, int(last / self._period_s) + 1)
        return np.asarray(self._start_s + due * self._period_s)

    def _interpolated(self, instants: Array) -> Array:
        step = self._t[1] - self._t[0]
        i = np.clip(((instants - self._t[0]) // step).astype(int), 1, len(self._t) - 3)
        u = ((instants - self._t[i]) / step)[:, None]
        y = self._values
        return np.asarray(
            -u * (u - 1) * (u - 2) / 6 * y[i - 1]
            + (u + 1) * (u - 1) * (u - 2) / 2 * y[i]
            - (u + 1) * u * (u - 2) / 2 * y[i + 1]
            + (u + 1) * u * (u - 1) / 6 * y[i + 2]
        )
