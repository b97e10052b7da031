"""Runners with their coaches: what the kernels find goes to the coach first, then to the others.

A buzz waits for nobody.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from math import ceil
from pathlib import Path

import msgspec

from stridehub.app import OnEvent, OnStride, Pipeline
from stridehub.coaching.angles import Confidences, Series
from stridehub.coaching.coach import Coach
from stridehub.coaching.cue import Cue, CueFollowUp, Withheld
from stridehub.coaching.memory import RunnerMemory
from stridehub.coaching.plan import Plan, ready_made_plan
from stridehub.coaching.pod_watch import Conditions, PodWatch
from stridehub.coaching.session import RESUME_S, Moment, ended
from stridehub.config import HubConfig, is_file, load_toml
from stridehub.errors import ConfigError, MotorError
from stridehub.haptics.driver import Buzz, HapticDriver
from stridehub.haptics.patterns import pattern_of
from stridehub.model import CueKind, CueSide, GaitEvent, RunnerProfile, Stride
from stridehub.rules import CoachingRules, Layer, rules
from stridehub.threads import HandOver
from stridehub.timing import CUE_EDGE_S

_LOOKS = 4  # after which all runners in a drill have been looked at

log = logging.getLogger(__name__)

OnCue = Callable[[Cue], None]
OnFollowUp = Callable[[CueFollowUp], None]

# Where nobody chose a plan.
OPEN_PLAN = Plan(name="open", goal="Every cue, all session long.", cues=tuple(CueKind))


def plan_of(name: str | None) -> Plan:
    """A ready-made plan, or that of a .toml file. Raises ConfigError."""
    if name is None:
        return OPEN_PLAN
    if is_file(name):
        return load_toml(Path(name), Plan)
    return ready_made_plan(name)


def rules_of(config: HubConfig, runner: str, plan: Plan) -> CoachingRules:
    """The numbers in force. Raises ConfigError."""
    try:
        return rules(*config.layers(runner), Layer("session", plan.coaching))
    except msgspec.ValidationError as error:
        raise ConfigError(plan.name, f"coaching: {error}") from error


def check_plans(config: HubConfig) -> None:
    """Raises ConfigError where a plan that is named is not there, or not good."""
    for runner in ("", *(settings.runner or "" for settings in config.runners)):
        rules_of(config, runner, plan_of(config.plan_name(runner)))


class Clocks:
    """Hub time, and the time that people share."""

    def __init__(
        self,
        hub_clock: Callable[[], float] = time.monotonic,
        utc_s: Callable[[], float] = time.time,
    ) -> None:
        self._hub_clock = hub_clock
        self._utc_s = utc_s

    def hub_s(self, monotonic_s: float) -> float:
        """Hub time at that moment of time.monotonic()."""
        return self._hub_clock() + monotonic_s - time.monotonic()

    def utc_s(self) -> float:
        """Unix time."""
        return self._utc_s()

    def now(self) -> Moment:
        return Moment(self.hub_s(time.monotonic()), self.utc_s())


class PacketTime(Clocks):
    """Of packets that are played, not received: time stands still while one is looked at."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        self._pipeline = pipeline

    def hub_s(self, monotonic_s: float) -> float:
        return self._pipeline.now_s

    def utc_s(self) -> float:
        """Begins in 1970, so that a recording gives the same each time."""
        return self._pipeline.now_s


