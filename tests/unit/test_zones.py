"""Zones scale with pace, and the runner's own baseline comes first."""

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stridehub.coaching.memory import Baseline
from stridehub.coaching.zones import (
    ZONE_METRICS,
    Position,
    Zone,
    bandwidth,
    bounded,
    leg_length_m,
    own_value,
    zone_at,
)
from stridehub.model import RunnerProfile, Stride
from stridehub.rules import Layer, TriggerRules, ZoneRule, ZoneRules, rules

ZONES = ZoneRules()
TRIGGER = TriggerRules()

# docs/METRICS.md, "Zones", by hand: metric, pace, lower and upper bound.
DEFAULTS = [
    ("shank_angle_ic_deg", 3.0, None, 11.0),
    ("shank_angle_ic_deg", 5.0, None, 9.0),
    ("shank_angle_ic_deg", 2.0, None, 12.0),
    ("shank_angle_ic_deg", 1.0, None, 12.0),  # kept in 6..12
    ("shank_angle_ic_deg", 8.0, None, 6.0),
    ("shank_angle_ic_deg", 10.0, None, 6.0),
    ("overstride_ratio", 3.0, None, 0.30),
    ("overstride_ratio", 2.0, None, 0.28),
    ("overstride_ratio", 5.5, None, 0.35),
    ("peak_knee_flexion_deg", 2.0, 68.0, 92.0),
    ("peak_knee_flexion_deg", 4.5, 93.0, 117.0),
    ("kickback_deg", 4.0, 78.0, 102.0),
    ("kickback_deg", 2.5, 63.0, 87.0),
    ("heel_trail_ratio", 2.0, None, 0.60),
    ("heel_trail_ratio", 6.0, None, 0.60),
    ("knee_lift_deg", 2.1, 9.0, 25.0),
    ("knee_lift_deg", 3.9, 27.0, 43.0),
    ("contact_time_ms", 1.0, 457.6, 582.4),
    ("contact_time_ms", 2.6, 245.90, 312.96),
    ("contact_time_ms", 4.0, 185.84, 236.53),
    ("cadence_spm", 3.0, 157.7, 174.3),
    ("cadence_spm", 2.0, 152.0, 168.0),
    ("cadence_spm", 5.0, 169.1, 186.9),
    ("lean_deg", 3.4, 2.0, 12.0),
    ("lean_deg", 5.4, 4.0, 14.0),
    ("hip_over_foot_ratio", 3.0, 0.0, None),
]  # fmt: skip


def zone(
    metric: str,
    speed_mps: float = 3.0,
    own: Baseline | None = None,
    leg_m: float | None = None,
) -> Zone:
    found = zone_at(getattr(ZONES, metric), speed_mps, leg_m, own)
    assert found is not None
    return found


def own(median: float, sd: float = 0.0, speed_mps: float | None = 3.0) -> Baseline:
    return Baseline(median, sd, speed_mps, 100)


def bounds(of: Zone) -> tuple[float | None, float | None]:
    return of.low, of.high


def around(low: float | None, high: float | None) -> Any:
    return tuple(None if it is None else pytest.approx(it, rel=1e-4) for it in (low, high))


@pytest.mark.parametrize(("metric", "speed_mps", "low", "high"), DEFAULTS)
def test_anybody_s_zone_at_a_pace(
    metric: str, speed_mps: float, low: float | None, high: float | None
) -> None:
    assert bounds(zone(metric, speed_mps)) == around(low, high)


def test_every_zone_is_of_a_metric_of_a_stride_and_stands_in_the_table() -> None:
    assert set(ZONE_METRICS) == {metric for metric, *_ in DEFAULTS}
    assert set(ZONE_METRICS) <= set(Stride.__struct_fields__)


def test_foot_strike_has_no_zone() -> None:
    assert not [metric for metric in ZONE_METRICS if "strike_angle" in metric]


@pytest.mark.parametrize("metric", ZONE_METRICS)
@pytest.mark.parametrize("speed_mps", [None, 0.0])
def test_no_pace_no_zone(metric: str, speed_mps: float | None) -> None:
    assert zone_at(getattr(ZONES, metric), speed_mps) is None


