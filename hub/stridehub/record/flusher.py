"""What was committed reaches the card, beside the thread that commits."""

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from stridehub.record.opening import open_to_checkpoint
from stridehub.timing import SYNC_EVERY_S

# Half a minute of 30 runners. Each checkpoint writes pages all over the file and stops commits for
# two waits on the card, so that there should not be many.
WAL_BYTES = 16 * 2**20


class Flusher:
    """Syncs the write-ahead log, once a second while there is news, and folds it into the database.

    In WAL mode with synchronous=NORMAL a commit is written to the log and not synced
    (sqlite.org/pragma.html#pragma_synchronous: it "might roll back following a power loss").
    Commits are durable once the log is: after a power cut SQLite recovers all of it up to the last
    whole commit (sqlite.org/walformat.html#recovery). So the log is synced here, over a descriptor
    of its own: what synchronous=FULL does at each commit, without the writer waiting for the card.
    SQLite locks nothing in that file, thus closing the descriptor releases no lock of its.
    """

    def __init__(self, path: Path) -> None:
        """For a database that is open in WAL mode and stays so until stop(). Raises OSError."""
        self.trouble: str | None = None  # of the last time
        self._path = path
        self._is_to_fold = False
        self._log = os.open(f"{path}-wal", os.O_RDONLY)
        self._news = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-flusher", daemon=True)
        self._thread.start()

    def committed(self) -> None:
        """There is something to sync."""
        self._news.set()

    def fold(self) -> None:
        """The log into the database, now: that gives its room back."""
        self._is_to_fold = True
        self._news.set()

    def stop(self) -> None:
        """Once all is on the card."""
        self._over.set()
        self._news.set()
        self._thread.join()
        os.close(self._log)

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._news.wait()
            is_last = self._over.wait(SYNC_EVERY_S)
            self._news.clear()
            try:
                os.fsync(self._log)
                if self._is_to_fold or os.fstat(self._log).st_size > WAL_BYTES:
                    self._is_to_fold = False
                    self._checkpoint()
                self.trouble = None
            except (OSError, sqlite3.Error) as error:
                self.trouble = str(error)

    def _checkpoint(self) -> None:
        """Most of the work beside the writer; only the rest, and the cut of the log, stop it.

        Where a reader is in the way the log grows until the next try.
        """
        with closing(open_to_checkpoint(self._path)) as database:
            database.execute("PRAGMA wal_checkpoint(PASSIVE)")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
