"""Running before and after a drill, in the metrics that the drill is meant for."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, median, stdev

from stridehub.coaching.plan import DrillKind
from stridehub.coaching.window import is_valid, known
from stridehub.model import Side, Stride
from stridehub.rules import DrillRules
from stridehub.summary import Shown

_METRICS = {
    DrillKind.FOOT_PULL: (
        Shown("kickback_deg", "kickback", "deg", 0),
        Shown("heel_trail_ratio", "heel trail", "of leg", 2),
    ),
    DrillKind.START_STOP_LEAN: (
        Shown("overstride_ratio", "overstride", "of leg", 2),
        Shown("lean_deg", "pelvis lean", "deg", 1),
    ),
}
_LEAST = 5  # strides a side and time; fewer have no spread
_CLEAR_SE = 2.0  # standard errors of the difference
# The standard error of a median, in those of a mean: sqrt(pi / 2) for normal values.
_MEDIAN_ERROR = 1.2533


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of one metric: means of both sides' medians, in the metric's unit."""

    metric: str
    before: float
    after: float
    is_clear: bool  # more than strides differ by themselves
    text: str


class AfterDrill:
    """Set side by side: the last strides before the drill and the first ones after it."""

    def __init__(self, rules: DrillRules, drill: DrillKind) -> None:
        self._rules = rules
        self._metrics = _METRICS[drill]
        most = rules.following_strides
        self._before: dict[Side, deque[Stride]] = {side: deque(maxlen=most) for side in Side}
        self._after: dict[Side, list[Stride]] = {side: [] for side in Side}

    def before(self, strides: Iterable[Stride]) -> None:
        """Takes strides, oldest first; valid running ones count, the last of each side."""
        for stride in strides:
            if is_valid(stride):
                self._before[stride.side].append(stride)

    def after(self, stride: Stride) -> None:
        """Takes every stride after the drill, until there are enough of its side."""
        if is_valid(stride) and not self._is_enough(stride.side):
            self._after[stride.side].append(stride)

    def _is_enough(self, side: Side) -> bool:
        return len(self._after[side]) >= self._rules.following_strides

    @property
    def comparisons(self) -> list[Comparison]:
        """So far; without metrics that too few strides know."""
        found = [self._compared(metric) for metric in self._metrics]
        return [comparison for comparison in found if comparison is not None]

    @property
    def lines(self) -> list[str]:
        told = [comparison.text for comparison in self.comparisons]
        if not told:
            return ["too few strides before or after the drill to compare"]
        change_mps = self._speed_change_mps()
        if change_mps is None:
            return [*told, "the pace is not known: compare with care"]
        if abs(change_mps) > self._rules.like_speed_mps:
            way = "faster" if change_mps > 0.0 else "slower"
            told.append(f"the pace was {abs(change_mps):.1f} m/s {way}: compare with care")
        return told

    def _compared(self, metric: Shown) -> Comparison | None:
        change = self._change(metric.field)
        if change is None:
            return None
        before, after, error = change
        is_clear = abs(after - before) > _CLEAR_SE * error
        verdict = ("higher" if after > before else "lower") if is_clear else "no clear change"
        figures = f"{before:.{metric.decimals}f} before, {after:.{metric.decimals}f} after"
        text = f"{metric.title}: {figures} ({metric.unit}), {verdict}"
        return Comparison(metric.field, before, after, is_clear, text)

    def _change(self, field: str) -> tuple[float, float, float] | None:
        """Before, after and the standard error of their difference; each side against itself."""
        befores, afters, errors = [], [], []
        for side in Side:
            before = list(known(self._before[side], field))
            after = list(known(self._after[side], field))
            if min(len(before), len(after)) >= _LEAST:
                befores.append(median(before))
                afters.append(median(after))
                errors += [_error(before), _error(after)]
        if not befores:
            return None
        return mean(befores), mean(afters), sqrt(sum(e**2 for e in errors)) / len(befores)

    def _speed_change_mps(self) -> float | None:
        change = self._change("speed_mps")
        return None if change is None else change[1] - change[0]


def _error(values: Sequence[float]) -> float:
    return _MEDIAN_ERROR * stdev(values) / sqrt(len(values))
