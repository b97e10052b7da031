"""Connections to sessions.sqlite: one that writes, and others beside it."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from stridehub.record.migrations import migrate

# Only the hub's own checkpoints stand in the way of another, for as long as a card takes to sync.
_BUSY_S = 5.0
# The writer does, between two of its commits. No reader is waited for: commits stop so long.
_CHECKPOINT_BUSY_S = 0.1


def open_to_write(path: Path) -> sqlite3.Connection:
    """For any one thread at a time; makes the file, with its folder, and brings it up to date.

    Raises sqlite3.Error, OSError; StoreError for a file of a newer program.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    database = _connect(str(path), _BUSY_S)
    try:
        # Before the first table: pages of a few rows, for each commit writes them whole (of 30
        # runners 0.5 MB a second to the card; with 4096 bytes it is 1.3 MB).
        database.execute("PRAGMA page_size = 1024")
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        migrate(database, path)
        # What follows is for Flusher to make durable, and to fold into the database.
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA wal_autocheckpoint = 0")
    except BaseException:
        with suppress(sqlite3.Error):
            database.close()
        raise
    return database


def open_to_read(path: Path) -> sqlite3.Connection:
    """For any one thread at a time. Raises sqlite3.Error, also where there is no file."""
    return _connect(f"{path.absolute().as_uri()}?mode=ro", _BUSY_S, uri=True)


def open_to_checkpoint(path: Path) -> sqlite3.Connection:
    """Raises sqlite3.Error."""
    return _connect(str(path), _CHECKPOINT_BUSY_S)


def _connect(database: str, busy_s: float, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(
        database, timeout=busy_s, isolation_level=None, check_same_thread=False, uri=uri
    )
