"""What is watched of a runner, told, and never cued."""

from collections.abc import Sequence

from stridehub.coaching.drift import Fading
from stridehub.coaching.explain import Explanation
from stridehub.coaching.load import CalfLoad, Guard, transition_guard
from stridehub.coaching.memory import RunnerMemory, SessionLoad
from stridehub.coaching.strike import FootStrike
from stridehub.coaching.tally import ZoneTally
from stridehub.model import Stride
from stridehub.rules import CoachingRules

_GUARD_STRIDES = 20  # of a side, after which the load is looked at anew


class Watch:
    """Of one session."""

    def __init__(
        self, rules: CoachingRules, memory: RunnerMemory, load: SessionLoad, *, to_forefoot: bool
    ) -> None:
        """`load`: of the session so far; `to_forefoot`: the plan's goal."""
        self.tally = ZoneTally()
        self.strike = FootStrike(rules.strike)
        self.fading = Fading(rules.drift)
        self.explanation = Explanation(rules.explain)
        self._rules = rules.load
        self._to_forefoot = to_forefoot
        self._has_had_forefoot = memory.has_had_forefoot
        self._earlier: Sequence[SessionLoad] = memory.loads
        self._pain = memory.pain
        self._load = CalfLoad(rules.load, load)
        self.is_enough = self.guard.is_reached  # for the calves; looked at now and then

    @property
    def load(self) -> SessionLoad:
        """Of the session so far."""
        return self._load.session

    def on_stride(self, stride: Stride) -> None:
        self.strike.on_stride(stride)
        self._load.on_stride(stride, self.strike.of(stride.side))
        self.fading.on_stride(stride)
        self.explanation.on_stride(stride)
        if stride.index % _GUARD_STRIDES == 0:
            self.is_enough = self.guard.is_reached

    def clock_was_set(self, by_s: float) -> None:
        """Other sessions may be those of the last days."""
        self._load.clock_was_set(by_s)
        self.is_enough = self.guard.is_reached

    def mark_pain(self, pain: int | None) -> None:
        self._pain = pain
        self.is_enough = self.guard.is_reached

    @property
    def guard(self) -> Guard:
        """The calves' load, and how much of it is enough, as of now."""
        return transition_guard(
            self._rules,
            self._load.session,
            self._earlier,
            has_forefoot_goal=self._to_forefoot,
            has_had_forefoot=self._has_had_forefoot,
            pain=self._pain,
        )
