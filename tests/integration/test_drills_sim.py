"""Drills of a synthetic runner through packets and kernel: counted exactly, or not judged."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from stridehub.app import Feed, Pipeline
from stridehub.coaching.angles import SLOT_S, Series
from stridehub.coaching.foot_pull import FootPull
from stridehub.coaching.lean_start import LeanStart, Start
from stridehub.model import Placement, RunnerProfile, Side
from stridehub.pods.source import Arrival, WornPod
from stridehub.rules import DrillRules
from stridehub.sim.activities import Pulling
from stridehub.sim.anatomy import Anatomy
from stridehub.sim.knobs import LinkKnobs, RunnerKnobs, Segment
from stridehub.sim.runner import SyntheticRunner
from stridehub.sim.script import BLEND_S
from support import HIPS, over_the_air, synthetic

RULES = DrillRules()
LOOK_S = 0.25
STAND, RUN = Segment("stand", 4.0), Segment("run", 8.0, 3.0)
PULL = Segment("pull", 14.0)
SEEDS = (1, 2, 3)


class Look(NamedTuple):
    """At the kernel's series, at one moment."""

    time_s: float
    series: Series
    confidence: dict[Placement, float]


def looks(pods: Sequence[WornPod], arrivals: Sequence[Arrival]) -> Iterator[Look]:
    pipeline = Pipeline()
    pipeline.add_runner(RunnerProfile())
    kernel = pipeline.kernels["runner"]
    feed, next_s = Feed(pipeline, pods), 0.0
    for arrival in arrivals:
        feed.take(arrival)
        if arrival.arrival_s >= next_s:
            next_s = arrival.arrival_s + LOOK_S
            status = [kernel.status(number) for number in range(len(kernel.pods))]
            yield Look(
                arrival.arrival_s,
                {pod.placement: kernel.series(number)[:2] for number, pod in enumerate(status)},
                {pod.placement: pod.alignment_confidence for pod in status},
            )


@cache
def looked_at(script: tuple[Segment, ...], seed: int, link: LinkKnobs) -> list[Look]:
    runner = synthetic(*script, seed=seed, pods=HIPS)
    return list(looks(*over_the_air(runner, link, seed)))


@cache
def truth(script: tuple[Segment, ...], seed: int) -> Series:
    """True angles against standing, on the kernel's grid."""
    runner = SyntheticRunner(RunnerKnobs(script=script), (), seed)
    end_s = sum(segment.duration_s for segment in script)
    chunks = []
    while runner.time_s < end_s:
        chunks.append(runner.next_chunk())
    time_s = np.concatenate([chunk.t for chunk in chunks])
    grid_s = SLOT_S * np.arange(int(end_s / SLOT_S), dtype=np.float64)
    found: dict[Placement, tuple[NDArray[np.float64], NDArray[np.float32]]] = {}
    for place in HIPS:
        deg = np.concatenate([chunk.truth[f"ang_{place.label}"] for chunk in chunks])
        standing_deg = 0.0 if place is Placement.PELVIS else 6.0
        found[place] = grid_s, np.interp(grid_s, time_s, deg + standing_deg).astype(np.float32)
    return found


def true_pulls(script: tuple[Segment, ...], seed: int, from_s: float = 0.0) -> dict[Side, int]:
    """Shanks that go back by 45 degrees and more against the vertical, and come down again."""
    counts = dict.fromkeys(Side, 0)
    for side, place in zip(Side, (Placement.SHANK_L, Placement.SHANK_R), strict=True):
        time_s, deg = truth(script, seed)[place]
        is_up = False
        for angle in deg[time_s >= from_s] - 6.0:
            if angle < -45.0:
                is_up = True
            elif angle > -20.0:
                counts[side] += is_up
                is_up = False
    return counts


def pulled(found: Sequence[Look], from_s: float) -> FootPull:
    drill = FootPull(RULES, RunnerProfile(), from_s)
    for look in found:
        if look.time_s >= from_s:
            drill.update(look.series, look.confidence)
    return drill


def counts(drill: FootPull) -> dict[Side, int]:
    return {side: pulls.count for side, pulls in drill.result.sides.items()}


# ---- foot pull ----

AFTER_RUNNING = (STAND, RUN, STAND, PULL, STAND)
PULLS_FROM_S = 16.0


@pytest.mark.parametrize("seed", SEEDS)
def test_after_some_running_every_pull_counts(seed: int) -> None:
    drill = pulled(looked_at(AFTER_RUNNING, seed, LinkKnobs()), PULLS_FROM_S)
    expected = true_pulls(AFTER_RUNNING, seed, PULLS_FROM_S)
    assert min(expected.values()) >= 5
    assert counts(drill) == expected
    assert not drill.result.is_interrupted
    assert not drill.result.not_judged
    for side in Side:
        pulls = drill.result.sides[side]
        assert pulls.judged == pulls.under_hip == pulls.count
        assert pulls.heel_lift_ratio == pytest.approx(true_heel_lift(side, seed), abs=0.02)


