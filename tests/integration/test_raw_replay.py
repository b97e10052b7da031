"""A hub at work and its recording: what is measured again is what was measured."""

import dataclasses
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from raw_hub import (
    BEGIN_S,
    PODS,
    Recorded,
    RecordingHub,
    begin,
    other_pod,
    recorded,
    sent,
)
from stridehub.commands.replay import run
from stridehub.config import runner_profile
from stridehub.model import Placement, Stride
from stridehub.pods.source import Arrival
from stridehub.record.raw_file import Clock
from stridehub.record.raw_reader import RawPacket, RawRecording, load_raw
from support import without_match

SECONDS = 30.0
TWO = sent(2, SECONDS)
SHANK_L, THIGH_L = (
    [worn.info.placement for worn in TWO.pods].index(placement)
    for placement in (Placement.SHANK_L, Placement.THIGH_L)
)

Make = Callable[[Path], Recorded]


def again(recording: RawRecording) -> list[Stride]:
    strides: list[Stride] = []
    run(recording, *map(runner_profile, recording.runners), on_stride=[strides.append])
    return strides


def pods_that_stay(folder: Path) -> Recorded:
    return recorded(folder, TWO)


def a_pod_that_comes_back(folder: Path) -> Recorded:
    worn = TWO.pods[SHANK_L]
    newer = dataclasses.replace(worn, info=dataclasses.replace(worn.info, batch=4, firmware=770))

    return recorded(
        folder,
        TWO,
        reaches=lambda a: a.pod != SHANK_L or not 12.0 < a.arrival_s < 16.0,
        happenings={16.0: lambda hub: hub.plug(SHANK_L, newer)},
    )


def a_pod_that_reconnects_all_the_time(folder: Path) -> Recorded:
    def plug(hub: RecordingHub) -> None:
        hub.plug(SHANK_L, TWO.pods[SHANK_L])

    return recorded(folder, TWO, happenings={0.5 * number: plug for number in range(60)})


def another_pod_at_the_place(folder: Path) -> Recorded:
    return recorded(
        folder,
        TWO,
        happenings={15.0: lambda hub: hub.plug(SHANK_L, other_pod(TWO.pods[SHANK_L]))},
    )


def a_pod_that_leaves(folder: Path) -> Recorded:
    return recorded(folder, TWO, reaches=lambda a: a.pod != THIGH_L or a.arrival_s < 18.0)


def a_runner_who_comes_later(folder: Path) -> Recorded:
    return recorded(
        folder,
        TWO,
        late_runners=[0],
        reaches=lambda a: a.pod >= PODS or a.arrival_s > 6.0,
        happenings={6.0: lambda hub: begin(hub, TWO, 0)},
    )


def a_long_silence(folder: Path) -> Recorded:
    """Nobody runs in between; the hub idles on."""
    pause_s = 40.0

    def late(arrival: Arrival) -> Arrival:
        gone_s = pause_s if arrival.arrival_s > 18.0 else 0.0
        return arrival._replace(arrival_s=arrival.arrival_s + gone_s)

    return recorded(folder, TWO._replace(arrivals=[late(a) for a in TWO.arrivals]), until_s=90.0)


def an_air_full_of_rubbish(folder: Path) -> Recorded:
    noise = random.Random(5)

    def spoilt(arrival: Arrival) -> Arrival:
        if noise.random() < 0.99:
            return arrival
        packet = bytearray(arrival.packet)
        packet[noise.randrange(12)] ^= 1 << noise.randrange(8)
        return arrival._replace(packet=bytes(packet[: noise.choice([0, 5, 50, 200])]))

    return recorded(
        folder,
        TWO._replace(arrivals=[spoilt(a) for a in TWO.arrivals]),
        reaches=lambda a: noise.random() > 0.01,
    )


@pytest.mark.parametrize(
    "make",
    [
        pods_that_stay,
        a_pod_that_comes_back,
        a_pod_that_reconnects_all_the_time,
        another_pod_at_the_place,
        a_pod_that_leaves,
        a_runner_who_comes_later,
        a_long_silence,
        an_air_full_of_rubbish,
    ],
    ids=lambda make: make.__name__,
)
def test_a_recording_gives_the_strides_of_the_hub(tmp_path: Path, make: Make) -> None:
    """All of them, in the same order, equal in every field."""
    strides, state = make(tmp_path)
    assert (state.problem, state.lost_packets) == (None, 0)
    recording = load_raw(state.path)
    assert recording.defects == ()
    assert len(strides) > 40
    assert {stride.runner for stride in strides} == {p.runner for p in TWO.profiles}
    assert again(recording) == strides


def test_time_that_passes_matters(tmp_path: Path) -> None:
    """Were only the packets recorded, strides that waited for a lost pod would differ."""
    strides, state = a_pod_that_leaves(tmp_path)
    assert any("late" in stride.quality for stride in strides)
    ticks = [item for item in load_raw(state.path).items() if isinstance(item, Clock)]
    assert len(ticks) == pytest.approx(4 * SECONDS, abs=2)


def test_a_hub_that_idles_writes_nothing(tmp_path: Path) -> None:
    _, state = a_long_silence(tmp_path)
    items = list(load_raw(state.path).items())
    ticks = [item.now_s - BEGIN_S for item in items if isinstance(item, Clock)]
    assert len([at for at in ticks if 18.0 < at < 58.0]) == pytest.approx(41, abs=2)
    assert max(at for at in ticks if at < 58.0) > 57.5  # the last before the next packet


def test_every_packet_is_there_as_it_came(tmp_path: Path) -> None:
    _, state = pods_that_stay(tmp_path)
    recording = load_raw(state.path)
    packets = [item for item in recording.items() if isinstance(item, RawPacket)]
    assert [(p.packet, p.arrival_s) for p in packets] == [
        (bytes(a.packet), BEGIN_S + a.arrival_s) for a in TWO.arrivals
    ]
    assert [recording.pods[p.channel].info for p in packets] == [
        TWO.pods[a.pod].info for a in TWO.arrivals
    ]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_recording_that_was_cut_off_gives_the_strides_until_then(
    tmp_path: Path, share: float
) -> None:
    strides, state = pods_that_stay(tmp_path)
    content = state.path.read_bytes()
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(content[: int(len(content) * share)])
    recording = load_raw(cut)
    assert "power cut" in recording.defects[0]
    found = again(recording)
    told = [stride for stride in strides if stride.next_ic < recording.end_s - 1.0]
    assert len(told) >= 10
    assert found[: len(told)] == told


def test_a_damaged_part_costs_no_strides_after_it(tmp_path: Path) -> None:
    strides, state = pods_that_stay(tmp_path)
    content = bytearray(state.path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    state.path.write_bytes(content)
    recording = load_raw(state.path)
    assert "left out: 1" in recording.defects[0]
    found = again(recording)
    for profile in TWO.profiles:
        own, measured = (
            [stride for stride in some if stride.runner == profile.runner]
            for some in (strides, found)
        )
        missing = without_match(own, measured)
        assert len(missing) < 8
        assert all(stride.next_ic < recording.end_s - 8.0 for stride in missing)
