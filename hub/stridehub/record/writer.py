"""The one thread that writes sessions.sqlite."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

import msgspec

from stridehub.errors import StoreError
from stridehub.record.ballast import Ballast
from stridehub.record.entries import Entry, Missing
from stridehub.record.health import FILE_ERRORS, Notice, is_damage, is_full
from stridehub.record.ledger import Ledger
from stridehub.record.session_file import SessionFile
from stridehub.timing import COMMIT_EVERY_S, DISK_RETRY_S, MEND_EVERY_S, SYNC_EVERY_S

# Of one transaction: after a disk that was full the first ones are published soon, too.
_MOST_ENTRIES = 1000

# What is wrong with an entry, not with the file.
_UNKEEPABLE = (
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

# Given what is known to be wrong with the file, and the sessions that are cut (see Ledger).
OpenFile = Callable[[str | None, set[str]], SessionFile]


class Writer:
    """Entries come by a queue, and leave it when they are in the file."""

    def __init__(
        self,
        open_file: OpenFile,
        ballast: Ballast,
        *,
        on_written: Callable[[], None],
        on_trouble: Callable[[str | None], None],
    ) -> None:
        """`on_written` is called after commits with letters, `on_trouble` when it changes."""
        self.lost = 0  # entries that could not be kept
        self.trouble: str | None = None  # why nothing is written, or soon will not be
        self.notices: list[Notice] = []  # of damaged files
        self.refusal: StoreError | None = None  # nothing is ever written
        self.has_tried = threading.Event()  # to open the file
        self._open_file = open_file
        self._ballast = ballast
        self._on_written = on_written
        self._on_trouble = on_trouble
        self._file: SessionFile | None = None
        self.cut: set[str] = set()  # sessions of which nothing more is posted
        self.unposted_before = 0  # of files that are closed
        self._damage: str | None = None  # of the file, as far as is known
        self._mended_s = -MEND_EVERY_S
        self._queue: SimpleQueue[Entry | threading.Event] = SimpleQueue()
        self._batch: list[Entry] = []
        self._confirmed: SimpleQueue[int] = SimpleQueue()
        self._dropped: list[int] = []
        self._waiting: list[threading.Event] = []  # set once the batch is in the file
        self._committed_s = 0.0
        self._has_more_to_do = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    # ---- for other threads ----

    @property
    def pending(self) -> int:
        """Entries that are in memory only."""
        return self._queue.qsize() + len(self._batch)

    @property
    def ledger(self) -> Ledger | None:
        """To read figures of it. None: no file is open."""
        file = self._file
        return None if file is None else file.ledger

    def put(self, entry: Entry) -> None:
        self._queue.put(entry)

    def drop(self, number: int) -> None:
        """Of a letter; with one of the next commits."""
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
        return not self._thread.is_alive() and not self._batch and self._queue.empty()

    # ---- the thread ----

    def _run(self) -> None:
        try:
            self._write_on()
        except StoreError as error:
            self.refusal = error
            self._tell_trouble(str(error))
            self.has_tried.set()
        except Exception as error:
            self._tell_trouble(f"the store has ended by a fault of the program: {error!r}")
            raise
        finally:
            self._close_file()
            if self.pending:
                log.error("%d entries could not be kept", self.pending)

    def _write_on(self) -> None:
        while not (self._closing.is_set() and self._is_idle):
            try:
                file = self._file or self._open()
                self._collect()
                self._write(file)
                self._has_more_to_do = file.retention.step()
                if file.damage is not None:
                    self._begin_anew(file.damage)
            except FILE_ERRORS as error:
                if self._has_way_out(error):
                    continue
                self.has_tried.set()
                if self._closing.is_set():
                    return
                self._closing.wait(DISK_RETRY_S)

    @property
    def _is_idle(self) -> bool:
        return self._queue.empty() and not self._batch and self._confirmed.empty()

    def _collect(self) -> None:
        """Waits for the first entry, for a second at most, then for its turn."""
        if not self._batch:
            patience_s = COMMIT_EVERY_S if self._has_more_to_do else SYNC_EVERY_S
            with suppress(Empty):
                self._take(self._queue.get(timeout=patience_s))
                turn_s = self._committed_s + COMMIT_EVERY_S
                time.sleep(max(0.0, turn_s - time.monotonic()))
        while len(self._batch) < _MOST_ENTRIES and not self._queue.empty():
            self._take(self._queue.get())
        while not self._confirmed.empty():
            self._dropped.append(self._confirmed.get())

    def _take(self, item: Entry | threading.Event) -> None:
        if isinstance(item, threading.Event):
            self._waiting.append(item)
        else:
            self._batch.append(item)

    def _write(self, file: SessionFile) -> None:
        if self._batch or self._dropped:
            try:
                posted = file.ledger.keep(self._batch, self._dropped)
            except _UNKEEPABLE as error:
                if is_damage(error):
                    raise
                posted = self._write_singly(file.ledger)
            self._batch.clear()
            self._dropped.clear()
            self._committed_s = time.monotonic()
            file.committed()
            if posted:
                self._on_written()
        self._tell_trouble(file.trouble or self._ballast.warning)
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
        except _UNKEEPABLE as error:
            if is_damage(error):
                raise
            log.error("%s cannot be kept: %s", type(entry).__name__, error)
            self.lost += 1
        if entry.posting is not None:
            with suppress(*_UNKEEPABLE):
                session = entry.posting.message.session
                ledger.keep([Missing(session=session, t_ms=entry.t_ms, count=1)])
        return False

    # ---- the file, and what is wrong with it ----

    def _open(self) -> SessionFile:
        file = self._open_file(self._damage, self.cut)
        if file.notice is not None:
            self.notices.append(file.notice)
            self._mended_s = time.monotonic()
        self._file, self._damage = file, None
        self.has_tried.set()
        return file

    def _close_file(self) -> None:
        if self._file is not None:
            self.unposted_before += self._file.ledger.unposted
            self._file.close()
            self._file = None

    def _has_way_out(self, error: Exception) -> bool:
        """True where it is worth trying again at once."""
        if is_damage(error) and time.monotonic() - self._mended_s > MEND_EVERY_S:
            self._begin_anew(str(error))
            return True
        if self._is_full(error):
            if self._file is not None:
                self._file.fold()
            if self._ballast.give_up():
                return True
        self._tell_trouble(str(error))
        return False

    def _is_full(self, error: Exception) -> bool:
        with suppress(OSError):
            return is_full(error, self._ballast.folder)
        return False

    def _begin_anew(self, damage: str) -> None:
        """The file is mended as it is opened again."""
        self._damage = damage
        if self._file is not None:
            self.cut |= self._file.ledger.touched  # letters of them may be missing then
        self._close_file()

    def _tell_trouble(self, trouble: str | None) -> None:
        if trouble != self.trouble:
            self.trouble = trouble
            if trouble is None:
                log.warning("the store of sessions is well again")
            else:
                log.error("the store of sessions: %s", trouble)
            self._on_trouble(trouble)
