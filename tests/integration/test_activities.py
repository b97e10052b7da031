"""Whatever a runner does besides running: no false strides, and no trust in a pod that fell off."""

from functools import cache

import numpy as np
import pytest

from stridehub.model import Placement, Stride
from stridehub.sim.knobs import Segment
from stridehub.sim.script import GAITS, State
from support import FEET, HIPS, MATCH_S, SHANKS, Synthetic, strides_of, synthetic

ALL = tuple(Placement)[:7]
POD_SETS = {"seven pods": ALL, "five pods": HIPS, "two shanks": SHANKS}
STAND = Segment("stand", 5.0)
RUN, WALK = Segment("run", 12.0, 3.0), Segment("walk", 12.0, 1.4)

NO_GAIT = {
    "standing": (Segment("stand", 30.0),),
    "lying down": (STAND, Segment("lie", 15.0)),
    "hopping": (STAND, Segment("hop", 15.0)),
    "turning on the spot": (STAND, Segment("turn", 15.0, turn_deg=720.0)),
    "a bit of all": (STAND, Segment("hop", 6.0), Segment("turn", 6.0), Segment("lie", 6.0)),
}
WITH_GAIT = {
    "stopping": (STAND, RUN, Segment("stop", 8.0), RUN, Segment("stop", 5.0)),
    "walking": (STAND, Segment("walk", 20.0, 1.4)),
    "walking slowly": (STAND, Segment("walk", 20.0, 0.9)),
    "walking and running": (STAND, RUN, WALK, RUN),
    "hopping": (STAND, RUN, Segment("hop", 8.0), RUN),
    "turning": (STAND, RUN, Segment("turn", 8.0, turn_deg=360.0), RUN),
    "lying down": (STAND, RUN, Segment("lie", 8.0), STAND, RUN),
    "walk, then all else": (STAND, WALK, Segment("hop", 6.0), Segment("turn", 6.0, turn_deg=-360)),
}
# The first stride of a runner whose axes nobody knows yet may go, and a second one of slow walking:
# the direction of the swing is only known from them.
FIRST_STRIDES = 2


@cache
def ran(*script: Segment, seed: int, pods: tuple[Placement, ...] = ALL) -> Synthetic:
    return synthetic(*script, seed=seed, pods=pods)


def is_scored(runner: Synthetic, time_s: float) -> bool:
    """Blends from or to a gait are nobody's truth."""
    if runner.state_at(time_s) is not State.TRANSITION:
        return True
    ends = np.cumsum([segment.duration_s for segment in runner.knobs.script])
    index = int(np.searchsorted(ends, time_s, side="right"))
    around = {segment.kind for segment in runner.knobs.script[max(index - 1, 0) : index + 1]}
    return not around & {"run", "walk"}


def false_strides(runner: Synthetic, strides: list[Stride]) -> list[Stride]:
    """Those that begin where no foot of that side landed."""
    return [
        stride
        for stride in strides
        if not (np.abs(runner.contacts[stride.side] - stride.ic) < MATCH_S).any()
        and is_scored(runner, stride.ic)
    ]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("pods", POD_SETS.values(), ids=POD_SETS)
@pytest.mark.parametrize("script", NO_GAIT.values(), ids=NO_GAIT)
def test_without_gait_no_strides(
    script: tuple[Segment, ...], pods: tuple[Placement, ...], seed: int
) -> None:
    runner = ran(*script, seed=seed, pods=pods)
    assert {State(int(state)) for state in runner.state}.isdisjoint(GAITS)
    assert strides_of(runner.recording) == []


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("pods", POD_SETS.values(), ids=POD_SETS)
@pytest.mark.parametrize("script", WITH_GAIT.values(), ids=WITH_GAIT)
def test_true_strides_and_no_false_ones(
    script: tuple[Segment, ...], pods: tuple[Placement, ...], seed: int
) -> None:
    runner = ran(*script, seed=seed, pods=pods)
    strides = strides_of(runner.recording)
    assert false_strides(runner, strides) == []
    missed = []
    for number, true in enumerate(runner.strides):
        mine = [s for s in strides if s.side == true.side and abs(s.ic - true.ic) < MATCH_S]
        if mine:
            assert ("walking" in mine[0].quality) == true.walking, true
        else:
            missed.append(number)
    assert missed == list(range(len(missed)))
    assert len(missed) <= FIRST_STRIDES


