"""The synthetic runner against physics, its own truth, and its knobs."""

import math
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stridehub.kernel import wire
from stridehub.model import CueKind, CueSide, Placement
from stridehub.sim.anatomy import Sole
from stridehub.sim.knobs import (
    GRAVITY_MPS2,
    LinkKnobs,
    MountKnobs,
    ReactionKnobs,
    RunnerKnobs,
    Segment,
    VariationKnobs,
    WobbleKnobs,
    ideal,
)
from stridehub.sim.link import PodLink
from stridehub.sim.recording import record
from stridehub.sim.runner import Chunk, SyntheticRunner
from stridehub.sim.script import State
from stridehub.sim.truth import TrueStride

Array = NDArray[np.float64]
SPEEDS = (2.0, 2.5, 3.0, 4.0, 5.0, 6.5)
PODS = tuple(Placement)
STEADY = VariationKnobs().scaled(0.0)


def running(speed: float, seconds: float = math.inf, **knobs: Any) -> RunnerKnobs:
    return RunnerKnobs(script=(Segment("stand", 5.0), Segment("run", seconds, speed)), **knobs)


def chunks(runner: SyntheticRunner, seconds: float) -> list[Chunk]:
    out = []
    while runner.time_s < seconds:
        out.append(runner.next_chunk())
    return out


def strides(knobs: RunnerKnobs, seconds: float = 25.0, seed: int = 1) -> list[TrueStride]:
    return [s for c in chunks(SyntheticRunner(knobs, seed=seed), seconds) for s in c.strides]


def mean(found: list[TrueStride], field: str) -> float:
    return float(np.mean([getattr(s, field) for s in found]))


@cache
def ideal_recording(speed: float) -> dict[str, Any]:
    knobs = msgspec.structs.replace(ideal(running(speed)), rate_hz=416.0)
    return record(SyntheticRunner(knobs, PODS, seed=3), 14.0)


def pod(recording: dict[str, Any], key: str, placement: Placement) -> Array:
    values: Array = recording[key][list(recording["pods"]).index(placement.label)]
    return values


@pytest.mark.parametrize("speed", SPEEDS)
def test_accelerometers_feel_what_their_paths_say(speed: float) -> None:
    r = ideal_recording(speed)
    step = 1.0 / r["fs"]
    for placement in PODS:
        p = pod(r, "truth_pod_pos", placement)
        second = (
            -p[4:] / 12 + 4 / 3 * p[3:-1] - 5 / 2 * p[2:-2] + 4 / 3 * p[1:-3] - p[:-4] / 12
        ) / step**2
        second[:, 1] += GRAVITY_MPS2
        felt = np.linalg.norm(pod(r, "acc", placement)[2:-2], axis=1)
        error = np.abs(felt - np.linalg.norm(second, axis=1))
        assert np.sqrt(np.mean(error**2)) < 0.015 * np.sqrt(np.mean(felt**2))


@pytest.mark.parametrize("placement", [Placement.PELVIS, Placement.SHANK_L, Placement.FOOT_R])
def test_strapdown_integration_finds_gravity_upwards(placement: Placement) -> None:
    r = ideal_recording(3.0)
    t = r["t"]
    rates, forces = pod(r, "gyr", placement), pod(r, "acc", placement)
    attitude = np.eye(3)
    world = np.empty_like(forces)
    for i, rate in enumerate(0.5 * (rates[1:] + rates[:-1])):
        world[i] = attitude @ forces[i]
        x, y, z = rate / r["fs"]
        k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        attitude = attitude @ (np.eye(3) + k + k @ k / 2 + k @ k @ k / 6)
    world[-1] = attitude @ forces[-1]
    up = world[t < 4.0].mean(axis=0)
    ics = r["truth_ic_l"]
    whole = (t >= ics[0]) & (t < ics[-1])
    assert np.linalg.norm(up) == pytest.approx(GRAVITY_MPS2, abs=0.02)
    assert world[whole].mean(axis=0) == pytest.approx(up, abs=0.15)


