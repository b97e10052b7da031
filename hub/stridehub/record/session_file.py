"""sessions.sqlite, open: looked over, mended where the card has damaged it, and up to date."""

import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

from stridehub.config import RecordConfig
from stridehub.record.ballast import Ballast
from stridehub.record.flusher import Flusher
from stridehub.record.health import FILE_ERRORS, Notice, fault_of, finish_mending, is_damage, mend
from stridehub.record.ledger import Ledger
from stridehub.record.opening import open_to_write
from stridehub.record.retention import Retention
from stridehub.record.salvage import count_on
from stridehub.timing import STORE_CHECK_S


class SessionFile:
    """All that works over the one connection that writes."""

    def __init__(
        self,
        path: Path,
        limits: RecordConfig,
        most_letters: int,
        ballast: Ballast,
        *,
        damage: str | None = None,
        cut: set[str],
        last_number: int = 0,
    ) -> None:
        """`damage`: what is wrong with it, if that is known; `cut`: see Ledger. No letter gets a
        number up to `last_number`.

        Raises FILE_ERRORS; StoreError for a file of a newer program.
        """
        self.notice: Notice | None = finish_mending(path)
        self.damage: str | None = None  # found meanwhile
        self._path = path
        self._over = threading.Event()
        self._check: threading.Thread | None = None
        database = self._open(damage or self._fault())
        try:
            if self.notice is not None:  # letters may be missing
                database.execute("UPDATE sessions SET is_cut = 1")
            if last_number:
                count_on(database, "outbox", last_number)
            self.ledger = Ledger(database, most_letters, cut)
            self._flusher = Flusher(path)
        except BaseException:
            with suppress(sqlite3.Error):
                database.close()
            raise
        self.committed = self._flusher.committed
        self.fold = self._flusher.fold
        self.retention = Retention(self.ledger, path, limits, ballast, self.fold)

    @property
    def trouble(self) -> str | None:
        """What may soon be worse, though entries can be written."""
        return self._flusher.trouble or self.ledger.warning

    def close(self) -> None:
        """All that was committed is on the card then, if it takes it."""
        self._over.set()
        if self._check is not None:
            self._check.join()
        self._flusher.stop()
        with suppress(sqlite3.Error):
            self.ledger.database.close()

    def _fault(self) -> str | None:
        """A large file is used before it is looked over to its end."""
        until_s = time.monotonic() + STORE_CHECK_S
        try:
            return fault_of(self._path, lambda: time.monotonic() > until_s)
        except TimeoutError:
            self._check = threading.Thread(target=self._look_on, name="store-check", daemon=True)
            self._check.start()
            return None

    def _look_on(self) -> None:
        with suppress(*FILE_ERRORS):  # TimeoutError is one
            self.damage = fault_of(self._path, self._over.is_set)

    def _open(self, damage: str | None) -> sqlite3.Connection:
        if damage is None:
            try:
                return open_to_write(self._path)
            except FILE_ERRORS as error:
                if not is_damage(error):
                    raise
                damage = str(error)
        self.notice = mend(self._path, open_to_write, damage)
        return open_to_write(self._path)
