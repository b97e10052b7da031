"""The pods of this hub, and what is known of its adapters, kept in SQLite."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from stridehub.errors import StoreError, UnknownPlacementError
from stridehub.model import KnownPod, Placement

_TABLES = (
    """CREATE TABLE IF NOT EXISTS pods (
        address TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        placement TEXT NOT NULL,
        runner TEXT NOT NULL,
        adapter TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS adapters (
        address TEXT PRIMARY KEY,
        most_links INTEGER NOT NULL
    ) STRICT""",
)
_BUSY_S = 2.0  # another command of the hub writes for milliseconds; SIGTERM waits no longer


class Roster:
    """What is written is on the disk when the call returns. All calls raise StoreError."""

    def __init__(self, path: Path) -> None:
        """Empty where there is no such file; the first write makes it, with its folder."""
        self._path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(
                sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)
            ) as database:
                yield database
        except (sqlite3.Error, OSError, ValueError) as error:
            raise StoreError(self._path, str(error)) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone; on the disk when it has ended."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise StoreError(self._path, str(error)) from error
        with self._open() as database:
            database.execute("PRAGMA synchronous = FULL")
            database.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                database.execute(table)
            yield database
            database.execute("COMMIT")

    def _read(self, query: str) -> list[tuple[Any, ...]]:
        try:
            if self._path.stat().st_size == 0:
                return []
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise StoreError(self._path, str(error)) from error
        with self._open() as database:
            return database.execute(query).fetchall()

    def pods(self) -> list[KnownPod]:
        """By runner and placement."""
        rows = self._read("SELECT address, name, placement, runner, adapter FROM pods")
        try:
            pods = [
                KnownPod(address, name, Placement.from_label(placement), runner, adapter)
                for address, name, placement, runner, adapter in rows
            ]
        except UnknownPlacementError as error:
            raise StoreError(self._path, str(error)) from error
        return sorted(pods, key=lambda pod: (pod.runner, pod.placement))

    def keep(self, pod: KnownPod) -> None:
        """Replaces what was known of the pod."""
        row = (pod.address, pod.name, pod.placement.label, pod.runner, pod.adapter)
        with self._writing() as database:
            database.execute("INSERT OR REPLACE INTO pods VALUES (?, ?, ?, ?, ?)", row)

    def forget(self, address: str) -> None:
        """Also where it is not known."""
        with self._writing() as database:
            database.execute("DELETE FROM pods WHERE address = ?", (address,))

    def most_links(self) -> dict[str, int]:
        """Of adapters that have refused one more, by address."""
        return dict(self._read("SELECT address, most_links FROM adapters"))

    def keep_most_links(self, adapter: str, links: int) -> None:
        with self._writing() as database:
            database.execute("INSERT OR REPLACE INTO adapters VALUES (?, ?)", (adapter, links))
