"""Foot strike: a class from the median of many steps, which does not flutter, and no cue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_strides import made_stride
from stridehub.coaching.strike import FootStrike, StrikeClass
from stridehub.model import CueKind, Side
from stridehub.rules import StrikeRules

RULES = StrikeRules()
REAR, MID, FORE = StrikeClass


def landed(strike: FootStrike, *angles_deg: float, side: Side = Side.LEFT) -> StrikeClass | None:
    for angle_deg in angles_deg:
        strike.on_stride(made_stride(side, foot_strike_angle_deg=angle_deg))
    return strike.of(side)


@pytest.mark.parametrize(
    ("angle_deg", "expected"),
    [(20.0, REAR), (8.1, REAR), (8.0, MID), (0.0, MID), (-1.6, MID), (-1.7, FORE), (-15.0, FORE)],
)
def test_the_class_of_twenty_steps(angle_deg: float, expected: StrikeClass) -> None:
    strike = FootStrike(RULES)
    assert landed(strike, *[angle_deg] * 19) is None
    assert strike.median_deg(Side.LEFT) is None
    assert landed(strike, angle_deg) is expected
    assert strike.median_deg(Side.LEFT) == angle_deg
    assert strike.of(Side.RIGHT) is None


@pytest.mark.parametrize(
    ("before_deg", "now_deg", "expected"),
    [
        (12.0, 6.1, REAR),
        (12.0, 5.9, MID),
        (5.0, 9.9, MID),
        (5.0, 10.1, REAR),
        (5.0, -3.5, MID),
        (5.0, -3.7, FORE),
        (-6.0, 0.3, FORE),
        (-6.0, 0.5, MID),
        (-6.0, 20.0, REAR),
        (20.0, -6.0, FORE),
    ],
)
def test_a_class_changes_only_beyond_the_limit(
    before_deg: float, now_deg: float, expected: StrikeClass
) -> None:
    strike = FootStrike(RULES)
    landed(strike, *[before_deg] * 20)
    assert landed(strike, *[now_deg] * 20) is expected


@given(st.lists(st.floats(6.1, 9.9), min_size=1, max_size=200))
def test_near_the_limit_it_does_not_flutter(angles_deg: list[float]) -> None:
    strike = FootStrike(RULES)
    landed(strike, *[12.0] * 20)
    assert {landed(strike, angle) for angle in angles_deg} == {REAR}


def test_some_odd_steps_change_nothing() -> None:
    strike = FootStrike(RULES)
    landed(strike, *[12.0] * 20)
    assert landed(strike, *[-30.0] * 9) is REAR


@pytest.mark.parametrize("reason", ["walking", "no_standing", "turning"])
def test_doubtful_steps_do_not_count(reason: str) -> None:
    strike = FootStrike(RULES)
    for _ in range(40):
        strike.on_stride(made_stride(foot_strike_angle_deg=12.0, quality=(reason,)))
    assert strike.of(Side.LEFT) is None


def test_without_foot_pods_nothing_is_known() -> None:
    strike = FootStrike(RULES)
    for _ in range(40):
        strike.on_stride(made_stride())
    assert strike.of(Side.LEFT) is None


def test_no_cue_is_about_foot_strike() -> None:
    assert not [kind for kind in CueKind if "strike" in kind or "foot" in kind]
