"""How the legs of a made-up runner move."""

import numpy as np

from stridehub.mqtt.messages import SideCycle

POINTS = 50  # of a cycle

# At shares of a stride: initial contact, mid-stance, toe-off, and two in swing.
_AT = (0.0, 0.18, 0.35, 0.6, 0.85, 1.0)
_THIGH_DEG = (27.0, 8.0, -18.0, 6.0, 36.0, 27.0)
_SHANK_DEG = (6.0, -18.0, -48.0, -95.0, -28.0, 6.0)


def side_cycle(thigh: float, shank: float) -> SideCycle:
    """As much more than usual as the factors say."""
    return SideCycle(
        strides=10,
        toe_off_share=0.35,
        thigh_deg=_smooth(_THIGH_DEG, thigh),
        shank_deg=_smooth(_SHANK_DEG, shank),
    )


def _smooth(key_points: tuple[float, ...], factor: float) -> tuple[float, ...]:
    """Through the points at _AT, as one closed curve of POINTS."""
    share = np.arange(POINTS) / POINTS
    curve = np.interp(share, _AT, key_points) * factor
    kernel = np.hanning(9) / np.hanning(9).sum()
    closed = np.convolve(np.tile(curve, 3), kernel, mode="same")[POINTS : 2 * POINTS]
    return tuple(float(value) for value in closed.round(2))