@pytest.mark.parametrize("limb", ["thigh", "shank", "foot"])
def test_gyroscope_integrates_to_the_segment_angle(limb: str) -> None:
    plane = running(3.5, axial_rotation_deg=0.0, pelvis_yaw_deg=0.0, pelvis_obliquity_deg=0.0)
    r = record(SyntheticRunner(msgspec.structs.replace(ideal(plane), rate_hz=416.0), PODS), 12.0)
    placement = Placement.from_label(f"{limb}_r")
    turned = pod(r, "gyr", placement) @ pod(r, "truth_mount", placement).T
    rate = np.degrees(turned[:, 2])
    angle = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1])) / r["fs"]])
    true = r[f"truth_ang_{limb}_r"]
    running_now = r["t"] > r["run_start"]
    drift = (angle - angle[0]) - (true - true[0])
    assert np.max(np.abs(drift[running_now])) < 1.0
    assert np.ptp(true[running_now]) > 40.0


@pytest.mark.parametrize("speed", SPEEDS)
def test_contact_is_where_vertical_force_crosses_fifty_newton(speed: float) -> None:
    r = ideal_recording(speed)
    for side in "lr":
        force = r[f"truth_grf_v_{side}"]
        ics, tos = r[f"truth_ic_{side}"], r[f"truth_to_{side}"]
        assert len(ics) > 8
        for ic, to in zip(ics, tos, strict=True):
            assert np.interp(ic, r["t"], force) == pytest.approx(50.0, abs=40.0)
            assert np.interp(to, r["t"], force) == pytest.approx(50.0, abs=40.0)
            held = (r["t"] > ic + 0.01) & (r["t"] < to - 0.02)
            assert np.min(force[held]) > 50.0


@pytest.mark.parametrize("speed", SPEEDS)
def test_flight_is_free_fall_and_force_carries_the_weight(speed: float) -> None:
    r = ideal_recording(speed)
    t, height = r["t"], r["truth_pelvis_y"]
    fall = np.gradient(np.gradient(height, t), t)
    force = r["truth_grf_v_l"] + r["truth_grf_v_r"]
    ics = np.sort(np.concatenate([r["truth_ic_l"], r["truth_ic_r"]]))
    tos = np.sort(np.concatenate([r["truth_to_l"], r["truth_to_r"]]))
    for to in tos[:-1]:
        landing = ics[ics > to][0]
        in_air = (t > to + 0.02) & (t < landing - 0.01)
        if in_air.any():
            assert fall[in_air] == pytest.approx(-GRAVITY_MPS2, abs=0.05)
            assert force[in_air] == pytest.approx(0.0, abs=1e-6)
    whole = (t >= ics[0]) & (t < ics[-1])
    assert np.mean(force[whole]) / (r["mass"] * GRAVITY_MPS2) == pytest.approx(1.0, abs=0.02)
    assert np.min(force[whole]) >= -1e-6


@pytest.mark.parametrize("speed", SPEEDS)
def test_the_stance_foot_stays_where_it_is(speed: float) -> None:
    r = ideal_recording(speed)
    t = r["t"]
    path = pod(r, "truth_pod_pos", Placement.FOOT_R)
    velocity = np.gradient(path, t, axis=0)
    for ic, to in zip(r["truth_ic_r"], r["truth_to_r"], strict=True):
        middle = (t > ic + 0.28 * (to - ic)) & (t < ic + 0.45 * (to - ic))
        assert np.max(np.abs(r["truth_heel_h_r"][middle])) < 0.04
        assert np.max(np.abs(velocity[middle, 0])) < 0.15 * speed
        assert np.max(np.abs(velocity[middle, 2])) < 0.15


