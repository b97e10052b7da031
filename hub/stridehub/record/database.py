"""The hub's one SQLite file, opened for as long as a read or a transaction takes."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from stridehub.errors import StoreError

_BUSY_S = 2.0  # another command of the hub writes for milliseconds; SIGTERM waits no longer

_FIND = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"


class Database:
    """What is written is on the disk when a transaction has ended. All calls raise StoreError."""

    def __init__(self, path: Path, tables: Sequence[str]) -> None:
        """`tables`: statements that make them where they are not there, with the first write."""
        self.path = path
        self._tables = tables

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(
                sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)
            ) as database:
                yield database
        except (sqlite3.Error, OSError, ValueError) as error:
            raise StoreError(self.path, str(error)) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone; on the disk when it has ended."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise StoreError(self.path, str(error)) from error
        with self._open() as database:
            database.execute("PRAGMA synchronous = FULL")
            database.execute("BEGIN IMMEDIATE")
            for table in self._tables:
                database.execute(table)
            yield database
            database.execute("COMMIT")

    def read(self, table: str, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Nothing where there is no file, or the table is not there yet."""
        try:
            if self.path.stat().st_size == 0:
                return []
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise StoreError(self.path, str(error)) from error
        with self._open() as database:
            if not database.execute(_FIND, (table,)).fetchall():
                return []
            return database.execute(query, parameters).fetchall()
