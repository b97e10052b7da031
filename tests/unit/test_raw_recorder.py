"""The recorder's side of raw recordings: disks that are slow, full or gone, and old recordings."""

import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from raw_hub import PATIENCE_S, until
from stridehub.config import RecordConfig
from stridehub.errors import RecordingError
from stridehub.kernel.wire import Bytes
from stridehub.model import Placement, PodInfo, RunnerProfile
from stridehub.pods.source import Take, WornPod
from stridehub.record.raw import MOST_PODS, MOST_WAITING, RawRecorder
from stridehub.record.raw_file import Lost
from stridehub.record.raw_reader import RawPacket, load_raw
from stridehub.record.raw_space import tidy

LIMITS = RecordConfig(raw=True, free_mb=1)
INFO = PodInfo(Placement.SHANK_L, 208000, 4788549, 1065297, 8)
POD = WornPod("r7", INFO, "F0:D6:16:00:00:01")
DAY_S = 86400.0


class Taken:
    """A sink that remembers what it took."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []

    def plug(self, worn: WornPod) -> Take:
        def take(packet: Bytes, arrival_s: float) -> None:
            self.packets.append(bytes(packet))

        return take


class Bench:
    """A recorder with one pod plugged into it."""

    def __init__(self, folder: Path, limits: RecordConfig = LIMITS, session: str = "now") -> None:
        self.recorder = RawRecorder(folder, session, limits, hub="track", now_s=100.0)
        self.recorder.add_runner(RunnerProfile("r7"))
        self.taken = Taken()
        self.sink = self.recorder.wrap(self.taken)
        self.take = self.sink.plug(POD)
        self.sent = 0

    def send(self, packets: int) -> None:
        for _ in range(packets):
            self.take(bytearray(self.sent.to_bytes(8, "little")), 100.0 + self.sent * 1e-3)
            self.sent += 1

    def close(self) -> None:
        until(self.recorder.close)

    def numbers(self) -> list[int]:
        """Of the packets in the file, as far as it is there."""
        try:
            recording = load_raw(self.recorder.state.path)
        except RecordingError:
            return []
        packets = [item for item in recording.items() if isinstance(item, RawPacket)]
        return [int.from_bytes(item.packet, "little") for item in packets]


@pytest.fixture
def hanging_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Nothing reaches the disk until the event."""
    works = threading.Event()
    sync = os.fsync

    def fsync(file: int) -> None:
        assert works.wait(PATIENCE_S)
        sync(file)

    monkeypatch.setattr(os, "fsync", fsync)
    yield works
    works.set()


class Card:
    """As much room as is said."""

    def __init__(self, free_mb: float) -> None:
        self.free_mb = free_mb
        self.looks = 0

    def statvfs(self, folder: Any) -> SimpleNamespace:
        self.looks += 1
        return SimpleNamespace(f_bavail=int(self.free_mb * 1e6 / 4096), f_frsize=4096)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    found = Card(free_mb=5000.0)
    monkeypatch.setattr(os, "statvfs", found.statvfs)
    return found


def test_what_is_received_is_on_the_disk_while_the_recording_goes_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "new" / "folder")
    bench.send(200)
    until(lambda: bench.numbers() == list(range(200)))
    bench.close()
    assert load_raw(bench.recorder.state.path).defects == ()
    assert bench.recorder.state.path == tmp_path / "new" / "folder" / "now.mcap"


def test_a_packet_is_handed_on_before_it_is_recorded(tmp_path: Path) -> None:
    """And as it is, whatever becomes of its buffer later."""
    bench = Bench(tmp_path)
    packet = bytearray(b"as it came")
    bench.take(memoryview(packet), 100.5)
    assert bench.taken.packets == [b"as it came"]
    packet[:] = b"over again"
    bench.close()
    (found,) = (i for i in load_raw(bench.recorder.state.path).items() if isinstance(i, RawPacket))
    assert found.packet == b"as it came"


def test_a_pod_that_is_refused_is_not_recorded(tmp_path: Path) -> None:
    class Refusing:
        def plug(self, worn: WornPod) -> Take:
            raise LookupError(worn.runner)

    bench = Bench(tmp_path)
    with pytest.raises(LookupError):
        bench.recorder.wrap(Refusing()).plug(WornPod("stranger", INFO))
    bench.send(1)
    bench.close()
    assert [pod.runner for pod in load_raw(bench.recorder.state.path).pods.values()] == ["r7"]