@pytest.mark.parametrize("speed", SPEEDS)
def test_the_sole_keeps_touching_the_ground_until_toe_off(speed: float) -> None:
    r = ideal_recording(speed)
    body = SyntheticRunner(running(speed)).anatomy
    t, pitch = r["t"], np.radians(r["truth_ang_foot_l"])
    heel = body.heel_back * np.sin(pitch) + body.ankle_height * np.cos(pitch)
    ankle = r["truth_heel_h_l"] + heel
    over_sole = ankle - Sole(body).ankle(pitch)[0]
    for ic, to in zip(r["truth_ic_l"], r["truth_to_l"], strict=True):
        planted = (t > ic + 0.3 * (to - ic)) & (t < to)
        assert np.max(np.abs(over_sole[planted])) < 0.001


@pytest.mark.parametrize("speed", SPEEDS)
def test_shoes_do_not_dig_into_the_ground(speed: float) -> None:
    # swings know nothing of the ground; higher ones would throw the slowest shanks too hard
    deepest = 0.035 if speed < 2.2 else 0.02
    r = ideal_recording(speed)
    running_now = r["truth_state"] == State.RUNNING
    for side in "lr":
        assert np.min(r[f"truth_heel_h_{side}"][running_now]) > -deepest


@pytest.mark.parametrize("speed", SPEEDS)
def test_shanks_swing_no_harder_than_real_ones_before_landing(speed: float) -> None:
    r = ideal_recording(speed)
    felt = np.linalg.norm(pod(r, "acc", Placement.SHANK_R), axis=1) / GRAVITY_MPS2
    late = [(r["t"] > ic - 0.15) & (r["t"] < ic) for ic in r["truth_ic_r"][1:]]
    # 5.8, 5.8 and 7.4 g in three public runners at 3.5 to 4 m/s
    assert 3.0 < np.mean([np.max(felt[swing]) for swing in late]) < 11.0


@pytest.mark.parametrize("speed", SPEEDS)
def test_knees_do_not_bend_backwards(speed: float) -> None:
    r = ideal_recording(speed)
    running_now = r["truth_state"] == State.RUNNING
    for side in "lr":
        assert np.min(r[f"truth_knee_flex_{side}"][running_now]) > 2.0


@pytest.mark.parametrize("speed", SPEEDS)
def test_default_form_lies_in_the_zones(speed: float) -> None:
    found = strides(running(speed, variation=STEADY))
    assert len(found) > 40
    v = mean(found, "speed_mps")
    leg = SyntheticRunner(running(speed)).anatomy.leg
    assert v == pytest.approx(speed, rel=0.02)
    # at the top speed the length of the leg limits contact
    tolerance = 0.03 if speed < 6.0 else 0.07
    assert mean(found, "contact_time_ms") == pytest.approx(520 * v**-0.65, rel=tolerance)
    cadence = (166 + 6 * (v - 3)) * (0.90 / leg) ** 0.25
    assert mean(found, "cadence_spm") == pytest.approx(cadence, rel=0.02)
    assert 0.0 < mean(found, "shank_angle_ic_deg") < np.clip(11 - (v - 3), 6, 12)
    assert 0.1 < mean(found, "overstride_ratio") < 0.30 + 0.02 * (v - 3)
    assert mean(found, "peak_knee_flexion_deg") == pytest.approx(60 + 10 * v, abs=8)
    assert mean(found, "kickback_deg") == pytest.approx(50 + 10 * v, abs=3)
    assert mean(found, "knee_lift_deg") == pytest.approx(-4 + 10 * v, abs=8)
    assert 0.3 < mean(found, "heel_trail_ratio") < 0.60
    assert mean(found, "lean_deg") == pytest.approx(7 + (v - 3.4), abs=2)
    assert 0.0 < mean(found, "hip_over_foot_ratio") < 0.2
    assert 15 < mean(found, "hip_extension_deg") < 40
    assert 40 < mean(found, "vertical_oscillation_mm") < 110


