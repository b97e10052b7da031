"""What coaches remember of runners, in SQLite."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from stridehub.coaching.memory import RunnerMemory
from stridehub.errors import StoreError
from stridehub.record.database import Database

TABLES = (
    """CREATE TABLE IF NOT EXISTS coaching (
        runner TEXT PRIMARY KEY,
        memory TEXT NOT NULL
    ) STRICT""",
)


class SqliteCoachStore:
    """A CoachStore."""

    def __init__(self, path: Path) -> None:
        """Empty where there is no such file; the first write makes it, with its folder."""
        self._database = Database(path, TABLES)

    def load(self, runner: str) -> RunnerMemory:
        """Raises StoreError, also where what is there cannot be read."""
        query = "SELECT memory FROM coaching WHERE runner = ?"
        rows = self._database.read("coaching", query, (runner,))
        if not rows:
            return RunnerMemory()
        try:
            return msgspec.json.decode(rows[0][0], type=RunnerMemory)
        except (msgspec.DecodeError, UnicodeError, RecursionError, TypeError) as error:
            raise StoreError(self._database.path, f"memory of {runner}: {error}") from error

    def keep(self, memories: Mapping[str, RunnerMemory]) -> None:
        rows = [
            (runner, msgspec.json.encode(memory).decode()) for runner, memory in memories.items()
        ]
        with self._database.writing() as database:
            database.executemany("INSERT OR REPLACE INTO coaching VALUES (?, ?)", rows)
