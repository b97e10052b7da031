"""Rows that can be read still, out of a damaged database."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any

_ROWS = 1000  # written at a time

_LARGEST = 2**62  # no rowid is beyond: the next one after the largest of all is none

# Messages in sequence: none may be missing in between, thus nothing is taken beyond a damage.
_WITHOUT_HOLES = ("outbox",)

_Row = tuple[Any, ...]  # the rowid first


def salvage(damaged: Path, fresh: sqlite3.Connection) -> dict[str, int]:
    """Copies into the tables of `fresh`, as far as the disk has room; how many rows of each.

    Raises sqlite3.Error of `fresh`.
    """
    saved: dict[str, int] = {}
    with closing(_open(damaged)) as source:
        for table in tables(fresh):
            shared = columns(source, table) & columns(fresh, table)
            if shared:
                saved[table] = _copy(source, fresh, table, sorted(shared))
        for table, last in _counted(source):
            count_on(fresh, table, last)
    return saved


def count_on(database: sqlite3.Connection, table: str, last: int) -> None:
    """Numbers of an AUTOINCREMENT table up to `last` are given to no row any more."""
    database.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT ?, 0"
        " WHERE NOT EXISTS (SELECT * FROM sqlite_sequence WHERE name = ?)",
        (table, table),
    )
    query = "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?"
    database.execute(query, (last, table))


def _counted(source: sqlite3.Connection) -> list[tuple[str, int]]:
    """AUTOINCREMENT tables and their last numbers, where they can be read."""
    query = "SELECT name, seq FROM sqlite_sequence WHERE typeof(seq) = 'integer' AND seq < ?"
    with suppress(sqlite3.Error, UnicodeDecodeError):
        return source.execute(query, (_LARGEST,)).fetchall()
    return []


def _open(path: Path) -> sqlite3.Connection:
    source = sqlite3.connect(path, isolation_level=None)
    source.text_factory = lambda text: text.decode(errors="replace")
    # Tables in front of one whose definition is damaged can be used then. This is the only way to
    # make SQLite take a schema that is not whole: the first statement fails, later ones do not.
    source.execute("PRAGMA writable_schema = ON")
    with suppress(sqlite3.Error, UnicodeDecodeError):
        source.execute("SELECT 1 FROM sqlite_master").fetchall()
    return source


def tables(database: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    return [name for (name,) in database.execute(query)]


def columns(database: sqlite3.Connection, table: str) -> set[str]:
    """Empty where it cannot be read."""
    with suppress(sqlite3.Error, UnicodeDecodeError):
        return {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
    return set()


def _copy(
    source: sqlite3.Connection, fresh: sqlite3.Connection, table: str, columns: Sequence[str]
) -> int:
    names = ", ".join(f'"{name}"' for name in columns)
    places = ", ".join("?" * (1 + len(columns)))
    statement = f"INSERT OR IGNORE INTO {table} (rowid, {names}) VALUES ({places})"
    rows = _rows(source, f"SELECT rowid, {names} FROM {table} WHERE rowid > ? ORDER BY rowid")
    if table in _WITHOUT_HOLES:
        rows = _until_the_first_hole(rows)
    saved = 0
    while some := list(islice(rows, _ROWS)):
        try:
            fresh.execute("BEGIN")
            kept = sum(_is_kept(fresh, statement, row) for row in some if row is not None)
            fresh.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            if fresh.in_transaction:
                fresh.execute("ROLLBACK")
            break
        saved += kept
    return saved


def _rows(source: sqlite3.Connection, query: str) -> Iterator[_Row | None]:
    """In order; None for each step over what cannot be read. The steps grow with the hole."""
    after = last = 0
    while after < _LARGEST:
        with suppress(sqlite3.Error, UnicodeDecodeError):
            for row in source.execute(query, (after,)):
                if not after < row[0] < _LARGEST:  # the tree leads round in circles
                    break
                yield row
                after = last = row[0]
            else:
                return
        yield None
        after += max(1, (after - last) // 8)


def _until_the_first_hole(rows: Iterator[_Row | None]) -> Iterator[_Row | None]:
    for row in rows:
        if row is None:
            return
        yield row


def _is_kept(fresh: sqlite3.Connection, statement: str, row: _Row) -> bool:
    try:
        return fresh.execute(statement, row).rowcount == 1
    except (sqlite3.IntegrityError, sqlite3.DataError):  # not what its column holds
        return False