KNOBS: list[tuple[dict[str, float], dict[str, tuple[float, float]]]] = [
    ({"overstride_deg": 5.0}, {"shank_angle_ic_deg": (4, 7), "overstride_ratio": (0.02, 0.10)}),
    ({"sitting_back_deg": 8.0}, {"hip_over_foot_ratio": (-0.12, -0.03)}),
    ({"heel_lift_deg": -12.0}, {"kickback_deg": (-13, -11), "peak_knee_flexion_deg": (-14, -9)}),
    ({"flick_deg": 10.0}, {"kickback_deg": (9, 11), "heel_trail_ratio": (0.03, 0.15)}),
    ({"knee_lift_deg": 6.0}, {"knee_lift_deg": (4.5, 7)}),
    ({"lean_deg": 6.0}, {"lean_deg": (5.9, 6.1)}),
    ({"cadence_factor": 1.06}, {"cadence_spm": (9, 11)}),
    ({"contact_factor": 1.08}, {"contact_time_ms": (15, 24)}),
    ({"foot_strike_deg": -5.0}, {"foot_strike_angle_deg": (-19, -13)}),
]
# What must stay when a knob that does not concern it is turned.
STILL = {
    "cadence_spm": 1.0,
    "contact_time_ms": 4.0,
    "shank_angle_ic_deg": 1.5,
    "kickback_deg": 1.0,
    "lean_deg": 0.1,
    "speed_mps": 0.02,
}


@pytest.mark.parametrize(("turned", "moves"), KNOBS)
def test_a_knob_moves_what_it_says_and_little_else(
    turned: dict[str, float], moves: dict[str, tuple[float, float]]
) -> None:
    before = strides(running(3.3, variation=STEADY), 15.0)
    after = strides(running(3.3, variation=STEADY, **turned), 15.0)
    for field, (low, high) in moves.items():
        assert low < mean(after, field) - mean(before, field) < high, field
    for field, most in STILL.items():
        if field not in moves:
            assert abs(mean(after, field) - mean(before, field)) < most, field


def test_left_and_right_differ_as_asked() -> None:
    knobs = running(
        3.0, variation=STEADY, contact_asymmetry_ratio=0.06, heel_lift_asymmetry_deg=8.0
    )
    found = strides(knobs)
    left = [s for s in found if s.side == "left"]
    right = [s for s in found if s.side == "right"]
    ratio = mean(left, "contact_time_ms") / mean(right, "contact_time_ms")
    assert ratio == pytest.approx(1.06, abs=0.01)
    assert mean(left, "kickback_deg") - mean(right, "kickback_deg") == pytest.approx(8.0, abs=0.3)


def test_a_tired_runner_lands_longer_and_lifts_less() -> None:
    fresh = strides(running(3.0, variation=STEADY), 60.0)
    tired = strides(running(3.0, variation=STEADY, fatigue=30.0), 60.0)
    assert mean(tired[-10:], "kickback_deg") < mean(fresh[-10:], "kickback_deg") - 2.0
    assert mean(tired[-10:], "contact_time_ms") > mean(fresh[-10:], "contact_time_ms") + 2.0
    assert mean(tired[-10:], "cadence_spm") < mean(fresh[-10:], "cadence_spm") - 1.0


def test_strides_vary_as_much_as_asked_and_drift_slowly() -> None:
    times = np.array([s.stride_time_ms for s in strides(running(3.0), 240.0)])
    spread = np.std(times) / np.mean(times)
    assert 0.004 < spread < 0.02
    changes = np.diff(times)
    # white noise would give sqrt(2)
    assert np.std(changes) / np.std(times) < 1.2
    doubled = strides(running(3.0, variation=VariationKnobs().scaled(2.0)), 240.0)
    other = np.array([s.stride_time_ms for s in doubled])
    assert np.std(other) / np.mean(other) == pytest.approx(2 * spread, rel=0.2)


