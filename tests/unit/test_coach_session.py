"""A session goes on when the hub is back soon; what is known of a runner outlives it."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from stridehub.coaching.memory import OpenSession, RunnerMemory, SessionLoad
from stridehub.coaching.plan import Block, BlockKind, Plan
from stridehub.coaching.session import KEPT_LOADS, RESUME_S, Moment
from stridehub.model import CueKind
from strides import BEGIN, EVERY_CUE, Track, rules_with

DAY_S = 86400.0
YEAR_S = 365.25 * DAY_S
OVER: dict[str, Any] = {"overstride_ratio": 0.34}
QUICK = rules_with(baseline={"strides": 12}, suppress={"first_s": 0.0})
NOON = BEGIN.utc_s
NEW = OpenSession(seen_utc_s=NOON, load=SessionLoad(started_utc_s=NOON), plan=EVERY_CUE.name)


def load(started_utc_s: float, steps: int = 1000) -> SessionLoad:
    return SessionLoad(started_utc_s=started_utc_s, steps_left=steps, steps_right=steps)


def left(
    seen_utc_s: float, *, steps: int = 1000, loads: Sequence[SessionLoad] = ()
) -> RunnerMemory:
    """A session under way was last seen then; it had begun half an hour before."""
    began = load(seen_utc_s - 1800.0, steps)
    session = OpenSession(seen_utc_s=seen_utc_s, load=began, plan=EVERY_CUE.name)
    return RunnerMemory(session=session, loads=tuple(loads))


def taken_up(memory: RunnerMemory, utc_s: float = NOON) -> RunnerMemory:
    begin = Moment(5.0, utc_s)
    return Track(QUICK, memory=memory, begin=begin).coach.memory(begin)


def kept(memory: RunnerMemory) -> RunnerMemory:
    """As it comes back from a file."""
    return msgspec.json.decode(msgspec.json.encode(memory), type=RunnerMemory)


def cued(seed: int = 0, minutes: float = 2.0) -> Track:
    """Nothing helps against the overstride."""
    return Track(QUICK, seed=seed).run(20).run_for(60.0 * minutes, **OVER)


def restarted(track: Track, after_s: float = 30.0, *, clock_s: float = 0.0) -> Track:
    """The hub is back after so long; its clock begins anew, that of people is off by so much."""
    memory = kept(track.memory)
    begin = Moment(7.0, track.moment.utc_s + after_s + clock_s)
    return Track(track.rules, plan=track.coach.plan, memory=memory, begin=begin, seed=1)


def test_both_clocks_tell_the_same_moment() -> None:
    moment = Moment(hub_s=100.0, utc_s=5000.0)
    assert (moment.utc_of(90.0), moment.hub_of(5010.0)) == (4990.0, 110.0)


def test_the_first_session_begins_with_nothing() -> None:
    memory = taken_up(RunnerMemory())
    assert memory == RunnerMemory(session=NEW)


@pytest.mark.parametrize("away_s", [0.0, 1.0, RESUME_S - 1.0])
def test_a_hub_that_is_back_within_a_quarter_of_an_hour_goes_on(away_s: float) -> None:
    memory = left(NOON - away_s)
    assert memory.session is not None
    assert taken_up(memory) == memory


@pytest.mark.parametrize("away_s", [RESUME_S, 3600.0, 5 * YEAR_S])
def test_later_a_new_one_begins_and_the_load_of_the_old_one_stands(away_s: float) -> None:
    memory = left(NOON - away_s)
    assert memory.session is not None
    now = taken_up(memory)
    assert now.loads == (memory.session.load,)
    assert now.session == NEW


def test_a_session_without_a_step_leaves_nothing() -> None:
    assert taken_up(left(NOON - 3600.0, steps=0)).loads == ()


def test_loads_stand_in_order_and_the_oldest_of_very_many_go() -> None:
    earlier = [load(NOON - days * DAY_S) for days in range(KEPT_LOADS, 0, -1)]
    now = taken_up(left(NOON - 3600.0, loads=earlier))
    assert now.loads[:-1] == tuple(earlier[1:])
    assert len(now.loads) == KEPT_LOADS


@pytest.mark.parametrize("years", [-50, -5, 5, 50])
def test_a_clock_that_is_years_wrong_loses_no_load_of_the_session(years: int) -> None:
    memory = left(NOON, loads=[load(NOON - DAY_S)])
    assert memory.session is not None
    now = taken_up(memory, NOON + years * YEAR_S)
    assert now.loads == (*memory.loads, memory.session.load)


@pytest.mark.parametrize("years", [-50, -5, 5, 50])
def test_a_clock_that_is_years_wrong_keeps_nobody_from_running(years: int) -> None:
    track = restarted(cued(), clock_s=years * YEAR_S)
    track.run(20).run_for(60.0, **OVER)
    assert 1 <= len(track.cues) <= 3
    again = restarted(track, clock_s=-years * YEAR_S).run(20).run_for(60.0, **OVER)
    assert 1 <= len(again.cues) <= 3


def test_a_clock_that_is_set_during_a_session_does_not_end_it() -> None:
    track = cued()
    years_on = Moment(track.time_s, track.moment.utc_s + 5 * YEAR_S)
    memory = kept(track.coach.memory(years_on))
    back = Moment(3.0, years_on.utc_s + 60.0)
    after = Track(QUICK, memory=memory, begin=back).coach.memory(back)
    assert after.session is not None
    assert memory.session is not None
    assert after.session.kinds_due == memory.session.kinds_due == (CueKind.OVERSTRIDE,)
    assert after.session.turns_utc_s == pytest.approx(memory.session.turns_utc_s)


def test_a_session_that_began_by_a_wrong_clock_stands_in_its_place_once_that_is_right() -> None:
    yesterday = SessionLoad(
        started_utc_s=NOON + 5 * YEAR_S - DAY_S, running_min=30.0, steps_left=100, steps_right=100
    )
    numbers = rules_with(load={"most_growth": 1.1})
    coach = Track(numbers, memory=RunnerMemory(loads=(yesterday,))).coach
    watch = coach.watch
    assert watch.guard.limit is None  # yesterday is years ahead
    coach.clock_was_set(5 * YEAR_S)
    assert watch.load.started_utc_s == NOON + 5 * YEAR_S
    assert watch.guard.limit is not None
    assert watch.guard.limit.cap == pytest.approx(110.0)


def test_one_that_goes_on_from_before_began_when_it_says() -> None:
    memory = left(NOON - 60.0)
    coach = Track(QUICK, memory=memory).coach
    assert coach.goes_on
    coach.clock_was_set(DAY_S)
    assert memory.session is not None
    assert coach.watch.load == memory.session.load


# ---- rates and schedule, over a restart ----


def test_the_gap_holds_over_a_restart() -> None:
    track = Track(rules_with(baseline={"strides": 0}, suppress={"first_s": 0.0})).run(13, **OVER)
    again = restarted(track, after_s=1.0).run(80, **OVER)
    assert len(track.cues) == 1
    apart_s = again.begin.utc_of(again.cues[0].t) - track.begin.utc_of(track.cues[0].t)
    assert 20.0 - 1e-3 <= apart_s < 22.0


def test_the_cap_in_ten_minutes_holds_over_a_restart() -> None:
    numbers = rules_with(
        baseline={"strides": 12}, suppress={"first_s": 0.0}, cues={"ignored_cues": 200}
    )
    track = Track(numbers).run(20).run_for(65.0, **OVER)
    again = restarted(track).run(20).run_for(620.0, **OVER)
    times = [track.begin.utc_of(cue.t) for cue in track.cues]
    times += [again.begin.utc_of(cue.t) for cue in again.cues]
    assert 1 < len(track.cues) < 6 < len(times)
    for first, seventh in zip(times, times[6:], strict=False):
        assert seventh - first >= 600.0 - 1e-3


def test_a_restart_counts_no_session_twice_in_the_schedule() -> None:
    track = cued(minutes=0.5)
    for _ in range(2):
        track = restarted(track).run(20).run_for(30.0, **OVER)
        assert track.cues
        assert track.memory.sessions_cued == {CueKind.OVERSTRIDE: 1}


def test_a_new_session_counts() -> None:
    track = restarted(cued(), after_s=RESUME_S).run(20).run_for(30.0, **OVER)
    assert track.memory.sessions_cued == {CueKind.OVERSTRIDE: 2}


def test_after_a_restart_the_baseline_is_measured_before_any_cue() -> None:
    numbers = rules_with(suppress={"first_s": 0.0})
    again = restarted(Track(numbers).run(202).run(50, **OVER))
    assert again.run(200, **OVER).cues == []
    assert again.run(10, **OVER).cues != []


def test_answers_baselines_and_places_in_the_schedule_are_kept() -> None:
    track = cued()
    memory = track.memory
    assert memory.responses
    assert memory.baselines
    later = taken_up(kept(memory), NOON + 30 * DAY_S)
    for field in ("responses", "baselines", "sessions_cued"):
        assert getattr(later, field) == getattr(memory, field)


# ---- pain ----


@pytest.mark.parametrize(
    ("levels", "pain"), [([3], 3), ([7], 7), ([2], None), ([5, 2], 5), ([5, 8], 8), ([5, 0], None)]
)
def test_pain_of_three_or_more_is_kept_until_it_is_said_to_be_gone(
    levels: list[int], pain: int | None
) -> None:
    track = Track(QUICK)
    for level in levels:
        track.coach.mark_pain(level)
    assert track.coach.memory(BEGIN).pain == pain


def test_pain_of_three_silences_the_next_sessions_too() -> None:
    track = cued()
    track.coach.mark_pain(3)
    later = restarted(track, after_s=5 * DAY_S).run(20).run_for(60.0, **OVER)
    assert later.cues == []
    later.coach.mark_pain(0)
    assert later.run_for(10.0, **OVER).cues != []


def test_a_little_pain_is_forgotten_by_the_next_session() -> None:
    track = cued()
    track.coach.mark_pain(2)
    assert restarted(track, after_s=DAY_S).run(20).run_for(30.0, **OVER).cues != []


# ---- what is still wrong ----


def test_a_little_pain_silences_the_whole_session_over_a_restart_too() -> None:
    track = cued()
    track.coach.mark_pain(2)
    assert restarted(track).run(20).run_for(60.0, **OVER).cues == []


def test_silence_after_three_without_a_response_holds_over_a_restart() -> None:
    track = cued(minutes=1.0)
    assert len(track.cues) == len(track.answers) == 3  # from here on two minutes are silent
    assert restarted(track, after_s=5.0).run(20).run_for(45.0, **OVER).cues == []


def test_blocks_go_on_where_they_were_after_a_restart() -> None:
    blocks = (
        Block(kind=BlockKind.WARM_UP, minutes=5),
        Block(kind=BlockKind.TECHNIQUE, minutes=15),
    )
    plan: Plan = msgspec.structs.replace(EVERY_CUE, blocks=blocks)
    track = Track(QUICK, plan=plan).run_for(360.0)  # a minute into technique
    assert restarted(track).run(20).run_for(60.0, **OVER).cues != []


@pytest.mark.parametrize("clock_s", [-60.0, -600.0])
def test_a_clock_that_lags_a_little_after_a_restart_does_not_end_the_session(
    clock_s: float,
) -> None:
    again = restarted(cued(), after_s=10.0, clock_s=clock_s).run(20).run_for(30.0, **OVER)
    assert again.memory.sessions_cued == {CueKind.OVERSTRIDE: 1}


def test_a_session_of_a_clock_that_was_years_ahead_takes_no_loads_with_it() -> None:
    earlier = [load(NOON - 2 * DAY_S), load(NOON - DAY_S)]
    ahead = left(NOON + 5 * YEAR_S, loads=earlier)
    now = taken_up(ahead, NOON + DAY_S)  # the clock is right again
    assert set(earlier) <= set(now.loads)


def test_walking_to_the_track_uses_up_no_plan() -> None:
    plan = Plan(
        name="short",
        cues=(CueKind.OVERSTRIDE,),
        blocks=(Block(kind=BlockKind.TECHNIQUE, minutes=3.0),),
    )
    track = Track(QUICK, plan=plan).run_for(600.0, quality=("walking",))
    assert track.coach.programme.begun_s is None
    track.run(20).run_for(60.0, **OVER)
    assert track.cues


def test_another_plan_begins_from_the_start() -> None:
    blocks = (Block(kind=BlockKind.TECHNIQUE, minutes=2.0),)
    track = Track(QUICK, plan=Plan(name="measured", blocks=blocks)).run_for(180.0)
    other = Plan(name="cued", cues=(CueKind.OVERSTRIDE,), blocks=blocks)
    begin = Moment(7.0, track.moment.utc_s + 30.0)
    again = Track(QUICK, plan=other, memory=kept(track.memory), begin=begin)
    again.run(20).run_for(60.0, **OVER)
    assert again.cues
