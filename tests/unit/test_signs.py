"""What the medians of a side show: which faults, and how far beyond the zone."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stridehub.coaching.memory import Baseline
from stridehub.coaching.signs import Reader, Sign
from stridehub.coaching.zones import ZONE_METRICS, Position
from stridehub.model import CueKind, RunnerProfile
from stridehub.rules import CoachingRules, Layer, rules
from strides import GOOD_FORM, stride

Medians = Mapping[str, float | None]


def reader(
    changes: Medians,
    own: Mapping[str, Baseline] | None = None,
    speed_mps: float | None = 3.0,
    numbers: CoachingRules | None = None,
    profile: RunnerProfile | None = None,
) -> Reader:
    """Of a runner in good form, but for the changes."""
    medians: Medians = {**GOOD_FORM, **changes}
    return Reader(
        numbers or CoachingRules(),
        profile or RunnerProfile(),
        (own or {}).get,
        medians.get,
        speed_mps,
    )


def signs(changes: Medians, own: Mapping[str, Baseline] | None = None) -> dict[CueKind, Sign]:
    return {sign.kind: sign for sign in reader(changes, own).signs()}


def kinds(changes: Medians) -> list[str]:
    return [sign.kind.value for sign in reader(changes).signs()]


SHANK_ONLY: Medians = {
    "overstride_ratio": None,
    "peak_knee_flexion_deg": None,
    "heel_trail_ratio": None,
    "hip_over_foot_ratio": None,
}
SHOWN: dict[str, tuple[Medians, list[str]]] = {
    "good form": ({}, []),
    "overstride": ({"overstride_ratio": 0.31}, ["overstride"]),
    "overstride, no thigh pod": ({**SHANK_ONLY, "shank_angle_ic_deg": 12.0}, ["overstride"]),
    "shank forward, but not the foot": ({"shank_angle_ic_deg": 20.0}, []),
    "lazy": ({"kickback_deg": 60.0, "peak_knee_flexion_deg": 70.0}, ["heel_lift"]),
    "kickback below, flexion in": ({"kickback_deg": 60.0}, []),
    "flexion below, kickback in": ({"peak_knee_flexion_deg": 70.0}, []),
    "kickback below, flexion unknown": (
        {"kickback_deg": 60.0, "peak_knee_flexion_deg": None},
        [],
    ),
    "kickback above": ({"kickback_deg": 95.0}, ["flick"]),
    "trail above": ({"heel_trail_ratio": 0.61}, ["flick"]),
    "flexion above": ({"peak_knee_flexion_deg": 130.0}, []),
    "sitting back": ({"hip_over_foot_ratio": -0.01}, ["sitting_back"]),
    "hip far over the foot": ({"hip_over_foot_ratio": 0.5}, []),
    "all at once": (
        {
            "overstride_ratio": 0.4,
            "kickback_deg": 60.0,
            "peak_knee_flexion_deg": 70.0,
            "heel_trail_ratio": 0.7,
            "hip_over_foot_ratio": -0.1,
        },
        ["overstride", "heel_lift", "flick", "sitting_back"],
    ),
    "foot strike": ({"foot_strike_angle_deg": 30.0}, []),
    "lean": ({"lean_deg": 30.0}, []),
    "cadence": ({"cadence_spm": 120.0}, []),
    "contact time": ({"contact_time_ms": 400.0}, []),
    "knee lift": ({"knee_lift_deg": 60.0}, []),
    "nothing known": (dict.fromkeys(GOOD_FORM), []),
}


@pytest.mark.parametrize(("changes", "shown"), SHOWN.values(), ids=SHOWN)
def test_what_shows_in_the_medians(changes: Medians, shown: list[str]) -> None:
    assert kinds(changes) == shown


def test_without_a_pace_nothing_shows() -> None:
    changes, shown = SHOWN["all at once"]
    assert len(shown) == 4
    assert list(reader(changes, speed_mps=None).signs()) == []


@pytest.mark.parametrize(
    ("kind", "changes", "metric", "beyond"),
    [
        (CueKind.OVERSTRIDE, {"overstride_ratio": 0.33}, "overstride_ratio", 1.5),
        (
            CueKind.OVERSTRIDE,
            {**SHANK_ONLY, "shank_angle_ic_deg": 17.0},
            "shank_angle_ic_deg",
            2.0,
        ),
        (
            CueKind.HEEL_LIFT,
            {"kickback_deg": 62.0, "peak_knee_flexion_deg": 50.0},
            "kickback_deg",
            2.0,
        ),
        (CueKind.FLICK, {"kickback_deg": 95.0, "heel_trail_ratio": 0.61}, "kickback_deg", 1.0),
        (CueKind.FLICK, {"kickback_deg": 93.5, "heel_trail_ratio": 0.66}, "heel_trail_ratio", 3.0),
        (CueKind.SITTING_BACK, {"hip_over_foot_ratio": -0.05}, "hip_over_foot_ratio", 2.5),
    ],
)
def test_a_sign_tells_metric_value_and_bandwidths(
    kind: CueKind, changes: Medians, metric: str, beyond: float
) -> None:
    sign = signs(changes)[kind]
    assert (sign.metric, sign.value) == (metric, changes[metric])
    assert sign.beyond_sd == pytest.approx(beyond)


def test_bandwidths_are_of_the_runner_s_own() -> None:
    own = {"overstride_ratio": Baseline(0.25, 0.06, 3.0, 100)}
    assert signs({"overstride_ratio": 0.33}, own)[CueKind.OVERSTRIDE].beyond_sd == pytest.approx(
        0.5
    )


def test_a_stride_is_faulty_on_the_side_of_the_zone_where_the_sign_is() -> None:
    sign = signs({"kickback_deg": 95.0})[CueKind.FLICK]
    assert sign.position is Position.ABOVE
    assert [sign.is_fault(stride(kickback_deg=value)) for value in (92.1, 91.9, 40.0, None)] == [
        True,
        False,
        False,
        False,
    ]


def test_the_zone_follows_pace_and_legs() -> None:
    zone = reader({}, speed_mps=4.0).zone("kickback_deg")
    assert zone is not None
    assert (zone.low, zone.high) == (78.0, 102.0)
    tall = reader({}, profile=RunnerProfile(leg_length_left_m=1.0)).zone("cadence_spm")
    assert tall is not None
    assert tall.low == pytest.approx(153.6, abs=0.01)


@given(
    st.dictionaries(st.sampled_from(sorted(GOOD_FORM)), st.none() | st.floats(-300, 300)),
    st.none() | st.floats(-2000, 2000),
)
def test_foot_strike_changes_no_sign(changes: Medians, angle: float | None) -> None:
    with_it = {**changes, "foot_strike_angle_deg": angle}
    assert list(reader(changes).signs()) == list(reader(with_it).signs())


@given(
    st.dictionaries(st.sampled_from(sorted(ZONE_METRICS)), st.none() | st.floats(-300, 300)),
    st.none() | st.floats(0.0, 12.0),
)
def test_every_sign_is_outside_its_zone_and_they_come_by_priority(
    changes: Medians, speed_mps: float | None
) -> None:
    found = list(reader(changes, speed_mps=speed_mps).signs())
    assert [sign.kind for sign in found] == [
        kind for kind in CueKind if kind in {sign.kind for sign in found}
    ]
    for sign in found:
        assert sign.beyond_sd > 0.0
        assert sign.zone.position(sign.value) is sign.position is not Position.IN


# ---- over-lean: two of three ----

USUAL = {"cadence_spm": Baseline(166.0, 2.0, 3.0, 100)}
SLOW: Medians = {"cadence_spm": 160.0}
OVER: Medians = {"overstride_ratio": 0.35}
BEHIND: Medians = {"hip_over_foot_ratio": -0.05}


@pytest.mark.parametrize(
    ("changes", "is_over"),
    [
        ({}, False),
        (SLOW, False),
        (OVER, False),
        (BEHIND, False),
        ({**SLOW, **OVER}, True),
        ({**SLOW, **BEHIND}, True),
        ({**OVER, **BEHIND}, True),
        ({**SLOW, **OVER, **BEHIND}, True),
        ({**SLOW, **OVER, "hip_over_foot_ratio": None}, True),
        ({"overstride_ratio": None}, False),
        ({**SLOW, "overstride_ratio": None, "hip_over_foot_ratio": None}, None),
        (dict.fromkeys(GOOD_FORM), None),
    ],
)
def test_two_signs_of_three_make_an_over_lean(changes: Medians, is_over: bool | None) -> None:
    assert reader(changes, USUAL).is_over_leaning() is is_over


def test_cadence_is_held_against_the_runner_s_own_at_that_pace() -> None:
    both = {"cadence_spm": 166.0, **OVER}  # six below what is usual at 4 m/s
    assert reader(both, USUAL, speed_mps=4.0).is_over_leaning()
    assert not reader(both, USUAL, speed_mps=3.0).is_over_leaning()


def test_without_a_baseline_nothing_is_known_of_a_dropped_cadence() -> None:
    assert reader({**SLOW, **OVER, **BEHIND}).is_over_leaning()
    assert reader({**OVER, "hip_over_foot_ratio": None}).is_over_leaning() is None


# ---- what is still wrong ----


def test_where_the_third_sign_would_decide_and_is_not_known_nothing_is_told() -> None:
    assert reader({**SLOW, "overstride_ratio": None}, USUAL).is_over_leaning() is None


WIDTHS_OF_NOTHING: dict[str, Callable[[], Mapping[str, Baseline]]] = {
    "no baseline": dict,
    "a baseline without spread": lambda: {"kickback_deg": Baseline(80.0, 0.0, 3.0, 100)},
}


@pytest.mark.parametrize("own", WIDTHS_OF_NOTHING.values(), ids=WIDTHS_OF_NOTHING)
def test_a_least_bandwidth_of_zero_can_be_counted_with(
    own: Callable[[], Mapping[str, Baseline]],
) -> None:
    numbers = rules(Layer("runner", {"trigger": {"least_deg": 0.0}}))
    (sign,) = reader({"kickback_deg": 95.0}, own(), numbers=numbers).signs()
    assert sign.beyond_sd > 1.0
