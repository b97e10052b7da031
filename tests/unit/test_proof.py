"""Whether cues help: rates with intervals, and what a runner is told of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stridehub.coaching.cue import CueFollowUp, Response, Withheld
from stridehub.coaching.memory import Responses
from stridehub.coaching.proof import Rate, counted, difference, in_words, wilson
from stridehub.model import CueKind, CueSide

# Newcombe 1998, Statistics in Medicine 17: 857-872, table I, method 3.
SINGLE = [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
          (1, 29, 0.0061, 0.1718), (20, 20, 0.8389, 1.0)]  # fmt: skip
# Newcombe 1998, Statistics in Medicine 17: 873-890, table II, method 10.
DIFFERENCES = [
    (56, 70, 48, 80, 0.0524, 0.3339),
    (9, 10, 3, 10, 0.1705, 0.8090),
    (6, 7, 2, 7, 0.0582, 0.8062),
    (5, 56, 0, 29, -0.0381, 0.1926),
    (0, 10, 0, 20, -0.1611, 0.2775),
    (0, 10, 0, 10, -0.2775, 0.2775),
    (10, 10, 0, 20, 0.6791, 1.0),
    (10, 10, 0, 10, 0.6075, 1.0),
]

COUNTS = st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(("hits", "n", "low", "high"), SINGLE)
def test_a_rate_has_wilson_s_interval(hits: int, n: int, low: float, high: float) -> None:
    rate = wilson(hits, n)
    assert (rate.n, rate.share) == (n, hits / n)
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=1e-4)


def test_by_hand_one_of_two() -> None:
    # z = 1: (1/2 + 1/4) / (3/2) +- 1 / (3/2) * sqrt(1/8 + 1/16)
    rate = wilson(1, 2, z=1.0)
    assert rate.low == pytest.approx(0.5 - 0.288675)
    assert rate.high == pytest.approx(0.5 + 0.288675)


def test_of_nothing_nothing_is_known() -> None:
    assert wilson(0, 0) == Rate(0, None, 0.0, 1.0)


@pytest.mark.parametrize(("hits", "n"), [(2, 1), (-1, 3), (1, 0)])
def test_counts_that_cannot_be_are_refused(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"{hits} of {n}"):
        wilson(hits, n)


@given(COUNTS)
def test_an_interval_holds_the_share_and_stays_within_all_and_none(count: tuple[int, int]) -> None:
    rate = wilson(*count)
    assert 0.0 <= rate.low <= rate.high <= 1.0
    if rate.share is not None:
        assert rate.low - 1e-12 <= rate.share <= rate.high + 1e-12


@pytest.mark.parametrize(("a", "m", "b", "n", "low", "high"), DIFFERENCES)
def test_two_rates_differ_by_newcombe_s_interval(
    a: int, m: int, b: int, n: int, low: float, high: float
) -> None:
    found = difference(wilson(a, m), wilson(b, n))
    assert found == pytest.approx((low, high), abs=1e-4)


@given(COUNTS, COUNTS)
def test_swapped_rates_differ_the_other_way(one: tuple[int, int], two: tuple[int, int]) -> None:
    there, back = difference(wilson(*one), wilson(*two)), difference(wilson(*two), wilson(*one))
    if there is None or back is None:
        assert there is back is None
        assert 0 in (one[1], two[1])
    else:
        assert there == pytest.approx((-back[1], -back[0]))


# ---- counting answers ----


def answer(
    response: Response = Response.RESPONDED,
    why: Withheld | None = None,
    kind: CueKind = CueKind.FLICK,
) -> CueFollowUp:
    return CueFollowUp(
        t=10.0,
        runner="runner",
        kind=kind,
        side=CueSide.BOTH,
        metric="kickback_deg",
        withheld=why is not None,
        why_withheld=why,
        response=response,
    )


@pytest.mark.parametrize(
    ("follow_up", "want"),
    [
        (answer(), Responses(1, 1, 0, 0)),
        (answer(Response.NO_CHANGE), Responses(1, 0, 0, 0)),
        (answer(Response.WORSE), Responses(1, 0, 0, 0)),
        (answer(why=Withheld.CONTROL), Responses(0, 0, 1, 1)),
        (answer(why=Withheld.SCHEDULE), Responses(0, 0, 1, 1)),
        (answer(Response.NO_CHANGE, Withheld.CONTROL), Responses(0, 0, 1, 0)),
        (answer(Response.WORSE, Withheld.SCHEDULE), Responses(0, 0, 1, 0)),
        (answer(Response.UNKNOWN), None),
        (answer(Response.UNKNOWN, Withheld.CONTROL), None),
        (answer(why=Withheld.NO_MOTOR), None),
        (answer(Response.NO_CHANGE, Withheld.NO_MOTOR), None),
    ],
)
def test_an_answer_counts_where_it_belongs(follow_up: CueFollowUp, want: Responses | None) -> None:
    assert counted({}, follow_up).get(CueKind.FLICK) == want


def test_kinds_are_counted_apart_and_nothing_is_forgotten() -> None:
    before = {CueKind.FLICK: Responses(4, 2, 1, 1), CueKind.OVERSTRIDE: Responses(1, 1, 0, 0)}
    after = counted(before, answer())
    assert after == {**before, CueKind.FLICK: Responses(5, 3, 1, 1)}
    assert before[CueKind.FLICK] == Responses(4, 2, 1, 1)


# ---- in words ----


@pytest.mark.parametrize(
    ("responses", "parts"),
    [
        (Responses(), ["no buzzes", "Nothing to compare with yet"]),
        (Responses(3, 2, 0, 0), ["2 of 3", "67%", "Nothing to compare with yet"]),
        (Responses(0, 0, 4, 1), ["no buzzes", "1 of 4", "25%", "Nothing to compare with yet"]),
        (Responses(3, 2, 1, 0), ["2 of 3", "0 of 1", "Too few yet"]),
        (Responses(20, 10, 20, 9), ["10 of 20", "9 of 20", "Too few yet"]),
        (Responses(80, 60, 20, 5), ["60 of 80", "75%", "5 of 20", "25%", "The buzzes help"]),
        (Responses(80, 10, 20, 15), ["10 of 80", "15 of 20", "better without", "coach"]),
    ],
)
def test_what_a_runner_is_told(responses: Responses, parts: list[Any]) -> None:
    told = in_words(responses)
    for part in parts:
        assert part in told


def test_the_interval_is_told_with_the_rate() -> None:
    # Wilson for 9 of 10: 59.6 to 98.2 %.
    assert "between 60% and 98%" in in_words(Responses(10, 9, 0, 0))


@given(COUNTS, COUNTS)
def test_help_is_told_of_only_where_the_interval_says_so(
    given_counts: tuple[int, int], withheld: tuple[int, int]
) -> None:
    told = in_words(Responses(given_counts[1], given_counts[0], withheld[1], withheld[0]))
    by = difference(wilson(*given_counts), wilson(*withheld))
    assert ("The buzzes help." in told) == (by is not None and by[0] > 0.0)
    assert ("better without" in told) == (by is not None and by[1] < 0.0)
    assert len(told.splitlines()) == 1
