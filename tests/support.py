"""What tests of whole runs share: change what pods report, run it through, compare strides."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stridehub.app import Feed, Pipeline
from stridehub.config import ProfileSettings, runner_profile
from stridehub.model import Placement, PodStatus, RunnerProfile, Side, Stride
from stridehub.pods.recording import Recording
from stridehub.pods.replayed import ReplayedSource
from stridehub.pods.source import Arrival, WornPod
from stridehub.sim.knobs import LinkKnobs, RunnerKnobs, Segment
from stridehub.sim.link import PodLink
from stridehub.sim.runner import Chunk, SyntheticRunner
from stridehub.sim.script import State
from stridehub.sim.truth import TrueStride

Array = NDArray[np.float64]

REAL_RUNNER = ("hamner_s02_impact", "hamner_s02_noimpact")
ALL_RUNNERS = (*REAL_RUNNER, "biomac_jk_impact", "rbds_s001_impact")
SETTLED_S = 9.5  # the recordings stand until 5 s, then blend; from here on the axes are found
MATCH_S = 0.15  # two strides are the same one if they begin no farther apart

SHANKS = (Placement.SHANK_L, Placement.SHANK_R)
LEGS = (*SHANKS, Placement.THIGH_L, Placement.THIGH_R)
HIPS = (*LEGS, Placement.PELVIS)
FEET = (Placement.FOOT_L, Placement.FOOT_R)

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
    refused: int


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
    status = {status.placement: status for _, status in pipeline.status()}
    return Measured(strides, status, pipeline.kernels[profile.runner].refused.total())


def strides_of(recording: Recording, batch: int = 8) -> list[Stride]:
    profile = runner_profile(recording.body)
    source = ReplayedSource(recording, profile.runner, batch)
    return measured(source.pods, source, profile).strides


def known(stride: Stride) -> set[str]:
    """The metrics that have a value."""
    return {field for field in METRICS if getattr(stride, field) is not None}


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
    first, end = np.searchsorted(recording.time_s, (start_s, end_s))
    kept = slice(int(first), int(end), every)
    return dataclasses.replace(
        recording,
        rate_hz=recording.rate_hz / every,
        time_s=recording.time_s[kept],
        acc_mps2=recording.acc_mps2[:, kept],
        gyr_rad_s=recording.gyr_rad_s[:, kept],
    )


def rotation(quaternion: Sequence[float] | Array) -> Array:
    """(3, 3) matrix of a quaternion (w, x, y, z) of any length but zero."""
    w, x, y, z = np.asarray(quaternion, float) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def turned(recording: Recording, rotations: Sequence[Array]) -> Recording:
    """Each pod put on at another angle: v_as_recorded = R v_as_turned."""
    turns = np.stack(rotations)
    return dataclasses.replace(
        recording,
        acc_mps2=np.einsum("pnj,pjk->pnk", recording.acc_mps2, turns),
        gyr_rad_s=np.einsum("pnj,pjk->pnk", recording.gyr_rad_s, turns),
    )


def randomly_turned(recording: Recording, rng: np.random.Generator) -> Recording:
    """Each pod by its own rotation, all rotations equally likely."""
    count = len(recording.placements)
    return turned(recording, [rotation(rng.standard_normal(4)) for _ in range(count)])


# ---- strides, compared ----


def side_by_side(
    some: Sequence[Stride], others: Sequence[Stride]
) -> Iterator[tuple[Stride, Stride]]:
    """Each of some with the one of others on its side that begins within MATCH_S, if any."""
    for side in Side:
        there = [stride for stride in others if stride.side is side]
        starts = np.array([stride.ic for stride in there])
        for stride in some:
            if stride.side is side and len(starts):
                nearest = int(np.argmin(np.abs(starts - stride.ic)))
                if abs(starts[nearest] - stride.ic) < MATCH_S:
                    yield stride, there[nearest]


def without_match(some: Sequence[Stride], others: Sequence[Stride]) -> list[Stride]:
    matched = {id(stride) for stride, _ in side_by_side(some, others)}
    return [stride for stride in some if id(stride) not in matched]


def settled(strides: Iterable[Stride], from_s: float = SETTLED_S) -> list[Stride]:
    return [stride for stride in strides if stride.ic >= from_s]


def largest_changes(matched: Iterable[tuple[Stride, Stride]]) -> dict[str, float]:
    """By field, where both strides know it; times in ms."""
    changes = dict.fromkeys((*TIMES, *METRICS), 0.0)
    for one, other in matched:
        for field in changes:
            a, b = getattr(one, field), getattr(other, field)
            if a is not None and b is not None:
                change = abs(a - b) * (1e3 if field in TIMES else 1.0)
                changes[field] = max(changes[field], change)
    return changes


# ---- pods ----


def pod_status(placement: Placement, **changes: Any) -> PodStatus:
    """Of a pod that the kernel knows well, but for the changes."""
    good = PodStatus(
        placement=placement,
        packets=1000,
        samples=8000,
        bad_packets=0,
        lost_packets=0,
        stale_packets=0,
        clipped_samples=0,
        filled_samples=0,
        long_gaps=0,
        reboots=0,
        last_sample_s=40.0,
        rate_hz=208.0,
        skew_ppm=10.0,
        alignment_confidence=0.9,
        angle_deg=0.0,
        gyro_bias_dps=0.1,
        has_standing=True,
    )
    return dataclasses.replace(good, **changes)


# ---- the synthetic runner ----


@dataclasses.dataclass(frozen=True, eq=False)
class Synthetic:
    """What a synthetic runner's pods felt, and what the runner did."""

    knobs: RunnerKnobs
    recording: Recording
    strides: list[TrueStride]
    contacts: dict[Side, Array]  # (C,) s: landings while walking or running
    state: NDArray[np.int8]  # (N,) State of each sample

    def state_at(self, time_s: float) -> State:
        """The last one from the end on."""
        sample = int(np.searchsorted(self.recording.time_s, time_s))
        return State(int(self.state[min(sample, len(self.state) - 1)]))


