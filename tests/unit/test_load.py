"""Calf load adds up however a session is cut, and what is enough is said in plain words."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_strides import STEP_S, made_stride, steps
from stridehub.coaching.load import (
    CalfLoad,
    CapSource,
    Guard,
    LoadUnit,
    is_forefoot_exposure,
    step_units,
    transition_guard,
)
from stridehub.coaching.memory import SessionLoad
from stridehub.coaching.strike import StrikeClass
from stridehub.model import Side
from stridehub.rules import LoadRules

RULES = LoadRules()
DAY_S = 86400.0
NOW_S = 1_700_000_000.0
NEW = SessionLoad(started_utc_s=NOW_S)
REAR, MID, FORE = StrikeClass


def earlier(days: float, **fields: float) -> SessionLoad:
    both = {f"{name}_{side}": value for name, value in fields.items() for side in Side}
    fields = {"started_utc_s": NOW_S - days * DAY_S, "running_min": 30.0}
    return msgspec.convert({**fields, **both}, SessionLoad)


def under_way(**fields: float) -> SessionLoad:
    return msgspec.structs.replace(NEW, **fields)


def test_a_trial_of_some_minutes_sets_no_limit() -> None:
    session = under_way(steps_left=100, units_left=100.0)
    trial = msgspec.structs.replace(earlier(3.0, units=20.0), running_min=9.0)
    assert guard(session, trial).limit is None
    assert guard(session, earlier(3.0, units=20.0)).is_reached


def guard(session: SessionLoad, *before: SessionLoad, rules: LoadRules = RULES) -> Guard:
    return transition_guard(rules, session, before)


# ---- counting ----


@pytest.mark.parametrize(
    ("speed_mps", "strike", "units"),
    [
        (2.7, None, 1.0),
        (2.7, REAR, 1.0),
        (2.7, MID, 1.06),
        (2.7, FORE, 1.11),
        (3.7, None, 1.13),
        (3.7, FORE, 1.13 * 1.11),
        (1.7, REAR, 0.87),
    ],
)
def test_units_of_a_step(speed_mps: float, strike: StrikeClass | None, units: float) -> None:
    assert step_units(RULES, speed_mps, strike) == pytest.approx(units)


Step = tuple[Side, float, StrikeClass | None]
a_step = st.tuples(
    st.sampled_from(Side), st.floats(2.0, 6.5), st.sampled_from([None, *StrikeClass])
)


def loaded(session: SessionLoad, some: list[Step], start_s: float) -> SessionLoad:
    load = CalfLoad(RULES, session)
    for number, (side, speed_mps, strike) in enumerate(some):
        load.on_stride(made_stride(side, start_s + STEP_S * number, speed_mps=speed_mps), strike)
    return load.session


@given(st.lists(a_step, max_size=60), st.data())
def test_load_adds_up_however_the_session_is_cut(some: list[Step], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(some)))
    whole = loaded(NEW, some, 0.0)
    parts = loaded(loaded(NEW, some[:cut], 0.0), some[cut:], STEP_S * cut)
    for field in SessionLoad.__struct_fields__:
        # the strides at the cut overlap: a hub that comes back cannot know
        slack = 1.001 * STEP_S / 60.0 if field.endswith("_min") else 1e-9
        assert getattr(parts, field) == pytest.approx(getattr(whole, field), abs=slack)


def test_steps_forefoot_steps_and_units_are_of_each_leg() -> None:
    load = CalfLoad(RULES, NEW)
    for stride in steps(10, speed_mps=2.7):
        load.on_stride(stride, FORE if stride.side is Side.LEFT else REAR)
    session = load.session
    assert (session.steps_left, session.steps_right) == (5, 5)
    assert (session.forefoot_steps_left, session.forefoot_steps_right) == (5, 0)
    assert session.units_left == pytest.approx(5 * 1.11)
    assert session.units_right == pytest.approx(5.0)
    assert session.is_strike_known


def test_minutes_are_those_of_running() -> None:
    load = CalfLoad(RULES, NEW)
    ran = [*steps(100), *steps(50, start_s=1000.0)]
    walked = list(steps(50, start_s=500.0, quality=("walking",)))
    for stride in sorted([*ran, *walked], key=lambda stride: stride.ic):
        load.on_stride(stride, FORE)
    expected_min = STEP_S * (101 + 51) / 60.0
    assert load.session.running_min == pytest.approx(expected_min)
    assert load.session.forefoot_min == pytest.approx(expected_min)
    assert load.session.steps_left + load.session.steps_right == 150


def test_a_leg_whose_pod_is_lost_costs_no_minutes() -> None:
    load = CalfLoad(RULES, NEW)
    for stride in steps(100):
        if stride.side is Side.LEFT:
            load.on_stride(stride, None)
    assert load.session.running_min == pytest.approx(STEP_S * 100 / 60.0)


def test_a_step_without_speed_counts_at_the_pace_of_the_last_ones() -> None:
    load = CalfLoad(RULES, NEW)
    load.on_stride(made_stride(), None)
    assert (load.session.steps_left, load.session.units_left) == (1, 0.0)
    for speed_mps in (3.0, 3.7, 9.0):
        load.on_stride(made_stride(speed_mps=speed_mps), None)
    before = load.session.units_left
    load.on_stride(made_stride(), None)
    assert load.session.units_left - before == pytest.approx(1.13)
    assert not load.session.is_strike_known


# ---- enough ----


def test_nothing_known_sets_no_limit() -> None:
    result = guard(under_way(steps_left=10, units_left=10.0))
    assert (result.limit, result.share, result.is_reached) == (None, None, False)
    assert any("No earlier session" in line for line in result.advice)


def test_the_largest_session_of_thirty_days_counts() -> None:
    before = [earlier(31.0, units=9000.0), earlier(2.0, units=1000.0), earlier(9.0, units=2000.0)]
    session = under_way(units_left=1100.0, units_right=2100.0, steps_left=1000, steps_right=1000)
    result = guard(session, *before)
    assert result.limit is not None
    assert (result.limit.source, result.limit.side) == (CapSource.HISTORY, Side.RIGHT)
    assert result.limit.cap == pytest.approx(2200.0)
    assert result.share == pytest.approx(2100.0 / 2200.0)
    assert not result.is_reached
    assert any("right calf has had as much as" in line for line in result.advice)
    more = guard(msgspec.structs.replace(session, units_right=2200.1), *before)
    assert more.is_reached
    assert any("right calf has had 10 % more than" in line for line in more.advice)


def test_with_room_left_nothing_is_said_of_the_limit() -> None:
    session = under_way(units_left=500.0, steps_left=500, is_strike_known=True)
    assert guard(session, earlier(3.0, units=1000.0)).advice == ()


def test_each_leg_is_held_against_the_leg_that_had_more() -> None:
    """The other one's pod may have been off."""
    before = msgspec.structs.replace(earlier(3.0), units_left=1000.0, units_right=100.0)
    result = guard(under_way(units_left=200.0, units_right=250.0, steps_left=1), before)
    assert result.limit is not None
    assert result.limit.side is Side.RIGHT
    assert result.limit.cap == pytest.approx(1100.0)