@pytest.mark.parametrize(
    ("leg_m", "low", "high"),
    [(0.90, 157.7, 174.3), (0.80, 162.413, 179.509), (1.00, 153.600, 169.769)],
)
def test_long_legs_step_less_often(leg_m: float, low: float, high: float) -> None:
    assert bounds(zone("cadence_spm", leg_m=leg_m)) == around(low, high)


@pytest.mark.parametrize("metric", sorted(set(ZONE_METRICS) - {"cadence_spm"}))
def test_nothing_else_depends_on_the_legs(metric: str) -> None:
    assert zone(metric, leg_m=0.7) == zone(metric, leg_m=1.1) == zone(metric)


@pytest.mark.parametrize(
    ("profile", "leg_m"),
    [
        (RunnerProfile(), None),
        (RunnerProfile(height_m=1.80), 0.8838),
        (RunnerProfile(height_m=1.80, leg_length_left_m=0.90), 0.90),
        (RunnerProfile(height_m=1.80, leg_length_right_m=0.92), 0.92),
        (RunnerProfile(leg_length_left_m=0.90, leg_length_right_m=0.92), 0.91),
    ],
)
def test_legs_are_as_measured_else_as_the_height_says(
    profile: RunnerProfile, leg_m: float | None
) -> None:
    assert leg_length_m(profile) == (None if leg_m is None else pytest.approx(leg_m))


@pytest.mark.parametrize(
    ("metric", "value", "position"),
    [
        ("shank_angle_ic_deg", -20.0, Position.IN),
        ("shank_angle_ic_deg", 11.0, Position.IN),
        ("shank_angle_ic_deg", 11.1, Position.ABOVE),
        ("shank_angle_ic_deg", 15.0, Position.ABOVE),
        ("shank_angle_ic_deg", 15.1, Position.ABOVE),
        ("kickback_deg", 67.9, Position.BELOW),
        ("kickback_deg", 68.0, Position.IN),
        ("kickback_deg", 92.0, Position.IN),
        ("kickback_deg", 92.1, Position.ABOVE),
        ("hip_over_foot_ratio", -0.01, Position.BELOW),
        ("hip_over_foot_ratio", 9.0, Position.IN),
    ],
)
def test_a_value_is_below_in_or_above(metric: str, value: float, position: Position) -> None:
    assert zone(metric).position(value) is position


def test_how_far_beyond_a_bound_is_told_either_way() -> None:
    found = zone("kickback_deg")
    assert (found.above(95.0), found.above(90.0)) == (3.0, -2.0)
    assert (found.below(65.0), found.below(70.0)) == (3.0, -2.0)
    assert zone("overstride_ratio").below(-9.0) == float("-inf")
    assert zone("hip_over_foot_ratio").above(9.0) == float("-inf")


# ---- the runner's own baseline first ----


@pytest.mark.parametrize(
    ("metric", "median", "low", "high"),
    [
        ("knee_lift_deg", 40.0, 32.0, 48.0),
        ("contact_time_ms", 200.0, 176.0, 224.0),
        ("cadence_spm", 180.0, 171.0, 189.0),
        ("lean_deg", 12.0, 7.0, 17.0),
    ],
)
def test_the_zone_lies_around_what_the_runner_does(
    metric: str, median: float, low: float, high: float
) -> None:
    found = zone(metric, own=own(median))
    assert bounds(found) == around(low, high)
    assert "own baseline" in found.source


def test_the_runner_s_own_is_carried_to_another_pace() -> None:
    usual = own(172.0, speed_mps=3.0)
    assert own_value(ZONES.cadence_spm, usual, 4.0, None) == pytest.approx(178.0)
    assert bounds(zone("cadence_spm", 4.0, usual)) == around(0.95 * 178.0, 1.05 * 178.0)
    assert own_value(ZONES.knee_lift_deg, own(30.0, speed_mps=2.5), 3.5, None) == 40.0


def test_a_baseline_without_a_pace_stands_as_it_is() -> None:
    assert own_value(ZONES.cadence_spm, own(172.0, speed_mps=None), 4.0, None) == 172.0


