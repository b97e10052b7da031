"""Whether a cue has changed anything: strides 3 to 12 after it against the 5 before."""

from collections.abc import Sequence
from typing import Any

import pytest

from stridehub.coaching.cue import Cue, CueFollowUp, Response, Withheld
from stridehub.coaching.follow_up import FollowUp
from stridehub.coaching.memory import Responses
from stridehub.coaching.zones import Position, Zone
from stridehub.model import CueKind, CueSide, Side, Stride
from stridehub.rules import FollowUpRules, TriggerRules
from strides import STRIDE_S, Track, rules_with, stride

RULES = FollowUpRules()
STRIKE_S = 100.0
METRIC = "overstride_ratio"
Only = dict[str, Any]


def cue(metric: str = METRIC, **changes: Any) -> Cue:
    fields: dict[str, Any] = {
        "t": STRIKE_S + 0.045,
        "runner": "runner",
        "kind": CueKind.OVERSTRIDE,
        "side": CueSide.BOTH,
        "metric": metric,
        "value": 0.34,
        "zone": Zone(None, 0.30, 0.0, "[D]"),
        "withheld": False,
        "fault_side": Side.LEFT,
        "foot_strike_s": STRIKE_S,
        "arrival_s": STRIKE_S + 0.045,
    }
    return Cue(**(fields | changes))


def width(metric: str, value: float) -> float:
    """Whatever the value: of angles and ratios only."""
    return TriggerRules().least_ratio if metric.endswith("_ratio") else TriggerRules().least_deg


def followed(
    before: Sequence[float | None],
    after: Sequence[float | None],
    *,
    metric: str = METRIC,
    wrong: Position = Position.ABOVE,
    rules: FollowUpRules = RULES,
) -> CueFollowUp | None:
    """Values of strides before the cue, and of those that begin with its foot strike or later."""
    strides = [stride(Side.LEFT, **Only({metric: value})) for value in before]
    of = FollowUp(rules, cue(metric), wrong, strides, width)
    for at, value in enumerate(after):
        answer = of.add(stride(Side.LEFT, STRIKE_S + at * STRIDE_S, **Only({metric: value})))
        if answer is not None:
            assert at == len(after) - 1
            return answer
    return None


def response(*args: Any, **kwargs: Any) -> Response:
    answer = followed(*args, **kwargs)
    assert answer is not None
    return answer.response


FIVE = [0.34] * 5


def test_the_answer_comes_with_the_twelfth_stride() -> None:
    assert followed(FIVE, [0.30] * 11) is None
    assert followed(FIVE, [0.30] * 12) is not None


@pytest.mark.parametrize(
    ("change", "want"),
    [
        (-0.050, Response.RESPONDED),
        (-0.011, Response.RESPONDED),
        (-0.009, Response.NO_CHANGE),
        (0.000, Response.NO_CHANGE),
        (0.009, Response.NO_CHANGE),
        (0.011, Response.WORSE),
    ],
)
def test_half_a_bandwidth_less_of_what_was_too_much_is_a_response(
    change: float, want: Response
) -> None:
    answer = followed(FIVE, [0.34 + change] * 12)
    assert answer is not None
    assert answer.response is want
    assert answer.change == pytest.approx(change)


@pytest.mark.parametrize(
    ("change", "want"),
    [
        (1.6, Response.RESPONDED),
        (1.4, Response.NO_CHANGE),
        (-1.4, Response.NO_CHANGE),
        (-1.6, Response.WORSE),
    ],
)
def test_of_what_was_too_little_more_is_better(change: float, want: Response) -> None:
    after = [60.0 + change] * 12
    assert response([60.0] * 5, after, metric="kickback_deg", wrong=Position.BELOW) is want


def test_the_first_two_strides_do_not_count() -> None:
    assert response(FIVE, [0.10] * 2 + [0.34] * 10) is Response.NO_CHANGE
    assert response(FIVE, [0.90] * 2 + [0.30] * 10) is Response.RESPONDED


def test_the_third_and_the_twelfth_do() -> None:
    # Of ten, six are better than before: so is their median.
    assert response(FIVE, [0.34] * 2 + [0.30] * 5 + [0.34] * 4 + [0.30]) is Response.RESPONDED
    assert response(FIVE, [0.34] * 2 + [0.30] + [0.34] * 4 + [0.30] * 5) is Response.RESPONDED
    assert response(FIVE, [0.30] * 2 + [0.30] * 4 + [0.34] * 6) is Response.NO_CHANGE


