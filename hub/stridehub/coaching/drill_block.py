"""A plan's drill: repetitions while it lasts, then the running before it against that after it."""

from collections.abc import Iterable

from stridehub.coaching.after_drill import AfterDrill
from stridehub.coaching.angles import Confidences, Series
from stridehub.coaching.foot_pull import FootPull, FootPullResult
from stridehub.coaching.lean_start import LeanResult, LeanStart
from stridehub.coaching.plan import DrillKind
from stridehub.model import RunnerProfile, Stride
from stridehub.rules import DrillRules

_COUNTERS: dict[DrillKind, type[FootPull] | type[LeanStart]] = {
    DrillKind.FOOT_PULL: FootPull,
    DrillKind.START_STOP_LEAN: LeanStart,
}
TITLES = {DrillKind.FOOT_PULL: "foot pull", DrillKind.START_STOP_LEAN: "start-stop lean"}


class DrillBlock:
    """One of a runner's session."""

    def __init__(
        self,
        kind: DrillKind,
        rules: DrillRules,
        profile: RunnerProfile,
        from_s: float,
        before: Iterable[Stride],
    ) -> None:
        """From hub time `from_s` on; `before`: the last strides, oldest first."""
        self.kind = kind
        self.is_over = False
        self._counter = _COUNTERS[kind](rules, profile, from_s)
        self._running = AfterDrill(rules, kind)
        self._running.before(before)

    def update(self, series: Series, confidence: Confidences) -> None:
        """Takes the series of the pods as they are now."""
        self._counter.update(series, confidence)

    def after(self, stride: Stride) -> None:
        """Takes strides once it is over."""
        self._running.after(stride)

    @property
    def result(self) -> FootPullResult | LeanResult:
        """So far."""
        return self._counter.result

    @property
    def lines(self) -> list[str]:
        """In words: the repetitions, then what has become of the running."""
        told = [f"{TITLES[self.kind]}: {line}" for line in self.result.lines]
        return [*told, *self._running.lines] if self.is_over else told
