"""The leg as a chain of two segments, in shares of its length."""

from math import cos, radians, sin
from typing import NamedTuple

from stridehub.model import Placement, RunnerProfile, Side

# Winter 2009, of body height; only their ratio counts.
_THIGH, _SHANK = 0.245, 0.246
_THIGH_SHARE = _THIGH / (_THIGH + _SHANK)


class Limb(NamedTuple):
    """The pods of one leg."""

    thigh: Placement
    shank: Placement


LIMBS = {
    Side.LEFT: Limb(Placement.THIGH_L, Placement.SHANK_L),
    Side.RIGHT: Limb(Placement.THIGH_R, Placement.SHANK_R),
}


class Ankle(NamedTuple):
    """Seen from the hip, in shares of leg length: METRICS.md, frames and signs."""

    ahead: float
    below: float

    @property
    def heel_lift(self) -> float:
        return 1.0 - self.below

    @property
    def trail(self) -> float:
        return -self.ahead


def ankle(profile: RunnerProfile, thigh_deg: float, shank_deg: float) -> Ankle:
    """From angles against standing, as the kernel's series have them."""
    thigh = radians(thigh_deg + profile.standing_thigh_deg)
    shank = radians(shank_deg + profile.standing_shank_deg)
    share = _THIGH_SHARE
    return Ankle(
        ahead=share * sin(thigh) + (1.0 - share) * sin(shank),
        below=share * cos(thigh) + (1.0 - share) * cos(shank),
    )