def test_only_the_last_five_before_it_count() -> None:
    assert response([0.10] * 20 + FIVE, [0.30] * 12) is Response.RESPONDED
    assert response([0.34, 0.34, 0.30, 0.30, 0.30], [0.30] * 12) is Response.NO_CHANGE


def test_medians_do_not_mind_outliers() -> None:
    after = [0.30, 0.30, *[0.30, 0.30, 9.0, 0.30, 0.30, -9.0, 0.30, 9.0, 0.30, 9.0]]
    assert response([0.34, 9.0, 0.34, 0.34, 0.10], after) is Response.RESPONDED


@pytest.mark.parametrize(("known", "want"), [(5, Response.RESPONDED), (4, Response.UNKNOWN)])
def test_where_fewer_than_half_of_them_are_known_nothing_is(known: int, want: Response) -> None:
    after = [0.30, 0.30, *[0.30] * known, *[None] * (10 - known)]
    assert response(FIVE, after) is want


def test_what_was_not_known_before_has_not_changed_as_far_as_one_knows() -> None:
    answer = followed([None] * 5, [0.30] * 12)
    assert answer is not None
    assert (answer.response, answer.change) == (Response.UNKNOWN, None)


def test_strides_that_do_not_count_leave_their_place_empty() -> None:
    of = FollowUp(RULES, cue(), Position.ABOVE, [stride(overstride_ratio=0.34)] * 5, width)
    answers = [
        of.add(stride(Side.LEFT, STRIKE_S + at * STRIDE_S, quality=("walking",)))
        for at in range(12)
    ]
    assert answers[:11] == [None] * 11
    assert answers[11] is not None
    assert answers[11].response is Response.UNKNOWN


def test_neither_the_stride_that_ended_with_the_cue_nor_the_other_foot_counts() -> None:
    of = FollowUp(RULES, cue(), Position.ABOVE, [stride(overstride_ratio=0.34)] * 5, width)
    assert of.add(stride(Side.LEFT, STRIKE_S - STRIDE_S, overstride_ratio=9.0)) is None
    found: list[CueFollowUp] = []
    for at in range(12):
        for side, value in ((Side.LEFT, 0.30), (Side.RIGHT, 9.0)):
            ic = STRIKE_S + at * STRIDE_S
            answer = of.add(stride(side, ic, overstride_ratio=value))
            if answer is not None:
                found.append(answer)
                assert (at, side) == (11, Side.LEFT)
    assert found[0].response is Response.RESPONDED


@pytest.mark.parametrize("from_s", [-0.09, 0.09])
def test_a_foot_strike_that_was_told_a_little_wrong_is_the_same_one(from_s: float) -> None:
    of = FollowUp(RULES, cue(), Position.ABOVE, [stride(overstride_ratio=0.34)] * 5, width)
    answers = [
        of.add(stride(Side.LEFT, STRIKE_S + from_s + at * STRIDE_S, overstride_ratio=0.30))
        for at in range(12)
    ]
    assert [answer is not None for answer in answers] == [False] * 11 + [True]


def test_a_minute_later_nothing_is_known() -> None:
    of = FollowUp(RULES, cue(), Position.ABOVE, [stride(overstride_ratio=0.34)] * 5, width)
    answer = of.add(stride(Side.RIGHT, STRIKE_S + 60.0))
    assert answer is not None
    assert answer.response is Response.UNKNOWN


def test_where_nothing_more_comes_nothing_is_known() -> None:
    of = FollowUp(RULES, cue(), Position.ABOVE, [stride(overstride_ratio=0.34)] * 5, width)
    answer = of.give_up()
    assert (answer.response, answer.change, answer.side_effects) == (Response.UNKNOWN, None, {})


def test_which_strides_count_are_numbers() -> None:
    rules = FollowUpRules(before_strides=1, from_stride=1, to_stride=2, response_sd=3.0)
    answer = followed([9.0, 0.34], [0.29, 0.29], rules=rules)
    assert answer is not None
    assert answer.response is Response.NO_CHANGE
    assert answer.change == pytest.approx(-0.05)


def test_an_answer_is_of_its_cue() -> None:
    asked = cue(withheld=True, why_withheld=Withheld.SCHEDULE)
    told = FollowUp(RULES, asked, Position.ABOVE, [], width).give_up()
    for field in ("t", "runner", "kind", "side", "metric", "withheld", "why_withheld"):
        assert getattr(told, field) == getattr(asked, field)


