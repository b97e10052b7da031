"""The coach's numbers: layers overrule each other, and every number says where it is from."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stridehub.coaching.zones import zone_at
from stridehub.model import CueKind
from stridehub.rules import CoachingRules, Layer, Number, numbers, rules

Table = dict[str, Any]


def by_path(*layers: Layer) -> dict[str, Number]:
    return {number.path: number for number in numbers(*layers)}


def refused(over: Table) -> str:
    """What is said of an override that cannot be."""
    with pytest.raises(msgspec.ValidationError) as caught:
        rules(Layer("hub", over))
    return str(caught.value)


def test_without_layers_the_defaults_hold() -> None:
    assert rules() == CoachingRules()
    assert rules(Layer("hub", {}), Layer("runner", {})) == CoachingRules()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("baseline.strides", 200),
        ("baseline.seconds", 300.0),
        ("trigger.median_strides", 5),
        ("trigger.due_sd", 1.0),
        ("trigger.clear_sd", 0.5),
        ("trigger.least_deg", 3.0),
        ("trigger.least_ratio", 0.02),
        ("trigger.both_sides_share", 0.7),
        ("cues.least_gap_s", 20.0),
        ("cues.most_cues", 6),
        ("cues.window_s", 600.0),
        ("cues.ignored_cues", 3),
        ("cues.silence_s", 120.0),
        ("cues.schedule", (1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.1)),
        ("cues.withheld", 0.2),
        ("cues.most_latency_s", 1.0),
        ("suppress.first_s", 60.0),
        ("suppress.speed_change_mps", 0.3),
        ("suppress.speed_change_s", 5.0),
        ("suppress.data_age_s", 0.5),
        ("suppress.loss", 0.1),
        ("follow_up.before_strides", 5),
        ("follow_up.from_stride", 3),
        ("follow_up.to_stride", 12),
        ("balance.in_pct", 1.0),
        ("balance.amber_pct", 2.0),
        ("balance.least_steps", 100),
    ],
)
def test_the_defaults_are_those_of_the_specification(path: str, value: object) -> None:
    assert by_path()[path].value == value


def test_every_number_but_the_zones_is_told_once_with_a_source() -> None:
    told = list(numbers())
    everything: dict[str, Table] = msgspec.to_builtins(CoachingRules())
    paths = {f"{part}.{name}" for part, of in everything.items() for name in of if part != "zones"}
    assert {number.path for number in told} == paths
    assert len(told) == len(paths)
    assert all(number.source for number in told)


def test_every_zone_has_a_source() -> None:
    zones = CoachingRules().zones
    assert all(getattr(zones, metric).source for metric in zones.__struct_fields__)


def test_whatever_is_no_finding_of_others_says_that_it_is_ours() -> None:
    assert "[D]" in by_path()["cues.least_gap_s"].source
    assert "Crowell" in by_path()["cues.schedule"].source
    assert "[D]" in CoachingRules().zones.overstride_ratio.source


@pytest.mark.parametrize("path", sorted(set(by_path()) - {"cues.kinds"}))
def test_every_number_has_a_unit(path: str) -> None:
    assert by_path()[path].unit


def test_the_later_layer_overrules_the_earlier_and_the_source_says_who() -> None:
    hub = Layer("hub", {"cues": {"least_gap_s": 30.0, "most_cues": 5, "withheld": 0.3}})
    runner = Layer("runner", {"cues": {"least_gap_s": 40.0, "most_cues": 4}})
    plan = Layer("plan", {"cues": {"least_gap_s": 50.0}})
    told = by_path(hub, runner, plan)
    assert [
        (told[f"cues.{name}"].value, told[f"cues.{name}"].source)
        for name in ("least_gap_s", "most_cues", "withheld")
    ] == [(50.0, "set for this plan"), (4, "set for this runner"), (0.3, "set for this hub")]
    assert told["cues.window_s"].source == by_path()["cues.window_s"].source


def test_what_was_set_back_to_the_default_was_still_set_by_somebody() -> None:
    told = by_path(Layer("runner", {"cues": {"least_gap_s": 20.0}}))
    assert told["cues.least_gap_s"].source == "set for this runner"


def test_zones_overrule_each_other_number_by_number() -> None:
    hub = Layer("hub", {"zones": {"kickback_deg": {"value": 45.0, "above": 20.0}}})
    plan = Layer("plan", {"zones": {"kickback_deg": {"value": 48.0}}})
    rule = rules(hub, plan).zones.kickback_deg
    assert (rule.value, rule.above, rule.below, rule.per_mps) == (48.0, 20.0, 12.0, 10.0)
    assert rule.source == "set for this plan"
    assert rules(hub, Layer("plan", {})).zones.kickback_deg.source == "set for this hub"


def test_a_zone_that_nobody_set_keeps_its_source() -> None:
    layer = Layer("runner", {"zones": {"kickback_deg": {"value": 45.0}}})
    assert rules(layer).zones.lean_deg == CoachingRules().zones.lean_deg


def test_whoever_sets_a_zone_may_say_why_and_how_far_it_bends() -> None:
    chosen = {"value": 0.28, "source": "a treadmill test", "reach": 0.05, "is_own": True}
    rule = rules(Layer("runner", {"zones": {"overstride_ratio": chosen}})).zones.overstride_ratio
    assert (rule.source, rule.reach, rule.is_own) == ("a treadmill test", 0.05, True)


def test_layers_are_left_as_they_were() -> None:
    over: Table = {"zones": {"lean_deg": {"value": 8.0}}, "cues": {"schedule": [1.0]}}
    before = msgspec.json.encode(over)
    rules(Layer("hub", over), Layer("runner", {"zones": {"lean_deg": {"above": 4.0}}}))
    assert msgspec.json.encode(over) == before


def test_kinds_are_set_by_name() -> None:
    chosen = rules(Layer("hub", {"cues": {"kinds": ["sitting_back", "overstride"]}}))
    assert chosen.cues.kinds == (CueKind.SITTING_BACK, CueKind.OVERSTRIDE)


@pytest.mark.parametrize(
    ("over", "path"),
    [
        ({"cues": {"least_gap_s": -1.0}}, "$.cues.least_gap_s"),
        ({"cues": {"least_gap_s": "20"}}, "$.cues.least_gap_s"),
        ({"cues": {"withheld": 1.1}}, "$.cues.withheld"),
        ({"cues": {"schedule": []}}, "$.cues.schedule"),
        ({"cues": {"schedule": [1.0, 2.0]}}, "$.cues.schedule[1]"),
        ({"cues": {"kinds": ["foot_strike"]}}, "$.cues.kinds[0]"),
        ({"cues": {"gap": 20.0}}, "$.cues"),
        ({"cues": 5}, "$.cues"),
        ({"trigger": {"median_strides": 0}}, "$.trigger.median_strides"),
        ({"trigger": {"median_strides": 201}}, "$.trigger.median_strides"),
        ({"trigger": {"clear_sd": 1.1}}, "$.trigger"),
        ({"follow_up": {"from_stride": 13}}, "$.follow_up"),
        ({"suppress": {"pause_s": 0.0}}, "$.suppress.pause_s"),
        ({"zones": {"lean_deg": {"value": "steep"}}}, "$.zones.lean_deg.value"),
        ({"zones": {"lean_deg": {"reach": 0.0}}}, "$.zones.lean_deg.reach"),
        ({"zones": {"lean_deg": {"middle": 0.0}}}, "$.zones.lean_deg"),
        ({"zones": {"lean_deg": 7.0}}, "$.zones.lean_deg"),
        ({"zones": {"foot_strike_angle_deg": {"value": 0.0, "above": 8.0}}}, "$.zones"),
        ({"zones": 7.0}, "$.zones"),
        ({"drift": {"baseline_from_s": 600.0}}, "$.drift"),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(over: Table, path: str) -> None:
    assert path in refused(over)


def test_a_part_that_does_not_exist_is_refused_by_name() -> None:
    assert "foot_strike" in refused({"foot_strike": {"cue": True}})


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("cues", "least_gap_s"),
        ("cues", "silence_growth"),
        ("trigger", "due_sd"),
        ("suppress", "first_s"),
        ("suppress", "loss"),
        ("load", "cap_units"),
        ("strike", "forefoot_deg"),
    ],
)
def test_no_number_is_infinite_or_none_at_all(part: str, name: str, number: float) -> None:
    assert f"$.{part}" in refused({part: {name: number}})


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["value", "per_mps", "exponent", "least", "above", "reach"])
def test_nor_is_one_of_a_zone(name: str, number: float) -> None:
    assert "$.zones.kickback_deg" in refused({"zones": {"kickback_deg": {name: number}}})


def test_nor_one_of_the_schedule() -> None:
    assert "$.cues.schedule[0]" in refused({"cues": {"schedule": [float("nan")]}})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.dictionaries(
            st.sampled_from(["zones", "cues", "lean_deg", "value", "least_gap_s", "kinds", "x"]),
            inner,
            max_size=4,
        ),
        max_leaves=12,
    )
)
def test_anything_is_either_taken_or_refused(over: object) -> None:
    table = over if isinstance(over, dict) else {"cues": over}
    try:
        chosen = rules(Layer("hub", table))
    except msgspec.ValidationError:
        return
    assert msgspec.convert(msgspec.to_builtins(chosen), CoachingRules) == chosen


# ---- what is still wrong ----


def test_limits_that_exclude_each_other_are_refused() -> None:
    assert "$.zones.shank_angle_ic_deg" in refused({"zones": {"shank_angle_ic_deg": {"least": 13}}})


def test_a_bound_that_a_coach_sets_holds() -> None:
    chosen = {"shank_angle_ic_deg": {"value": 14.0, "per_mps": 0.0}}
    zone = zone_at(rules(Layer("runner", {"zones": chosen})).zones.shank_angle_ic_deg, 3.0)
    assert zone is not None
    assert zone.high == 14.0


def test_a_power_that_cannot_be_reckoned_with_is_refused() -> None:
    assert "$.zones" in refused({"zones": {"contact_time_ms": {"exponent": 1e6}}})
