"""How a session went: shares of strides below, in and above their zones."""

from collections import Counter
from dataclasses import dataclass

from stridehub.coaching.signs import Reader
from stridehub.coaching.window import Window, median_of
from stridehub.coaching.zones import ZONE_METRICS, Position
from stridehub.model import Side, Stride
from stridehub.rules import BalanceRules


class ZoneTally:
    """Of one runner."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[Position]] = {metric: Counter() for metric in ZONE_METRICS}
        self._over_lean: Counter[bool] = Counter()

    def add(self, stride: Stride, reader: Reader) -> None:
        """`reader` of the stride's side, at the pace of the moment."""
        for metric in ZONE_METRICS:
            value, zone = getattr(stride, metric), reader.zone(metric)
            if value is not None and zone is not None:
                self._counts[metric][zone.position(value)] += 1
        leans = reader.is_over_leaning()
        if leans is not None:
            self._over_lean[leans] += 1

    def share(self, metric: str, position: Position = Position.IN) -> float | None:
        """Of the strides that know the metric; None where there are none."""
        counts = self._counts[metric]
        return counts[position] / counts.total() if counts else None

    @property
    def over_lean_share(self) -> float | None:
        """Of strides after which the last ones showed the signs of leaning too far."""
        counts = self._over_lean
        return counts[True] / counts.total() if counts else None


@dataclass(frozen=True, slots=True)
class Balance:
    """Contact time, left of both; 50 is even."""

    left_pct: float
    position: Position  # above: longer on the left foot
    is_amber: bool


def contact_balance(window: Window, rules: BalanceRules) -> Balance | None:
    """Of the last steps; None until each side has enough of them."""
    medians = []
    for side in Side:
        strides = window.last(side, rules.least_steps)
        if len(strides) < rules.least_steps:
            return None
        medians.append(median_of(strides, "contact_time_ms"))
    left, right = medians
    if not left or not right:
        return None
    off_pct = 100.0 * left / (left + right) - 50.0
    position = Position.IN
    if abs(off_pct) > rules.in_pct:
        position = Position.ABOVE if off_pct > 0.0 else Position.BELOW
    is_amber = rules.in_pct < abs(off_pct) <= rules.amber_pct
    return Balance(50.0 + off_pct, position, is_amber)
