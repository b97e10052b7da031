"""Two shanks suffice; every further pod adds its metrics, and none is guessed without its pod."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from stridehub.model import Placement, Side, Stride
from stridehub.pods.recording import Recording, load_recording
from support import (
    ALL_RUNNERS,
    FEET,
    HIPS,
    LEGS,
    METRICS,
    SETTLED_S,
    SHANKS,
    between,
    known,
    settled,
    side_by_side,
    strides_of,
    without_match,
    worn,
)

Load = Callable[[str], Recording]

OF_SHANKS = {
    *("stride_time_ms", "contact_time_ms", "flight_time_ms", "duty_factor", "cadence_spm"),
    *("shank_angle_ic_deg", "kickback_deg", "impact_g"),
}
OF_THIGHS = {
    *("overstride_ratio", "knee_flexion_ic_deg", "peak_knee_flexion_deg", "heel_lift_ratio"),
    *("heel_trail_ratio", "swing_lever_ratio", "knee_lift_deg", "hip_extension_deg"),
    *("hip_over_foot_ratio", "push_off_angle_deg", "speed_mps", "step_length_m"),
}
OF_PELVIS = {"lean_deg", "vertical_oscillation_mm"}
OF_FEET = {"foot_strike_angle_deg"}
# What the quality of every stride says, and what any may say.
SETS: dict[str, tuple[Sequence[Placement], set[str], set[str]]] = {
    "two shanks": (SHANKS, OF_SHANKS, {"no_thigh", "no_pelvis"}),
    "and thighs": (LEGS, OF_SHANKS | OF_THIGHS, {"no_pelvis"}),
    "and pelvis": (HIPS, OF_SHANKS | OF_THIGHS | OF_PELVIS, set()),
    "and feet": ((*HIPS, *FEET), set(METRICS), set()),
    "shanks and pelvis": ((*SHANKS, Placement.PELVIS), OF_SHANKS | OF_PELVIS, {"no_thigh"}),
    "shanks and feet": ((*SHANKS, *FEET), OF_SHANKS | OF_FEET, {"no_thigh", "no_pelvis"}),
}
# Events without the force that thighs and pelvis show: the bars of the whole set, about doubled.
SHANK_EVENT_BIAS_S, SHANK_EVENT_SD_S = 0.030, 0.010


@pytest.fixture(scope="module")
def load(recording: Callable[[str], Path]) -> Load:
    return lambda name: load_recording(recording(name))


@pytest.mark.parametrize("name", ALL_RUNNERS)
@pytest.mark.parametrize(("pods", "metrics", "said"), SETS.values(), ids=SETS)
def test_every_pod_adds_its_metrics(
    load: Load, name: str, pods: Sequence[Placement], metrics: set[str], said: set[str]
) -> None:
    strides = settled(strides_of(worn(load(name), pods)))
    assert len(strides) > 70
    for stride in strides:
        assert known(stride) == metrics
        assert set(stride.quality) - {"kinematic_events"} == said


@pytest.mark.parametrize("name", ALL_RUNNERS)
@pytest.mark.parametrize("pods", [pods for pods, _, _ in SETS.values()], ids=SETS)
def test_fewer_pods_find_the_same_strides(load: Load, name: str, pods: Sequence[Placement]) -> None:
    recording = load(name)
    usual, strides = settled(strides_of(recording)), settled(strides_of(worn(recording, pods)))
    assert without_match(strides, usual) == []
    assert without_match(usual, strides) == []
    for event in ("ic", "to"):
        shifts = [
            getattr(one, event) - getattr(other, event)
            for one, other in side_by_side(strides, usual)
        ]
        assert abs(np.mean(shifts)) <= SHANK_EVENT_BIAS_S
        assert np.std(shifts) <= SHANK_EVENT_SD_S


@pytest.mark.parametrize("side", Side)
def test_one_leg_measures_itself(load: Load, side: Side) -> None:
    recording = load(ALL_RUNNERS[0])
    leg = [pod for pod in LEGS if pod.label.endswith(f"_{side[0]}")]
    usual = [stride for stride in settled(strides_of(recording)) if stride.side is side]
    strides = settled(strides_of(worn(recording, leg)))
    assert {stride.side for stride in strides} == {side}
    assert without_match(strides, usual) == []
    assert without_match(usual, strides) == []
    for stride in strides:  # no other foot lands: its flight is not known
        assert known(stride) == (OF_SHANKS | OF_THIGHS) - {"flight_time_ms"}


def test_without_shanks_there_are_no_strides(load: Load) -> None:
    recording = load(ALL_RUNNERS[0])
    thighs = (Placement.THIGH_L, Placement.THIGH_R, Placement.PELVIS)
    assert strides_of(worn(recording, thighs)) == []


# ---- no standing at all ----

START_S = 7.0
LEARNING_S = 8.0
NO_STANDING_DEG = 20.0  # a zero from movement alone; a pod's sign or axis must not be wrong


def without_standing(load: Load, name: str, pods: Sequence[Placement]) -> list[Stride]:
    return strides_of(between(worn(load(name), pods), START_S))


@pytest.mark.parametrize("name", ALL_RUNNERS)
@pytest.mark.parametrize("pods", [SHANKS, (*HIPS, *FEET)], ids=["two shanks", "all pods"])
def test_without_standing_every_stride_says_so(
    load: Load, name: str, pods: Sequence[Placement]
) -> None:
    strides = without_standing(load, name, pods)
    assert len(strides) > 50
    assert all("no_standing" in stride.quality for stride in strides)


@pytest.mark.parametrize("name", ALL_RUNNERS)
def test_without_standing_no_angle_is_upside_down(load: Load, name: str) -> None:
    recording = load(name)
    usual = settled(strides_of(recording), START_S + LEARNING_S)
    strides = settled(without_standing(load, name, (*HIPS, *FEET)), SETTLED_S + LEARNING_S)
    far = [
        (stride.side, round(stride.ic, 1), metric)
        for stride, true in side_by_side(strides, usual)
        for metric in METRICS
        if metric.endswith("_deg")
        and getattr(stride, metric) is not None
        and abs(getattr(stride, metric) - getattr(true, metric)) > NO_STANDING_DEG
    ]
    assert far == []
