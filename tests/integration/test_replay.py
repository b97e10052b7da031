"""Whole recordings through source, wire and kernel."""

import heapq
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stridehub.app import Feed, Pipeline
from stridehub.config import ProfileSettings, runner_profile
from stridehub.kernel import wire
from stridehub.model import GaitEvent, Side, Stride
from stridehub.pods.recording import Recording, load_recording
from stridehub.pods.replayed import ReplayedSource
from support import ALL_RUNNERS, METRICS, TIMES, largest_changes, settled, side_by_side, strides_of

NAMES = tuple(name for name in ALL_RUNNERS if name.endswith("_impact"))

Load = Callable[[str], Recording]


@pytest.fixture(scope="module")
def load(recording: Callable[[str], Path]) -> Load:
    return lambda name: load_recording(recording(name))


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
    usual, other = (settled(strides_of(load(name), batch=b)) for b in (8, batch))
    pairs = list(side_by_side(usual, other))
    assert len(pairs) == len(usual) == len(other)
    changes = largest_changes(pairs)
    assert {field for field in TIMES if changes[field] > 1.0} == set()
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


def test_runners_do_not_mix(load: Load) -> None:
    """Packets of two runners, interleaved, give each the strides they have alone."""
    recordings = {
        runner: replace(load(name), body=ProfileSettings(runner=runner, height_m=1.8))
        for runner, name in zip(("one", "two"), NAMES, strict=False)
    }
    strides: list[Stride] = []
    pipeline = Pipeline(on_stride=[strides.append])
    streams = []
    for runner, recording in recordings.items():
        pipeline.add_runner(runner_profile(recording.body))
        source = ReplayedSource(recording, runner)
        feed = Feed(pipeline, source.pods)
        streams.append([(arrival.arrival_s, runner, arrival, feed) for arrival in source])
    for _, _, arrival, feed in heapq.merge(*streams, key=lambda item: item[:2]):
        feed.take(arrival)
    pipeline.finish()
    for runner, recording in recordings.items():
        own = [stride for stride in strides if stride.runner == runner]
        assert own == strides_of(recording)
