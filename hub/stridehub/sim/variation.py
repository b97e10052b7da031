"""Randomness: independent streams, and stride-to-stride variation with a 1/f-like spectrum."""

import numpy as np

from stridehub.sim.tracks import Array

_TIME_CONSTANTS = np.array([0.5, 2.0, 8.0, 32.0, 128.0])  # steps; two octaves apart


class PinkNoise:
    """Unit-variance noise: a sum of first-order processes whose time constants lie two octaves
    apart, which is close to 1/f between them (van der Ziel 1950)."""

    def __init__(self, channels: int, rng: np.random.Generator) -> None:
        self._rng = rng
        self._keep = np.exp(-1.0 / _TIME_CONSTANTS)[:, None]
        self._gain = np.sqrt(1.0 - self._keep**2)
        self._state = rng.standard_normal((len(_TIME_CONSTANTS), channels))

    def next(self) -> Array:
        """The next step's values (channels,)."""
        fresh = self._rng.standard_normal(self._state.shape)
        self._state = self._keep * self._state + self._gain * fresh
        return np.asarray(self._state.sum(axis=0) / np.sqrt(len(_TIME_CONSTANTS)))


class RandomStreams:
    """Independent random streams by name, so that one knob does not move another's draws."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self._seed, *name.encode()])