def test_same_seed_same_samples_and_other_seed_others() -> None:
    knobs = running(3.0)
    first, again, other = (chunks(SyntheticRunner(knobs, PODS, seed=s), 9.0) for s in (5, 5, 6))
    for a, b in zip(first, again, strict=True):
        for placement in PODS:
            np.testing.assert_array_equal(a.acc[placement], b.acc[placement])
            np.testing.assert_array_equal(a.gyr[placement], b.gyr[placement])
    assert not np.array_equal(first[-1].acc[Placement.PELVIS], other[-1].acc[Placement.PELVIS])


def test_a_pod_feels_the_same_whoever_else_is_worn() -> None:
    alone = chunks(SyntheticRunner(running(3.0), [Placement.SHANK_R], seed=2), 9.0)
    among = chunks(SyntheticRunner(running(3.0), PODS, seed=2), 9.0)
    for a, b in zip(alone, among, strict=True):
        np.testing.assert_array_equal(a.acc[Placement.SHANK_R], b.acc[Placement.SHANK_R])


def test_standing_is_the_standing_pose() -> None:
    r = ideal_recording(3.0)
    still = r["t"] < 4.9
    assert r["stand_end"] == pytest.approx(5.0, abs=0.01)
    for name in ("thigh_l", "thigh_r", "shank_l", "shank_r"):
        assert r[f"truth_ang_{name}"][still] == pytest.approx(-6.0, abs=1.0)
    for placement in PODS:
        force = np.linalg.norm(pod(r, "acc", placement)[still], axis=1)
        assert force == pytest.approx(GRAVITY_MPS2, abs=0.2)


def test_activities_that_are_no_gait_have_no_strides() -> None:
    script = (
        Segment("stand", 5.0),
        Segment("run", 8.0, 3.0),
        Segment("stand", 4.0),
        Segment("walk", 10.0, 1.4),
        Segment("turn", 4.0, turn_deg=180.0),
        Segment("hop", 4.0),
        Segment("run", 6.0, 4.0),
        Segment("stop", 4.0),
        Segment("lie", 4.0),
    )
    r = SyntheticRunner(ideal(RunnerKnobs(script=script)), PODS, seed=4)
    out = chunks(r, 50.0)
    t = np.concatenate([c.t for c in out])
    state = np.concatenate([c.state for c in out])
    assert set(state.tolist()) == set(State)
    for stride in (s for c in out for s in c.strides):
        inside = state[(t > stride.ic) & (t < stride.next_ic)]
        kind = State.WALKING if stride.walking else State.RUNNING
        assert set(inside.tolist()) == {kind}
        assert ("walking" in stride.quality) == stride.walking
        assert (stride.flight_time_ms < 0) == stride.walking  # walking: double support
    walked = [s for c in out for s in c.strides if s.walking]
    assert len(walked) >= 10
    assert mean(walked, "speed_mps") == pytest.approx(1.4, rel=0.03)
    turn = np.concatenate([c.gyr[Placement.PELVIS][:, 1] for c in out])
    turning = (t >= 27.0) & (t < 31.2)
    assert math.degrees(turn[turning].sum() / r.knobs.rate_hz) == pytest.approx(180.0, abs=8.0)
    hopping = (t > 33.0) & (t < 35.0)
    shank = np.concatenate([np.linalg.norm(c.acc[Placement.SHANK_L], axis=1) for c in out])
    assert np.min(shank[hopping]) < 1.0
    pelvis = np.concatenate([np.linalg.norm(c.acc[Placement.PELVIS], axis=1) for c in out])
    assert np.max(pelvis[hopping]) > 2 * GRAVITY_MPS2
    along = np.concatenate([c.acc[Placement.SHANK_L][:, 1] for c in out])
    assert np.max(np.abs(along[(t > 47.0) & (t < 48.9)])) < 0.5  # gravity is across the limb


