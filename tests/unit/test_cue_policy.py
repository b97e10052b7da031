"""When faults are due, how often cues come, and whether one that is due is given."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stridehub.coaching.cue import Response, Withheld
from stridehub.coaching.policy import Bandwidth, Pauses, Schedule, why_withheld
from stridehub.coaching.signs import Sign
from stridehub.coaching.zones import Position, Zone
from stridehub.model import CueKind, Side
from stridehub.rules import CueRules, TriggerRules

TRIGGER = TriggerRules()
CUES = CueRules()
EVERY = tuple(CueKind)
LEFT, RIGHT = Side.LEFT, Side.RIGHT
ROUNDING_S = 1e-9


def sign(beyond_sd: float, kind: CueKind = CueKind.OVERSTRIDE) -> Sign:
    zone = Zone(None, 0.30, 0.0, "[D]")
    value = 0.30 + 0.02 * beyond_sd
    return Sign(kind, "overstride_ratio", Position.ABOVE, value, zone, beyond_sd)


def due(*steps: float | None, kinds: tuple[CueKind, ...] = EVERY) -> list[bool]:
    """Of a fault that is so far beyond its zone, update by update."""
    bandwidth = Bandwidth(TRIGGER)
    found = []
    for beyond_sd in steps:
        bandwidth.update(LEFT, [] if beyond_sd is None else [sign(beyond_sd)], 0.0)
        found.append(bandwidth.most_urgent(kinds, 0.0) is not None)
    return found


# ---- bandwidth ----


def test_a_fault_is_due_beyond_one_bandwidth_and_clears_within_half_of_one() -> None:
    steps = [0.4, 0.99, 1.0, 1.01, 0.9, 0.51, 0.5, 0.9, 1.0, 1.2]
    assert due(*steps) == [False, False, False, True, True, True, False, False, False, True]


def test_a_fault_that_no_longer_shows_is_cleared() -> None:
    assert due(2.0, None, 0.9, 1.1) == [True, False, False, True]


def test_the_most_urgent_kind_comes_first_however_far_the_others_are() -> None:
    bandwidth = Bandwidth(TRIGGER)
    bandwidth.update(LEFT, [sign(2.0, CueKind.OVERSTRIDE), sign(9.0, CueKind.FLICK)], 0.0)
    bandwidth.update(RIGHT, [sign(5.0, CueKind.HEEL_LIFT), sign(9.0, CueKind.SITTING_BACK)], 0.0)
    order = []
    for at in range(len(EVERY)):
        found = bandwidth.most_urgent(EVERY[at:], 0.0)
        assert found is not None
        order.append((found[0], found[1].kind))
    assert order == [
        (LEFT, CueKind.OVERSTRIDE),
        (RIGHT, CueKind.HEEL_LIFT),
        (LEFT, CueKind.FLICK),
        (RIGHT, CueKind.SITTING_BACK),
    ]


def test_of_two_sides_the_one_further_out_is_cued() -> None:
    bandwidth = Bandwidth(TRIGGER)
    bandwidth.update(LEFT, [sign(2.0)], 0.0)
    bandwidth.update(RIGHT, [sign(3.0)], 0.0)
    assert bandwidth.most_urgent(EVERY, 0.0) == (RIGHT, sign(3.0))
    bandwidth.update(RIGHT, [], 0.0)
    assert bandwidth.most_urgent(EVERY, 0.0) == (LEFT, sign(2.0))


def test_only_kinds_that_are_asked_for_are_due() -> None:
    assert due(2.0, kinds=(CueKind.FLICK,)) == [False]
    assert due(2.0, kinds=()) == [False]


def test_what_a_side_showed_before_a_break_is_forgotten() -> None:
    bandwidth = Bandwidth(TRIGGER)
    bandwidth.update(LEFT, [sign(2.0)], 0.0)
    bandwidth.update(RIGHT, [], 3.5)
    assert bandwidth.most_urgent(EVERY, 3.5) is None
    bandwidth.update(LEFT, [sign(0.7)], 20.0)  # due only if it had been before
    assert bandwidth.most_urgent(EVERY, 20.0) is None


@given(st.lists(st.none() | st.floats(0.01, 3.0), max_size=40))
def test_what_is_due_was_once_beyond_one_and_has_not_been_within_half_since(
    steps: list[float | None],
) -> None:
    is_due = False
    want = []
    for beyond_sd in steps:
        is_due = beyond_sd is not None and (beyond_sd > 1.0 or (is_due and beyond_sd > 0.5))
        want.append(is_due)
    assert due(*steps) == want


# ---- pauses ----


def granted(rules: CueRules, seconds: int, answer: Response | None = None) -> list[float]:
    """When cues come if one is due each second, all with that answer 9 s later."""
    pauses = Pauses(rules)
    turns: list[float] = []
    for now in range(seconds):
        if answer is not None and turns and now == turns[-1] + 9:
            pauses.answered(answer, float(now))
        if pauses.reason(float(now)) is None:
            pauses.turn(float(now))
            turns.append(float(now))
    return turns


def test_a_cue_comes_every_20_s_and_six_times_in_ten_minutes() -> None:
    assert granted(CUES, 1300) == [
        *range(0, 120, 20),
        *range(600, 720, 20),
        *range(1200, 1300, 20),
    ]


def test_who_responds_is_held_back_by_nothing_else() -> None:
    assert granted(CUES, 1300, Response.RESPONDED) == granted(CUES, 1300)


@pytest.mark.parametrize("answer", [Response.NO_CHANGE, Response.WORSE])
def test_after_three_without_a_response_two_minutes_are_silent_and_then_more(
    answer: Response,
) -> None:
    # The third answer comes at 49 s; silence ends at 169 s, and doubles each time.
    assert granted(CUES, 600, answer) == [0, 20, 40, 169, 189, 209]


def test_silence_need_not_grow() -> None:
    rules = CueRules(silence_growth=1.0, most_cues=100)
    assert granted(rules, 400, Response.NO_CHANGE) == [0, 20, 40, 169, 189, 209, 338, 358, 378]


def test_an_answer_that_is_not_known_counts_neither_way() -> None:
    pauses = Pauses(CUES)
    for at, answer in enumerate("NNUUUN"):
        pauses.answered({"N": Response.NO_CHANGE, "U": Response.UNKNOWN}[answer], float(at))
        assert (pauses.reason(float(at)) is not None) == (at == 5)


def test_a_response_ends_silence_s_growth() -> None:
    pauses = Pauses(CUES)

    def silent_s(now_s: float) -> int:
        for _ in range(3):
            pauses.answered(Response.NO_CHANGE, now_s)
        return next(after for after in range(9999) if pauses.reason(now_s + after) is None)

    assert [silent_s(0.0), silent_s(1000.0), silent_s(2000.0)] == [120, 240, 480]
    pauses.answered(Response.RESPONDED, 3000.0)
    assert silent_s(4000.0) == 120


def test_cues_of_before_count_as_if_nothing_had_happened_between() -> None:
    pauses = Pauses(CUES, [-100.0, -80.0, -60.0, -40.0, -19.0])
    assert pauses.reason(0.0) is not None  # less than 20 s ago
    assert pauses.reason(1.0) is None
    pauses.turn(1.0)
    assert pauses.reason(499.0) is not None  # six within ten minutes
    assert pauses.reason(500.0) is None
    assert pauses.turns_s == (-80.0, -60.0, -40.0, -19.0, 1.0)


def test_where_none_may_come_none_comes() -> None:
    assert granted(CueRules(most_cues=0), 100) == []


@given(
    st.floats(0.0, 60.0),
    st.integers(0, 8),
    st.floats(0.0, 300.0),
    st.lists(st.tuples(st.floats(0.0, 100.0), st.sampled_from(Response)), max_size=40),
)
def test_no_rate_is_ever_exceeded(
    gap_s: float, most: int, window_s: float, steps: list[tuple[float, Response]]
) -> None:
    pauses = Pauses(CueRules(least_gap_s=gap_s, most_cues=most, window_s=window_s))
    now_s, turns = 0.0, []
    for after_s, answer in steps:
        now_s += after_s
        pauses.answered(answer, now_s)
        if pauses.reason(now_s) is None:
            pauses.turn(now_s)
            turns.append(now_s)
    for at, turn_s in enumerate(turns):
        assert at == 0 or turn_s - turns[at - 1] >= gap_s - ROUNDING_S
        within = sum(turn_s - window_s + ROUNDING_S < other <= turn_s for other in turns)
        assert window_s == 0.0 or within <= most


# ---- schedule and chances ----


def test_a_session_counts_from_the_first_cue_of_a_kind_on_and_once() -> None:
    schedule = Schedule(CUES, {CueKind.FLICK: 4}, [])
    for is_first in (True, False, False):
        assert schedule.share(CueKind.FLICK) == 0.75
        assert schedule.count(CueKind.FLICK) is is_first
    assert schedule.share(CueKind.OVERSTRIDE) == 1.0
    schedule.count(CueKind.OVERSTRIDE)
    assert schedule.sessions_cued == {CueKind.FLICK: 5, CueKind.OVERSTRIDE: 1}
    assert schedule.kinds_due == [CueKind.FLICK, CueKind.OVERSTRIDE]


def test_a_session_in_which_nothing_could_be_felt_does_not_count() -> None:
    schedule = Schedule(CUES, {CueKind.FLICK: 4}, [])
    assert schedule.count(CueKind.FLICK)
    schedule.uncount(CueKind.FLICK)
    assert (schedule.sessions_cued, schedule.kinds_due) == ({CueKind.FLICK: 4}, [])
    assert schedule.share(CueKind.FLICK) == 0.75


def test_a_session_that_goes_on_does_not_count_again() -> None:
    schedule = Schedule(CUES, {CueKind.FLICK: 5}, [CueKind.FLICK])
    assert schedule.share(CueKind.FLICK) == 0.75
    assert schedule.sessions_cued == {CueKind.FLICK: 5}


def test_the_schedule_fades_and_then_stays() -> None:
    shares = [Schedule(CUES, {CueKind.FLICK: n}, []).share(CueKind.FLICK) for n in range(11)]
    assert shares == [1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.1, 0.1, 0.1, 0.1]


@pytest.mark.parametrize("share", [1.0, 0.75, 0.5, 0.25, 0.1, 0.0])
def test_a_fifth_is_withheld_as_control_and_of_the_rest_the_share_is_given(share: float) -> None:
    dice = random.Random(5)
    found = Counter(why_withheld(CUES, share, dice) for _ in range(20_000))
    assert found[Withheld.CONTROL] / 20_000 == pytest.approx(0.2, abs=0.01)
    assert found[None] / 20_000 == pytest.approx(0.8 * share, abs=0.015)
    assert found[Withheld.SCHEDULE] / 20_000 == pytest.approx(0.8 * (1 - share), abs=0.015)
    assert Withheld.NO_MOTOR not in found


@pytest.mark.parametrize(("withheld", "want"), [(0.0, None), (1.0, Withheld.CONTROL)])
def test_all_or_none_may_be_withheld(withheld: float, want: Withheld | None) -> None:
    dice = random.Random(5)
    rules = CueRules(withheld=withheld)
    assert {why_withheld(rules, 1.0, dice) for _ in range(1000)} == {want}


# ---- what is still wrong ----


def test_silence_grows_as_far_as_numbers_go() -> None:
    pauses = Pauses(CueRules(silence_growth=1e200))
    for at in range(12):
        pauses.answered(Response.NO_CHANGE, 1000.0 * at)
    assert pauses.reason(1e5) is not None
