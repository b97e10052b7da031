"""Whatever happens on the track, no cue ever breaks a rule.

Each rule is worked out anew from what the coach was told, not from what it holds.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from statistics import median, stdev
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stridehub.coaching.cue import Cue, CueFollowUp, Response
from stridehub.coaching.memory import RunnerMemory
from stridehub.coaching.plan import Block, BlockKind, Plan
from stridehub.coaching.session import RESUME_S, Moment
from stridehub.coaching.zones import Position
from stridehub.model import CueKind, CueSide, Side
from stridehub.rules import (
    BaselineRules,
    CoachingRules,
    CueRules,
    FollowUpRules,
    LoadRules,
    SuppressRules,
    TriggerRules,
)
from strides import EVERY_CUE, GOOD_FORM, STRIDE_TOLD_S, Track, rules_with

ROUNDING_S = 1e-3  # times go through a clock of people and back

# ---- what may happen ----


@dataclass(frozen=True)
class Part:
    """Some steps of the same sort."""

    steps: int
    chance: int  # of what differs from step to step
    form: Mapping[str, float | None]
    speed_mps: float | None = 3.0
    spread: float = 0.0  # share of a value, either way
    one_side: Side | None = None  # the only one that has that form; the other's is good
    sides: str = "in turn"  # or "any", "left"
    after_s: float = 0.36
    rough: float = 0.0  # share of the time between steps, either way
    pause_s: float = 0.0  # before it
    age_s: float = 0.05
    loss: float = 0.0
    is_calibrated: bool = True
    told_s: float = 0.045
    quality: tuple[str, ...] = ()
    pain: int | None = None  # reported before it


@dataclass(frozen=True)
class Step:
    """What the coach is told of one."""

    side: Side
    after_s: float
    age_s: float
    loss: float
    is_calibrated: bool
    told_s: float
    quality: tuple[str, ...]
    form: Mapping[str, float | None]

    def on(self, track: Track, **more: Any) -> Cue | None:
        return track.step(
            self.side,
            self.after_s,
            age_s=self.age_s,
            loss=self.loss,
            is_calibrated=self.is_calibrated,
            told_s=self.told_s,
            quality=self.quality,
            **(dict(self.form) | more),
        )


FAULTS: Sequence[Mapping[str, float | None]] = (
    {"overstride_ratio": 0.36},
    {"overstride_ratio": 0.33},
    {"kickback_deg": 60.0, "peak_knee_flexion_deg": 70.0},
    {"kickback_deg": 100.0},
    {"heel_trail_ratio": 0.66},
    {"hip_over_foot_ratio": -0.06},
    {"overstride_ratio": 0.36, "hip_over_foot_ratio": -0.06},
    {"overstride_ratio": None, "shank_angle_ic_deg": 18.0},
)
values = st.none() | st.floats(-200.0, 400.0)
ratios = st.none() | st.floats(-1.0, 1.0)
forms: st.SearchStrategy[Mapping[str, float | None]] = st.one_of(
    *[st.sampled_from(FAULTS)] * 5,
    st.just({}),
    st.fixed_dictionaries(
        {},
        optional={
            metric: ratios if metric.endswith("_ratio") else values
            for metric in GOOD_FORM
            if metric != "speed_mps"
        }
        | {"speed_mps": st.none() | st.floats(0.0, 12.0), "foot_strike_angle_deg": values},
    ),
)


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([usual] * 8 * len(others) + list(others))


TROUBLES: Sequence[Mapping[str, Any]] = (
    *({"age_s": age_s} for age_s in (0.49, 0.51, float("inf"))),
    *({"loss": loss} for loss in (0.09, 0.11, 1.0)),
    {"is_calibrated": False},
    *({"told_s": told_s} for told_s in (0.9, 1.1)),
    *({"quality": words} for words in (("walking",), ("turning",), ("gap",), ("a new word",))),
    *({"pause_s": pause_s} for pause_s in (3.0, 20.0, 40.0, 700.0)),
    *({"pain": pain} for pain in (0, 1, 4)),
    *({"rough": rough} for rough in (0.02, 0.15)),
    *({"after_s": after_s} for after_s in (0.02, 0.30, 0.45, 0.9)),
    *({"sides": sides} for sides in ("any", "left")),
    *({"spread": spread} for spread in (0.02, 0.3)),
    *({"speed_mps": speed_mps} for speed_mps in (None, 0.0, 2.5, 3.5)),
)
parts = st.builds(
    lambda part, trouble: replace(part, **trouble),
    st.builds(
        Part,
        steps=st.integers(1, 40) | st.integers(40, 200),
        chance=st.integers(0, 2**32),
        form=forms,
        one_side=st.sampled_from([None, None, Side.LEFT, Side.RIGHT]),
    ),
    st.just({}) | st.sampled_from(TROUBLES),
)
restarts = st.sampled_from([0.0, 2.0, 30.0, 300.0, RESUME_S - 1.0, RESUME_S + 1.0, 90_000.0])
courses = st.lists(parts, min_size=1, max_size=6)

technique = msgspec.structs.replace(
    EVERY_CUE,
    blocks=(
        Block(kind=BlockKind.WARM_UP, minutes=0.3),
        Block(kind=BlockKind.TECHNIQUE, minutes=1.0),
        Block(kind=BlockKind.FREE, minutes=0.3),
        Block(kind=BlockKind.TECHNIQUE, minutes=2.0),
    ),
)
plans = st.sampled_from(
    [
        *[EVERY_CUE] * 5,
        technique,
        technique,
        Plan(name="two", cues=(CueKind.SITTING_BACK, CueKind.FLICK)),
        Plan(name="none"),
    ]
)


@st.composite
def triggers(draw: st.DrawFn) -> TriggerRules:
    due_sd = draw(st.floats(0.0, 2.0))
    return TriggerRules(
        median_strides=draw(st.integers(1, 8)),
        due_sd=due_sd,
        clear_sd=draw(st.floats(0.0, due_sd)),
        least_deg=draw(st.floats(0.1, 5.0)),
        least_ratio=draw(st.floats(0.001, 0.04)),
        both_sides_share=draw(st.floats(0.0, 1.0)),
        fault_strides=draw(st.integers(1, 20)),
        speed_strides=draw(st.integers(1, 20)),
    )


cue_rules = st.builds(
    CueRules,
    kinds=mostly(tuple(CueKind), (CueKind.OVERSTRIDE,), ()),
    least_gap_s=st.floats(0.0, 40.0),
    most_cues=st.integers(1, 6),
    window_s=st.floats(0.0, 100.0) | st.floats(0.0, 600.0),
    ignored_cues=st.integers(1, 4),
    silence_s=st.floats(0.0, 100.0),
    silence_growth=st.floats(1.0, 3.0),
    schedule=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4).map(tuple),
    withheld=st.floats(0.0, 1.0),
    most_wait_s=st.floats(0.5, 3.0),
    most_latency_s=st.floats(0.04, 2.0),
)
suppress_rules = st.builds(
    SuppressRules,
    first_s=st.floats(0.0, 30.0),
    pause_s=st.floats(1.0, 60.0),
    speed_change_mps=st.floats(0.1, 2.0),
    speed_change_s=st.floats(0.5, 8.0),
    data_age_s=st.floats(0.1, 1.0),
    loss=st.floats(0.0, 0.5),
    rhythm_strides=st.integers(2, 20),
    rhythm_growth=st.floats(1.0, 3.0),
    rhythm_least_cv=st.floats(0.0, 0.1),
    rhythm_s=st.floats(0.0, 100.0),
)
any_rules = st.builds(
    CoachingRules,
    baseline=st.builds(
        BaselineRules,
        strides=st.integers(0, 30),
        seconds=st.floats(0.0, 60.0),
        new_share=st.floats(0.0, 1.0),
        least_strides=st.integers(1, 10),
    ),
    trigger=triggers(),
    cues=cue_rules,
    suppress=suppress_rules,
    follow_up=st.builds(
        FollowUpRules,
        before_strides=st.integers(1, 8),
        from_stride=st.integers(1, 4),
        to_stride=st.integers(4, 14),
        most_s=st.floats(1.0, 60.0),
    ),
    load=st.just(LoadRules(most_growth=1e6)),
)
# As they are, but for a baseline and a first minute that are soon over.
soon = rules_with(
    baseline={"strides": 24, "seconds": 30.0},
    suppress={"first_s": 8.0},
    cues={"withheld": 0.2, "schedule": [1.0, 0.6, 0.3]},
)
numbers = st.just(soon) | any_rules
seeds = st.integers(0, 2**32)


def steps_of(part: Part) -> Iterator[Step]:
    dice = random.Random(part.chance)
    in_turn = list(Side)
    dice.shuffle(in_turn)
    pace = {"speed_mps": part.speed_mps}
    for at in range(part.steps):
        side = in_turn[at % 2]
        if part.sides != "in turn":
            side = dice.choice(list(Side)) if part.sides == "any" else Side.LEFT
        is_so = part.one_side in (None, side)
        yield Step(
            side=side,
            after_s=part.after_s * (1 + part.rough * dice.uniform(-1, 1)),
            age_s=part.age_s,
            loss=part.loss,
            is_calibrated=part.is_calibrated,
            told_s=part.told_s,
            quality=part.quality,
            form={
                metric: value and value * (1 + part.spread * dice.uniform(-1, 1))
                for metric, value in (pace | dict(part.form if is_so else {})).items()
            },
        )


def restarted(track: Track, away_s: float) -> Track:
    """From what was kept, on a hub whose clock has begun anew."""
    memory = track.memory
    kept = msgspec.json.decode(msgspec.json.encode(memory), type=RunnerMemory)
    assert kept == memory
    begin = Moment(3.0, track.moment.utc_s + away_s)
    return Track(track.rules, plan=track.coach.plan, memory=kept, begin=begin, seed=track.seed + 1)


# ---- what must never happen ----


@dataclass
class Told:
    """A stride, as it was told."""

    side: Side
    ic: float
    next_ic: float
    is_running: bool
    is_valid: bool
    is_calibrated: bool
    form: Mapping[str, float | None]


@dataclass
class Witness:
    """Hears what one coach hears and says, and objects. Hub seconds, unless said otherwise."""

    track: Track
    earlier_utc_s: list[float] = field(default_factory=list)  # of cues before this coach
    plan_begun_utc_s: float | None = None
    strides: list[Told] = field(default_factory=list)
    given_s: list[float] = field(default_factory=list)
    answered_s: list[tuple[float, CueFollowUp]] = field(default_factory=list)
    pain: int = 0

    @property
    def rules(self) -> CoachingRules:
        return self.track.rules

    def heard(self, step: Step, began_s: float | None) -> None:
        """After the step; `began_s`: of the stride that it ended, if any."""
        if began_s is not None:
            if self.plan_begun_utc_s is None and "walking" not in step.quality:
                self.plan_begun_utc_s = self.track.begin.utc_of(began_s)
            self.strides.append(
                Told(
                    step.side,
                    began_s,
                    self.track.time_s,
                    "walking" not in step.quality,
                    {"walking", "turning"}.isdisjoint(step.quality),
                    step.is_calibrated,
                    dict(GOOD_FORM) | dict(step.form),
                )
            )
        for answer in self.track.answers[len(self.answered_s) :]:
            told_s = self.track.time_s + max(step.told_s, STRIDE_TOLD_S)
            self.answered_s.append((told_s, answer))

    def objects(self, cue: Cue, step: Step) -> None:
        """Before the stride that ended with the step is told."""
        self._to_the_landing(cue, step)
        self._to_the_kind(cue)
        self._to_the_rate(cue)
        self._to_the_data(step)
        self._to_the_run(cue)
        self._to_the_pace()
        self._to_the_rhythm(cue)
        self._to_the_median(cue)
        self._to_the_side(cue)
        if not cue.withheld:
            self.given_s.append(cue.t)

    def _to_the_landing(self, cue: Cue, step: Step) -> None:
        assert cue.fault_side is step.side
        assert cue.foot_strike_s == self.track.time_s
        assert cue.t - cue.foot_strike_s <= self.rules.cues.most_latency_s
        newest_told_s = self.strides[-1].next_ic + STRIDE_TOLD_S  # at the earliest
        assert cue.t - newest_told_s <= self.rules.cues.most_wait_s + 1.2

    def _to_the_kind(self, cue: Cue) -> None:
        plan = self.track.coach.plan
        assert cue.kind in plan.cues
        assert cue.kind in self.rules.cues.kinds
        assert (
            cue.metric
            in {
                CueKind.OVERSTRIDE: ("overstride_ratio", "shank_angle_ic_deg"),
                CueKind.HEEL_LIFT: ("kickback_deg",),
                CueKind.FLICK: ("kickback_deg", "heel_trail_ratio"),
                CueKind.SITTING_BACK: ("hip_over_foot_ratio",),
            }[cue.kind]
        )
        assert self.pain == 0
        assert self.plan_begun_utc_s is not None
        assert plan.allows_cues(self.track.begin.utc_of(cue.t) - self.plan_begun_utc_s)

    def _to_the_rate(self, cue: Cue) -> None:
        rules = self.rules.cues
        now_s = self.track.begin.utc_of(cue.t)
        before = [*self.earlier_utc_s, *(map(self.track.begin.utc_of, self._cues_s()[:-1]))]
        if before:
            assert now_s - before[-1] >= rules.least_gap_s - ROUNDING_S
        if rules.window_s > 0.0:
            since = now_s - rules.window_s + ROUNDING_S
            assert sum(when > since for when in before) < rules.most_cues
        # One at a time: all before it have been answered.
        assert len(self.answered_s) == len(self._cues_s()) - 1
        ignored, silences = 0, 0
        for told_s, answer in self.answered_s:
            if answer.withheld or answer.response is Response.UNKNOWN:
                continue
            ignored = 0 if answer.response is Response.RESPONDED else ignored + 1
            silences = 0 if answer.response is Response.RESPONDED else silences
            if ignored == rules.ignored_cues:
                silence_s = rules.silence_s * rules.silence_growth**silences
                assert cue.t - told_s >= silence_s - ROUNDING_S
                ignored, silences = 0, silences + 1

    def _cues_s(self) -> list[float]:
        return [cue.t for cue in self.track.cues]

    def _to_the_data(self, step: Step) -> None:
        assert step.age_s <= self.rules.suppress.data_age_s
        assert step.loss <= self.rules.suppress.loss
        assert step.is_calibrated

    def _to_the_run(self, cue: Cue) -> None:
        assert self.strides[-1].is_running
        running = [stride for stride in self.strides if stride.is_running]
        last_s, since_s = float("-inf"), 0.0
        for stride in running:
            if stride.ic - last_s > self.rules.suppress.pause_s:
                since_s = stride.ic
            last_s = stride.next_ic
        assert cue.t - since_s >= self.rules.suppress.first_s
        assert cue.t - last_s <= self.rules.suppress.pause_s
        steady = sum(stride.is_valid and stride.is_calibrated for stride in running)
        baseline = self.rules.baseline
        assert steady >= baseline.strides or last_s - running[0].ic >= baseline.seconds

    def _to_the_pace(self) -> None:
        """Where all of the last strides differ from all of those some seconds earlier."""
        rules = self.rules.suppress
        known = [
            (stride.next_ic, speed)
            for stride in self.strides
            if (speed := stride.form["speed_mps"]) is not None
        ]
        if not known:
            return
        until_s = known[-1][0] - rules.speed_change_s
        now = [speed for _, speed in known[-6:]]
        earlier = [
            speed
            for when, speed in known
            if until_s - rules.pause_s / 2 < when <= until_s
            and self._is_same_run(when, known[-1][0])
        ][-6:]
        if len(now) == len(earlier) == 6:
            assert min(now) - max(earlier) <= rules.speed_change_mps
            assert min(earlier) - max(now) <= rules.speed_change_mps

    def _is_same_run(self, from_s: float, to_s: float) -> bool:
        within = [s for s in self.strides if from_s <= s.next_ic <= to_s]
        ends = [from_s, *(s.next_ic for s in within if s.is_running)]
        begins = [*(s.ic for s in within if s.is_running), to_s]
        return all(
            begin - end <= self.rules.suppress.pause_s
            for end, begin in zip(ends, begins, strict=True)
        )

    def _to_the_rhythm(self, cue: Cue) -> None:
        rules = self.rules.suppress
        if not self.given_s or cue.t - self.given_s[-1] >= rules.rhythm_s:
            return
        for side in Side:
            own = self.track.memory.baselines.get(side, {}).get("stride_time_ms")
            times = [1000 * (stride.next_ic - stride.ic) for stride in self._last(side)]
            times = times[-rules.rhythm_strides :]
            if own is not None and len(times) == rules.rhythm_strides:
                variation = stdev(times) / (sum(times) / len(times))
                most = max(rules.rhythm_growth * own.sd / own.median, rules.rhythm_least_cv)
                assert variation <= most + 1e-9

    def _last(self, side: Side) -> list[Told]:
        return [stride for stride in self.strides if stride.is_valid and stride.side is side]

    def _to_the_median(self, cue: Cue) -> None:
        rules = self.rules.trigger
        last = self._last(cue.fault_side)[-2 * rules.median_strides :]
        values = [value for s in last if (value := s.form[cue.metric]) is not None]
        assert len(values) >= rules.median_strides
        assert cue.value == median(values[-rules.median_strides :])
        least = rules.least_deg if cue.metric.endswith("_deg") else rules.least_ratio
        beyond = max(cue.zone.above(cue.value), cue.zone.below(cue.value))
        assert beyond > rules.clear_sd * least

    def _to_the_side(self, cue: Cue) -> None:
        rules = self.rules.trigger
        wrong = cue.zone.position(cue.value)
        assert wrong is not Position.IN
        faulty = {
            side: sum(
                value is not None and cue.zone.position(value) is wrong
                for stride in self._last(side)[-rules.fault_strides :]
                for value in [stride.form[cue.metric]]
            )
            for side in Side
        }
        share = faulty[cue.fault_side] / max(sum(faulty.values()), 1)
        one = CueSide(cue.fault_side.value)
        assert cue.side is (one if share > rules.both_sides_share else CueSide.BOTH)


def play(track: Track, course: Sequence[Part], witness: Witness) -> None:
    landed_s: dict[Side, float] = {}
    for part in course:
        if part.pause_s:
            track.pause(part.pause_s)
            landed_s.clear()
        if part.pain is not None:
            track.coach.mark_pain(part.pain)
            # Pain that pauses the programme is not outweighed by less.
            witness.pain = part.pain
        for step in steps_of(part):
            cue = step.on(track)
            if cue is not None:
                witness.objects(cue, step)
            witness.heard(step, landed_s.get(step.side))
            landed_s[step.side] = track.time_s


def plainly(track: Track, course: Sequence[Part], **more: Any) -> Track:
    """Without a witness; `more` holds of every stride."""
    for part in course:
        if part.pause_s:
            track.pause(part.pause_s)
        if part.pain is not None:
            track.coach.mark_pain(part.pain)
        for step in steps_of(part):
            step.on(track, **more)
    return track


few = settings(
    max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@few
@given(numbers, plans, courses, seeds)
def test_no_cue_ever_breaks_a_rule(
    rules: CoachingRules, plan: Plan, course: Sequence[Part], seed: int
) -> None:
    track = Track(rules, plan=plan, seed=seed)
    play(track, course, Witness(track))


@settings(few, max_examples=25)
@given(numbers, plans, st.lists(st.tuples(courses, restarts), min_size=2, max_size=3), seeds)
def test_nor_over_restarts_and_each_session_counts_once(
    rules: CoachingRules, plan: Plan, legs: Sequence[tuple[Sequence[Part], float]], seed: int
) -> None:
    track = Track(rules, plan=plan, seed=seed)
    witness = Witness(track)
    session = 0
    cued: set[tuple[int, CueKind]] = set()
    for course, away_s in legs:
        play(track, course, witness)
        cued |= {(session, cue.kind) for cue in track.cues}
        goes_on = away_s < RESUME_S
        session += not goes_on
        earlier = [*witness.earlier_utc_s, *(track.begin.utc_of(cue.t) for cue in track.cues)]
        begun_utc_s = witness.plan_begun_utc_s if goes_on else None
        pain = witness.pain
        track = restarted(track, away_s)
        witness = Witness(track, earlier if goes_on else [], begun_utc_s)
        witness.pain = pain if pain >= rules.load.pain_pauses else 0
    counted = track.memory.sessions_cued
    assert counted == {
        kind: count for kind in CueKind if (count := sum(of is kind for _, of in cued))
    }


@settings(few, max_examples=20)
@given(numbers, courses, seeds)
def test_the_same_seed_brings_the_same(
    rules: CoachingRules, course: Sequence[Part], seed: int
) -> None:
    one, other = (plainly(Track(rules, seed=seed), course) for _ in range(2))
    assert (one.cues, one.answers) == (other.cues, other.answers)
    assert one.memory == other.memory


@settings(few, max_examples=20)
@given(numbers, courses, seeds, values, values)
def test_how_the_foot_lands_changes_no_cue_and_no_answer(
    rules: CoachingRules,
    course: Sequence[Part],
    seed: int,
    one_deg: float | None,
    other_deg: float | None,
) -> None:
    one, other = (
        plainly(Track(rules, seed=seed), course, foot_strike_angle_deg=angle)
        for angle in (one_deg, other_deg)
    )
    assert (one.cues, one.answers) == (other.cues, other.answers)
    assert one.memory.baselines == other.memory.baselines
    assert one.coach.responses == other.coach.responses


@settings(few, max_examples=20)
@given(courses, st.lists(values, min_size=1, max_size=5), seeds)
def test_in_good_form_no_foot_strike_is_ever_cued(
    course: Sequence[Part], angles: Sequence[float | None], seed: int
) -> None:
    track = Track(soon, seed=seed)
    for part, angle in zip(course, cycle(angles), strict=False):
        plainly(track, [part], **GOOD_FORM, foot_strike_angle_deg=angle)
    assert track.cues == []


wild = st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32)


@few
@given(
    numbers,
    plans,
    st.lists(
        st.tuples(
            st.sampled_from(Side),
            st.floats(0.0, 50.0),
            st.dictionaries(st.sampled_from(sorted(set(GOOD_FORM) - {"speed_mps"})), wild),
            st.none() | st.floats(0.0, 1e6),
            st.lists(st.sampled_from(["walking", "turning", "gap", "?"]), max_size=2),
        ),
        max_size=40,
    ),
)
def test_the_coach_takes_any_numbers(
    rules: CoachingRules,
    plan: Plan,
    steps: Sequence[tuple[Side, float, Mapping[str, float | None], float | None, list[str]]],
) -> None:
    track = Track(rules, plan=plan)
    for side, after_s, form, speed_mps, words in [*steps, *steps, *steps]:
        changes: dict[str, Any] = {**form, "speed_mps": speed_mps, "quality": tuple(words)}
        track.step(side, after_s + 0.01, **changes)
    track.coach.finish()
    msgspec.json.encode(track.memory)


# ---- what is still wrong ----


def test_the_coach_takes_a_pace_that_cannot_be() -> None:
    Track(soon).run(40, speed_mps=-0.5)
