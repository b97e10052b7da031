"""Every packet as it came, kept in a file: never in the way of what is measured and coached."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from stridehub import __version__
from stridehub.config import RecordConfig
from stridehub.kernel.wire import Bytes
from stridehub.model import RunnerProfile
from stridehub.record.raw_file import HUB_CHANNEL, Clock, Facts, RawFile, Worn
from stridehub.record.raw_space import SUFFIX, tidy
from stridehub.record.raw_writer import Item, Plugged, RawWriter, Received
from stridehub.timing import ADVANCE_S, LAST_WRITE_S, RAW_WRITE_S

log = logging.getLogger(__name__)

# Packets that wait for a slow card: 15 s of ten runners, some 6 MB.
MOST_WAITING = 20_000
# Different pods of a session. More are a fault of a pod that never says the same of itself.
MOST_PODS = 1000
# Ticks without a packet after which a kernel has told all there is. Of the later ones only the last
# before the next packet is kept, so that a hub that idles writes nothing.
QUIET_TICKS = round(10.0 / ADVANCE_S)

Take = Callable[[Bytes, float], None]  # a packet, and the hub time of its arrival in seconds

_Worn = TypeVar("_Worn", bound=Worn, contravariant=True)


class Sink(Protocol[_Worn]):
    """Where packets go."""

    def plug(self, worn: _Worn) -> Take: ...


class RawState(NamedTuple):
    """What has come of a recording so far."""

    path: Path
    problem: str | None  # why nothing is recorded now
    written_bytes: int
    lost_packets: int  # received, and not in the file


class RawRecorder:
    """One file for one run of the hub, through all its sessions and between them, written from now
    on by a thread of its own.

    Disks that are full, slow or broken end or interrupt the recording and nothing else: see
    `state`. So does a file that takes all that may be kept. Calls come from one thread, and none of
    them waits but `close`.
    """

    def __init__(
        self, folder: Path, session: str, limits: RecordConfig, *, hub: str, now_s: float
    ) -> None:
        """`session`, the run's first, becomes the file's name; `hub` names this one, `now_s` is
        its time.
        """
        self._path = folder / f"{session}{SUFFIX}"
        self._limits = limits
        self._facts = Facts(hub, __version__, now_s, time.time())
        self._waiting: deque[Item] = deque()
        self._room = MOST_WAITING  # 0: it has ended
        self._refused = 0  # packets for which there was none
        self._unwritten = 0  # packets that waited when it ended
        self._channels: dict[Worn, int] = {}
        self._quiet_ticks = 0
        self._held_tick: Clock | None = None
        self._writer: RawWriter | None = None
        self._file: RawFile | None = None
        self._fault: str | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="raw recording", daemon=True)
        self._thread.start()

    # ---- what happens at the hub, in this order ----

    def add_runner(self, profile: RunnerProfile) -> None:
        """The hub measures this runner from now on."""
        self._keep(profile)

    def wrap(self, sink: Sink[_Worn]) -> Sink[_Worn]:
        """The same sink, but for a copy of everything it takes."""
        return _Recorded(self, sink)

    def plugged(self, worn: Worn) -> int | None:
        """The channel of the pod's packets. None: it is not recorded."""
        self._break_silence()
        channel = self._channels.get(worn)
        is_new = channel is None
        if channel is None:
            if len(self._channels) >= MOST_PODS:
                log.warning("%s: a pod is not recorded: too many different ones", self._path.name)
                return None
            channel = self._channels[worn] = HUB_CHANNEL + 1 + len(self._channels)
        self._keep(Plugged(channel, worn, is_new))
        return channel

    def received(self, channel: int, packet: Bytes, arrival_s: float) -> None:
        if self._quiet_ticks:
            self._break_silence()
        if len(self._waiting) < self._room:
            self._waiting.append(Received(channel, bytes(packet), arrival_s))
        else:
            self._refused += 1

    def advanced(self, now_s: float) -> None:
        """The hub was told of this hub time without a packet."""
        self._quiet_ticks += 1
        if self._quiet_ticks > QUIET_TICKS:
            self._held_tick = Clock(now_s)
        elif len(self._waiting) < self._room:
            self._waiting.append(Clock(now_s))

    def _break_silence(self) -> None:
        self._quiet_ticks = 0
        if self._held_tick is not None:
            self._keep(self._held_tick)
            self._held_tick = None

    def _keep(self, item: Item) -> None:
        """Even while there is no room: few are like it, and packets mean nothing without them."""
        if self._room:
            self._waiting.append(item)

    # ---- what has come of it ----

    @property
    def state(self) -> RawState:
        file, writer = self._file, self._writer
        return RawState(
            self._path,
            self._fault or (writer.problem if writer else None),
            file.written_bytes if file else 0,
            self._refused + self._unwritten + (writer.left_out if writer else 0),
        )

    def close(self) -> bool:
        """Writes what is left; whether that is done. A slow disk is waited for no longer than
        LAST_WRITE_S.
        """
        self._closing.set()
        self._thread.join(LAST_WRITE_S)
        is_done = not self._thread.is_alive()
        if not is_done:
            log.warning("%s: the disk is slow; the end may be missing", self._path)
        return is_done

    # ---- in the thread ----

    def _run(self) -> None:
        try:
            self._record()
        except OSError as error:
            self._fault = f"recording ended: {error.strerror or error}"
            log.error("%s: %s", self._path, self._fault)
        finally:
            self._room = 0
            while self._waiting:
                self._unwritten += isinstance(self._waiting.popleft(), Received)

    def _record(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        tidy(self._path.parent, self._limits)
        with RawFile(self._path, self._facts) as self._file:
            self._writer = writer = RawWriter(self._file, self._limits)
            is_over = False
            while not is_over:
                is_over = self._closing.wait(RAW_WRITE_S)
                while self._waiting and not writer.is_full:
                    writer.write(self._waiting.popleft())
                if writer.is_full:
                    self._fault = (
                        f"recording ended: it is as large as keep_raw_mb allows,"
                        f" {self._limits.keep_raw_mb} MB; the next start of the hub begins another"
                    )
                    log.warning("%s: %s", self._path, self._fault)
                    break
                writer.look_after(self._refused)
            self._file.finish()


class _Recorded(Sink[_Worn]):
    def __init__(self, recorder: RawRecorder, sink: Sink[_Worn]) -> None:
        self._recorder = recorder
        self._sink = sink

    def plug(self, worn: _Worn) -> Take:
        take = self._sink.plug(worn)
        channel = self._recorder.plugged(worn)
        if channel is None:
            return take
        received = self._recorder.received

        def take_and_keep(packet: Bytes, arrival_s: float) -> None:
            take(packet, arrival_s)  # a cue waits for nothing
            received(channel, packet, arrival_s)

        return take_and_keep
