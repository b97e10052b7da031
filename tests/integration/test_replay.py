"""Whole recordings through source, wire and kernel."""

import dataclasses
import heapq
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from stridehub.app import Feed, Pipeline
from stridehub.config import ProfileSettings, runner_profile
from stridehub.kernel import wire
from stridehub.model import GaitEvent, Placement, Side, Stride
from stridehub.pods.recording import Recording, load_recording
from stridehub.pods.replayed import ReplayedSource
from stridehub.pods.source import Arrival

NAMES = ("hamner_s02_impact", "biomac_jk_impact", "rbds_s001_impact")
SETTLED_S = 9.5  # standing until 5 s, then a blend; from here on the axes are found

SHANKS = (Placement.SHANK_L, Placement.SHANK_R)
LEGS = (*SHANKS, Placement.THIGH_L, Placement.THIGH_R)

TIMES = {"ic", "to", "next_ic"}
OF_TWO_SHANKS = {
    *("stride_time_ms", "contact_time_ms", "flight_time_ms", "duty_factor", "cadence_spm"),
    *("shank_angle_ic_deg", "kickback_deg", "impact_g"),
}
OF_THE_PELVIS = {"lean_deg", "vertical_oscillation_mm"}
OF_THE_FEET = {"foot_strike_angle_deg"}
METRICS = set(Stride.__struct_fields__) - TIMES - {"runner", "side", "index", "quality"}

Load = Callable[[str], Recording]


@pytest.fixture(scope="module")
def load(recording: Callable[[str], Path]) -> Load:
    return lambda name: load_recording(recording(name))


def strides_of(recording: Recording, runner: str = "runner", batch: int = 8) -> list[Stride]:
    strides: list[Stride] = []
    pipeline = Pipeline(on_stride=[strides.append])
    pipeline.add_runner(runner_profile(recording.body, ProfileSettings(runner=runner)))
    source = ReplayedSource(recording, runner, batch)
    feed = Feed(pipeline, source.pods)
    for arrival in source:
        feed.take(arrival)
    pipeline.finish()
    return strides


def settled(strides: Sequence[Stride]) -> list[Stride]:
    return [stride for stride in strides if stride.ic >= SETTLED_S]


def worn(recording: Recording, placements: Sequence[Placement]) -> Recording:
    """The recording as if only these pods had been worn."""
    pods = [recording.placements.index(placement) for placement in placements]
    return dataclasses.replace(
        recording,
        placements=tuple(placements),
        acc_mps2=recording.acc_mps2[pods],
        gyr_rad_s=recording.gyr_rad_s[pods],
    )


def greatest_changes(some: Sequence[Stride], others: Sequence[Stride]) -> dict[str, float]:
    """By field, over strides that must be the same ones and know the same fields."""
    assert [(s.side, s.index) for s in some] == [(s.side, s.index) for s in others]
    changes = {}
    for field in METRICS | TIMES:
        pairs = [(getattr(a, field), getattr(b, field)) for a, b in zip(some, others, strict=True)]
        assert [a is None for a, _ in pairs] == [b is None for _, b in pairs], field
        changes[field] = max((abs(a - b) for a, b in pairs if a is not None), default=0.0)
    return changes


@pytest.mark.parametrize("name", NAMES)
def test_strides_come_in_the_order_they_end(load: Load, name: str) -> None:
    strides = strides_of(load(name))
    assert len(strides) > 60
    ends = [stride.next_ic for stride in strides]
    assert ends == sorted(ends)
    for side in Side:
        indices = [stride.index for stride in strides if stride.side is side]
        assert indices == list(range(len(indices)))
    for stride in settled(strides):
        assert stride.quality == ()
        assert all(getattr(stride, field) is not None for field in METRICS)
        assert stride.ic < stride.to < stride.next_ic


def test_the_same_packets_give_the_same_strides(load: Load) -> None:
    recording = load(NAMES[0])
    assert strides_of(recording) == strides_of(recording)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", [b for b in range(1, wire.MAX_SAMPLES + 1) if b != 8])
def test_any_split_into_packets_gives_the_same_strides(load: Load, name: str, batch: int) -> None:
    recording = load(name)
    usual, other = (settled(strides_of(recording, batch=b)) for b in (8, batch))
    changes = greatest_changes(usual, other)
    assert {field for field in TIMES if changes[field] > 1e-3} == set()
    assert {f for f in METRICS if f.endswith("_deg") and changes[f] > 0.05} == set()


