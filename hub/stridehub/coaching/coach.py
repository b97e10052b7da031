"""The coach of one runner for one session: strides in, cues and what came of them out."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from stridehub.coaching.baseline import BaselinePhase, blended
from stridehub.coaching.cue import Cue, CueFollowUp, Withheld
from stridehub.coaching.follow_up import FollowUp
from stridehub.coaching.memory import Baselines, OpenSession, Responses, RunnerMemory
from stridehub.coaching.plan import Plan
from stridehub.coaching.pod_watch import Conditions
from stridehub.coaching.policy import (
    Bandwidth,
    Chances,
    Pauses,
    scheduled_share,
    where_it_buzzes,
)
from stridehub.coaching.proof import counted
from stridehub.coaching.session import Moment, begun
from stridehub.coaching.signs import Reader, Sign
from stridehub.coaching.suppress import Suppression
from stridehub.coaching.window import Window, is_valid
from stridehub.coaching.zones import bandwidth
from stridehub.model import CueKind, EventKind, GaitEvent, RunnerProfile, Side, Stride
from stridehub.rules import CoachingRules


@dataclass(frozen=True, slots=True)
class _Armed:
    """A cue that waits for the faulty foot to land."""

    side: Side
    sign: Sign
    until_s: float


class Coach:
    """Pure: time comes in with what it is told."""

    def __init__(
        self,
        profile: RunnerProfile,
        rules: CoachingRules,
        plan: Plan,
        memory: RunnerMemory,
        begin: Moment,
        seed: int,
    ) -> None:
        self.profile = profile
        self.rules = rules
        self.plan = plan
        self.window = Window()
        self.responses: Mapping[CueKind, Responses] = {}  # of this session
        self._memory = begun(memory, begin)
        self._begin = begin
        self._dice = random.Random(seed)
        self._phase = BaselinePhase(rules.baseline)
        self._suppression = Suppression(rules.suppress)
        self._bandwidth = Bandwidth(rules.trigger)
        assert self._memory.session is not None
        self._kinds_due = list(self._memory.session.kinds_due)
        self._pauses = Pauses(
            rules.cues, map(begin.hub_of, sorted(self._memory.session.turns_utc_s))
        )
        self._armed: _Armed | None = None
        self._followed: FollowUp | None = None
        self._is_in_pain = False

    # ---- what it is told ----

    def on_stride(self, stride: Stride, now: Conditions) -> CueFollowUp | None:
        """Takes every stride of the runner; the answer to the last cue, when it is known."""
        self.window.add(stride)
        self._suppression.add(stride)
        self._measure_baseline(stride, now)
        answer = self._follow(stride, now.now_s)
        self._look(stride)
        self._arm(now)
        return answer

    def on_landing(self, event: GaitEvent, now: Conditions) -> Cue | None:
        """Takes every event; a cue, to be given at once or withheld."""
        armed = self._armed
        if armed is None or event.refined or event.kind is not EventKind.INITIAL_CONTACT:
            return None
        if now.now_s > armed.until_s:
            self._armed = None
            return None
        is_late = now.now_s - event.time_s > self.rules.cues.most_latency_s
        if event.side is not armed.side or is_late:
            return None
        self._armed = None
        return None if self.why_silent(now) else self._decide(armed, event, now)

    def not_felt(self, cue_s: float) -> None:
        """No motor could play the cue of that time: what follows says nothing of cues."""
        followed = self._followed
        if followed is not None and followed.cue.t == cue_s:
            followed.cue = msgspec.structs.replace(
                followed.cue, withheld=True, why_withheld=Withheld.NO_MOTOR
            )

    def mark_pain(self, level: int) -> None:
        """Of 10; 0 says that it is gone. No cues in this session after any pain.

        Pain of rules.load.pain_pauses or more pauses the programme until it is said to be gone.
        """
        self._is_in_pain = level > 0
        pain = self._memory.pain
        if level == 0:
            pain = None
        elif level >= self.rules.load.pain_pauses:
            pain = max(level, pain or 0)
        self._memory = msgspec.structs.replace(self._memory, pain=pain)

    def finish(self) -> CueFollowUp | None:
        """No more strides come."""
        followed, self._followed = self._followed, None
        self._armed = None
        return followed.give_up() if followed else None

    # ---- what it tells ----

    @property
    def is_armed(self) -> bool:
        """A cue waits for a foot to land."""
        return self._armed is not None

    @property
    def baselines(self) -> Baselines:
        return self._memory.baselines

    def why_silent(self, now: Conditions) -> str | None:
        """Why no cue would be given now, in words."""
        if self._is_in_pain or self._memory.pain is not None:
            return "pain was reported"
        if not self._kinds:
            return "the plan has no cues"
        if not self.plan.allows_cues(now.now_s - self._begin.hub_s):
            block = self.plan.block_at(now.now_s - self._begin.hub_s)
            return f"block: {block.kind.value.replace('_', ' ')}" if block else "the plan is over"
        if not self._phase.is_over:
            return f"baseline: {self._phase.strides} of {self._phase.needed} strides"
        if reason := self._suppression.reason(now, self.window, self.baselines):
            return reason
        if self._followed is not None:
            return "the last cue is followed up"
        return self._pauses.reason(now.now_s)

    def reader(self, side: Side) -> Reader:
        """Zones and signs as of now."""
        own = self.baselines.get(side, {})
        count = self.rules.trigger.median_strides
        return Reader(
            self.rules,
            self.profile,
            own.get,
            lambda metric: self.window.last_median(side, metric, count),
            self.window.speed_mps(self.rules.trigger.speed_strides),
        )

    def memory(self, now: Moment) -> RunnerMemory:
        """To be kept: the session goes on from here when the hub comes back soon, and has ended
        when it does not."""
        assert self._memory.session is not None
        session = OpenSession(
            seen_utc_s=now.utc_s,
            load=self._memory.session.load,
            kinds_due=tuple(self._kinds_due),
            turns_utc_s=tuple(map(now.utc_of, self._pauses.turns_s)),
        )
        return msgspec.structs.replace(self._memory, session=session)

    # ---- baseline ----

    def _measure_baseline(self, stride: Stride, now: Conditions) -> None:
        if not stride.is_running:
            return
        is_steady = now.is_calibrated and is_valid(stride) and self._suppression.is_steady
        if self._phase.running(stride, is_steady=is_steady):
            kept = blended(self.baselines, self._phase.result(), self.rules.baseline.new_share)
            self._memory = msgspec.structs.replace(self._memory, baselines=kept)

    # ---- cues ----

    @property
    def _kinds(self) -> list[CueKind]:
        return [kind for kind in self.plan.cues if kind in self.rules.cues.kinds]

    def _look(self, stride: Stride) -> None:
        if is_valid(stride):
            self._bandwidth.update(stride.side, self.reader(stride.side).signs())

    def _arm(self, now: Conditions) -> None:
        self._armed = None
        urgent = self._bandwidth.most_urgent(self._kinds)
        if urgent is not None and self.why_silent(now) is None:
            self._armed = _Armed(*urgent, now.now_s + self.rules.cues.most_wait_s)

    def _decide(self, armed: _Armed, event: GaitEvent, now: Conditions) -> Cue:
        why_withheld = self._chances(armed.sign.kind).why_withheld(self._dice)
        cue = Cue(
            t=now.now_s,
            runner=self.profile.runner,
            kind=armed.sign.kind,
            side=where_it_buzzes(self.rules.trigger, armed.sign, armed.side, self.window),
            metric=armed.sign.metric,
            value=armed.sign.value,
            zone=armed.sign.zone,
            fault_side=armed.side,
            withheld=why_withheld is not None,
            why_withheld=why_withheld,
            foot_strike_s=event.time_s,
            arrival_s=now.now_s,
        )
        self._pauses.turn(now.now_s)
        if why_withheld is None:
            self._suppression.cued(now.now_s)
        self._followed = FollowUp(
            self.rules.follow_up,
            cue,
            armed.sign.position,
            self.window.last(armed.side, self.rules.follow_up.before_strides),
            lambda metric: self._width(armed.side, metric),
        )
        return cue

    def _width(self, side: Side, metric: str) -> float:
        own = self.baselines.get(side, {}).get(metric)
        value = self.window.last_median(side, metric, self.rules.trigger.median_strides) or 0.0
        return bandwidth(self.rules.trigger, metric, own, value)

    def _chances(self, kind: CueKind) -> Chances:
        """The session counts for the schedule from the first cue of the kind on."""
        earlier = self._memory.sessions_cued.get(kind, 0)
        if kind in self._kinds_due:
            earlier -= 1
        else:
            self._kinds_due.append(kind)
            cued = {**self._memory.sessions_cued, kind: earlier + 1}
            self._memory = msgspec.structs.replace(self._memory, sessions_cued=cued)
        return Chances(self.rules.cues, scheduled_share(self.rules.cues, earlier))

    def _follow(self, stride: Stride, now_s: float) -> CueFollowUp | None:
        if self._followed is None:
            return None
        answer = self._followed.add(stride)
        if answer is None:
            return None
        self._followed = None
        if not answer.withheld:
            self._pauses.answered(answer.response, now_s)
        self.responses = counted(self.responses, answer)
        kept = counted(self._memory.responses, answer)
        self._memory = msgspec.structs.replace(self._memory, responses=kept)
        return answer