def test_sharp_bends_are_marked_and_straights_are_not() -> None:
    bend = Segment("run", 8.0, 3.0, turn_deg=540.0)
    runner = ran(STAND, RUN, bend, RUN, seed=1)
    middle_s = (STAND.duration_s + RUN.duration_s + 3.0, STAND.duration_s + RUN.duration_s + 5.0)
    in_bend, outside = [], []
    for stride in strides_of(runner.recording):
        if middle_s[0] < stride.ic and stride.next_ic < middle_s[1]:
            in_bend.append(stride)
        elif stride.ic > 9.5 and stride.next_ic < 17.0:
            outside.append(stride)
    assert len(in_bend) >= 3
    assert len(outside) >= 15
    assert all("turning" in stride.quality for stride in in_bend)
    assert not any("turning" in stride.quality for stride in outside)


# ---- a pod falls off ----

OFF_S = 14.3
TUMBLED_S = 2.0  # falling, bouncing, and a stride more: then nobody takes it for a leg
# A falling pod takes poses that limbs take too, and its stillness shows after 0.5 to 1 s: of the
# stride in which it falls, and of those that begin so soon after, nobody can know.
UNKNOWABLE_S = 1.0
LAST_S = 0.3  # a landing at the end of a recording may need the samples after it
# What tells that samples of a pod are not to be used.
DOUBTS = {"gap", "late", "clipped", "not_calibrated", "not_worn", "turning"}
THIGH = {
    *("overstride_ratio", "knee_flexion_ic_deg", "peak_knee_flexion_deg", "heel_lift_ratio"),
    *("heel_trail_ratio", "swing_lever_ratio", "knee_lift_deg", "hip_extension_deg"),
    *("hip_over_foot_ratio", "push_off_angle_deg", "speed_mps", "step_length_m"),
}
USED_FOR = {
    "pelvis": {"lean_deg", "vertical_oscillation_mm"},
    "thigh": THIGH,
    "shank": {"kickback_deg", "shank_angle_ic_deg", "impact_g"} | THIGH,
    "foot": {"foot_strike_angle_deg"},
}


@cache
def lost(placement: Placement, seed: int) -> Synthetic:
    return synthetic(
        STAND, Segment("run", 20.0, 3.0), seed=seed, pod_off_s={placement: OFF_S + 0.13 * seed}
    )


def off_s(runner: Synthetic) -> float:
    return next(iter(runner.knobs.pod_off_s.values()))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("placement", ALL, ids=lambda placement: placement.label)
def test_after_a_fall_no_stride_trusts_the_pod(placement: Placement, seed: int) -> None:
    runner = lost(placement, seed)
    strides = strides_of(runner.recording)
    assert false_strides(runner, strides) == []
    segment, _, leg = placement.label.partition("_")
    trusting = [
        (round(stride.ic - off_s(runner), 2), stride.quality, metric)
        for stride in strides
        if stride.ic > off_s(runner) + UNKNOWABLE_S
        and stride.side[0] in (leg or "lr")
        and not DOUBTS & set(stride.quality)
        for metric in sorted(USED_FOR[segment])
        if getattr(stride, metric) is not None
    ]
    assert trusting == []


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("placement", ALL, ids=lambda placement: placement.label)
def test_after_a_fall_the_other_pods_go_on(placement: Placement, seed: int) -> None:
    runner = lost(placement, seed)
    strides = strides_of(runner.recording)
    for true in runner.strides:
        gone = placement in SHANKS and true.side[0] == placement.label[-1]
        at_the_end = true.next_ic > runner.recording.duration_s - LAST_S
        if true.ic < off_s(runner) + TUMBLED_S or gone or at_the_end:
            continue
        mine = [s for s in strides if s.side == true.side and abs(s.ic - true.ic) < MATCH_S]
        assert len(mine) == 1, f"{true.side} stride at {true.ic:.2f} s"
        assert "walking" not in mine[0].quality
        if placement not in FEET:
            # timing as with the pods that are left
            assert mine[0].ic == pytest.approx(true.ic, abs=0.03)
