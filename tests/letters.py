"""An outbox for tests of the way to the broker: SQLite, and nothing that is not asked of it."""

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from stridehub.errors import StoreError
from stridehub.model import Letter


class Letters:
    """Safe to call from any thread. `fault`: what reading raises, while it is set."""

    def __init__(self, path: Path) -> None:
        self.fault: StoreError | None = None
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False)
        with self._lock, self._database as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS letter"
                " (number INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, payload BLOB)"
            )

    def put(self, letters: Iterable[tuple[str, bytes]]) -> None:
        with self._lock, self._database as database:
            database.executemany("INSERT INTO letter (topic, payload) VALUES (?, ?)", letters)

    def waiting(self, after: int, most: int) -> list[Letter]:
        if self.fault is not None:
            raise self.fault
        with self._lock:
            rows = self._database.execute(
                "SELECT * FROM letter WHERE number > ? ORDER BY number LIMIT ?", (after, most)
            )
            return [Letter(*row) for row in rows]

    def count(self) -> int:
        with self._lock:
            (count,) = self._database.execute("SELECT count(*) FROM letter").fetchone()
            return int(count)

    def confirmed(self, numbers: Iterable[int]) -> None:
        with self._lock, self._database as database:
            rows = [(number,) for number in numbers]
            database.executemany("DELETE FROM letter WHERE number = ?", rows)

    def close(self) -> None:
        self._database.close()