@pytest.mark.parametrize(
    ("metric", "median", "low", "high"),
    [
        ("shank_angle_ic_deg", 5.0, None, 11.0),
        ("shank_angle_ic_deg", 18.0, None, 11.0),
        ("shank_angle_ic_deg", 22.0, None, 14.0),  # 8 deg better than now is enough at once
        ("overstride_ratio", 0.37, None, 0.30),
        ("overstride_ratio", 0.45, None, 0.37),
        ("heel_trail_ratio", 0.85, None, 0.70),
        ("kickback_deg", 80.0, 68.0, 92.0),
        ("kickback_deg", 35.0, 60.0, 92.0),
        ("kickback_deg", 125.0, 68.0, 100.0),
        ("peak_knee_flexion_deg", 40.0, 65.0, 102.0),
    ],
)
def test_a_bound_is_no_further_than_reach_from_what_the_runner_does(
    metric: str, median: float, low: float | None, high: float | None
) -> None:
    assert bounds(zone(metric, own=own(median))) == around(low, high)


@pytest.mark.parametrize("metric", ["kickback_deg", "peak_knee_flexion_deg", "knee_lift_deg"])
def test_no_zone_is_narrower_than_the_baseline_s_spread(metric: str) -> None:
    usual = zone(metric, own=own(80.0, sd=1.0))
    wide = zone(metric, own=own(80.0, sd=30.0))
    assert usual.low is not None
    assert usual.high is not None
    middle = (usual.low + usual.high) / 2
    assert bounds(wide) == around(middle - 30.0, middle + 30.0)


@given(
    st.sampled_from(ZONE_METRICS),
    st.floats(0.5, 10.0),
    st.floats(-50.0, 400.0),
    st.floats(0.0, 50.0),
    st.none() | st.floats(0.5, 10.0),
)
def test_a_zone_has_its_bounds_in_order_and_a_source(
    metric: str, speed_mps: float, median: float, sd: float, taken_mps: float | None
) -> None:
    rule: ZoneRule = getattr(ZONES, metric)
    found = zone(metric, speed_mps, Baseline(abs(median), sd, taken_mps, 50))
    bare = zone(metric, speed_mps)
    assert found.source
    assert (found.low is None, found.high is None) == (rule.below is None, rule.above is None)
    if found.low is not None and found.high is not None and not rule.is_own:
        assert found.high - found.low >= max(2 * sd, 0.0) - 1e-9
        assert bare.low is not None
        assert bare.high is not None
        assert found.low <= bare.low  # own never asks for more
        assert found.high >= bare.high


# ---- one bandwidth ----


@pytest.mark.parametrize(
    ("metric", "sd", "value", "width"),
    [
        ("kickback_deg", None, 90.0, 3.0),
        ("kickback_deg", 1.0, 90.0, 3.0),
        ("kickback_deg", 4.5, 90.0, 4.5),
        ("overstride_ratio", None, 0.3, 0.02),
        ("overstride_ratio", 0.03, 0.3, 0.03),
        ("cadence_spm", None, 150.0, 3.0),
        ("contact_time_ms", 2.0, 300.0, 6.0),
        ("contact_time_ms", 8.0, 300.0, 8.0),
    ],
)
def test_one_bandwidth_is_the_baseline_s_sd_and_at_least_what_counts(
    metric: str, sd: float | None, value: float, width: float
) -> None:
    usual = None if sd is None else own(value, sd)
    assert bandwidth(TRIGGER, metric, usual, value) == pytest.approx(width)


# ---- what somebody set ----


def test_what_is_set_for_a_runner_is_not_bent_towards_the_runner() -> None:
    layer = Layer("runner", {"zones": {"overstride_ratio": {"value": 0.25}}})
    rule = rules(layer).zones.overstride_ratio
    found = zone_at(rule, 3.0, None, own(0.50))
    assert found is not None
    assert found.high == pytest.approx(0.25)
    assert found.source == "set for this runner"