def test_a_pod_that_is_never_the_same_does_not_end_the_recording(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for number in range(MOST_PODS + 5):
        take = bench.sink.plug(WornPod("r7", INFO, f"pod {number}"))
        take(b"packet", 101.0)
    bench.send(10)
    bench.close()
    assert len(bench.taken.packets) == MOST_PODS + 15
    recording = load_raw(bench.recorder.state.path)
    assert len(recording.pods) == MOST_PODS
    assert bench.recorder.state.problem is None


# ---- disks ----


def test_a_disk_that_hangs_holds_nobody_up(tmp_path: Path, hanging_disk: threading.Event) -> None:
    """What does not fit into memory is counted, and told in the file."""
    bench = Bench(tmp_path)
    bench.send(MOST_WAITING + 500)
    assert len(bench.taken.packets) == MOST_WAITING + 500
    lost = bench.recorder.state.lost_packets
    assert 500 <= lost <= 510
    hanging_disk.set()
    until(lambda: bench.recorder.state.written_bytes > 10_000)  # there is room again
    bench.send(10)
    bench.close()
    kept = [*range(MOST_WAITING + 500 - lost), *range(MOST_WAITING + 500, MOST_WAITING + 510)]
    assert bench.numbers() == kept
    told = [i for i in load_raw(bench.recorder.state.path).items() if isinstance(i, Lost)]
    assert told == [Lost(lost)]
    assert bench.recorder.state.lost_packets == lost


def test_the_end_does_not_wait_for_a_disk_that_hangs(
    tmp_path: Path, hanging_disk: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path)
    bench.send(10)
    assert not bench.recorder.close()
    assert "the disk is slow" in caplog.text


def test_a_full_card_interrupts_the_recording(
    tmp_path: Path, card: Card, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path, RecordConfig(raw=True, free_mb=300))
    bench.send(100)
    until(lambda: bench.numbers() == list(range(100)))
    card.free_mb = 299.0
    until(lambda: bench.recorder.state.problem)
    assert bench.recorder.state.problem == "recording stopped: 299 MB are free, 300 wanted"
    bench.send(50)
    until(lambda: bench.recorder.state.lost_packets == 50)
    back = bench.sink.plug(POD)  # is in the file all the same
    other = bench.sink.plug(WornPod("r7", INFO, "F0:D6:16:00:00:02"))
    card.free_mb = 310.0  # too little to begin again just to stop again
    looks = card.looks
    until(lambda: card.looks > looks + 1)
    assert bench.recorder.state.problem is not None
    card.free_mb = 400.0
    until(lambda: bench.recorder.state.problem is None)
    bench.send(25)
    back(b"back", 101.0)
    other(b"other", 101.0)
    bench.close()
    assert len(bench.taken.packets) == 177
    assert bench.numbers()[:125] == [*range(100), *range(150, 175)]
    recording = load_raw(bench.recorder.state.path)
    assert recording.defects == ()
    assert [pod.address[-1] for pod in recording.pods.values()] == ["1", "2"]
    assert [item for item in recording.items() if isinstance(item, Lost)] == [Lost(50)]
    assert caplog.text.count("recording stopped") == 1


def test_a_card_that_is_full_at_the_beginning_is_not_filled(tmp_path: Path, card: Card) -> None:
    card.free_mb = 10.0
    bench = Bench(tmp_path, RecordConfig(raw=True, free_mb=300))
    until(lambda: bench.recorder.state.problem)
    bench.send(1000)
    bench.close()
    assert bench.recorder.state.lost_packets == 1000
    assert bench.recorder.state.written_bytes < 2000


def test_a_disk_that_fails_ends_the_recording_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path)
    bench.send(100)
    until(lambda: bench.numbers() == list(range(100)))

    def fsync(file: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    bench.send(100)
    until(lambda: bench.recorder.state.problem)
    assert bench.recorder.state.problem == "recording ended: Input/output error"
    bench.send(MOST_WAITING)
    assert len(bench.taken.packets) == bench.sent
    assert bench.recorder.state.lost_packets >= MOST_WAITING
    bench.close()
    assert bench.numbers()[:100] == list(range(100))
    assert caplog.text.count("Input/output error") == 1


def test_a_recording_that_takes_all_that_may_be_kept_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whole, and without others going for it, then or with the next start of the hub."""
    keep(tmp_path, "other", days=1, megabytes=0.001)
    limits = RecordConfig(raw=True, free_mb=1, keep_raw_mb=2)
    bench = Bench(tmp_path, limits)
    noise = random.Random(4)
    for number in range(3000):
        bench.take(noise.randbytes(1000), 100.0 + number * 1e-3)
    until(lambda: bench.recorder.state.problem)
    assert "as large as keep_raw_mb allows, 2 MB" in (bench.recorder.state.problem or "")
    bench.send(50)
    bench.close()
    state = bench.recorder.state
    assert len(bench.taken.packets) == 3050
    recording = load_raw(state.path)
    assert recording.defects == ()
    packets = [item.packet for item in recording.items() if isinstance(item, RawPacket)]
    assert packets == bench.taken.packets[: len(packets)]
    assert len(packets) == 3050 - state.lost_packets
    assert 1.5e6 < state.written_bytes < 2e6
    tidy(tmp_path, limits)
    assert names(tmp_path) == {"now", "other"}
    assert caplog.text.count("recording ended") == 1


@pytest.mark.parametrize("where", ["a file", "a name that is taken"])
def test_what_cannot_be_begun_is_told(tmp_path: Path, where: str) -> None:
    folder = tmp_path / "raw"
    if where == "a file":
        folder.write_bytes(b"")
    else:
        folder.mkdir()
        (folder / "now.mcap").write_bytes(b"of before")
    bench = Bench(folder)
    until(lambda: bench.recorder.state.problem)
    bench.send(100)
    bench.close()
    assert "File exists" in (bench.recorder.state.problem or "")
    assert len(bench.taken.packets) == 100
    assert where == "a file" or (folder / "now.mcap").read_bytes() == b"of before"


# ---- old recordings ----


def keep(folder: Path, name: str, days: float, megabytes: float) -> Path:
    """A recording of so many days ago, of that size and hardly any disk."""
    path = folder / f"{name}.mcap"
    with path.open("wb") as file:
        file.truncate(int(megabytes * 1e6))
    at_s = time.time() - days * DAY_S
    os.utime(path, (at_s, at_s))
    return path


def names(folder: Path) -> set[str]:
    return {path.name.removesuffix(".mcap") for path in folder.iterdir()}


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    for days in (1, 29.9, 30.1, 400):
        keep(tmp_path, f"{days:g}", days, 1)
    (tmp_path / "notes.txt").write_bytes(b"mine")
    tidy(tmp_path, RecordConfig(keep_raw_days=30))
    assert names(tmp_path) == {"1", "29.9", "notes.txt"}


def test_what_is_too_much_goes_oldest_first(tmp_path: Path) -> None:
    for days in (4, 1, 3, 2):
        keep(tmp_path, f"{days}", days, 40)
    tidy(tmp_path, RecordConfig(keep_raw_mb=100))
    assert names(tmp_path) == {"1", "2"}
    tidy(tmp_path, RecordConfig(keep_raw_mb=100))
    assert names(tmp_path) == {"1", "2"}


def test_what_is_being_written_stays(tmp_path: Path) -> None:
    writing = keep(tmp_path, "writing", 50, 500)
    keep(tmp_path, "other", 1, 10)
    tidy(tmp_path, RecordConfig(keep_raw_mb=100, keep_raw_days=30), writing)
    assert names(tmp_path) == {"writing"}


def test_a_recording_that_cannot_be_deleted_keeps_no_other(tmp_path: Path) -> None:
    (tmp_path / "odd.mcap").mkdir()
    os.utime(tmp_path / "odd.mcap", (0, 0))
    keep(tmp_path, "old", 100, 1)
    tidy(tmp_path, RecordConfig(keep_raw_days=30))
    assert names(tmp_path) == {"odd"}


@pytest.mark.parametrize("days", [-800, 800])
def test_nothing_goes_by_a_clock_that_has_jumped(tmp_path: Path, days: float) -> None:
    """Until there is a recording by that clock."""
    for ago in (40, 20, 1):
        keep(tmp_path, f"{ago}", ago + days, 1)
    tidy(tmp_path, RecordConfig(keep_raw_days=30))
    assert names(tmp_path) == {"40", "20", "1"}
    keep(tmp_path, "now", 0.001, 1)
    writing = keep(tmp_path, "writing", 0, 1)
    tidy(tmp_path, RecordConfig(keep_raw_days=30), writing)
    assert names(tmp_path) == (
        {"now", "writing"} if days > 0 else {"40", "20", "1", "now", "writing"}
    )


def test_a_recorder_begins_with_tidying(tmp_path: Path) -> None:
    keep(tmp_path, "old", 100, 1)
    keep(tmp_path, "new", 1, 1)
    bench = Bench(tmp_path)
    bench.close()
    assert names(tmp_path) == {"new", "now"}
