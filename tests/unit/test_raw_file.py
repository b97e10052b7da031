"""Raw recordings on the disk: what is read back, whatever became of the file."""

import random
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mcap.data_stream import RecordBuilder
from mcap.reader import make_reader
from mcap.records import Channel, Chunk, DataEnd, Footer, Header, Message, Metadata

from stridehub.errors import RecordingError
from stridehub.kernel.wire import encode_info
from stridehub.model import Placement, PodInfo, RunnerProfile
from stridehub.pods.source import WornPod
from stridehub.record.raw_file import (
    ARRIVAL,
    HUB_CHANNEL,
    MAGIC,
    MOST_CHUNK_BYTES,
    Clock,
    Facts,
    Lost,
    Plug,
    RawFile,
)
from stridehub.record.raw_reader import RawPacket, RawRecording, is_raw, load_raw

FACTS = Facts("track", "1.2.3", started_s=4321.0, started_utc_s=1.76e9)
PROFILE = RunnerProfile("r7", height_m=1.78, leg_length_left_m=0.9, standing_thigh_deg=-7.25)
POD = WornPod(
    "r7", PodInfo(Placement.SHANK_L, 208000, 4788549, 1065297, 8, 513), "F0:D6:16:00:00:01"
)
OTHER = WornPod("r7", PodInfo(Placement.PELVIS, 104000, 2394275, 1065297, 19), "F0:D6:16:00:00:02")
FIRST, SECOND = HUB_CHANNEL + 1, HUB_CHANNEL + 2
PARTS = 12


def written() -> list[RawPacket | Clock | Plug | Lost]:
    """Two pods for three seconds; what the second part of them begins with, too."""
    noise = random.Random(1)
    items: list[RawPacket | Clock | Plug | Lost] = [Plug(FIRST), Clock(4321.1), Plug(SECOND)]
    for number in range(30 * PARTS):
        time_s = 4321.1 + number / 97.3
        items.append(RawPacket(FIRST + number % 2, noise.randbytes(108), time_s))
        if number % 10 == 0:
            items.append(Clock(time_s))
    return [*items, Lost(3), Plug(FIRST)]


WRITTEN = written()


def write(path: Path, *, is_finished: bool = True) -> None:
    with RawFile(path, FACTS) as file:
        file.add_runner(PROFILE)
        file.add_pod(FIRST, POD)
        file.add_pod(SECOND, OTHER)
        time_s = FACTS.started_s
        for number, item in enumerate(WRITTEN):
            if isinstance(item, RawPacket):
                time_s = item.arrival_s
                file.add_packet(*item)
            else:
                file.add_event(item, time_s)
            if number % 30 == 29:
                file.flush()
        if is_finished:
            file.finish()


class Content(bytes):
    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("raw") / "s.mcap"
    write(path)
    return Content(path.read_bytes())


