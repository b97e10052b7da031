"""Pods at a wrong place are told of while someone runs; pods at the right one never."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from stridehub.app import Feed, Pipeline
from stridehub.config import runner_profile
from stridehub.live import wearer
from stridehub.model import Gait, Placement
from stridehub.pods.recording import Recording, load_recording
from stridehub.pods.replayed import ReplayedSource
from stridehub.pods.source import Arrival
from stridehub.sim.knobs import Segment
from stridehub.synthetic import STYLES, Style
from stridehub.wearing import Motion, hints
from support import (
    ALL_RUNNERS,
    FEET,
    HIPS,
    LEGS,
    SETTLED_S,
    SHANKS,
    between,
    randomly_turned,
    synthetic,
    worn,
)

ALL = tuple(Placement)[:7]
THIGHS = (Placement.THIGH_L, Placement.THIGH_R)
LEFT = (Placement.THIGH_L, Placement.SHANK_L)
RIGHT = (Placement.THIGH_R, Placement.SHANK_R)

LOOK_S = 0.25  # between two looks at the pods
STAND_S = 5.0
STAND = Segment("stand", STAND_S)
TOLD_BY_S = STAND_S + 5.0  # the recordings, too, blend from standing into running
LAPSE_S = 3.0  # without a hint: while the kernel turns an axis round, its last seconds hold both
RUNNING_MPS = (2.0, 2.5, 3.2, 4.4, 5.5, 6.5)
WALKING_MPS = (0.8, 1.0, 1.2, 1.4, 1.6)

SIDES_SWAPPED = "left and right look swapped: of the shanks, or of the thighs"
FEET_SWAPPED = "left and right look swapped: of the feet, or of the shanks"
LEFT_SWAPPED = "left thigh and shank look swapped"
RIGHT_SWAPPED = "right thigh and shank look swapped"

Load = Callable[[str], Recording]


class Look(NamedTuple):
    """At the pods, at one moment."""

    time_s: float
    gait: Gait
    hints: tuple[str, ...]


def looks(
    recording: Recording, silent: Collection[Placement] = (), from_s: float = 0.0, to_s: float = 0.0
) -> list[Look]:
    """What is told, again and again, as the recording goes through kernel and alignment.

    The silent pods send nothing from `from_s` until `to_s`.
    """
    profile = runner_profile(recording.body)
    source = ReplayedSource(recording, profile.runner)
    pipeline = Pipeline()
    pipeline.add_runner(profile)
    feed = Feed(pipeline, source.pods)
    seen: list[Look] = []
    next_s = LOOK_S

    def is_lost(arrival: Arrival) -> bool:
        placement = recording.placements[arrival.pod]
        return placement in silent and from_s <= arrival.arrival_s < to_s

    for arrival in source:
        if not is_lost(arrival):
            feed.take(arrival)
        if arrival.arrival_s >= next_s:
            next_s += LOOK_S
            seen.append(look(pipeline, profile.runner, arrival.arrival_s))
    return seen


def look(pipeline: Pipeline, runner: str, now_s: float) -> Look:
    kernel = pipeline.kernels[runner]
    return Look(now_s, kernel.gait, tuple(wearer(runner, kernel).hints))


def swapped(recording: Recording, pair: Sequence[Placement]) -> Recording:
    """Each of the two pods was put on in the place of the other."""
    one, other = pair
    places = {one: other, other: one}
    return dataclasses.replace(
        recording,
        placements=tuple(places.get(placement, placement) for placement in recording.placements),
    )


def told(seen: Sequence[Look], from_s: float = 0.0) -> set[str]:
    return {hint for each in seen for hint in each.hints if each.time_s >= from_s}


@cache
def runs(speed_mps: float) -> Recording:
    return synthetic(STAND, Segment("run", 13.0, speed_mps), seed=3).recording


@cache
def walks(speed_mps: float) -> Recording:
    return synthetic(STAND, Segment("walk", 13.0, speed_mps), seed=3).recording


@pytest.fixture(scope="module")
def load(recording: Callable[[str], Path]) -> Load:
    """A recording by name, or a synthetic runner by speed."""
    loaded: dict[str, Recording] = {}

    def get(name: str) -> Recording:
        if name.endswith(" m/s"):
            return runs(float(name.removesuffix(" m/s")))
        if name not in loaded:
            loaded[name] = load_recording(recording(name))
        return loaded[name]

    return get


Swapped = Callable[[str, Sequence[Placement]], list[Look]]


@pytest.fixture(scope="module")
def looks_at_swapped(load: Load) -> Swapped:
    """All pods on, two of them swapped."""
    seen: dict[tuple[str, Sequence[Placement]], list[Look]] = {}

    def get(name: str, pair: Sequence[Placement]) -> list[Look]:
        if (name, pair) not in seen:
            seen[name, pair] = looks(swapped(load(name), pair))
        return seen[name, pair]

    return get


RUNNERS = (*ALL_RUNNERS, *(f"{speed} m/s" for speed in RUNNING_MPS))
SWAPPERS = (*ALL_RUNNERS, "2.0 m/s", "3.2 m/s", "5.5 m/s")


# ---- worn right ----


@pytest.mark.parametrize("name", RUNNERS)
@pytest.mark.parametrize("pods", [ALL, HIPS, LEGS, (*SHANKS, *FEET)], ids=len)
def test_who_runs_with_all_pods_in_place_hears_nothing(
    load: Load, name: str, pods: Sequence[Placement]
) -> None:
    seen = looks(worn(load(name), pods))
    assert sum(each.gait is Gait.RUNNING for each in seen) > 30
    assert told(seen) == set()


@pytest.mark.parametrize("speed_mps", WALKING_MPS)
def test_who_walks_with_all_pods_in_place_hears_nothing(speed_mps: float) -> None:
    seen = looks(walks(speed_mps))
    assert sum(each.gait is Gait.WALKING for each in seen) > 30
    assert told(seen) == set()


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_no_style_of_running_is_taken_for_swapped_pods(style: Style) -> None:
    knobs = msgspec.structs.asdict(style.knobs())
    del knobs["script"]
    runner = synthetic(STAND, Segment("run", 13.0, style.speed_mps), seed=5, **knobs)
    assert told(looks(runner.recording)) == set()


@pytest.mark.parametrize("seed", [2, 4, 7])
@pytest.mark.parametrize("name", [ALL_RUNNERS[0], "3.2 m/s"])
def test_pods_put_on_at_any_angle_are_in_place(load: Load, name: str, seed: int) -> None:
    turned = randomly_turned(load(name), np.random.default_rng(seed))
    assert told(looks(turned)) == set()


@pytest.mark.parametrize("name", [*ALL_RUNNERS, "3.2 m/s"])
def test_who_runs_already_when_the_hub_begins_hears_nothing(load: Load, name: str) -> None:
    """Axes that are not found yet tell nothing of where a pod sits."""
    assert told(looks(between(load(name), STAND_S + 2.0))) == set()


OTHERS = {
    "stops": Segment("stop", 6.0),
    "hops": Segment("hop", 6.0),
    "turns": Segment("turn", 6.0, turn_deg=540.0),
    "lies down": Segment("lie", 6.0),
    "walks": Segment("walk", 6.0, 1.6),
    "sprints": Segment("run", 6.0, 6.5),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_whatever_a_runner_does_between_is_not_taken_for_swapped_pods(other: Segment) -> None:
    run = Segment("run", 6.0, 3.2)
    runner = synthetic(STAND, run, other, run, seed=2)
    assert told(looks(runner.recording)) == set()


@pytest.mark.parametrize("pod", ALL, ids=lambda pod: pod.label)
@pytest.mark.parametrize("to_s", [14.0, np.inf], ids=["for a while", "for good"])
def test_a_pod_that_falls_silent_is_not_taken_for_a_swapped_one(
    load: Load, pod: Placement, to_s: float
) -> None:
    seen = looks(load("3.2 m/s"), [pod], 11.0, to_s)
    assert told(seen) == set()


# ---- worn wrong ----

# Which pods are swapped, what is to be told of it, and what else may be.
SWAPS: dict[str, tuple[Sequence[Placement], str, set[str]]] = {
    "shanks": (SHANKS, SIDES_SWAPPED, {FEET_SWAPPED}),
    "thighs": (THIGHS, SIDES_SWAPPED, set()),
    "left leg": (LEFT, LEFT_SWAPPED, set()),
    "right leg": (RIGHT, RIGHT_SWAPPED, set()),
    "feet": (FEET, FEET_SWAPPED, set()),
}
EACH_SWAP = pytest.mark.parametrize(("pair", "hint", "others"), SWAPS.values(), ids=SWAPS)


def before(seen: Sequence[Look], time_s: float) -> list[Look]:
    return [each for each in seen if each.time_s < time_s]


def longest_lapse_s(seen: Sequence[Look], from_s: float, hint: str) -> float:
    """The longest time without that hint."""
    longest_s = since_s = 0.0
    for each in seen:
        if each.time_s < from_s or hint in each.hints:
            since_s = 0.0
        else:
            since_s += LOOK_S
            longest_s = max(longest_s, since_s)
    return longest_s


@pytest.mark.parametrize("name", SWAPPERS)
@EACH_SWAP
def test_two_swapped_pods_are_told_of_after_a_few_strides(
    looks_at_swapped: Swapped, name: str, pair: Sequence[Placement], hint: str, others: set[str]
) -> None:
    assert hint in told(before(looks_at_swapped(name, pair), TOLD_BY_S))


@pytest.mark.parametrize("name", SWAPPERS)
@EACH_SWAP
def test_two_swapped_pods_are_told_of_for_as_long_as_they_are_swapped(
    looks_at_swapped: Swapped, name: str, pair: Sequence[Placement], hint: str, others: set[str]
) -> None:
    seen = looks_at_swapped(name, pair)
    assert longest_lapse_s(seen, SETTLED_S, hint) <= LAPSE_S


@pytest.mark.parametrize("name", SWAPPERS)
@EACH_SWAP
def test_of_two_swapped_pods_nothing_else_is_told(
    looks_at_swapped: Swapped, name: str, pair: Sequence[Placement], hint: str, others: set[str]
) -> None:
    """Whoever follows a wrong hint makes it worse."""
    assert told(looks_at_swapped(name, pair)) <= {hint, *others}


@pytest.mark.parametrize("name", SWAPPERS)
@pytest.mark.parametrize("pair", [SHANKS, THIGHS], ids=["shanks", "thighs"])
def test_sides_are_told_of_without_feet_too(
    load: Load, name: str, pair: Sequence[Placement]
) -> None:
    seen = looks(swapped(worn(load(name), HIPS), pair))
    assert told(seen) == {SIDES_SWAPPED}
    assert longest_lapse_s(seen, TOLD_BY_S, SIDES_SWAPPED) <= LAPSE_S


# ---- what cannot be known ----


@pytest.mark.parametrize("missing", [*SHANKS, *THIGHS], ids=lambda pod: pod.label)
def test_swapped_sides_are_not_guessed_without_all_four_pods(
    load: Load, missing: Placement
) -> None:
    for pair in (SHANKS, THIGHS):
        rest = [pod for pod in HIPS if pod is not missing]
        recording = worn(swapped(load("3.2 m/s"), pair), rest)
        assert told(looks(recording)) == set()


@pytest.mark.parametrize("missing", FEET, ids=lambda pod: pod.label)
def test_swapped_feet_are_not_guessed_without_both(load: Load, missing: Placement) -> None:
    recording = swapped(load("3.2 m/s"), FEET)
    assert told(looks(worn(recording, [pod for pod in ALL if pod is not missing]))) == set()


def test_shanks_alone_tell_nothing(load: Load) -> None:
    assert told(looks(swapped(worn(load("3.2 m/s"), SHANKS), SHANKS))) == set()


@pytest.mark.parametrize("pair", [SHANKS, THIGHS, LEFT, RIGHT, FEET], ids=lambda p: p[0].label)
def test_who_stands_hears_nothing_however_the_pods_sit(pair: Sequence[Placement]) -> None:
    standing = synthetic(Segment("stand", 15.0), seed=1).recording
    seen = looks(swapped(standing, pair))
    assert {each.gait for each in seen} <= {Gait.STANDING, Gait.UNKNOWN}
    assert told(seen) == set()


def test_a_swapped_pod_that_is_silent_is_not_talked_of(load: Load) -> None:
    """One second later: what came before is still in the others' last seconds."""
    recording = swapped(load("3.2 m/s"), LEFT)
    seen = looks(recording, [Placement.THIGH_L], 12.0, np.inf)
    assert LEFT_SWAPPED in told([each for each in seen if each.time_s < 12.0])
    assert told(seen, 13.0) == set()


def test_without_pods_or_samples_there_is_nothing_to_tell() -> None:
    none = Motion(np.empty(0, np.float64), np.empty(0, np.float32), np.empty(0, np.float32), 1.0)
    assert hints({}) == []
    assert hints(dict.fromkeys(ALL, none)) == []


def test_pods_that_do_not_move_tell_nothing() -> None:
    time_s = np.arange(500, dtype=np.float64) * np.float64(0.005)
    still = Motion(time_s, np.zeros(500, np.float32), np.zeros(500, np.float32), 1.0)
    assert hints(dict.fromkeys(ALL, still)) == []
