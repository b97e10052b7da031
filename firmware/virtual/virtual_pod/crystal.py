"""The clock of a pod, which is not the clock of the hub."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Crystal:
    """Pod microseconds against true seconds."""

    skew_ppm: float = 0.0  # positive: it runs fast
    start_us: int = 0  # where it stands at true time 0

    @property
    def _us_per_s(self) -> float:
        return 1e6 + self.skew_ppm

    def pod_us(self, true_s: float) -> int:
        return self.start_us + round(true_s * self._us_per_s)

    def pod_times_us(self, true_s: NDArray[np.float64]) -> NDArray[np.uint64]:
        return self.start_us + np.rint(true_s * self._us_per_s).astype(np.uint64)

    def true_s(self, pod_us: float) -> float:
        return (pod_us - self.start_us) / self._us_per_s

    def true_s_of_stamp(self, stamp_us: int, near_s: float) -> float:
        """Of a time as packets carry it, which wraps after 71.6 min; the one nearest to near_s."""
        wraps = round((self.pod_us(near_s) - stamp_us) / 2**32)
        return self.true_s(stamp_us + wraps * 2**32)
