"""Databases on a damaged card: found, moved aside, and begun anew with what can be read still."""

import errno
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from stridehub.errors import StoreError
from stridehub.record.raw_space import free_mb
from stridehub.record.salvage import columns, salvage, tables

# A card that is failing shall not be filled with what it has damaged.
_MOST_MOVED_ASIDE = 2

_SIDE_FILES = ("", "-wal", "-shm", "-journal")

# The last one: a table that all versions have is not there, or one that comes with it is there
# before.
_DAMAGE = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_ERROR,
)
_UNREADABLE = (
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
)

# What SQLite says where there is no room for a side file, or for more of it; and for other reasons.
_MAY_BE_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_FULL_MB = 0.1  # a side file has 32 KB at least

_STEPS_A_LOOK = 10_000  # of SQLite's machine: a millisecond

log = logging.getLogger(__name__)

# What working with a file raises. Text of a damaged one may be none, even in SQLite's messages.
FILE_ERRORS = (sqlite3.Error, OSError, UnicodeDecodeError)

Make = Callable[[Path], sqlite3.Connection]


class Notice(msgspec.Struct, frozen=True):
    """What was done about a damaged database."""

    path: Path
    reason: str
    moved_to: Path
    saved: Mapping[str, int]  # rows, by table

    def __str__(self) -> str:
        rows = ", ".join(f"{count} {table}" for table, count in self.saved.items() if count)
        return (
            f"{self.path} was damaged ({self.reason}): moved to {self.moved_to.name}; "
            f"the new one has what could be read of it: {rows or 'nothing'}"
        )


def sound(path: Path, make: Make) -> Notice | None:
    """A database that is there and damaged is replaced; None: it was good, or is not there.

    `make` opens a database with all its tables at a path where there is none, or adds those that
    are missing. Raises StoreError.
    """
    try:
        if (notice := finish_mending(path)) is not None:
            return notice
        fault = fault_of(path) or _strange_table(path, make)
        return None if fault is None else mend(path, make, fault)
    except (sqlite3.Error, OSError, ValueError) as error:
        raise StoreError(path, str(error)) from error


def fault_of(path: Path, is_enough: Callable[[], bool] = lambda: False) -> str | None:
    """None for a good one, or none at all. `is_enough` is asked now and then whether to give up.

    Raises sqlite3.Error, OSError for what is wrong with more than the file; TimeoutError.
    """
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
            database.set_progress_handler(is_enough, _STEPS_A_LOOK)
            (result,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except FILE_ERRORS as error:
        code = _code(error)
        if code == sqlite3.SQLITE_INTERRUPT:
            raise TimeoutError from error
        says_readonly = code == sqlite3.SQLITE_READONLY and os.access(path, os.W_OK)
        if not (is_damage(error) or says_readonly):
            raise
        return str(error)
    return None if result == "ok" else " ".join(str(result).split())


def _strange_table(path: Path, make: Make) -> str | None:
    """A table with other columns than it has: a schema can be damaged and be one still."""
    if not path.exists():
        return None
    with closing(make(Path(":memory:"))) as fresh, closing(sqlite3.connect(path)) as database:
        for table in tables(fresh):
            found = columns(database, table)
            if found and found != columns(fresh, table):
                return f"columns of {table}"
    return None


def is_damage(error: Exception) -> bool:
    """Of the file's content, as opposed to a disk that is full, or not there."""
    code = _code(error)
    is_no_text = isinstance(error, UnicodeDecodeError)
    return is_no_text or code & 0xFF in _DAMAGE or code in _UNREADABLE


def is_full(error: Exception, folder: Path) -> bool:
    """Of the disk, where the folder is."""
    is_no_space = isinstance(error, OSError) and error.errno == errno.ENOSPC
    if is_no_space or _code(error) & 0xFF == sqlite3.SQLITE_FULL:
        return True
    return _code(error) & 0xFF in _MAY_BE_FULL and free_mb(folder) < _FULL_MB


def _code(error: Exception) -> int:
    """SQLite's, extended."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code


def mend(path: Path, make: Make, reason: str) -> Notice:
    """What can be read is saved first, and is on the card before anything is moved.

    Raises sqlite3.Error, OSError.
    """
    fresh = path.with_name(f"{path.name}.mending")
    _remove(fresh)
    with closing(make(fresh)) as database:
        saved = salvage(path, database)
    _sync(fresh)
    fresh.rename(_mended(path))
    return _replaced(path, reason, saved)


def finish_mending(path: Path) -> Notice | None:
    """Where a hub was killed, or lost its power, while it put the mended database into its place.

    Raises sqlite3.Error, OSError.
    """
    mended = _mended(path)
    if not mended.exists():
        return None
    with closing(sqlite3.connect(mended)) as database:
        saved = {table: _rows(database, table) for table in tables(database)}
    return _replaced(path, "found before the hub was ended", saved)


def _mended(path: Path) -> Path:
    """Of this name it is whole."""
    return path.with_name(f"{path.name}.mended")


def _rows(database: sqlite3.Connection, table: str) -> int:
    (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def _replaced(path: Path, reason: str, saved: Mapping[str, int]) -> Notice:
    """By the mended one."""
    _sync(path.parent)
    moved_to = _moved_aside(path)
    _mended(path).rename(path)
    _sync(path.parent)
    notice = Notice(path, reason, moved_to, saved)
    log.error("%s", notice)
    return notice


def _sync(path: Path) -> None:
    """A file, or the names in a folder."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _moved_aside(path: Path) -> Path:
    """With its side files, so that SQLite can open it there."""
    aside = f"{path.name}.damaged-"
    moved = sorted(
        other.name
        for other in path.parent.iterdir()
        if other.name.startswith(aside) and not other.name.endswith(_SIDE_FILES[1:])
    )
    for name in moved[: len(moved) + 1 - _MOST_MOVED_ASIDE]:
        _remove(path.with_name(name))
    target = path.with_name(f"{aside}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    while target.exists():
        target = target.with_name(f"{target.name}+")
    for suffix in _SIDE_FILES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(target.with_name(target.name + suffix))
    return target


def _remove(path: Path) -> None:
    for suffix in _SIDE_FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