Read = Callable[[bytes], tuple[RawRecording, list[RawPacket | Clock | Plug | Lost]]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Raises RecordingError."""
    path = tmp_path_factory.mktemp("raw") / "s.mcap"

    def load(data: bytes) -> tuple[RawRecording, list[RawPacket | Clock | Plug | Lost]]:
        path.write_bytes(data)
        recording = load_raw(path)
        return recording, list(recording.items())

    return load


# ---- whole ----


def test_what_was_written_is_read(content: bytes, read: Read) -> None:
    recording, items = read(content)
    assert items == WRITTEN
    assert recording.defects == ()
    assert recording.facts == FACTS
    assert recording.duration_s == pytest.approx(30 * PARTS / 97.3, abs=0.2)
    (profile,) = recording.runners
    assert profile.runner == "r7"
    assert profile.leg_length_left_m == 0.9
    assert profile.mass_kg is None
    pods = [recording.pods[channel] for channel in (FIRST, SECOND)]
    assert [(p.runner, p.info, p.address) for p in pods] == [
        (w.runner, w.info, w.address) for w in (POD, OTHER)
    ]


@given(
    arrival_s=st.floats(0, 1e9),
    packet=st.binary(max_size=300),
)
@settings(max_examples=50)
def test_arrivals_are_exact_and_packets_any_bytes(
    tmp_path_factory: pytest.TempPathFactory, arrival_s: float, packet: bytes
) -> None:
    path = tmp_path_factory.mktemp("raw") / "s.mcap"
    with RawFile(path, FACTS) as file:
        file.add_runner(PROFILE)
        file.add_pod(FIRST, POD)
        file.add_packet(FIRST, packet, arrival_s)
        file.add_event(Clock(arrival_s), arrival_s)
        file.finish()
    assert list(load_raw(path).items()) == [RawPacket(FIRST, packet, arrival_s), Clock(arrival_s)]


def test_other_programs_read_it(content: bytes) -> None:
    """As any MCAP file, by the format's own library."""
    found = list(make_reader(BytesIO(content)).iter_messages(log_time_order=False))
    packets = [
        (channel.topic, message.data[ARRIVAL.size :])
        for _, channel, message in found
        if channel.message_encoding == "stridehub"
    ]
    topics = {FIRST: "runner/r7/shank_l", SECOND: "runner/r7/pelvis"}
    wanted = [(topics[i.channel], i.packet) for i in WRITTEN if isinstance(i, RawPacket)]
    assert packets == wanted


def test_a_chunk_does_not_grow_with_a_team(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "big.mcap"
    noise = random.Random(2)
    packets = [RawPacket(FIRST, noise.randbytes(240), 4322.0) for _ in range(12_000)]
    with RawFile(path, FACTS) as file:
        file.add_runner(PROFILE)
        file.add_pod(FIRST, POD)
        for packet in packets:
            file.add_packet(*packet)
        file.finish()
    recording, items = read(path.read_bytes())
    assert items == packets
    assert recording.chunks >= 12_000 * 240 // MOST_CHUNK_BYTES


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.mcap"
    write(path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        RawFile(path, FACTS)
    assert path.read_bytes() == before


def test_it_is_told_by_its_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "named.npz"
    path.write_bytes(content)
    assert is_raw(path)
    path.write_bytes(b"PK\x03\x04" + content)
    assert not is_raw(path)
    path.write_bytes(b"")
    assert not is_raw(path)
    assert not is_raw(tmp_path / "none")
    assert not is_raw(tmp_path)


def test_what_is_added_meanwhile_does_not_confuse(tmp_path: Path) -> None:
    """A hub may go on writing between the first look and the reading."""
    path = tmp_path / "s.mcap"
    with RawFile(path, FACTS) as file:
        file.add_runner(PROFILE)
        file.add_pod(FIRST, POD)
        file.add_packet(FIRST, b"one", 4321.5)
        file.flush()
        recording = load_raw(path)
        file.add_pod(SECOND, OTHER)
        file.add_packet(SECOND, b"two", 4322.5)
        file.flush()
        assert list(recording.items()) == [RawPacket(FIRST, b"one", 4321.5)]


# ---- cut off ----

TAILS = {"nothing": b"", "zeros": bytes(4096), "ones": b"\xff" * 700, "a part": b"\x06" + bytes(11)}


@settings(max_examples=150)
@example(cut=705, tail="zeros")  # a chunk of zeros
@given(
    cut=st.integers(0, 1 << 20),
    tail=st.sampled_from(["nothing", "zeros", "ones", "a part"]),
)
def test_a_file_cut_anywhere_is_read_up_to_its_last_whole_chunk(
    content: bytes, read: Read, cut: int, tail: str
) -> None:
    """Whatever the file system left behind the cut."""
    length = cut % len(content)
    left = content[:length] + TAILS[tail]
    whole = [count for end, count in flushed(content) if left[:end] == content[:end]]
    try:
        recording, items = read(left)
    except RecordingError:
        assert not whole
        return
    assert items == WRITTEN[: whole[-1]]
    end = len(content) - len(MAGIC) - 20  # then come where an index would be, and the magic again
    assert left[:end] == content[:end] or "power cut" in recording.defects[0]


def flushed(content: bytes) -> list[tuple[int, int]]:
    """The bytes after each chunk, and the items so far."""
    found, position, count = [], len(MAGIC), 0
    while position < len(content) - len(MAGIC):
        opcode, length = struct.unpack_from("<BQ", content, position)
        position += 9 + length
        if opcode == 6:
            count = min(count + 30, len(WRITTEN))
            found.append((position, count))
    return found


def test_a_file_that_was_not_finished_is_whole_up_to_the_last_flush(
    tmp_path: Path, content: bytes, read: Read
) -> None:
    path = tmp_path / "s.mcap"
    write(path, is_finished=False)
    recording, items = read(path.read_bytes())
    assert len(items) == len(WRITTEN) // 30 * 30
    assert items == WRITTEN[: len(items)]
    assert "power cut" in recording.defects[0]


# ---- damaged ----


@settings(max_examples=200)
@given(places=st.lists(st.integers(0, 1 << 24), min_size=1, max_size=3, unique=True))
def test_flipped_bits_are_told(content: bytes, read: Read, places: list[int]) -> None:
    """Nothing that is read differs from what was written without a word about it."""
    bad = bytearray(content)
    for place in places:
        bad[place // 8 % len(content)] ^= 1 << place % 8
    try:
        recording, items = read(bytes(bad))
    except RecordingError:
        return
    if not recording.defects:
        good, _ = read(content)
        assert items == WRITTEN
        assert (recording.runners, recording.pods) == (good.runners, good.pods)
    assert {item for item in items if isinstance(item, RawPacket)} <= set(WRITTEN)


def test_a_damaged_chunk_costs_itself_alone(content: bytes, read: Read) -> None:
    bad = bytearray(content)
    ends = flushed(content)
    bad[(ends[3][0] + ends[4][0]) // 2] ^= 0x10
    recording, items = read(bytes(bad))
    assert items == WRITTEN[: ends[3][1]] + WRITTEN[ends[4][1] :]
    assert recording.defects == ("damaged parts, each of a second or less, are left out: 1",)


# ---- built to harm ----


@settings(max_examples=200)
@given(tail=st.binary(max_size=400))
@example(tail=b"\x06" + b"\xff" * 8)
@example(tail=b"\x0c" + struct.pack("<Q", 2**62))
def test_any_bytes_end_in_an_error_of_ours(read: Read, tail: bytes) -> None:
    with pytest.raises(RecordingError):
        read(MAGIC + tail)


def begun(*records: object) -> bytes:
    """A whole file with a header, facts, a runner and a pod, then these records."""
    out = RecordBuilder()
    Header(profile="stridehub", library="").write(out)
    Metadata("facts", {"facts": msgspec.json.encode(FACTS).decode()}).write(out)
    Metadata("runner", {"runner": '{"runner": "r7"}'}).write(out)
    info = "12" if False else pod_info_hex()
    Channel(FIRST, "", "", {"runner": "r7", "address": "", "info": info}, 0).write(out)
    for record in records:
        record.write(out)  # type: ignore[attr-defined]
    data = MAGIC + bytes(out.end())
    DataEnd(zlib.crc32(data)).write(out)
    Footer(0, 0, 0).write(out)
    return data + bytes(out.end()) + MAGIC


def pod_info_hex() -> str:
    return encode_info(POD.info).hex()


def chunk(data: bytes, **changes: object) -> Chunk:
    given = {
        "compression": "",
        "data": data,
        "message_start_time": 0,
        "message_end_time": 0,
        "uncompressed_crc": zlib.crc32(data),
        "uncompressed_size": len(data),
    }
    return Chunk(**(given | changes))  # type: ignore[arg-type]


def message(data: bytes, channel: int = FIRST) -> bytes:
    out = RecordBuilder()
    Message(channel, 0, data, 0, 0).write(out)
    return bytes(out.end())


@settings(max_examples=200)
@given(data=st.binary(max_size=300))
@example(data=b"\x05" + b"\xff" * 8)
@example(data=b"\x05" + struct.pack("<Q", 0) + bytes(30))
@example(data=b"\x04" + struct.pack("<Q", 20) + b"\xff" * 20)
def test_chunks_of_anything_end_in_an_error_of_ours_or_in_nothing(read: Read, data: bytes) -> None:
    try:
        _, items = read(begun(chunk(data)))
    except RecordingError:
        return
    assert all(isinstance(item, RawPacket | Clock | Plug | Lost) for item in items)


@pytest.mark.parametrize(
    "bad",
    [
        message(b"short"),
        message(ARRIVAL.pack(float("nan")) + b"packet"),
        message(ARRIVAL.pack(float("inf")) + b"packet"),
        message(ARRIVAL.pack(-1.0) + b"packet"),
        message(ARRIVAL.pack(1e300) + b"packet"),
        message(ARRIVAL.pack(1.0) + b"packet", channel=77),
        message(b'{"what": "plug", "channel": 77}', HUB_CHANNEL),
        message(b'{"what": "clock", "now_s": 1e300}', HUB_CHANNEL),
        message(b'{"what": "clock", "now_s": null}', HUB_CHANNEL),
        message(b'{"what": "else"}', HUB_CHANNEL),
        message(b"[" * 100_000, HUB_CHANNEL),
    ],
)
def test_messages_that_cannot_be_are_refused(read: Read, bad: bytes) -> None:
    good, _ = read(begun(chunk(message(ARRIVAL.pack(1.0) + b"packet"))))
    assert good.chunks == 1
    with pytest.raises(RecordingError, match="broken"):
        read(begun(chunk(bad)))


@pytest.mark.parametrize(
    "bad",
    [
        Metadata("facts", {}),
        Metadata("facts", {"facts": '{"hub": "\\u001b[2J", "version": "1", "started_s": 0}'}),
        Metadata("runner", {"runner": '{"runner": "r7"}'}),
        Metadata("runner", {"runner": '{"runner": "../x"}'}),
        Metadata("runner", {"runner": '{"runner": "r8", "height_m": 900.0}'}),
        Channel(5, "", "", {}, 0),
        Channel(5, "", "", {"runner": "r9", "address": "", "info": pod_info_hex()}, 0),
        Channel(5, "", "", {"runner": "r7", "address": "", "info": "zz"}, 0),
        Channel(5, "", "", {"runner": "r7", "address": "", "info": "00" * 20}, 0),
    ],
)
def test_what_cannot_be_said_of_a_hub_is_left_out_and_told(read: Read, bad: object) -> None:
    packet = ARRIVAL.pack(1.0) + b"packet"
    recording, items = read(begun(bad, chunk(message(packet) + message(packet, channel=5))))
    assert recording.facts == FACTS
    assert [own.runner for own in recording.runners] == ["r7"]
    assert items == [RawPacket(FIRST, b"packet", 1.0)]
    assert recording.defects == ("damaged parts, each of a second or less, are left out: 1",)


def test_the_mcap_of_another_program_is_refused(read: Read) -> None:
    out = RecordBuilder()
    Header(profile="ros2", library="").write(out)
    with pytest.raises(RecordingError, match="not one of a hub"):
        read(MAGIC + bytes(out.end()))


def test_endless_runners_are_refused(read: Read) -> None:
    names = (f'{{"runner": "x{number}"}}' for number in range(1000))
    runners = (Metadata("runner", {"runner": name}) for name in names)
    recording, _ = read(begun(*runners, chunk(message(ARRIVAL.pack(1.0)))))
    assert len(recording.runners) == 256
    assert "left out" in recording.defects[-1]


@pytest.mark.parametrize("says", [50, 1 << 28])
def test_a_bomb_takes_no_memory(read: Read, says: int) -> None:
    """A few kilobytes that unpack to a quarter of a gigabyte, whether they say so or not."""
    packer = zstandard.ZstdCompressor(write_content_size=True)
    bomb = packer.compress(bytes(1 << 28))
    bad = begun(chunk(bomb, compression="zstd", uncompressed_size=says))
    assert len(bad) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(RecordingError):
            read(bad)
        assert tracemalloc.get_traced_memory()[1] < 16 * MOST_CHUNK_BYTES
    finally:
        tracemalloc.stop()


def test_a_length_beyond_all_bounds_takes_no_memory(read: Read) -> None:
    claims = b"\x06" + struct.pack("<Q", 1 << 40)
    tracemalloc.start()
    try:
        with pytest.raises(RecordingError):
            read(begun() + claims + bytes(1000))
        assert tracemalloc.get_traced_memory()[1] < MOST_CHUNK_BYTES
    finally:
        tracemalloc.stop()


def test_what_cannot_be_opened_is_an_error_of_ours(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", tmp_path / "\0"):
        with pytest.raises(RecordingError):
            load_raw(path)