def test_what_is_set_scales_with_pace_as_before_unless_that_is_set_too() -> None:
    set_value = rules(Layer("hub", {"zones": {"kickback_deg": {"value": 40.0}}}))
    found = zone_at(set_value.zones.kickback_deg, 4.0)
    assert found is not None
    assert bounds(found) == around(68.0, 92.0)
    fixed = rules(Layer("hub", {"zones": {"kickback_deg": {"value": 80.0, "per_mps": 0.0}}}))
    found = zone_at(fixed.zones.kickback_deg, 6.0)
    assert found is not None
    assert bounds(found) == around(68.0, 92.0)


# ---- what a coach set ----

FLAT = ZoneRule(value=10.0, above=1.0)
paces_mps = st.floats(0.5, 12.0)
values = st.floats(-1e4, 1e4)
rules_that_bend = st.builds(
    ZoneRule,
    value=st.floats(1.0, 1e3),
    at_mps=st.floats(0.0, 12.0),
    per_mps=st.floats(-20.0, 20.0),
    exponent=st.floats(-3.0, 3.0),
    leg_exponent=st.floats(-3.0, 3.0),
    above=st.just(1.0),
    is_share=st.booleans(),
)
known_rules = st.sampled_from([getattr(ZONES, metric) for metric in ZONE_METRICS])


@given(
    known_rules | rules_that_bend,
    st.lists(values, min_size=2, max_size=2, unique=True).map(sorted),
    paces_mps,
    st.none() | st.floats(0.6, 1.2),
    st.lists(paces_mps, min_size=20, max_size=20),
)
@example(ZONES.cadence_spm, [0.0, 0.39], 3.0, None, [0.5])
@example(ZONES.kickback_deg, [60.0, math.nextafter(60.0, 61.0)], 3.0, None, [12.0])
@example(ZONES.cadence_spm, [0.0, 100.0], 3.0, None, [0.5])
def test_bounds_that_are_accepted_are_in_order_at_every_pace(
    rule: ZoneRule,
    low_high: list[float],
    speed_mps: float,
    leg_m: float | None,
    others_mps: list[float],
) -> None:
    low, high = low_high
    try:
        accepted = bounded(rule, low, high, speed_mps, leg_m)
    except ValueError:
        return
    for pace_mps in (0.5, 12.0, speed_mps, *others_mps):
        found = zone_at(accepted, pace_mps, leg_m)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        assert found.low < found.high


@given(
    st.sampled_from(ZONE_METRICS),
    st.lists(st.integers(60, 120), min_size=2, max_size=2, unique=True).map(sorted),
    st.floats(1.5, 6.0),
)
def test_bounds_that_a_coach_may_want_are_accepted(
    metric: str, low_high: list[int], speed_mps: float
) -> None:
    low, high = low_high
    rule = bounded(getattr(ZONES, metric), low, high, speed_mps, None)
    found = zone_at(rule, speed_mps)
    assert found is not None
    assert bounds(found) == around(low, high)


def test_bounds_that_cross_at_another_pace_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"low would not be below high at 0.5 m/s"):
        bounded(ZONES.cadence_spm, 0.0, 0.39, 3.0, None)


@pytest.mark.parametrize(("low", "high"), [(10.0, 10.0), (11.0, 10.0)])
def test_bounds_in_the_wrong_order_are_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="low would not be below high"):
        bounded(FLAT, low, high, 3.0, None)


@pytest.mark.parametrize("low_high", [(0.1, None), (None, 0.1)])
def test_one_bound_crosses_nothing(low_high: tuple[float | None, float | None]) -> None:
    for metric in ZONE_METRICS:
        rule = bounded(getattr(ZONES, metric), *low_high, 3.0, None)
        assert (rule.below is None, rule.above is None) == tuple(b is None for b in low_high)


# ---- what is still wrong ----


@pytest.mark.parametrize("usual", [own(0.45), own(0.45, speed_mps=None)])
def test_a_bound_that_was_bent_says_so(usual: Baseline) -> None:
    assert "own" in zone("overstride_ratio", own=usual).source


def test_a_zone_as_wide_as_the_runner_s_spread_says_so() -> None:
    assert "own" in zone("kickback_deg", own=own(80.0, sd=20.0)).source


def test_a_pace_that_cannot_be_gives_no_zone() -> None:
    assert zone_at(ZONES.contact_time_ms, -0.5) is None