def synthetic(
    *script: Segment,
    seed: int = 1,
    pods: Sequence[Placement] = tuple(Placement)[:7],
    **knobs: Any,
) -> Synthetic:
    """Runs the script, of finite length, to its end."""
    choice = RunnerKnobs(script=script, **knobs)
    runner = SyntheticRunner(choice, pods, seed)
    end_s = sum(segment.duration_s for segment in script)
    chunks: list[Chunk] = []
    while runner.time_s < end_s:
        chunks.append(runner.next_chunk())
    landings = [contact for chunk in chunks for contact in chunk.contacts]
    recording = Recording(
        rate_hz=choice.rate_hz,
        time_s=np.concatenate([chunk.t for chunk in chunks]),
        placements=tuple(pods),
        acc_mps2=np.stack([np.concatenate([chunk.acc[pod] for chunk in chunks]) for pod in pods]),
        gyr_rad_s=np.stack([np.concatenate([chunk.gyr[pod] for chunk in chunks]) for pod in pods]),
        body=ProfileSettings(height_m=choice.height_m, mass_kg=choice.mass_kg),
        stand_end_s=None,
    )
    return Synthetic(
        knobs=choice,
        recording=recording,
        strides=[stride for chunk in chunks for stride in chunk.strides],
        contacts={
            side: np.array([landing.ic_s for landing in landings if landing.leg == leg])
            for leg, side in enumerate(Side)
        },
        state=np.concatenate([chunk.state for chunk in chunks]),
    )


def over_the_air(
    runner: Synthetic, link: LinkKnobs, seed: int = 1
) -> tuple[list[WornPod], list[Arrival]]:
    """The runner's pods with crystals and radios of their own."""
    pods: list[WornPod] = []
    arrivals: list[Arrival] = []
    recording = runner.recording
    for number, placement in enumerate(recording.placements):
        way = PodLink(link, placement, seed, recording.rate_hz, runner.knobs.imu)
        pods.append(WornPod("runner", way.info))
        samples = recording.acc_mps2[number], recording.gyr_rad_s[number]
        arrivals += [
            Arrival(number, sent.data, sent.arrival_s)
            for sent in way.send(recording.time_s, *samples)
        ]
    return pods, sorted(arrivals, key=lambda arrival: arrival.arrival_s)