def test_events_are_told_before_the_stride_they_end(load: Load) -> None:
    recording = load(NAMES[0])
    told: list[GaitEvent | Stride] = []
    pipeline = Pipeline(on_event=[lambda _, event: told.append(event)], on_stride=[told.append])
    pipeline.add_runner(runner_profile(recording.body))
    source = ReplayedSource(recording)
    feed = Feed(pipeline, source.pods)
    for arrival in source:
        feed.take(arrival)
    contacts: set[tuple[Side, float]] = set()
    strides = 0
    for one in told:
        if isinstance(one, GaitEvent):
            contacts.add((one.side, one.time_s))
        else:
            strides += 1
            assert {(one.side, one.ic), (one.side, one.next_ic)} <= contacts
    assert strides > 60


def test_two_shanks_suffice_for_timing(load: Load) -> None:
    recording = load(NAMES[0])
    strides = settled(strides_of(worn(recording, SHANKS)))
    full = settled(strides_of(recording))
    assert [s.side for s in strides] == [s.side for s in full]
    assert [s.ic for s in strides] == pytest.approx([s.ic for s in full], abs=0.03)
    for stride in strides:
        assert {field for field in METRICS if getattr(stride, field) is not None} == OF_TWO_SHANKS
        assert {"no_thigh", "no_pelvis"} <= set(stride.quality)


def test_every_further_pod_adds_metrics(load: Load) -> None:
    recording = load(NAMES[0])
    legs = settled(strides_of(worn(recording, LEGS)))
    for stride in legs:
        known = {field for field in METRICS if getattr(stride, field) is not None}
        assert known == METRICS - OF_THE_PELVIS - OF_THE_FEET
    hips = settled(strides_of(worn(recording, (*LEGS, Placement.PELVIS))))
    for stride in hips:
        known = {field for field in METRICS if getattr(stride, field) is not None}
        assert known == METRICS - OF_THE_FEET


@pytest.mark.parametrize("name", NAMES)
def test_half_the_rate_gives_the_same_strides(load: Load, name: str) -> None:
    recording = load(name)
    halved = dataclasses.replace(
        recording,
        rate_hz=recording.rate_hz / 2,
        time_s=recording.time_s[::2],
        acc_mps2=recording.acc_mps2[:, ::2],
        gyr_rad_s=recording.gyr_rad_s[:, ::2],
    )
    full, half = settled(strides_of(recording)), settled(strides_of(halved))
    assert [s.side for s in half] == [s.side for s in full]
    assert np.std([a.ic - b.ic for a, b in zip(full, half, strict=True)]) < 0.012


def test_runners_do_not_mix(load: Load) -> None:
    """Packets of two runners, interleaved, give each the strides they have alone."""
    recordings = {"one": load(NAMES[0]), "two": load(NAMES[1])}
    strides: list[Stride] = []
    pipeline = Pipeline(on_stride=[strides.append])
    streams = []
    for runner, recording in recordings.items():
        pipeline.add_runner(runner_profile(recording.body, ProfileSettings(runner=runner)))
        source = ReplayedSource(recording, runner)
        feed = Feed(pipeline, source.pods)
        streams.append([(arrival.arrival_s, runner, arrival, feed) for arrival in source])
    for _, _, arrival, feed in heapq.merge(*streams, key=lambda item: item[:2]):
        feed.take(arrival)
    pipeline.finish()
    for runner, recording in recordings.items():
        own = [stride for stride in strides if stride.runner == runner]
        assert own == strides_of(recording, runner)


def test_garbage_between_the_packets_is_counted_and_changes_nothing(load: Load) -> None:
    recording = load(NAMES[0])
    rng = np.random.default_rng(3)
    strides: list[Stride] = []
    pipeline = Pipeline(on_stride=[strides.append])
    pipeline.add_runner(runner_profile(recording.body))
    source = ReplayedSource(recording)
    feed = Feed(pipeline, source.pods)
    garbage = 0
    for arrival in source:
        if rng.random() < 0.1:
            cut = arrival.packet[: rng.integers(0, 12)] + rng.bytes(int(rng.integers(0, 40)))
            feed.take(Arrival(arrival.pod, cut, arrival.arrival_s))
            garbage += 1
        feed.take(arrival)
    pipeline.finish()
    assert strides == strides_of(recording)
    assert sum(pipeline.kernels["runner"].refused.values()) == garbage
    assert sum(status.bad_packets for _, status in pipeline.status()) == garbage
