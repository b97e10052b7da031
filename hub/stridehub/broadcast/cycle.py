"""How a runner's legs move."""

from stridehub.coaching.leg import THIGH_OF_LEG
from stridehub.kernel.stride import MeanCycle, StrideKernel
from stridehub.model import Side
from stridehub.mqtt.messages import Cycle, SideCycle

_DIGITS = 1  # of a degree


def cycle_message(kernel: StrideKernel, utc_ms: int) -> Cycle | None:
    """None where no leg is known."""
    sides = {side: _side_cycle(cycle) for side in Side if (cycle := kernel.cycle(side)) is not None}
    if not sides:
        return None
    return Cycle(t=utc_ms, runner=kernel.profile.runner, sides=sides, thigh_of_leg=THIGH_OF_LEG)


def _side_cycle(cycle: MeanCycle) -> SideCycle:
    thigh_deg = cycle.thigh_deg
    return SideCycle(
        strides=cycle.strides,
        toe_off_share=round(cycle.toe_off_share, 4),
        thigh_deg=None if thigh_deg is None else _rounded(thigh_deg.tolist()),
        shank_deg=_rounded(cycle.shank_deg.tolist()),
    )


def _rounded(angles_deg: list[float]) -> tuple[float, ...]:
    return tuple(round(angle_deg, _DIGITS) for angle_deg in angles_deg)