def test_signals_stay_human_through_every_change() -> None:
    script = (
        Segment("stand", 5.0),
        Segment("walk", 5.0, 1.2),
        Segment("run", 6.0, 2.5),
        Segment("run", 6.0, 5.0, turn_deg=90.0),
        Segment("hop", 3.0),
        Segment("stop", 2.0),
    )
    knobs = msgspec.structs.replace(ideal(RunnerKnobs(script=script)), rate_hz=208.0)
    for seed in range(4):
        for chunk in chunks(SyntheticRunner(knobs, PODS, seed=seed), 28.0):
            for placement in PODS:
                assert np.max(np.abs(chunk.acc[placement])) < 16 * GRAVITY_MPS2
                assert np.max(np.abs(chunk.gyr[placement])) < math.radians(1500)


def test_speed_follows_the_script() -> None:
    script = (Segment("stand", 5.0), Segment("run", 15.0, 2.5), Segment("run", 20.0, 4.0))
    found = strides(RunnerKnobs(script=script, variation=STEADY), 40.0)
    early = [s for s in found if 10 < s.ic < 19]
    late = [s for s in found if s.ic > 28]
    assert mean(early, "speed_mps") == pytest.approx(2.5, rel=0.03)
    assert mean(late, "speed_mps") == pytest.approx(4.0, rel=0.03)
    assert np.max(np.abs(np.diff([s.speed_mps for s in found]))) < 0.4


def test_a_cue_changes_the_following_strides_of_its_side() -> None:
    sure = ReactionKnobs(probability=1.0, delay_strides=1.0, rise_strides=1.0)
    runner = SyntheticRunner(running(3.0, variation=STEADY, reaction=sure))
    chunks(runner, 15.0)
    assert runner.cue(CueKind.HEEL_LIFT, CueSide.LEFT, runner.time_s)
    later = [s for c in chunks(runner, 30.0) for s in c.strides]
    left = [s for s in later if s.side == "left"]
    right = [s for s in later if s.side == "right"]
    before = 50 + 10 * 3.0
    assert left[0].kickback_deg == pytest.approx(before, abs=1.0)
    assert max(s.kickback_deg for s in left) > before + 6.0
    assert max(s.kickback_deg for s in right) < before + 1.0


def test_a_cue_is_answered_as_often_as_asked() -> None:
    runner = SyntheticRunner(running(3.0, reaction=ReactionKnobs(probability=0.3)), seed=8)
    answers = [runner.cue(CueKind.OVERSTRIDE, CueSide.BOTH, float(i)) for i in range(400)]
    assert np.mean(answers) == pytest.approx(0.3, abs=0.08)


def test_wobble_rings_after_landing_and_leaves_no_speed() -> None:
    base = ideal(running(3.0))
    still = record(SyntheticRunner(base, [Placement.SHANK_R], seed=1), 12.0)
    shaken = msgspec.structs.replace(base, wobble=WobbleKnobs(shank_g=8.0, spread_ratio=0.0))
    rung = record(SyntheticRunner(shaken, [Placement.SHANK_R], seed=1), 12.0)
    along = (rung["acc"] - still["acc"])[0, :, 1] / GRAVITY_MPS2
    t = rung["t"]
    for ic in rung["truth_ic_r"]:
        ring = (t >= ic) & (t < ic + 0.3)
        assert 6.0 < np.max(np.abs(along[ring])) < 8.1
        assert abs(np.mean(along[ring])) < 0.05
        before = (t > ic - 0.05) & (t < ic)
        assert np.max(np.abs(along[before])) < 0.2


def test_a_turned_pod_reports_the_same_vectors_turned() -> None:
    quarter = {Placement.SHANK_L: (0.0, 0.5 * math.pi, 0.0)}
    base = ideal(running(3.0))
    knobs = msgspec.structs.replace(base, mount=MountKnobs(turn_deg=0.0, rotation_rad=quarter))
    straight = chunks(SyntheticRunner(base, [Placement.SHANK_L]), 8.0)[-1].acc[Placement.SHANK_L]
    turned = chunks(SyntheticRunner(knobs, [Placement.SHANK_L]), 8.0)[-1].acc[Placement.SHANK_L]
    assert turned[:, 1] == pytest.approx(straight[:, 1], abs=0.05)
    assert turned[:, 0] == pytest.approx(-straight[:, 2], abs=0.05)
    assert turned[:, 2] == pytest.approx(straight[:, 0], abs=0.05)


