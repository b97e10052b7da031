"""How a runner runs when nobody interferes: measured at the start of every session, and kept."""

from collections.abc import Mapping
from statistics import median, stdev

from stridehub.coaching.memory import Baseline, Baselines
from stridehub.coaching.window import known, median_of
from stridehub.coaching.zones import ZONE_METRICS
from stridehub.model import Side, Stride
from stridehub.rules import BaselineRules

BASELINE_METRICS = (*ZONE_METRICS, "stride_time_ms")


class BaselinePhase:
    """The first steady strides of a session."""

    def __init__(self, rules: BaselineRules) -> None:
        self._rules = rules
        self._strides: dict[Side, list[Stride]] = {side: [] for side in Side}
        self._ran_s = 0.0
        self._ran_until_s = float("-inf")
        self.is_over = rules.strides == 0

    @property
    def strides(self) -> int:
        return sum(map(len, self._strides.values()))

    @property
    def needed(self) -> int:
        return self._rules.strides

    def running(self, stride: Stride, *, is_steady: bool) -> bool:
        """Takes a running stride; whether this one ended the phase."""
        if self.is_over:
            return False
        self._ran_s += max(stride.next_ic - max(stride.ic, self._ran_until_s), 0.0)
        self._ran_until_s = max(self._ran_until_s, stride.next_ic)
        if is_steady:
            self._strides[stride.side].append(stride)
        self.is_over = self.strides >= self._rules.strides or self._ran_s >= self._rules.seconds
        return self.is_over

    def result(self) -> Baselines:
        """Of metrics that enough strides knew."""
        return {
            side: {
                metric: baseline
                for metric in BASELINE_METRICS
                if (baseline := self._of(strides, metric)) is not None
            }
            for side, strides in self._strides.items()
        }

    def _of(self, strides: list[Stride], metric: str) -> Baseline | None:
        values = list(known(strides, metric))
        if len(values) < max(self._rules.least_strides, 2):
            return None
        speed_mps = median_of(strides, "speed_mps")
        is_pace = speed_mps is not None and speed_mps > 0.0
        return Baseline(median(values), stdev(values), speed_mps if is_pace else None, len(values))


def blended(kept: Baselines, new: Baselines, new_share: float) -> Baselines:
    """What was kept from earlier sessions follows what this one has shown."""
    return {side: _blended(kept.get(side, {}), new.get(side, {}), new_share) for side in Side}


def _blended(
    kept: Mapping[str, Baseline], new: Mapping[str, Baseline], share: float
) -> dict[str, Baseline]:
    both = {metric: _mixed(kept[metric], new[metric], share) for metric in kept.keys() & new.keys()}
    return {**kept, **new, **both}


def _mixed(old: Baseline, new: Baseline, share: float) -> Baseline:
    def mix(before: float, now: float) -> float:
        return before + share * (now - before)

    if old.speed_mps is None or new.speed_mps is None:
        return new
    return Baseline(
        mix(old.median, new.median),
        mix(old.sd, new.sd),
        mix(old.speed_mps, new.speed_mps),
        new.strides,
    )
