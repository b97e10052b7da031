"""The sessions of this hub: what came of every stride, and what waits for the broker."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from stridehub.config import RecordConfig
from stridehub.errors import StoreError
from stridehub.model import Letter
from stridehub.record.ballast import Ballast
from stridehub.record.entries import Entry, Missing
from stridehub.record.health import FILE_ERRORS, Notice
from stridehub.record.opening import open_to_read
from stridehub.record.session_file import SessionFile
from stridehub.record.writer import Writer
from stridehub.timing import STORE_OPENS_S

# Ten minutes of 30 runners, some 100 MB: what a person has to make room on a full disk.
MOST_PENDING = 50_000
# Of messages, some 500 MB: an hour and a half of 30 runners without a broker, or two weeks of three
# runners an hour a day. More would take a small card, and minutes to look over as a hub starts.
MOST_LETTERS = 500_000


def _nothing(_: str | None = None) -> None:
    pass


class Store:
    """What is put is in the file within milliseconds, and outlives a power cut after two seconds.

    An entry's posting gets the next seq of its topic and session in the transaction that keeps
    the entry. After a power cut the last letters that were published may be missing here; no seq
    is used twice all the same, for a hub begins another session at each start.
    """

    def __init__(
        self,
        path: Path,
        limits: RecordConfig,
        *,
        on_written: Callable[[], None] = _nothing,
        on_trouble: Callable[[str | None], None] = _nothing,
        most_pending: int = MOST_PENDING,
        most_letters: int = MOST_LETTERS,
    ) -> None:
        """Waits for the file, for a while. The callbacks are called on the writer's thread:
        `on_written` after letters have come into the outbox, `on_trouble` when `trouble` changes.

        Raises StoreError for a file of a newer program. Any other trouble is a state.
        """
        self.path = path
        self._most_pending = most_pending
        self._putting = threading.Lock()
        self._lost = 0
        self._missing: Counter[str] = Counter()  # by session: lost since the last that was taken
        self._missing_ms = 0  # when the last one was
        self._reading = threading.RLock()
        self._reader: sqlite3.Connection | None = None
        self._is_opening = False  # it may be another file afterwards
        self._last_number = 0  # of the letters that were handed out

        ballast = Ballast(path)

        def open_file(damage: str | None, cut: set[str]) -> SessionFile:
            self._stop_reading(is_opening=True)
            try:
                return SessionFile(
                    path,
                    limits,
                    most_letters,
                    ballast,
                    damage=damage,
                    cut=cut,
                    last_number=self._last_number,
                )
            finally:
                self._stop_reading(is_opening=False)

        self._writer = Writer(open_file, ballast, on_written=on_written, on_trouble=on_trouble)
        self._writer.has_tried.wait(STORE_OPENS_S)
        if self._writer.refusal is not None:
            raise self._writer.refusal

    # ---- entries ----

    def put(self, *entries: Entry) -> None:
        """Never waits. What does not fit into memory while the disk fails is lost, and counted."""
        with self._putting:
            for entry in entries:
                self._put(entry)

    def _put(self, entry: Entry) -> None:
        if self._writer.pending >= self._most_pending:
            self._lost += 1
            if entry.posting is not None:
                self._missing[entry.posting.message.session] += 1
                self._missing_ms = entry.t_ms
            return
        self._put_missing()
        self._writer.put(entry)

    def _put_missing(self) -> None:
        for session, count in self._missing.items():
            self._writer.put(Missing(session=session, t_ms=self._missing_ms, count=count))
        self._missing.clear()

    @property
    def lost(self) -> int:
        """Entries that could not be kept, since the store was opened."""
        return self._lost + self._writer.lost

    @property
    def unposted(self) -> int:
        """Entries that are kept, and whose messages are never published: see Ledger."""
        ledger = self._writer.ledger
        return self._writer.unposted_before + (ledger.unposted if ledger else 0)

    def is_cut(self, session: str) -> bool:
        """Nothing more of it is published: whoever wants to go on begins another one."""
        return session in self._missing or session in self._writer.cut

    @property
    def trouble(self) -> str | None:
        """Why nothing can be written at the moment, or soon cannot be; for people."""
        return self._writer.trouble

    @property
    def notices(self) -> Sequence[Notice]:
        """Of damage that was found, and mended."""
        return tuple(self._writer.notices)

    def flush(self, timeout_s: float) -> bool:
        """True once all that was put before is in the file."""
        return self._writer.flush(timeout_s)

    def close(self, timeout_s: float) -> bool:
        """True where all that was put is on the card."""
        with self._putting:
            self._put_missing()
        is_written = self._writer.close(timeout_s)
        self._stop_reading(is_opening=False)
        return is_written

    # ---- letters ----

    def waiting(self, after: int, most: int) -> Sequence[Letter]:
        """The first ones with a number beyond `after`. None is given to two letters, not even where
        the file is replaced by a mended one. Raises StoreError.
        """
        query = "SELECT number, topic, payload FROM outbox WHERE number > ? ORDER BY number LIMIT ?"
        with self._reading:
            letters = [Letter(*row) for row in self._read(query, (after, most))]
            if letters:
                self._last_number = max(self._last_number, letters[-1].number)
        return letters

    def count(self) -> int:
        """All that wait; costs nothing."""
        ledger = self._writer.ledger
        return ledger.letters if ledger else 0

    def confirmed(self, numbers: Iterable[int]) -> None:
        """The broker has them; returns at once."""
        for number in numbers:
            self._writer.drop(number)

    # ---- answers ----

    def answered(self, since_ms: int) -> dict[str, bytes]:
        """Answers to commands since then, by the command's id. Raises StoreError."""
        return dict(self._read("SELECT id, ack FROM answers WHERE t_ms >= ?", (since_ms,)))

    def _read(self, query: str, parameters: tuple[int, ...]) -> list[tuple[Any, ...]]:
        try:
            with self._reading:
                if self._is_opening:
                    raise StoreError(self.path, "it is being looked over")
                if self._reader is None:
                    self._reader = open_to_read(self.path)
                return self._reader.execute(query, parameters).fetchall()
        except FILE_ERRORS as error:
            raise StoreError(self.path, str(error)) from error

    def _stop_reading(self, *, is_opening: bool) -> None:
        with self._reading:
            self._is_opening = is_opening
            if self._reader is not None:
                self._reader.close()
                self._reader = None
