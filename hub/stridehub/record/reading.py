"""Sessions as they were kept, for reports: also beside a running hub, and from other processes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from stridehub.coaching.cue import Cue, CueFollowUp
from stridehub.errors import StoreError
from stridehub.model import Stride
from stridehub.record.entries import (
    AlertEntry,
    CueEntry,
    FollowUpEntry,
    MarkEntry,
    OfSession,
    RunnerInSession,
    StrideEntry,
)
from stridehub.record.opening import open_to_read
from stridehub.record.rows import noun

_ROWS = 1000  # read at a time: as long as somebody reads, the hub's write-ahead log only grows

_SESSIONS = """
    SELECT id, hub, version, begun_ms, ended_ms, continues, lost, is_cut,
        (SELECT count(*) FROM strides WHERE session = number) AS strides,
        (SELECT json_group_array(runner) FROM runners WHERE session = number) AS runners
    FROM sessions ORDER BY number
"""

_LATEST = """
    SELECT id FROM (SELECT * FROM sessions ORDER BY number DESC LIMIT 1)
    WHERE max(ifnull(begun_ms, 0), ifnull(ended_ms, 0)) BETWEEN :since_ms AND :until_ms
        OR EXISTS (
            SELECT 1 FROM strides
            WHERE session = number AND t_ms BETWEEN :since_ms AND :until_ms
        )
"""

_Entry = TypeVar("_Entry", bound=OfSession)


class SessionKept(msgspec.Struct, frozen=True, kw_only=True):
    """None: not known."""

    id: str
    hub: str | None
    version: str | None  # of the software
    begun_ms: int | None  # UTC, by the hub's clock
    ended_ms: int | None  # None also where the hub was cut off, and while it is under way
    continues: str | None  # an earlier session
    lost: int  # entries that found no place
    is_cut: bool  # not all of it was published
    strides: int
    runners: tuple[str, ...]


class Reading:
    """Of one file; of sessions in the order in which they began. All calls raise StoreError.

    What is read comes without its posting, in the order in which it was put.
    """

    def __init__(self, path: Path) -> None:
        """There are no sessions where there is no such file."""
        self.path = path

    def sessions(self) -> list[SessionKept]:
        return [
            self._made(SessionKept, {**row, "runners": msgspec.json.decode(row["runners"])})
            for row in self._rows(_SESSIONS)
        ]

    def latest(self, since_ms: int, until_ms: int) -> str | None:
        """The id of the last session, where something happened in it between these."""
        rows = self._rows(_LATEST, since_ms=since_ms, until_ms=until_ms)
        return next((row["id"] for row in rows), None)

    def runners(self, session: str) -> list[RunnerInSession]:
        return list(self._entries(RunnerInSession, "runners", session))

    def strides(self, session: str, runner: str | None = None) -> Iterator[StrideEntry]:
        """Of all runners, unless one is named."""
        for row in self._of(session, "strides", runner):
            yield self._around(StrideEntry, row, "stride", Stride)

    def cues(self, session: str) -> list[CueEntry]:
        return [self._around(CueEntry, row, "cue", Cue) for row in self._of(session, "cues")]

    def follow_ups(self, session: str) -> list[FollowUpEntry]:
        rows = self._of(session, "follow_ups")
        return [self._around(FollowUpEntry, row, "follow_up", CueFollowUp) for row in rows]

    def marks(self, session: str) -> list[MarkEntry]:
        return list(self._entries(MarkEntry, "marks", session))

    def alerts(self, session: str) -> list[AlertEntry]:
        return list(self._entries(AlertEntry, "alerts", session))

    # ---- rows ----

    def _entries(self, kind: type[_Entry], table: str, session: str) -> Iterator[_Entry]:
        return (self._made(kind, row) for row in self._of(session, table))

    def _around(
        self, kind: type[_Entry], row: dict[str, Any], name: str, inner: type[msgspec.Struct]
    ) -> _Entry:
        """An entry that holds something made of the row."""
        own = {field: row.get(field) for field in inner.__struct_fields__}
        fields = {"t_ms": row["t_ms"], "session": row["session"], name: self._made(inner, own)}
        return kind(**fields)

    def _made(self, kind: type[Any], row: dict[str, Any]) -> Any:
        try:
            return noun(kind, row)
        except (ValueError, TypeError, RecursionError) as error:
            raise StoreError(self.path, f"{kind.__name__}: {error}") from error

    def _of(self, session: str, table: str, runner: str | None = None) -> Iterator[dict[str, Any]]:
        query = (
            f"SELECT rowid, * FROM {table} WHERE rowid > :after"
            " AND session = (SELECT number FROM sessions WHERE id = :session)"
            f" {'AND runner = :runner' if runner is not None else ''}"
            f" ORDER BY rowid LIMIT {_ROWS}"
        )
        after = 0
        while rows := self._rows(query, after=after, session=session, runner=runner):
            yield from ({**row, "session": session} for row in rows)
            after = rows[-1]["rowid"]

    def _rows(self, query: str, **parameters: int | str | None) -> list[dict[str, Any]]:
        """Over a connection of its own, which holds up nobody's checkpoint for long."""
        try:
            if not self.path.exists():
                return []
            with closing(open_to_read(self.path)) as database:
                cursor = database.execute(query, parameters)
                columns = [column[0] for column in cursor.description]
                return [dict(zip(columns, row, strict=True)) for row in cursor]
        except (sqlite3.Error, OSError, ValueError) as error:
            raise StoreError(self.path, str(error)) from error
