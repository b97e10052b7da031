"""How a runner's legs move."""

from stridehub.kernel.cycle import MeanCycle
from stridehub.kernel.stride import StrideKernel
from stridehub.model import Side
from stridehub.mqtt.messages import Cycle, SideCycle

_DIGITS = 1  # of a degree


def cycle_message(kernel: StrideKernel, utc_ms: int) -> Cycle | None:
    """None where no leg is known."""
    cycles = {side: cycle for side in Side if (cycle := kernel.cycle(side)) is not None}
    if not cycles:
        return None
    thigh_of_leg = sum(cycle.thigh_of_leg for cycle in cycles.values()) / len(cycles)
    return Cycle(
        t=utc_ms,
        runner=kernel.profile.runner,
        sides={side: _side_cycle(cycle) for side, cycle in cycles.items()},
        thigh_of_leg=round(thigh_of_leg, 4),
    )


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
