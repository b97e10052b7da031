"""Entries become rows and letters, a transaction at a time."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import cast

import msgspec

from stridehub.record.entries import (
    AlertEntry,
    Answered,
    ClockSet,
    CueEntry,
    Entry,
    FollowUpEntry,
    MarkEntry,
    Missing,
    OfSession,
    Posting,
    RunnerInSession,
    SessionBegun,
    SessionEnded,
    StrideEntry,
)
from stridehub.record.migrations import SESSION_TABLES
from stridehub.record.rows import Cell, cells, insert

# Of an outbox: people are told while there are minutes left (ten of 30 runners), and until another
# session would not fill it again at once.
_FILLING_SHARE = 0.9
_RELIEVED_SHARE = 0.8

_OF_ENTRY = OfSession.__struct_fields__  # what all have, besides their own


class Ledger:
    """Over a connection of its own.

    A sequence never passes over what is missing. Where an entry of a session is lost, or its
    message finds no room in the outbox, the session is cut: its rows are kept still, nothing more
    of it is posted, and each of its sequences ends early, without a gap.
    """

    def __init__(self, database: sqlite3.Connection, most_letters: int, cut: set[str]) -> None:
        """`cut`: sessions that are, whatever the file says; others join. Raises sqlite3.Error."""
        self.database = database
        self.unposted = 0  # messages of entries that are kept
        self._most_letters = most_letters
        (self.letters,) = database.execute("SELECT count(*) FROM outbox").fetchone()
        self._is_filling = False
        self._look_at_outbox()
        self.touched: set[str] = set()  # sessions
        self._ended: set[str] = set()
        self._are_cut = cut
        self._numbers: dict[str, int] = {}  # of sessions
        self._seqs: dict[tuple[str, str], int] = {}  # the next ones
        self._changed: set[tuple[str, str]] = set()  # of those, in this transaction

    def keep(self, entries: Sequence[Entry], confirmed: Iterable[int] = ()) -> bool:
        """One transaction, all or nothing; True where something was posted.

        Raises sqlite3.Error; also ValueError, TypeError, OverflowError for what no row can hold.
        """
        before = self.letters, self.unposted
        try:
            self.database.execute("BEGIN IMMEDIATE")
            posted = [self._keep(entry) for entry in entries]
            self._drop(confirmed)
            self._keep_seqs()
            self.database.execute("COMMIT")
        except BaseException:
            self.letters, self.unposted = before
            self._numbers.clear()
            self._seqs.clear()
            raise
        finally:
            self._changed.clear()
            if self.database.in_transaction:
                self.database.execute("ROLLBACK")
        self._look_at_outbox()
        return any(posted)

    def _look_at_outbox(self) -> None:
        share = _RELIEVED_SHARE if self._is_filling else _FILLING_SHARE
        self._is_filling = self.letters >= share * self._most_letters

    @property
    def warning(self) -> str | None:
        """While the outbox is full, or nearly; for people."""
        if not self._is_filling:
            return None
        away = f"the broker has been away too long: of {self._most_letters} messages that may wait"
        if self.letters >= self._most_letters or self.under_way & self._are_cut:
            return f"{away}, too many do, and nothing more of this session is published"
        return f"{away}, nearly all do; then nothing more of this session is published"

    @property
    def under_way(self) -> set[str]:
        """Sessions that were written to, and have not ended."""
        return self.touched - self._ended

    def forget(self, session: str) -> None:
        """Its rows were deleted."""
        self._numbers.pop(session, None)
        self.touched.discard(session)
        self._ended.discard(session)

    # ---- rows ----

    def _keep(self, entry: Entry) -> bool:
        """True where it was posted."""
        seq = None if entry.posting is None else self._post(entry.posting)
        match entry:
            case StrideEntry():
                self._add("strides", entry, seq, cells(entry.stride))
            case CueEntry():
                self._add("cues", entry, seq, cells(entry.cue))
            case FollowUpEntry():
                self._add("follow_ups", entry, seq, cells(entry.follow_up))
            case MarkEntry():
                self._add("marks", entry, seq, cells(entry, without=_OF_ENTRY))
            case AlertEntry():
                self._add("alerts", entry, seq, cells(entry, without=_OF_ENTRY))
            case RunnerInSession():
                runner = {"runner": entry.profile.runner, **cells(entry, without=_OF_ENTRY)}
                row = {"session": self._number(entry.session), "t_ms": entry.t_ms, **runner}
                insert(self.database, "runners", row)
            case SessionBegun():
                self._set(entry, begun_ms=entry.t_ms, **cells(entry, without=_OF_ENTRY))
            case SessionEnded():
                self._set(entry, ended_ms=entry.t_ms)
                self._ended.add(entry.session)
            case Missing():
                self._miss(entry)
            case ClockSet():
                self._shift(entry.by_ms)
            case Answered():
                insert(self.database, "answers", cells(entry, without=("posting",)))
            case _:
                raise TypeError(f"no table for {type(entry).__name__}")
        return seq is not None

    def _add(self, table: str, entry: OfSession, seq: int | None, row: dict[str, Cell]) -> None:
        of_entry = {"session": self._number(entry.session), "t_ms": entry.t_ms, "seq": seq}
        insert(self.database, table, {**of_entry, **row})

    def _set(self, entry: OfSession, **row: Cell) -> None:
        number = self._number(entry.session)
        columns = ", ".join(f"{name} = ?" for name in row)
        query = f"UPDATE sessions SET {columns} WHERE number = ?"
        self.database.execute(query, (*row.values(), number))

    def _miss(self, entry: Missing) -> None:
        number = self._number(entry.session)
        self._cut(entry.session, number)
        query = "UPDATE sessions SET lost = lost + ? WHERE number = ?"
        self.database.execute(query, (entry.count, number))

    def _shift(self, by_ms: int) -> None:
        for session in self.touched:
            number = self._number(session)
            query = (
                "UPDATE sessions SET begun_ms = begun_ms + :by, ended_ms = ended_ms + :by"
                " WHERE number = :number"
            )
            self.database.execute(query, {"by": by_ms, "number": number})
            for table in SESSION_TABLES:
                query = f"UPDATE {table} SET t_ms = t_ms + ? WHERE session = ?"
                self.database.execute(query, (by_ms, number))

    def _number(self, session: str) -> int:
        """Makes the row of one that nobody told of."""
        if session not in self._numbers:
            self.database.execute("INSERT OR IGNORE INTO sessions (id) VALUES (?)", (session,))
            query = "SELECT number, is_cut FROM sessions WHERE id = ?"
            number, is_cut = self.database.execute(query, (session,)).fetchone()
            self._numbers[session] = number
            self.touched.add(session)
            if is_cut:
                self._are_cut.add(session)
        return self._numbers[session]

    # ---- letters ----

    def _post(self, posting: Posting) -> int | None:
        """The seq that it was given; None where it is not posted."""
        session = posting.message.session
        number = self._number(session)
        if session in self._are_cut or self.letters >= self._most_letters:
            self.unposted += 1
            self._cut(session, number)
            return None
        key = posting.topic, session
        seq = self._next_seq(key)
        message = msgspec.structs.replace(cast("msgspec.Struct", posting.message), seq=seq)
        letter = posting.topic, msgspec.json.encode(message)
        self.database.execute("INSERT INTO outbox (topic, payload) VALUES (?, ?)", letter)
        self._seqs[key] = seq + 1
        self._changed.add(key)
        self.letters += 1
        return seq

    def _next_seq(self, key: tuple[str, str]) -> int:
        if key not in self._seqs:
            query = "SELECT next FROM seqs WHERE topic = ? AND session = ?"
            row = self.database.execute(query, key).fetchone()
            self._seqs[key] = row[0] if row else 0
        return self._seqs[key]

    def _keep_seqs(self) -> None:
        for key in self._changed:
            insert_or_advance = (
                "INSERT INTO seqs (topic, session, next) VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET next = excluded.next"
            )
            self.database.execute(insert_or_advance, (*key, self._seqs[key]))

    def _drop(self, numbers: Iterable[int]) -> None:
        query = "DELETE FROM outbox WHERE number = ?"
        dropped = self.database.executemany(query, ((number,) for number in numbers))
        self.letters -= max(dropped.rowcount, 0)  # -1: no numbers

    def _cut(self, session: str, number: int) -> None:
        self._are_cut.add(session)
        query = "UPDATE sessions SET is_cut = 1 WHERE number = ? AND NOT is_cut"
        self.database.execute(query, (number,))
