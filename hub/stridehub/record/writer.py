"""The one thread that writes sessions.sqlite."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import msgspec

from stridehub.config import RecordConfig
from stridehub.record.entries import Entry, Missing
from stridehub.record.flusher import Flusher
from stridehub.record.ledger import Ledger
from stridehub.record.opening import open_to_write
from stridehub.timing import COMMIT_EVERY_S, DISK_RETRY_S, SYNC_EVERY_S

# Of one transaction: after a disk that was full the first ones are published soon, too.
MOST_ENTRIES = 1000

# What is wrong with an entry, not with the file.
UNKEEPABLE = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    msgspec.MsgspecError,
    AttributeError,
    OverflowError,
    TypeError,
    ValueError,
)

log = logging.getLogger(__name__)


class Writer:
    """Entries come by a queue and leave it when they are in the file."""

    def __init__(
        self,
        path: Path,
        limits: RecordConfig,
        most_letters: int,
        *,
        on_written: Callable[[], None],
        on_trouble: Callable[[str | None], None],
    ) -> None:
        """The callbacks are called on this thread: after commits with letters; as trouble changes.

        Raises StoreError for a file of a newer program. Any other trouble is a state.
        """
        self.lost = 0  # entries that could not be kept
        self.trouble: str | None = None  # why nothing is written
        self._path = path
        self._limits = limits
        self._most_letters = most_letters
        self._on_written = on_written
        self._on_trouble = on_trouble
        self._ledger: Ledger | None = None
        self._flusher: Flusher | None = None
        self._queue: SimpleQueue[Entry | threading.Event] = SimpleQueue()
        self._batch: list[Entry] = []
        self._confirmed: SimpleQueue[int] = SimpleQueue()
        self._dropped: list[int] = []
        self._waiting: list[threading.Event] = []  # set once the batch is in the file
        self._committed_s = 0.0
        self._closing = threading.Event()
        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            self._troubled(error)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    # ---- for other threads ----

    @property
    def pending(self) -> int:
        """Entries that are in memory only."""
        return self._queue.qsize() + len(self._batch)

    @property
    def letters(self) -> int:
        return 0 if self._ledger is None else self._ledger.letters

    @property
    def unposted(self) -> int:
        return 0 if self._ledger is None else self._ledger.unposted

    def is_cut(self, session: str) -> bool:
        return self._ledger is not None and session in self._ledger.cut

    def put(self, entry: Entry) -> None:
        self._queue.put(entry)

    def drop(self, number: int) -> None:
        """Of a letter; with the next commit."""
        self._confirmed.put(number)

    def flush(self, timeout_s: float) -> bool:
        """True once all that was put before is in the file."""
        written = threading.Event()
        self._queue.put(written)
        return written.wait(timeout_s)

    def close(self, timeout_s: float) -> bool:
        """True where all that was put is in the file."""
        self._closing.set()
        self._queue.put(threading.Event())
        self._thread.join(timeout_s)
        return not self._thread.is_alive() and not self.pending

    # ---- the thread ----

    def _run(self) -> None:
        while not (self._closing.is_set() and self._is_idle):
            self._collect()
            try:
                self._write()
            except (sqlite3.Error, OSError) as error:
                self._troubled(error)
                if self._closing.wait(DISK_RETRY_S):
                    break
        self._shut()
        if self._batch:
            log.error("%d entries could not be written", self.pending)

    @property
    def _is_idle(self) -> bool:
        return self._queue.empty() and not self._batch and self._confirmed.empty()

    def _collect(self) -> None:
        """Waits for the first entry, for a second at most, then for its turn."""
        if not self._batch:
            try:
                self._take(self._queue.get(timeout=SYNC_EVERY_S))
            except Empty:
                pass
            else:
                turn_s = self._committed_s + COMMIT_EVERY_S - time.monotonic()
                if turn_s > 0:
                    time.sleep(turn_s)
        while len(self._batch) < MOST_ENTRIES and not self._queue.empty():
            self._take(self._queue.get())
        while not self._confirmed.empty():
            self._dropped.append(self._confirmed.get())

    def _take(self, item: Entry | threading.Event) -> None:
        if isinstance(item, threading.Event):
            self._waiting.append(item)
        else:
            self._batch.append(item)

    def _write(self) -> None:
        ledger = self._ledger or self._open()
        if self._batch or self._dropped:
            try:
                posted = ledger.keep(self._batch, self._dropped)
            except UNKEEPABLE:
                posted = self._write_singly(ledger)
            self._batch.clear()
            self._dropped.clear()
            self._has_written(posted)
        for event in self._waiting:
            event.set()
        self._waiting.clear()

    def _write_singly(self, ledger: Ledger) -> bool:
        """All but what cannot be kept."""
        posted = ledger.keep([], self._dropped)
        while self._batch:
            posted |= self._write_one(ledger, self._batch[0])
            del self._batch[0]
        return posted

    def _write_one(self, ledger: Ledger, entry: Entry) -> bool:
        try:
            return ledger.keep([entry])
        except UNKEEPABLE as error:
            log.error("%s cannot be kept: %s", type(entry).__name__, error)
            self.lost += 1
        if entry.posting is not None:
            with suppress(*UNKEEPABLE):
                session = entry.posting.message.session
                ledger.keep([Missing(session=session, t_ms=entry.t_ms, count=1)])
        return False

    def _has_written(self, posted: bool) -> None:
        self._committed_s = time.monotonic()
        if self._flusher is not None:
            self._flusher.committed()
        self._tell_trouble(None)
        if posted:
            self._on_written()

    def _troubled(self, error: Exception) -> None:
        self._tell_trouble(f"{self._path}: {error}")

    def _tell_trouble(self, trouble: str | None) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            self._on_trouble(trouble)

    # ---- the file ----

    def _open(self) -> Ledger:
        database = open_to_write(self._path)
        self._ledger = Ledger(database, self._most_letters)
        self._flusher = Flusher(self._path, self._troubled)
        return self._ledger

    def _shut(self) -> None:
        if self._flusher is not None:
            self._flusher.stop()
        if self._ledger is not None:
            with suppress(sqlite3.Error):
                self._ledger.database.close()
