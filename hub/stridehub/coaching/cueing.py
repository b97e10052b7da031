"""From signs to cues, and from cues to what came of them: one at a time."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from stridehub.coaching.cue import Cue, CueFollowUp, Withheld
from stridehub.coaching.follow_up import FollowUp
from stridehub.coaching.policy import Bandwidth, Pauses, Schedule, where_it_buzzes, why_withheld
from stridehub.coaching.signs import Sign
from stridehub.coaching.window import Window
from stridehub.model import CueKind, EventKind, GaitEvent, Side
from stridehub.rules import CoachingRules


@dataclass(frozen=True, slots=True)
class Armed:
    """A cue that waits for the faulty foot to land."""

    side: Side
    sign: Sign
    until_s: float


class Cueing:
    """Of one runner and session."""

    def __init__(
        self,
        runner: str,
        rules: CoachingRules,
        kinds: Sequence[CueKind],
        window: Window,
        width: Callable[[Side, str, float], float],
        schedule: Schedule,
        pauses: Pauses,
        dice: random.Random,
    ) -> None:
        """`width`: of a side's metric at a value, the bandwidth."""
        self._runner = runner
        self._rules = rules
        self._kinds = kinds
        self._window = window
        self._width = width
        self._schedule = schedule
        self._pauses = pauses
        self._dice = dice
        self._bandwidth = Bandwidth(rules.trigger)
        self._armed: Armed | None = None
        self._followed: FollowUp | None = None
        self._is_first = False  # of its kind in this session

    @property
    def is_armed(self) -> bool:
        return self._armed is not None

    def why_not_yet(self, now_s: float) -> str | None:
        """In words; None where it may be time for a cue."""
        if self._followed is not None:
            return "following up the last cue"
        return self._pauses.reason(now_s)

    def see(self, side: Side, signs: Iterable[Sign], now_s: float) -> None:
        """What the last strides of a side show."""
        self._bandwidth.update(side, signs, now_s)

    def arm(self, now_s: float) -> None:
        """The most urgent cue that is due waits for its foot; one that waited is forgotten."""
        urgent = self._bandwidth.most_urgent(self._kinds, now_s)
        self._armed = urgent and Armed(*urgent, now_s + self._rules.cues.most_wait_s)

    def disarm(self) -> None:
        self._armed = None

    def released(self, event: GaitEvent, now_s: float) -> Armed | None:
        """The cue that has waited for this event, and waits no more."""
        armed = self._armed
        if armed is None or event.refined or event.kind is not EventKind.INITIAL_CONTACT:
            return None
        is_late = now_s - event.time_s > self._rules.cues.most_latency_s
        if now_s <= armed.until_s and (event.side is not armed.side or is_late):
            return None
        self._armed = None
        return armed if now_s <= armed.until_s else None

    def decide(self, armed: Armed, foot_strike_s: float, now_s: float) -> Cue:
        """Given or withheld; its follow-up begins."""
        sign, side = armed.sign, armed.side
        why = why_withheld(self._rules.cues, self._schedule.share(sign.kind), self._dice)
        cue = Cue(
            t=now_s,
            runner=self._runner,
            kind=sign.kind,
            side=where_it_buzzes(self._rules.trigger, sign, side, self._window),
            metric=sign.metric,
            value=sign.value,
            zone=sign.zone,
            withheld=why is not None,
            why_withheld=why,
            fault_side=side,
            foot_strike_s=foot_strike_s,
            arrival_s=now_s,
        )
        self._is_first = self._schedule.count(sign.kind)
        self._pauses.turn(now_s)
        before = self._window.lately(side, self._rules.follow_up.before_strides)
        self._followed = FollowUp(
            self._rules.follow_up,
            cue,
            sign.position,
            before,
            lambda metric, value: self._width(side, metric, value),
        )
        return cue

    def not_felt(self, cue_s: float) -> None:
        """No motor could play the cue of that time: what follows says nothing of cues."""
        followed = self._followed
        if followed is not None and followed.cue.t == cue_s:
            followed.cue = msgspec.structs.replace(
                followed.cue, withheld=True, why_withheld=Withheld.NO_MOTOR
            )
            if self._is_first:
                self._schedule.uncount(followed.cue.kind)

    @property
    def followed(self) -> FollowUp | None:
        """The cue whose answer is awaited."""
        return self._followed

    def answered(self, answer: CueFollowUp, now_s: float) -> None:
        """The cue that was followed has its answer."""
        self._followed = None
        if not answer.withheld:
            self._pauses.answered(answer.response, now_s)