def test_a_clipping_sensor_stays_in_range() -> None:
    hard = running(5.0, wobble=WobbleKnobs(shank_g=25.0))
    r = record(SyntheticRunner(hard, [Placement.SHANK_L]), 12.0)
    top = 16 * GRAVITY_MPS2
    assert np.max(np.abs(r["acc"])) == pytest.approx(top, rel=1e-3)


def test_a_pod_falling_off_comes_to_rest() -> None:
    knobs = running(3.0, pod_off_s={Placement.SHANK_L: 9.0})
    r = record(SyntheticRunner(knobs, PODS, seed=2), 14.0)
    rest = r["t"] > 10.0
    assert np.max(np.abs(pod(r, "gyr", Placement.SHANK_L)[rest])) < 0.05
    force = np.linalg.norm(pod(r, "acc", Placement.SHANK_L)[rest], axis=1)
    assert force == pytest.approx(GRAVITY_MPS2, abs=0.8)
    assert np.max(np.abs(pod(r, "gyr", Placement.SHANK_R)[rest])) > 5.0


def test_a_recording_has_the_keys_of_an_import(tmp_path: Any) -> None:
    r = record(SyntheticRunner(running(3.0), seed=1), 12.0)
    file = tmp_path / "runner.npz"
    np.savez(file, **r)
    with np.load(file, allow_pickle=False) as z:
        assert z["acc"].shape == z["gyr"].shape == (7, len(z["t"]), 3)
        assert z["pods"].tolist()[:2] == ["pelvis", "thigh_l"]
        assert len(z["stride_t_ic"]) == len(z["stride_side"]) == len(z["stride_kickback_deg"]) > 5
        assert not [k for k in z.files if z[k].dtype.kind == "f" and np.isnan(z[k]).any()]


@pytest.mark.parametrize(
    "segment", [Segment("run", 5.0, 9.0), Segment("walk", 5.0, 3.0), Segment("stand", 0.0)]
)
def test_impossible_scripts_are_refused(segment: Segment) -> None:
    with pytest.raises(ValueError, match=r"outside|positive"):
        RunnerKnobs(script=(segment,))


def sent(knobs: LinkKnobs, seconds: float = 12.0, seed: int = 1) -> tuple[PodLink, list[Any]]:
    placement = Placement.SHANK_R
    runner = SyntheticRunner(running(3.0), [placement], seed=seed)
    link = PodLink(knobs, placement, seed)
    arrivals: list[Any] = []
    for c in chunks(runner, seconds):
        arrivals += link.send(c.t, c.acc[placement], c.gyr[placement])
    return link, arrivals


def test_packets_carry_the_samples() -> None:
    placement = Placement.SHANK_R
    link, arrivals = sent(LinkKnobs())
    r = record(SyntheticRunner(running(3.0), [placement], seed=1), 12.0)
    packets = [wire.decode(a.data) for a in arrivals]
    got = np.concatenate([p.samples for p in packets])
    acc = got[:, :3] * (link.info.acc_nm_s2_per_lsb * 1e-9)
    gyr = got[:, 3:] * (link.info.gyr_nrad_s_per_lsb * 1e-9)
    np.testing.assert_allclose(acc, r["acc"][0, : len(acc)], atol=1e-9)
    np.testing.assert_allclose(gyr, r["gyr"][0, : len(gyr)], atol=1e-9)
    steps = np.diff([p.sequence for p in packets]) % 2**16
    assert set(steps.tolist()) == {1}
    assert {p.placement for p in packets} == {placement}


