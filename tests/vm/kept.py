"""What an installed hub has on its disk."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from vm.units import STATE

SESSIONS = STATE / "sessions.sqlite"


def sessions() -> int:
    with _opened(SESSIONS) as database:
        (count,) = database.execute("SELECT COUNT(*) FROM sessions").fetchone()
    return int(count)


def newest_strides() -> dict[str, int]:
    """The last number of each session."""
    ask = "SELECT id, MAX(seq) FROM strides JOIN sessions ON number = session GROUP BY id"
    with _opened(SESSIONS) as database:
        return {session: seq for session, seq in database.execute(ask) if seq is not None}


def is_sound(path: Path) -> bool:
    with _opened(path) as database:
        (told,) = database.execute("PRAGMA integrity_check").fetchone()
    return bool(told == "ok")


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Read only, beside a hub that writes."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30.0)) as database:
        yield database