def test_a_session_is_no_limit_of_its_own() -> None:
    session = under_way(units_left=10.0, steps_left=10, running_min=30.0)
    assert guard(session, session).limit is None


def test_a_session_of_a_clock_that_was_ahead_counts() -> None:
    session = under_way(units_left=10.0, steps_left=10)
    assert guard(session, earlier(-1.0, units=5.0)).is_reached


def test_the_cap_of_the_plan() -> None:
    rules = LoadRules(cap_units=500.0)
    session = under_way(units_left=400.0, units_right=510.0, steps_left=400, steps_right=500)
    result = guard(session, earlier(3.0, units=1000.0), rules=rules)
    assert result.limit is not None
    assert result.limit.source is CapSource.PLAN
    assert result.is_reached
    assert any("planned for today" in line for line in result.advice)


def test_without_any_speed_steps_are_compared() -> None:
    session = under_way(steps_left=1200, steps_right=900)
    before = earlier(3.0, units=1050.0, steps=1000)
    result = guard(session, before, rules=LoadRules(cap_units=10.0))
    assert result.limit is not None
    assert result.limit.unit is LoadUnit.STEPS
    assert result.limit.source is CapSource.HISTORY
    assert result.share == pytest.approx(1200 / 1100)
    assert any("pace is not known" in line for line in result.advice)
    assert any("cannot be watched" in line for line in result.advice)


def test_an_earlier_session_without_speed_is_compared_in_steps() -> None:
    session = under_way(steps_left=600, steps_right=600, units_left=700.0, units_right=700.0)
    limit = guard(session, earlier(3.0, steps=1000)).limit
    assert limit is not None
    assert (limit.unit, limit.used) == (LoadUnit.STEPS, 600)


def test_the_first_time_on_the_forefoot_is_short() -> None:
    def told(minutes: float) -> Guard:
        session = under_way(forefoot_min=minutes, is_strike_known=True, steps_left=1)
        return transition_guard(RULES, session, [], has_forefoot_goal=True)

    assert not told(4.0).is_reached
    assert any("5 to 8 minutes" in line for line in told(4.0).advice)
    assert any("For a first time that will do" in line for line in told(5.0).advice)
    done = told(8.0)
    assert done.is_reached
    assert done.limit is not None
    assert done.limit.source is CapSource.FIRST_FOREFOOT
    assert any("a better heel striker is a good goal" in line for line in done.advice)


def test_later_times_have_no_such_limit() -> None:
    session = under_way(forefoot_min=20.0)
    assert is_forefoot_exposure(RULES, session)
    assert not is_forefoot_exposure(RULES, under_way(forefoot_min=4.9))
    known = transition_guard(RULES, session, [], has_forefoot_goal=True, has_had_forefoot=True)
    assert known.limit is None


def test_pain_pauses_before_anything_else() -> None:
    session = under_way(units_left=5000.0, steps_left=4000)
    before = [earlier(3.0, units=1000.0)]
    mild = transition_guard(RULES, under_way(), before, pain=2)
    assert not mild.is_reached
    hurt = transition_guard(RULES, session, before, pain=3)
    assert hurt.is_reached
    assert hurt.limit is not None
    assert hurt.limit.source is CapSource.PAIN
    assert "calf hurts, 3 of 10" in hurt.advice[0]


def test_without_foot_pods_the_figure_says_so() -> None:
    session = under_way(units_left=10.0, steps_left=10)
    result = guard(session, earlier(3.0, units=1000.0))
    assert not result.is_strike_known
    assert any("Without foot pods" in line for line in result.advice)


@given(st.lists(a_step, min_size=1, max_size=40))
def test_more_steps_never_use_less_of_the_limit(some: list[Step]) -> None:
    load, last = CalfLoad(RULES, NEW), 0.0
    for number, (side, speed_mps, strike) in enumerate(some):
        load.on_stride(made_stride(side, number * STEP_S, speed_mps=speed_mps), strike)
        share = guard(load.session, earlier(3.0, units=30.0)).share
        assert share is not None
        assert share >= last
        last = share
