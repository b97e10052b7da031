"""Where a session stands in its plan."""

from stridehub.coaching.drill_block import DrillBlock
from stridehub.coaching.plan import Plan
from stridehub.coaching.window import Window
from stridehub.model import RunnerProfile, Stride
from stridehub.rules import DrillRules


class Programme:
    """The plan counts from the first running stride on."""

    def __init__(
        self,
        plan: Plan,
        rules: DrillRules,
        profile: RunnerProfile,
        window: Window,
        begun_s: float | None,
    ) -> None:
        """`begun_s`: hub time of the first running stride, where there has been one."""
        self.begun_s = begun_s
        self.drills: list[DrillBlock] = []  # the newest last
        self._plan = plan
        self._rules = rules
        self._profile = profile
        self._window = window
        self._block = -1

    def on_stride(self, stride: Stride, now_s: float) -> None:
        if self.begun_s is None and stride.is_running:
            self.begun_s = stride.ic
        self.advance(now_s)
        if self.drills and self.drills[-1].is_over:
            self.drills[-1].after(stride)

    def advance(self, now_s: float) -> None:
        """Enters the block whose time has come."""
        number = self._plan.block_number(self._session_s(now_s))
        if number == self._block:
            return
        self._block = number
        if self.drills:
            self.drills[-1].is_over = True
        block = self._plan.block_at(self._session_s(now_s))
        if block is not None and block.drill is not None:
            before = self._window.last(None, 2 * self._rules.following_strides)
            drill = DrillBlock(block.drill, self._rules, self._profile, now_s, before)
            self.drills.append(drill)

    def _session_s(self, now_s: float) -> float:
        return 0.0 if self.begun_s is None else now_s - self.begun_s

    @property
    def drill(self) -> DrillBlock | None:
        """That wants to know how the limbs move, while it lasts."""
        return self.drills[-1] if self.drills and not self.drills[-1].is_over else None

    def why_no_cues(self, now_s: float) -> str | None:
        """In words; None where the plan has them now."""
        if self._plan.allows_cues(self._session_s(now_s)):
            return None
        block = self._plan.block_at(self._session_s(now_s))
        return block.kind.value.replace("_", " ") if block else "the plan is over"
