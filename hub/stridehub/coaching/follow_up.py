"""Whether a cue has changed anything: the strides after it against those before."""

import math
from collections.abc import Callable, Sequence
from statistics import median

from stridehub.coaching.cue import Cue, CueFollowUp, Response
from stridehub.coaching.window import is_valid, known, median_of
from stridehub.coaching.zones import ZONE_METRICS, Position
from stridehub.model import Stride
from stridehub.rules import FollowUpRules

_SAME_S = 0.1  # a stride that begins this close to the foot strike of a cue begins with it


class FollowUp:
    """One cue, until its answer is known."""

    def __init__(
        self,
        rules: FollowUpRules,
        cue: Cue,
        wrong: Position,
        before: Sequence[Stride],
        width: Callable[[str, float], float],
    ) -> None:
        """`wrong`: where the fault lies; `before`: valid strides of the faulty side, newest last;
        `width`: of a metric at a value, the bandwidth."""
        self._rules = rules
        self.cue = cue
        self._wrong = wrong
        self._before = before[-rules.before_strides :]
        self._width = width
        self._after: list[Stride] = []
        self._counted = 0

    def add(self, stride: Stride) -> CueFollowUp | None:
        """The answer, once enough strides of the faulty side have followed."""
        cue = self.cue
        if stride.next_ic - cue.foot_strike_s > self._rules.most_s:
            return self.give_up()
        if stride.side is not cue.fault_side or stride.ic < cue.foot_strike_s - _SAME_S:
            return None
        self._counted += 1
        if self._counted >= self._rules.from_stride and is_valid(stride):
            self._after.append(stride)
        return self._answer() if self._counted >= self._rules.to_stride else None

    def give_up(self) -> CueFollowUp:
        """Nothing more comes."""
        return self._told(Response.UNKNOWN, None)

    def _answer(self) -> CueFollowUp:
        looked_at = self._rules.to_stride - self._rules.from_stride + 1
        values = list(known(self._after, self.cue.metric))
        before = median_of(self._before, self.cue.metric)
        if before is None or len(values) < math.ceil(looked_at / 2):
            return self.give_up()
        change = median(values) - before
        better = -change if self._wrong is Position.ABOVE else change
        enough = self._rules.response_sd * self._width(self.cue.metric, before)
        if better > enough:
            return self._told(Response.RESPONDED, change)
        return self._told(Response.WORSE if better < -enough else Response.NO_CHANGE, change)

    def _told(self, response: Response, change: float | None) -> CueFollowUp:
        cue = self.cue
        return CueFollowUp(
            t=cue.t,
            runner=cue.runner,
            kind=cue.kind,
            side=cue.side,
            metric=cue.metric,
            withheld=cue.withheld,
            why_withheld=cue.why_withheld,
            response=response,
            change=change,
            side_effects={} if change is None else self._side_effects(),
        )

    def _side_effects(self) -> dict[str, float]:
        found = {}
        for metric in ZONE_METRICS:
            before, after = median_of(self._before, metric), median_of(self._after, metric)
            if metric == self.cue.metric or before is None or after is None:
                continue
            if abs(after - before) > self._rules.side_effect_sd * self._width(metric, before):
                found[metric] = after - before
        return found