# ---- side effects ----


def effects(**after: Any) -> dict[str, float]:
    before: list[Stride] = [stride()] * 5
    of = FollowUp(RULES, cue(), Position.ABOVE, before, width)
    for at in range(11):
        assert of.add(stride(Side.LEFT, STRIKE_S + at * STRIDE_S, **after)) is None
    answer = of.add(stride(Side.LEFT, STRIKE_S + 11 * STRIDE_S, **after))
    assert answer is not None
    return dict(answer.side_effects)


@pytest.mark.parametrize(
    ("after", "want"),
    [
        ({}, {}),
        ({"kickback_deg": 83.1}, {"kickback_deg": 3.1}),
        ({"kickback_deg": 76.9}, {"kickback_deg": -3.1}),
        ({"kickback_deg": 82.9, "lean_deg": 4.0}, {}),
        (
            {"heel_trail_ratio": 0.53, "hip_over_foot_ratio": 0.02},
            {"heel_trail_ratio": 0.03, "hip_over_foot_ratio": -0.03},
        ),
        ({"overstride_ratio": 0.20}, {}),  # what the cue is about is no side effect
        ({"kickback_deg": None}, {}),
    ],
)
def test_other_metrics_that_changed_by_a_bandwidth_are_listed(
    after: dict[str, Any], want: dict[str, float]
) -> None:
    assert effects(**after) == pytest.approx(want)


# ---- as a coach does it ----


def cued(**tables: Any) -> Track:
    """Overstrides, and has just been cued."""
    track = Track(rules_with(**tables)).run(202)
    while not track.cues:
        track.run(1, overstride_ratio=0.34)
    return track


@pytest.mark.parametrize(
    ("after", "want"),
    [(0.27, Response.RESPONDED), (0.34, Response.NO_CHANGE), (0.40, Response.WORSE)],
)
@pytest.mark.parametrize("withheld", [0.0, 1.0])
def test_every_cue_is_followed_up_given_or_withheld(
    after: float, want: Response, withheld: float
) -> None:
    track = cued(cues={"withheld": withheld}).run(26, overstride_ratio=after)
    (answer,) = track.answers
    assert answer.response is want
    assert answer.withheld == (withheld == 1.0)
    assert answer.t == track.cues[0].t
    responded = int(want is Response.RESPONDED)
    counts = (0, 0, 1, responded) if withheld else (1, responded, 0, 0)
    assert track.coach.responses == {CueKind.OVERSTRIDE: Responses(*counts)}
    assert track.memory.responses == track.coach.responses


def test_side_effects_are_those_beyond_the_runner_s_own_spread() -> None:
    track = Track(rules_with())
    for _ in range(51):
        track.run(2, kickback_deg=74.0).run(2, kickback_deg=86.0)
    while not track.cues:
        track.run(1, overstride_ratio=0.34)
    track.run(26, kickback_deg=85.0, cadence_spm=172.0)
    assert track.answers[0].side_effects == {"cadence_spm": 6.0}


def test_a_runner_who_stops_leaves_the_answer_open() -> None:
    track = cued().run(8, overstride_ratio=0.34)
    answer = track.coach.finish()
    assert answer is not None
    assert answer.response is Response.UNKNOWN
    assert track.coach.responses == {}


def test_a_runner_who_walks_on_leaves_it_open_too() -> None:
    track = cued().run(40, quality=("walking",))
    assert [answer.response for answer in track.answers] == [Response.UNKNOWN]


def test_a_cue_that_no_motor_played_says_nothing_of_cues() -> None:
    track = cued()
    track.coach.not_felt(track.cues[0].t)
    track.run(26, overstride_ratio=0.25)
    (answer,) = track.answers
    assert (answer.withheld, answer.why_withheld) == (True, Withheld.NO_MOTOR)
    assert track.coach.responses == {}


def test_no_motor_for_a_cue_of_long_ago_means_nothing() -> None:
    track = cued()
    track.coach.not_felt(track.cues[0].t - 30.0)
    assert not track.run(26, overstride_ratio=0.25).answers[0].withheld


# ---- what is still wrong ----


def test_a_small_change_is_no_side_effect_because_few_strides_know_the_metric() -> None:
    track = cued().run(12, cadence_spm=167.0).run(12, cadence_spm=None).run(2, cadence_spm=167.0)
    assert [answer.side_effects for answer in track.answers] == [{}]