def test_pod_clocks_run_at_their_own_rate_and_wrap() -> None:
    link, arrivals = sent(LinkKnobs(clock_skew_ppm=100.0, clock_start_us=2**32 - 3_000_000))
    clock = np.unwrap([float(wire.decode(a.data).pod_clock_us) for a in arrivals], period=2**32)
    true = np.array([a.first_sample_s for a in arrivals])
    slope = np.polyfit(true, clock * 1e-6, 1)[0]
    assert slope == pytest.approx(link.clock_skew, abs=1e-6)
    assert 0 < abs(link.clock_skew - 1) <= 100e-6


def test_packets_arrive_late_in_order_and_in_bursts() -> None:
    _, arrivals = sent(LinkKnobs(connection_interval_s=0.03, stall_probability=0.05), 30.0)
    arrival = np.array([a.arrival_s for a in arrivals])
    last_sample = np.array([a.first_sample_s for a in arrivals]) + 7 / 208.0
    delay = arrival - last_sample
    assert np.all(np.diff(arrival) >= 0)
    assert np.min(delay) >= 0.002
    assert np.max(delay) < 0.25
    assert np.max(delay) > 0.06
    assert np.any(np.diff(arrival) == 0)


def test_loss_and_holes_leave_gaps_in_the_sequence() -> None:
    _, whole = sent(LinkKnobs(), 30.0)
    _, holed = sent(LinkKnobs(loss_ratio=0.05, holes=((12.0, 0.3),)), 30.0)
    assert 0.90 < len(holed) / len(whole) < 0.98
    times = np.array([a.first_sample_s for a in holed])
    assert not np.any((times >= 12.0) & (times < 12.3))
    steps = np.diff([wire.decode(a.data).sequence for a in holed]) % 2**16
    assert steps.sum() == len(whole) - 1 or steps.max() > 5


@pytest.mark.parametrize("error", [-0.03, 0.02])
def test_an_imu_that_runs_at_its_own_rate_samples_the_same_motion(error: float) -> None:
    link, arrivals = sent(LinkKnobs(imu_rate_error_ratio=error, clock_skew_ppm=0.0))
    r = record(SyntheticRunner(running(3.0), [Placement.SHANK_R], seed=1), 12.0)
    first = np.array([a.first_sample_s for a in arrivals])
    assert np.diff(first) == pytest.approx(8 / (208.0 * (1 + error)), rel=1e-6)
    samples = np.stack([wire.decode(a.data).samples[0] for a in arrivals])
    gyr = samples[:, 3:] * (link.info.gyr_nrad_s_per_lsb * 1e-9)
    for axis in range(3):
        expected = np.interp(first, r["t"], r["gyr"][0, :, axis])
        assert gyr[:, axis] == pytest.approx(expected, abs=0.4)


@settings(max_examples=10)
@given(
    speed=st.floats(2.0, 4.5),
    height=st.floats(1.65, 1.95),
    overstride=st.floats(-3.0, 6.0),
    heel_lift=st.floats(-15.0, 8.0),
    strike=st.floats(-8.0, 18.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_ordinary_runner_moves_like_a_body(
    speed: float, height: float, overstride: float, heel_lift: float, strike: float, seed: int
) -> None:
    knobs = ideal(
        RunnerKnobs(
            script=(Segment("stand", 1.0), Segment("run", math.inf, speed)),
            height_m=height,
            overstride_deg=overstride,
            heel_lift_deg=heel_lift,
            foot_strike_deg=strike,
        )
    )
    found = []
    for chunk in chunks(SyntheticRunner(knobs, PODS, seed=seed), 7.0):
        found += chunk.strides
        for placement in PODS:
            assert np.max(np.abs(chunk.acc[placement])) < 30 * GRAVITY_MPS2
            assert np.max(np.abs(chunk.gyr[placement])) < math.radians(2000)
    assert len(found) > 8
    assert {s.side for s in found} == {"left", "right"}
    ics = sorted(s.ic for s in found)
    assert ics == [s.ic for s in found]
