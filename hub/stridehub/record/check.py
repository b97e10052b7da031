"""The hub's small file, looked at as the hub starts."""

import sqlite3
from pathlib import Path

from stridehub.record import coach_store, roster
from stridehub.record.health import Notice, sound


def check_database(path: Path) -> Notice | None:
    """Of pods and coaches: replaced where it is damaged. None: it was good, or is not there.

    For a hub that starts, while nobody else uses the file. Raises StoreError.
    """
    return sound(path, _made)


def _made(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    for table in (*roster.TABLES, *coach_store.TABLES):
        database.execute(table)
    return database
