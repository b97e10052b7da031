"""Raw recordings, read as the untrusted input they are. What a power cut left is read, too."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, DataEnd, Header, Message, Metadata

from stridehub.config import ProfileSettings
from stridehub.errors import RecordingError
from stridehub.kernel.wire import decode_info
from stridehub.model import PodInfo
from stridehub.record.raw_file import (
    ARRIVAL,
    FACTS,
    FORMAT,
    HUB_CHANNEL,
    MAGIC,
    MOST_HUB_S,
    RUNNER,
    Clock,
    Facts,
    HubEvent,
    Lost,
)
from stridehub.record.raw_parts import BROKEN, Part, messages, parts, unpacked

_MOST_RUNNERS = 256  # each costs a kernel of 0.1 MB


@dataclass(frozen=True, slots=True)
class RawPod:
    """A pod, and who wore it."""

    runner: str
    info: PodInfo
    address: str


class RawPacket(NamedTuple):
    channel: int  # of its pod
    packet: bytes
    arrival_s: float


@dataclass(frozen=True, slots=True)
class RawRecording:
    """What a hub received. Its items stay in the file until they are asked for."""

    path: Path
    facts: Facts
    runners: tuple[ProfileSettings, ...]  # in the order in which the hub got to know them
    pods: Mapping[int, RawPod]  # by channel
    end_s: float  # hub time of the last item
    chunks: int
    defects: tuple[str, ...]  # in words, for the user

    @property
    def duration_s(self) -> float:
        return max(0.0, self.end_s - self.facts.started_s)

    @property
    def first_packet_s(self) -> float | None:
        """Hub time of its arrival; None: there is none. Raises RecordingError."""
        arrivals_s = (item.arrival_s for item in self.items() if isinstance(item, RawPacket))
        return next(arrivals_s, None)

    def items(self) -> Iterator[RawPacket | HubEvent]:
        """In the order in which they came to the hub. Raises RecordingError."""
        left = self.chunks  # a hub that still writes it may have added some
        with _opened(self.path) as file:
            for part in parts(file):
                chunk = unpacked(part) if part.opcode == Opcode.CHUNK else None
                if chunk is not None and left:
                    left -= 1
                    yield from filter(self._is_of_a_pod, map(_item, messages(chunk)))

    def _is_of_a_pod(self, item: RawPacket | HubEvent) -> bool:
        """False for what is of one of whom the damaged part told. Raises ValueError."""
        if isinstance(item, Clock | Lost) or item.channel in self.pods:
            return True
        if not self.defects:
            raise ValueError(f"nothing is said of the pod of channel {item.channel}")
        return False


def _item(message: Message) -> RawPacket | HubEvent:
    """Raises what is BROKEN."""
    if message.channel_id == HUB_CHANNEL:
        event: HubEvent = msgspec.json.decode(message.data, type=HubEvent)
        if isinstance(event, Clock):
            _check_time(event.now_s)
        return event
    (arrival_s,) = ARRIVAL.unpack_from(message.data)
    _check_time(arrival_s)
    return RawPacket(message.channel_id, message.data[ARRIVAL.size :], arrival_s)


def _check_time(hub_s: float) -> None:
    if not 0.0 <= hub_s <= MOST_HUB_S:
        raise ValueError(f"a hub time of {hub_s} s")


def is_raw(path: Path) -> bool:
    """By content; False for what cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):
        return False


def load_raw(path: Path) -> RawRecording:
    """Reads the file once, for all but its items. Raises RecordingError."""
    with _opened(path) as file:
        survey = _Survey(path)
        for part in parts(file):
            survey.take(part)
        return survey.recording()


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """At the first part. Raises RecordingError for whatever goes wrong meanwhile."""
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise RecordingError(path, "not a recording of a hub")
            yield file
    except OSError as error:
        raise RecordingError(path, error.strerror or str(error)) from error
    except MemoryError as error:
        raise RecordingError(path, "does not fit into memory") from error
    except BROKEN as error:
        raise RecordingError(path, f"broken: {' '.join(str(error).split())[:160]}") from error


class _Survey:
    """What the parts of a file say besides packets."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._facts: Facts | None = None
        self._runners: dict[str, ProfileSettings] = {}
        self._pods: dict[int, RawPod] = {}
        self._end_s = 0.0
        self._chunks = 0
        self._damaged = 0
        self._crc_holds: bool | None = None  # None: not known yet
        self._is_whole = False

    def take(self, part: Part) -> None:
        """Raises RecordingError."""
        try:
            self._take(part)
        except BROKEN:
            self._damaged += 1

    def _take(self, part: Part) -> None:
        if part.opcode == Opcode.HEADER:
            if Header.read(part.stream).profile != FORMAT:
                raise RecordingError(self._path, "an MCAP file, but not one of a hub")
        elif part.opcode == Opcode.METADATA:
            self._take_metadata(Metadata.read(part.stream))
        elif part.opcode == Opcode.CHANNEL:
            self._take_channel(Channel.read(part.stream))
        elif part.opcode == Opcode.CHUNK:
            self._take_chunk(unpacked(part))
        elif part.opcode == Opcode.DATA_END:
            self._crc_holds = DataEnd.read(part.stream).data_section_crc == part.crc
        elif part.opcode == Opcode.FOOTER:
            self._is_whole = self._crc_holds is not None

    def _take_metadata(self, metadata: Metadata) -> None:
        if metadata.name == FACTS:
            self._facts = msgspec.json.decode(metadata.metadata[FACTS], type=Facts)
        elif metadata.name == RUNNER:
            profile = msgspec.json.decode(metadata.metadata[RUNNER], type=ProfileSettings)
            if profile.runner is None or profile.runner in self._runners:
                raise ValueError(f"the runner {profile.runner!r} once more")
            if len(self._runners) == _MOST_RUNNERS:
                raise ValueError("too many runners")
            self._runners[profile.runner] = profile

    def _take_channel(self, channel: Channel) -> None:
        if channel.id == HUB_CHANNEL:
            return
        said = channel.metadata
        if said["runner"] not in self._runners:
            raise ValueError("a pod of a runner of whom nothing is said")
        info = decode_info(bytes.fromhex(said["info"]))
        self._pods[channel.id] = RawPod(said["runner"], info, said["address"])

    def _take_chunk(self, chunk: Chunk | None) -> None:
        if chunk is None:
            raise ValueError("a damaged chunk")
        end_s = min(chunk.message_end_time / 1e9, MOST_HUB_S)
        self._end_s = max(self._end_s, end_s)
        self._chunks += 1

    def recording(self) -> RawRecording:
        """Raises RecordingError."""
        if self._facts is None or self._chunks == 0:
            ends = "broken" if self._damaged else "ends before anything was received"
            raise RecordingError(self._path, ends)
        return RawRecording(
            self._path,
            self._facts,
            tuple(self._runners.values()),
            self._pods,
            self._end_s,
            self._chunks,
            tuple(self._defects()),
        )

    def _defects(self) -> Iterator[str]:
        if not self._is_whole:
            yield "it ends suddenly: a power cut, or a hub that still writes it"
        if self._damaged:
            yield f"damaged parts, each of a second or less, are left out: {self._damaged}"
        elif self._crc_holds is False:
            yield "something in it has changed since it was written"
