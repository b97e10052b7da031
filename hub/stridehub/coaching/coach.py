"""The coach of one runner for one session: strides in, cues and what came of them out."""

import random
from collections.abc import Mapping

import msgspec

from stridehub.coaching.baseline import BaselinePhase, blended
from stridehub.coaching.cue import Cue, CueFollowUp
from stridehub.coaching.cueing import Cueing
from stridehub.coaching.memory import Baseline, Baselines, OpenSession, Responses, RunnerMemory
from stridehub.coaching.plan import Plan
from stridehub.coaching.pod_watch import Conditions
from stridehub.coaching.policy import Patience, Pauses, Schedule
from stridehub.coaching.programme import Programme
from stridehub.coaching.proof import counted
from stridehub.coaching.session import Moment, begun
from stridehub.coaching.signs import Reader
from stridehub.coaching.suppress import Suppression
from stridehub.coaching.watch import Watch
from stridehub.coaching.window import Window, is_valid
from stridehub.coaching.zones import bandwidth, bounded, leg_length_m, with_zones
from stridehub.model import CueKind, GaitEvent, RunnerProfile, Side, Stride
from stridehub.rules import CoachingRules


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
        """`seed`: of what is withheld."""
        self.profile = profile
        self.settings = rules  # as they were before a coach set a zone
        self.rules = with_zones(rules, memory.zones)
        self.plan = plan
        self.window = Window()
        self.responses: Mapping[CueKind, Responses] = {}  # of this session
        self._memory, session = begun(memory, begin, rules.load)
        self.goes_on = session is memory.session  # with that of a hub before
        self.watch = Watch(rules, self._memory, session.load, to_forefoot=plan.forefoot)
        is_same_plan = session.begun_utc_s is not None and session.plan == plan.name
        begun_s = begin.hub_of(session.begun_utc_s or 0.0) if is_same_plan else None
        self.programme = Programme(plan, rules.drills, profile, self.window, begun_s)
        self._kinds = [kind for kind in plan.cues if kind in rules.cues.kinds]
        self._last_s = begin.hub_of(session.seen_utc_s)  # the end of the last stride
        self._phase = BaselinePhase(rules.baseline)
        self._suppression = Suppression(rules.suppress)
        self._schedule = Schedule(rules.cues, self._memory.sessions_cued, session.kinds_due)
        self._pauses = Pauses(
            rules.cues, map(begin.hub_of, sorted(session.turns_utc_s)), _patience(session, begin)
        )
        self._cueing = Cueing(
            profile.runner,
            rules,
            self._kinds,
            self.window,
            self._width,
            self._schedule,
            self._pauses,
            random.Random(seed),
        )
        self._is_in_pain = session.is_in_pain
        self.is_muted = memory.is_muted  # a coach wants no cues
        self._has_baseline = session.has_baseline  # in what is kept, of this session

    # ---- what it is told ----

    def on_stride(self, stride: Stride, now: Conditions) -> CueFollowUp | None:
        """Takes every stride of the runner; the answer to the last cue, when it is known."""
        self._last_s = max(self._last_s, stride.next_ic)
        self.programme.on_stride(stride, now.now_s)
        self.window.add(stride)
        self._suppression.add(stride)
        self.watch.on_stride(stride)
        self._measure_baseline(stride, now)
        answer = self._follow(stride, now.now_s)
        if is_valid(stride):
            reader = self.reader(stride.side)
            self.watch.tally.add(stride, reader)
            self._cueing.see(stride.side, reader.signs(), now.now_s)
        self._arm(now)
        return answer

    def on_landing(self, event: GaitEvent, now: Conditions) -> Cue | None:
        """Takes every event; a cue, to be given at once or withheld."""
        armed = self._cueing.released(event, now.now_s)
        if armed is None or self.why_silent(now) is not None:
            return None
        cue = self._cueing.decide(armed, event.time_s, now.now_s)
        if not cue.withheld:
            self._suppression.cued(now.now_s)
        return cue

    def advance(self, now_s: float) -> None:
        """Time passes, with strides or without."""
        self.programme.advance(now_s)

    def clock_was_set(self, by_s: float) -> None:
        """That of people: ahead by this much, in seconds. What began by it began later."""
        if not self.goes_on:
            self.watch.clock_was_set(by_s)

    def not_felt(self, cue_s: float) -> None:
        """No motor could play the cue of that time."""
        self._cueing.not_felt(cue_s)

    def mark_pain(self, level: int) -> None:
        """Of the calves, 0..10; 0 says that it is gone. No cues in this session until then.

        Pain of rules.load.pain_pauses or more pauses the programme, over sessions, until then.
        Raises ValueError for another level.
        """
        if not 0 <= level <= 10:
            raise ValueError(f"pain is 0 to 10, not {level}")
        self._is_in_pain = level > 0
        pain = self._memory.pain
        if level == 0:
            pain = None
        elif level >= self.rules.load.pain_pauses:
            pain = max(level, pain or 0)
        self._memory = msgspec.structs.replace(self._memory, pain=pain)
        self.watch.mark_pain(pain)

    def set_zone(
        self, metric: str, low: float | None, high: float | None, speed_mps: float | None
    ) -> None:
        """Bounds at that pace, or that of now; without bounds, as the settings have it.

        Raises ValueError where no such zone can be, or the pace is not known.
        """
        zones = dict(self._memory.zones)
        zones.pop(metric, None)
        if low is not None or high is not None:
            pace_mps = speed_mps or self.speed_mps
            if pace_mps is None:
                raise ValueError("the pace is not known: nobody runs")
            rule = getattr(self.settings.zones, metric)
            zones[metric] = bounded(rule, low, high, pace_mps, leg_length_m(self.profile))
        self._memory = msgspec.structs.replace(self._memory, zones=zones)
        self.rules = with_zones(self.settings, zones)

    def finish(self) -> CueFollowUp | None:
        """No more strides come; the answer to the last cue, as far as there is one."""
        self._cueing.disarm()
        followed = self._cueing.followed
        if followed is None:
            return None
        answer = followed.give_up()
        self._cueing.answered(answer, self._last_s)
        return answer

    # ---- what it tells ----

    @property
    def last_stride_s(self) -> float:
        """Hub time at which it ended; of a session without one, that at which it began."""
        return self._last_s

    @property
    def baselines(self) -> Baselines:
        """That are kept."""
        return self._memory.baselines

    @property
    def all_responses(self) -> Mapping[CueKind, Responses]:
        """Of all sessions."""
        return self._memory.responses

    @property
    def is_armed(self) -> bool:
        """A cue waits for a foot to land."""
        return self._cueing.is_armed

    def why_silent(self, now: Conditions) -> str | None:
        """Why no cue would be given now, in words."""
        if self.is_muted:
            return "muted by a coach"
        if self._is_in_pain or self._memory.pain is not None:
            return "pain was reported"
        if not self._kinds:
            return "the plan has no cues"
        if reason := self.programme.why_no_cues(now.now_s):
            return reason
        if self.watch.is_enough:
            return "the calves have had enough"
        if not self._phase.is_over and now.is_calibrated:
            return f"baseline: {self._phase.strides} of {self._phase.needed} strides"
        return (
            self._suppression.reason(now, self.window, self._memory.baselines)
            or self._why_no_pace()
            or self._cueing.why_not_yet(now.now_s)
        )

    def reader(self, side: Side) -> Reader:
        """Zones and signs as of now."""
        count = self.rules.trigger.median_strides
        return Reader(
            self.rules,
            self.profile,
            lambda metric: self._own(side, metric),
            lambda metric: self.window.last_median(side, metric, count),
            self.speed_mps,
        )

    def _why_no_pace(self) -> str | None:
        if self.speed_mps is not None:
            return None
        if leg_length_m(self.profile) is None:
            return "no pace: no height in the settings"
        return "no pace: it takes thigh pods"

    @property
    def speed_mps(self) -> float | None:
        """The pace of the moment."""
        return self.window.speed_mps(self.rules.trigger.speed_strides)

    def memory(self, now: Moment) -> RunnerMemory:
        """To be kept: the session goes on from here when the hub comes back soon, and has ended
        when it does not."""
        begun_s = self.programme.begun_s
        patience = self._pauses.patience
        is_patient = patience.silent_until_s == float("-inf")
        session = OpenSession(
            seen_utc_s=now.utc_of(self._last_s),
            load=self.watch.load,
            plan=self.plan.name,
            has_baseline=self._has_baseline,
            begun_utc_s=None if begun_s is None else now.utc_of(begun_s),
            kinds_due=tuple(self._schedule.kinds_due),
            turns_utc_s=tuple(map(now.utc_of, self._pauses.turns_s)),
            ignored_cues=patience.ignored,
            silences=patience.silences,
            silent_until_utc_s=None if is_patient else now.utc_of(patience.silent_until_s),
            is_in_pain=self._is_in_pain,
        )
        return msgspec.structs.replace(
            self._memory,
            session=session,
            sessions_cued=self._schedule.sessions_cued,
            is_muted=self.is_muted,
        )

    # ---- baseline and follow-up ----

    def _measure_baseline(self, stride: Stride, now: Conditions) -> None:
        if not stride.is_running:
            return
        is_measured = now.is_calibrated and stride.kickback_deg is not None
        is_steady = is_measured and is_valid(stride) and self._suppression.is_steady
        if self._phase.running(stride, is_steady=is_steady) and not self._has_baseline:
            self._has_baseline = True
            share = self.rules.baseline.new_share
            kept = blended(self._memory.baselines, self._phase.result(), share)
            self._memory = msgspec.structs.replace(self._memory, baselines=kept)

    def _own(self, side: Side, metric: str) -> Baseline | None:
        return self._memory.baselines.get(side, {}).get(metric)

    def _width(self, side: Side, metric: str, value: float) -> float:
        return bandwidth(self.rules.trigger, metric, self._own(side, metric), value)

    def _follow(self, stride: Stride, now_s: float) -> CueFollowUp | None:
        followed = self._cueing.followed
        answer = followed.add(stride) if followed else None
        if answer is None:
            return None
        self._cueing.answered(answer, now_s)
        self.responses = counted(self.responses, answer)
        kept = counted(self._memory.responses, answer)
        self._memory = msgspec.structs.replace(self._memory, responses=kept)
        return answer

    def _arm(self, now: Conditions) -> None:
        if self.why_silent(now) is None:
            self._cueing.arm(now.now_s)
        else:
            self._cueing.disarm()


def _patience(session: OpenSession, begin: Moment) -> Patience:
    """As it was when the hub went."""
    until_s = session.silent_until_utc_s
    return Patience(
        session.ignored_cues,
        session.silences,
        float("-inf") if until_s is None else begin.hub_of(until_s),
    )