class Team:
    """Everything between packets and those who want events, strides and cues."""

    def __init__(
        self,
        config: HubConfig,
        driver: HapticDriver,
        *,
        on_event: Sequence[OnEvent] = (),
        on_stride: Sequence[OnStride] = (),
        on_cue: Sequence[OnCue] = (),
        on_follow_up: Sequence[OnFollowUp] = (),
        clocks: Clocks | None = None,
        hand_over: HandOver = lambda call: call(),
        seed: int | None = None,
    ) -> None:
        """`clocks`: PacketTime where there are none; `hand_over` makes a call from a driver's
        thread where all others are made; `seed` makes the same cues withheld each time.
        """
        self.pipeline = Pipeline([self._on_event, *on_event], [self._on_stride, *on_stride])
        self.coaches: dict[str, Coach] = {}
        self._config = config
        self._driver = driver
        self._on_cue = tuple(on_cue)
        self._on_follow_up = tuple(on_follow_up)
        self._clocks = clocks or PacketTime(self.pipeline)
        self._hand_over = hand_over
        self._seeds = random.Random(seed)
        self._watches: dict[str, PodWatch] = {}
        self._played: dict[str, Cue] = {}  # by runner: edges that are awaited
        self._changed: set[str] = set()  # whose coach knows more than was kept
        self._looked = 0  # runners, at how their limbs move
        self._is_over = False
        self.is_between_sessions = False

    def add_runner(
        self, profile: RunnerProfile, memory: RunnerMemory | None = None, *, may_cue: bool = True
    ) -> None:
        """Raises ConfigError, ProfileError."""
        runner = profile.runner
        plan = plan_of(self._config.plan_name(runner))
        if not may_cue:
            plan = msgspec.structs.replace(plan, cues=())
        chosen = rules_of(self._config, runner, plan)
        self.pipeline.add_runner(profile)
        self._watches[runner] = PodWatch(chosen.suppress)
        self._begin_session(profile, chosen, plan, memory or RunnerMemory())

    def _begin_session(
        self, profile: RunnerProfile, chosen: CoachingRules, plan: Plan, memory: RunnerMemory
    ) -> None:
        seed = self._seeds.getrandbits(32)
        self.coaches[profile.runner] = Coach(
            profile, chosen, plan, memory, self._clocks.now(), seed
        )
        log.info("%s: plan %r; cues are withheld by seed %d", profile.runner, plan.name, seed)

    def mark_pain(self, runner: str, level: int) -> None:
        """As Coach.mark_pain. Raises KeyError, ValueError."""
        self.coaches[runner].mark_pain(level)
        self._changed.add(runner)

    def set_zone(
        self,
        runner: str,
        metric: str,
        low: float | None,
        high: float | None,
        speed_mps: float | None,
    ) -> None:
        """As Coach.set_zone. Raises KeyError, ValueError."""
        self.coaches[runner].set_zone(metric, low, high, speed_mps)
        self._changed.add(runner)

    def mute(self, runner: str, *, is_muted: bool) -> None:
        """Raises KeyError."""
        self.coaches[runner].is_muted = is_muted
        self._changed.add(runner)

    def test_buzz(self, runner: str, side: CueSide) -> None:
        """At once, whatever the coach is at. Raises MotorError."""
        intensity = self._config.intensity_percent(runner)
        pattern = pattern_of(CueKind.OVERSTRIDE, intensity, self._config.haptics)
        if not self._driver.play(Buzz(pattern), runner, side, lambda edge_s: None):
            raise MotorError(runner, self._driver.trouble(runner) or "no motor there")

    def why_silent(self, runner: str) -> str | None:
        """Why the runner would not be cued now, in words."""
        if self.is_between_sessions:
            return "no session is under way"
        return self.coaches[runner].why_silent(self.conditions(runner))

    def trouble(self, runner: str) -> str | None:
        """Why the runner cannot be made to feel anything."""
        return self._driver.trouble(runner)

    def begin_session(self) -> None:
        """A new one for everybody; one under way ends."""
        for coach in list(self.coaches.values()):
            self._renew(coach, is_new=True)
        self.is_between_sessions = False

    def clock_was_set(self, by_s: float) -> None:
        """That of people, ahead by this much."""
        for runner, coach in self.coaches.items():
            coach.clock_was_set(by_s)
            self._changed.add(runner)

    def end_session(self) -> None:
        """Strides are measured still, and nothing buzzes until begin_session."""
        self.is_between_sessions = True
        self._driver.stop_all()
        self._settle()

    def conditions(self, runner: str) -> Conditions:
        """As of the newest packet of all."""
        statuses = self.pipeline.kernels[runner].statuses()
        return self._watches[runner].look(self.pipeline.now_s, statuses)

    def advance(self, now_s: float) -> None:
        """Hub time passes, with or without packets."""
        self.pipeline.advance(now_s)
        self.look(now_s)

    def look(self, now_s: float) -> None:
        """At what is told by no stride: how limbs move in a drill, and motors that do not."""
        for coach in self.coaches.values():
            coach.advance(now_s)
        for runner in self._some(list(self.coaches)):
            drill = self.coaches[runner].programme.drill
            if drill is not None:
                drill.update(*self._motion(runner))
        for cue in list(self._played.values()):
            if now_s - cue.arrival_s > CUE_EDGE_S:
                self._not_felt(cue)

    def _some(self, runners: Sequence[str]) -> Iterator[str]:
        """A few at a time, in turn: a look takes a while, and the kernel keeps 2.5 s."""
        for _ in range(ceil(len(runners) / _LOOKS)):
            yield runners[self._looked % len(runners)]
            self._looked += 1

    def _motion(self, runner: str) -> tuple[Series, Confidences]:
        kernel = self.pipeline.kernels[runner]
        statuses = list(kernel.statuses())
        series = {s.placement: kernel.series(pod)[:2] for pod, s in enumerate(statuses)}
        return series, {s.placement: s.alignment_confidence for s in statuses}

    def silence(self) -> None:
        """Nothing buzzes any more; strides are measured still."""
        self._is_over = True
        self._driver.stop_all()

    def finish(self) -> None:
        """No more packets come."""
        self.silence()
        self.pipeline.finish()
        self._settle()

    def _settle(self) -> None:
        """Cues whose edge is awaited, and answers to those that were given."""
        for cue in list(self._played.values()):
            self._not_felt(cue)
        for coach in self.coaches.values():
            self._tell(coach.finish())

    def to_keep(self) -> dict[str, RunnerMemory]:
        """What coaches remember as of now, of those who know more than at the last call."""
        now = self._clocks.now()
        changed, self._changed = self._changed, set()
        return {runner: self.coaches[runner].memory(now) for runner in changed}

    # ---- what the kernels find ----

    def _on_event(self, runner: str, event: GaitEvent) -> None:
        coach = self.coaches[runner]
        if self._is_over or self.is_between_sessions or not coach.is_armed:
            return
        cue = coach.on_landing(event, self.conditions(runner))
        if cue is not None:
            self._decided(coach, cue)

    def _on_stride(self, stride: Stride) -> None:
        coach = self.coaches[stride.runner]
        if stride.ic - coach.last_stride_s > RESUME_S:
            coach = self._renew(coach)
        self._changed.add(stride.runner)
        self._tell(coach.on_stride(stride, self.conditions(stride.runner)))

    def _renew(self, coach: Coach, *, is_new: bool = False) -> Coach:
        """The runner is back after so long that it is another session, or somebody said so."""
        self._tell(coach.finish())
        memory = coach.memory(self._clocks.now())
        if is_new:
            memory = ended(memory, coach.rules.load)
        self._begin_session(coach.profile, coach.settings, coach.plan, memory)
        self._changed.add(coach.profile.runner)
        return self.coaches[coach.profile.runner]

    def _tell(self, follow_up: CueFollowUp | None) -> None:
        if follow_up is not None:
            for tell in self._on_follow_up:
                tell(follow_up)

    # ---- cues ----

    def _decided(self, coach: Coach, cue: Cue) -> None:
        decided_s = self._clocks.hub_s(time.monotonic())
        cue = msgspec.structs.replace(cue, decided_s=decided_s)
        if cue.withheld:
            self._publish(cue)
            return
        intensity = self._config.intensity_percent(cue.runner)
        buzz = Buzz(pattern_of(cue.kind, intensity, self._config.haptics), cue.kind)
        self._played[cue.runner] = cue

        def on_edge(monotonic_s: float) -> None:
            self._hand_over(lambda: self._felt(cue, self._clocks.hub_s(monotonic_s)))

        if not self._driver.play(buzz, cue.runner, cue.side, on_edge):
            self._not_felt(cue)

    def _felt(self, cue: Cue, edge_s: float) -> None:
        if self._played.get(cue.runner) is not cue:
            return  # given up, or the hub ends
        del self._played[cue.runner]
        latency_ms = (edge_s - cue.foot_strike_s) * 1e3
        self._publish(msgspec.structs.replace(cue, edge_s=edge_s, latency_ms=latency_ms))

    def _not_felt(self, cue: Cue) -> None:
        del self._played[cue.runner]
        trouble = self._driver.trouble(cue.runner)
        if trouble is not None:
            log.warning("%s could not be buzzed: %s", cue.runner, trouble)
        self.coaches[cue.runner].not_felt(cue.t)
        missed = msgspec.structs.replace(cue, withheld=True, why_withheld=Withheld.NO_MOTOR)
        self._publish(missed)

    def _publish(self, cue: Cue) -> None:
        for tell in self._on_cue:
            tell(cue)
