"""A raw recording as an MCAP file, written so that a power cut costs its last seconds only.

What stands in it: docs/RECORDING.md. It has no index at its end: a hub would have to keep it in
memory all day, and to write it while it is told to end.
"""

import os
import struct
import zlib
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Annotated, Protocol, Self

import msgspec
import zstandard
from mcap.data_stream import RecordBuilder
from mcap.records import Channel, Chunk, DataEnd, Footer, Header, Message, Metadata
from mcap.writer import MCAP0_MAGIC

from stridehub.config import ProfileSettings, RunnerId
from stridehub.kernel.wire import encode_info
from stridehub.model import PodInfo, RunnerProfile

MAGIC = MCAP0_MAGIC
FORMAT = "stridehub"  # the file's profile, as MCAP calls it
FACTS, RUNNER = "facts", "runner"  # names of metadata, and of the one value in it
PACKET, EVENT = "stridehub", "json"  # encodings of messages
COMPRESSION = "zstd"
HUB_CHANNEL = 1
MOST_HUB_S = 1e9  # hub time: 30 years without a restart
ARRIVAL = struct.Struct("<d")  # before each packet: exact, as whole nanoseconds are not

# Where a chunk ends at the latest, when a slow disk or a large team makes it grow: so much a
# damaged one costs, and so much memory takes it to be read.
_MOST_CHUNK_NS = 1_000_000_000
MOST_CHUNK_BYTES = 1 << 20


class Facts(msgspec.Struct, frozen=True):
    """Where and when it was recorded."""

    hub: RunnerId
    version: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.+-]{1,40}\Z")]
    started_s: Annotated[float, msgspec.Meta(ge=0, le=MOST_HUB_S)]  # hub time
    started_utc_s: Annotated[float, msgspec.Meta(ge=0, le=1e10)]  # Unix time, as the hub knew it


class Clock(msgspec.Struct, frozen=True, tag="clock", tag_field="what"):
    """Hub time passed."""

    now_s: float


class Plug(msgspec.Struct, frozen=True, tag="plug", tag_field="what"):
    """A pod was new, or back."""

    channel: int


class Lost(msgspec.Struct, frozen=True, tag="lost", tag_field="what"):
    """Packets that were received and are not in the file."""

    packets: int


HubEvent = Clock | Plug | Lost


class Worn(Protocol):
    """A pod, and who wears it."""

    @property
    def runner(self) -> str: ...

    @property
    def info(self) -> PodInfo: ...

    @property
    def address(self) -> str: ...


class RawFile:
    """Calls raise OSError; what was added is on the disk after the next flush."""

    def __init__(self, path: Path, facts: Facts) -> None:
        """Raises FileExistsError for a name that is taken."""
        self.path, self.facts = path, facts
        self._file = path.open("xb")
        self._out = RecordBuilder()
        self._chunk = RecordBuilder()
        self._chunk_ns: tuple[int, int] | None = None  # the first and last time in it
        self._compressor = zstandard.ZstdCompressor()
        self.written_bytes = 0
        self._crc = 0  # of all that was written
        self._out.write(MAGIC)
        Header(profile=FORMAT, library=f"stridehub {facts.version}").write(self._out)
        self._add_metadata(FACTS, facts)
        Channel(HUB_CHANNEL, "hub", EVENT, metadata={}, schema_id=0).write(self._out)
        self.flush()
        _sync_folder(path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def add_runner(self, profile: RunnerProfile) -> None:
        self._add_metadata(RUNNER, ProfileSettings(**asdict(profile)))

    def add_pod(self, channel: int, worn: Worn) -> None:
        """`channel`: a number of its own, above HUB_CHANNEL."""
        metadata = {
            "runner": worn.runner,
            "address": worn.address,
            "info": encode_info(worn.info).hex(),
        }
        topic = f"runner/{worn.runner}/{worn.info.placement.label}"
        Channel(channel, topic, PACKET, metadata, schema_id=0).write(self._out)

    def add_packet(self, channel: int, packet: bytes, arrival_s: float) -> None:
        self._add(channel, ARRIVAL.pack(arrival_s) + packet, arrival_s)

    def add_event(self, event: HubEvent, time_s: float) -> None:
        self._add(HUB_CHANNEL, msgspec.json.encode(event), time_s)

    def flush(self) -> None:
        """Returns once it is on the disk."""
        self._end_chunk()
        data = self._out.end()
        if data:
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
            self.written_bytes += len(data)
            self._crc = zlib.crc32(data, self._crc)

    @property
    def size_bytes(self) -> int:
        """At most: with all that is not written yet."""
        return self.written_bytes + self._out.count + self._chunk.count

    def finish(self) -> None:
        """Nothing is added any more."""
        self.flush()
        DataEnd(data_section_crc=self._crc).write(self._out)
        Footer(summary_start=0, summary_offset_start=0, summary_crc=0).write(self._out)
        self._out.write(MAGIC)
        self.flush()

    def _add_metadata(self, name: str, value: msgspec.Struct) -> None:
        Metadata(name, {name: msgspec.json.encode(value).decode()}).write(self._out)

    def _add(self, channel: int, data: bytes, time_s: float) -> None:
        time_ns = round(time_s * 1e9)
        first_ns, last_ns = self._chunk_ns or (time_ns, time_ns)
        first_ns, last_ns = self._chunk_ns = min(first_ns, time_ns), max(last_ns, time_ns)
        Message(channel, time_ns, data, publish_time=time_ns, sequence=0).write(self._chunk)
        if last_ns - first_ns > _MOST_CHUNK_NS or self._chunk.count > MOST_CHUNK_BYTES:
            self._end_chunk()

    def _end_chunk(self) -> None:
        if self._chunk_ns is None:
            return
        first_ns, last_ns = self._chunk_ns
        data = self._chunk.end()
        Chunk(
            compression=COMPRESSION,
            data=self._compressor.compress(data),
            message_start_time=first_ns,
            message_end_time=last_ns,
            uncompressed_crc=zlib.crc32(data),
            uncompressed_size=len(data),
        ).write(self._out)
        self._chunk_ns = None


def _sync_folder(folder: Path) -> None:
    """A new file's name is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
