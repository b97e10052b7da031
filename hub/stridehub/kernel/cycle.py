"""How a leg moves: the mean cycle of its last strides."""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stridehub.kernel._native import ffi


@dataclass(frozen=True, eq=False, slots=True)
class MeanCycle:
    """Mean of the last good strides of a side, initial contact to the next.

    Point i of the curves is at i / 50 of the stride's time; angles are those of the metrics.
    """

    strides: int  # in the mean, 1 to 5
    toe_off_share: float  # of the stride's time
    thigh_of_leg: float  # length of the thigh, as a share of hip to ankle
    thigh_deg: NDArray[np.float32] | None  # (50,); None: no thigh pod, or nothing good of it
    shank_deg: NDArray[np.float32]  # (50,)

    @classmethod
    def read(cls, raw: Any) -> Self | None:
        """From a stride_cycle of the kernel; None where there were no good strides of late."""
        if raw.strides == 0:
            return None
        return cls(
            strides=raw.strides,
            toe_off_share=raw.toe_off_share,
            thigh_of_leg=raw.thigh_of_leg,
            thigh_deg=None if math.isnan(raw.thigh_deg[0]) else _copied(raw.thigh_deg),
            shank_deg=_copied(raw.shank_deg),
        )


def _copied(floats: Any) -> NDArray[np.float32]:
    return np.frombuffer(ffi.buffer(floats), np.float32).copy()
