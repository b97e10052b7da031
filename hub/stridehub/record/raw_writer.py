"""The thread's side of a raw recording: what came goes into the file while there is room."""

import logging
import math
import time
from typing import NamedTuple

from stridehub.config import RecordConfig
from stridehub.model import RunnerProfile
from stridehub.record.raw_file import Clock, HubEvent, Lost, Plug, RawFile, Worn
from stridehub.record.raw_space import free_mb, has_room, is_too_much, tidy
from stridehub.timing import RAW_FLUSH_S, RAW_TIDY_S

log = logging.getLogger(__name__)


class Received(NamedTuple):
    channel: int
    packet: bytes
    arrival_s: float


class Plugged(NamedTuple):
    channel: int
    worn: Worn
    is_new: bool  # to the file


Item = Received | Plugged | Clock | RunnerProfile


class RawWriter:
    """All calls may raise OSError; they come often, in one thread, and wait for the disk."""

    def __init__(self, file: RawFile, limits: RecordConfig) -> None:
        self._file = file
        self._limits = limits
        self._time_s = (
            file.facts.started_s
        )  # of the newest item: what has none of its own happened just then
        self._flushed_s, self._tidied_s = -math.inf, time.monotonic()
        self._told_lost = 0
        self.left_out = 0  # packets that came while there was no room
        self.problem: str | None = None

    def write(self, item: Item) -> None:
        if isinstance(item, Received):
            self._time_s = item.arrival_s
            if self.problem is None:
                self._file.add_packet(*item)
            else:
                self.left_out += 1
        elif isinstance(item, Clock):
            self._time_s = item.now_s
            if self.problem is None:
                self._event(item)
        elif isinstance(item, Plugged):
            if item.is_new:
                self._file.add_pod(item.channel, item.worn)
            self._event(Plug(item.channel))
        else:
            self._file.add_runner(item)

    @property
    def is_full(self) -> bool:
        """The file takes all that may be kept."""
        return is_too_much(self._file.size_bytes, self._limits)

    def look_after(self, refused: int) -> None:
        """What is due by now. `refused`: packets that never came here."""
        now_s = time.monotonic()
        lost = refused + self.left_out
        if lost > self._told_lost and self.problem is None:
            self._event(Lost(lost - self._told_lost))
            self._told_lost = lost
        if now_s - self._flushed_s >= RAW_FLUSH_S:
            self._flushed_s = now_s
            self._file.flush()
            self._look_for_room()
        if now_s - self._tidied_s >= RAW_TIDY_S:
            self._tidied_s = now_s
            tidy(self._file.path.parent, self._limits, self._file.path)

    def _event(self, event: HubEvent) -> None:
        self._file.add_event(event, self._time_s)

    def _look_for_room(self) -> None:
        folder, was_recording = self._file.path.parent, self.problem is None
        if has_room(folder, self._limits, is_recording=was_recording) is was_recording:
            return
        if was_recording:
            free, wanted = free_mb(folder), self._limits.free_mb
            self.problem = f"recording stopped: {free:.0f} MB are free, {wanted} wanted"
            log.warning("%s: %s", self._file.path.name, self.problem)
        else:
            self.problem = None
            log.info("%s: recording goes on", self._file.path.name)
