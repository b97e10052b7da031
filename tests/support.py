"""What tests of whole recordings share: wear other pods, turn them, cut them, and compare strides."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from stridehub.app import Feed, Pipeline
from stridehub.config import ProfileSettings, runner_profile
from stridehub.model import Placement, PodStatus, RunnerProfile, Side, Stride
from stridehub.pods.recording import Recording, load_recording
from stridehub.pods.replayed import ReplayedSource
from stridehub.pods.source import Arrival, WornPod
from stridehub.sim.knobs import RunnerKnobs
from stridehub.sim.recording import record
from stridehub.sim.runner import SyntheticRunner
from stridehub.sim.script import State

Array = NDArray[np.float64]

SETTLED_S = 9.5  # the recordings: standing until 5 s, then a blend; from here on axes are found
MATCH_S = 0.15  # two strides are the same one if they begin no farther apart

SHANKS = (Placement.SHANK_L, Placement.SHANK_R)
LEGS = (*SHANKS, Placement.THIGH_L, Placement.THIGH_R)
HIPS = (*LEGS, Placement.PELVIS)

TIMES = ("ic", "to", "next_ic")
METRICS = tuple(
    field
    for field in Stride.__struct_fields__
    if field not in (*TIMES, "runner", "side", "index", "quality")
)


class Measured(NamedTuple):
    """What a pipeline made of some packets."""

    strides: list[Stride]
    pods: dict[Placement, PodStatus]


def measured(
    pods: Sequence[WornPod], arrivals: Iterable[Arrival], profile: RunnerProfile
) -> Measured:
    strides: list[Stride] = []
    pipeline = Pipeline(on_stride=[strides.append])
    pipeline.add_runner(profile)
    feed = Feed(pipeline, pods)
    for arrival in arrivals:
        feed.take(arrival)
    pipeline.finish()
    return Measured(strides, {status.placement: status for _, status in pipeline.status()})


def strides_of(recording: Recording, batch: int = 8) -> list[Stride]:
    source = ReplayedSource(recording, batch=batch)
    return measured(source.pods, source, runner_profile(recording.body)).strides


def settled(strides: Iterable[Stride], from_s: float = SETTLED_S) -> list[Stride]:
    return [stride for stride in strides if stride.ic >= from_s]


# ---- recordings, changed ----


def worn(recording: Recording, placements: Sequence[Placement]) -> Recording:
    """As if only these pods had been worn."""
    pods = [recording.placements.index(placement) for placement in placements]
    return dataclasses.replace(
        recording,
        placements=tuple(placements),
        acc_mps2=recording.acc_mps2[pods],
        gyr_rad_s=recording.gyr_rad_s[pods],
    )


def between(
    recording: Recording, start_s: float, end_s: float = np.inf, every: int = 1
) -> Recording:
    """One of `every` samples of start_s <= t < end_s; the times stay those of the whole."""
    first, last = np.searchsorted(recording.time_s, (start_s, end_s))
    kept = slice(int(first), int(last), every)
    return dataclasses.replace(
        recording,
        rate_hz=recording.rate_hz / every,
        time_s=recording.time_s[kept],
        acc_mps2=recording.acc_mps2[:, kept],
        gyr_rad_s=recording.gyr_rad_s[:, kept],
    )


def random_rotation(rng: np.random.Generator) -> Array:
    """(3, 3), uniform over all rotations: a random unit quaternion."""
    w, x, y, z = (q := rng.standard_normal(4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def turned(recording: Recording, rotations: Sequence[Array]) -> Recording:
    """Every pod put on at another angle; v_old = R v_new."""
    turns = np.stack(rotations)
    return dataclasses.replace(
        recording,
        acc_mps2=np.einsum("pnj,pjk->pnk", recording.acc_mps2, turns),
        gyr_rad_s=np.einsum("pnj,pjk->pnk", recording.gyr_rad_s, turns),
    )


def replayed(recording: Recording) -> tuple[Sequence[WornPod], list[Arrival]]:
    source = ReplayedSource(recording)
    return source.pods, list(source)


# ---- strides, compared ----


def pairs(some: Sequence[Stride], others: Sequence[Stride]) -> Iterator[tuple[Stride, Stride]]:
    """Strides of the same side that begin within MATCH_S of each other."""
    for side in Side:
        there = [stride for stride in others if stride.side is side]
        starts = np.array([stride.ic for stride in there])
        for stride in some:
            if stride.side is side and len(starts):
                nearest = int(np.argmin(np.abs(starts - stride.ic)))
                if abs(starts[nearest] - stride.ic) < MATCH_S:
                    yield stride, there[nearest]
