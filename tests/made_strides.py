"""Strides made by hand, for tests of what is made of strides."""

from collections.abc import Iterator
from typing import Any

from stridehub.model import Side, Stride

STEP_S = 0.36
_UNKNOWN = dict.fromkeys(
    name
    for name in Stride.__struct_fields__
    if name not in ("runner", "side", "index", "ic", "to", "next_ic", "quality")
)


def made_stride(side: Side = Side.LEFT, ic: float = 0.0, **fields: Any) -> Stride:
    """Metrics that are not given are not known."""
    return Stride(
        **{
            "runner": "runner",
            "side": side,
            "index": 0,
            "ic": ic,
            "to": ic + 0.25,
            "next_ic": ic + 2 * STEP_S,
            "quality": (),
            **_UNKNOWN,
            **fields,
        }
    )


def steps(count: int, start_s: float = 0.0, **fields: Any) -> Iterator[Stride]:
    """Left, right, left ...; all alike."""
    for number in range(count):
        side = Side.RIGHT if number % 2 else Side.LEFT
        yield made_stride(side, start_s + STEP_S * number, **fields)