def true_heel_lift(side: Side, seed: int) -> float:
    """Median over the pulls, by the chain of two segments."""
    series = truth(AFTER_RUNNING, seed)
    limb = {
        Side.LEFT: (Placement.THIGH_L, Placement.SHANK_L),
        Side.RIGHT: (Placement.THIGH_R, Placement.SHANK_R),
    }[side]
    thigh, shank = (np.radians(series[place][1].astype(float) - 6.0) for place in limb)
    lift = 1.0 - (0.245 * np.cos(thigh) + 0.246 * np.cos(shank)) / 0.491
    lift = lift[int(PULLS_FROM_S / SLOT_S) :]
    tops = np.flatnonzero((lift[1:-1] > lift[:-2]) & (lift[1:-1] >= lift[2:]) & (lift[1:-1] > 0.15))
    return float(np.median(lift[1:-1][tops]))


@pytest.mark.parametrize("seed", [4, 5])
def test_running_and_walking_are_no_pulls(seed: int) -> None:
    script = (STAND, RUN, STAND, Segment("walk", 8.0, 1.4), STAND)
    assert counts(pulled(looked_at(script, seed, LinkKnobs()), 0.0)) == dict.fromkeys(Side, 0)


@pytest.mark.parametrize("seed", SEEDS)
def test_at_the_start_of_a_session_pulls_are_not_judged_until_axes_are_found(seed: int) -> None:
    """The pulls themselves show the axes after some repetitions; those before are not counted."""
    script = (STAND, PULL, STAND)
    found = looked_at(script, seed, LinkKnobs())
    drill, was_sure = FootPull(RULES, RunnerProfile(), 0.0), False
    for look in found:
        before = counts(drill)
        drill.update(look.series, look.confidence)
        told = drill.result.not_judged
        assert all(counts(drill)[side] == before[side] for side in told)
        was_sure |= not told
    assert was_sure
    assert drill.result.is_interrupted
    expected = true_pulls(script, seed)
    assert all(counts(drill)[side] < expected[side] for side in Side)
    assert sum(counts(drill).values()) > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_lost_packets_never_add_a_pull(seed: int) -> None:
    """The kernel then needs cycles to find the vertical; pulls meanwhile may not be seen."""
    holes = ((PULLS_FROM_S + 4.0 + 0.13 * seed, 0.2 * seed), (PULLS_FROM_S + 8.0, 0.1))
    found = looked_at(AFTER_RUNNING, seed, LinkKnobs(loss_ratio=0.01, holes=holes))
    drill = pulled(found, PULLS_FROM_S)
    expected = true_pulls(AFTER_RUNNING, seed, PULLS_FROM_S)
    assert all(0 < counts(drill)[side] <= expected[side] for side in Side)
    assert drill.result.is_interrupted


# ---- start-stop lean ----

STARTS = (STAND, RUN, STAND, RUN, STAND, RUN)


def started(found: Sequence[tuple[Series, dict[Placement, float]]]) -> list[Start]:
    drill = LeanStart(RULES, RunnerProfile(), 0.0)
    return [start for series, confidence in found for start in drill.update(series, confidence)]


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_starts_are_found_and_measured_once_the_axes_are_known(seed: int) -> None:
    starts = started([look[1:] for look in looked_at(STARTS, seed, LinkKnobs())])
    sure = dict.fromkeys(Placement, 1.0)
    grid = truth(STARTS, seed)
    slots = len(grid[Placement.PELVIS][0])
    cuts = [
        (
            {place: (t[end - 50 : end], deg[end - 50 : end]) for place, (t, deg) in grid.items()},
            sure,
        )
        for end in range(50, slots, 50)
    ]
    expected = [start for start in started(cuts) if start.time_s > 12.0]
    assert len(expected) == 2
    assert len(starts) == 2
    for start, true in zip(starts, expected, strict=True):
        assert start.stance is true.stance
        assert start.time_s == pytest.approx(true.time_s, abs=0.05)
        assert start.ahead_ratio == pytest.approx(true.ahead_ratio, abs=0.06)
        assert start.knee_deg == pytest.approx(true.knee_deg, abs=6.0)
        assert start.pelvis_lean_deg == pytest.approx(true.pelvis_lean_deg, abs=2.0)
        assert start.is_good == true.is_good


# ---- the simulated pulls themselves ----


def test_pulls_are_smooth_and_their_landings_are_those_of_the_feet() -> None:
    knobs = RunnerKnobs()
    begin_s, duration_s = 3.0, 12.0
    pulls = Pulling(
        Anatomy.from_height(knobs.height_m), knobs, np.random.default_rng(1), begin_s, duration_s
    )
    t = np.arange(0.0, begin_s + duration_s + 5.0, 0.001)
    pose = pulls.pose(t)
    for order in (0, 1):
        change = np.gradient(pose[order], 0.001, axis=1)
        assert np.max(np.abs(change - pose[order + 1])) < 0.5  # of 60 rad/s^2
    force = pulls.vertical_force(t, pose)
    landings = pulls.landings(0.0, float(t[-1]))
    assert [landing.leg for landing in landings] == [n % 2 for n in range(len(landings))]
    for landing in landings:
        assert landing.leg is not None
        after = int(np.searchsorted(t, landing.t))
        assert force[landing.leg, after - 10] == 0.0
        assert force[landing.leg, after + 10] > 0.0
    up = np.flatnonzero(force.min(axis=0) == 0.0)
    assert t[up[0]] >= begin_s + BLEND_S
    assert t[up[-1]] <= begin_s + duration_s
