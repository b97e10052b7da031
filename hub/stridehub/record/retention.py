"""Sessions that are too old or too much go, oldest first, a little at a time."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from stridehub.config import RecordConfig
from stridehub.record.ballast import BALLAST_BYTES, Ballast
from stridehub.record.ledger import Ledger
from stridehub.record.migrations import SESSION_TABLES
from stridehub.record.raw_space import LONGEST_PAUSE_DAYS, free_mb

# One session at most each time: room that a deleted one gives shows on the card a while later.
LOOK_EVERY_S = 60.0
# Of one transaction, a few milliseconds: a stride does not wait for longer.
_ROWS = 200
_PAGES = 200
# Pages that letters come and go by; only what is beyond is given back to the file system.
_SPARE_MB = 4.0
# Raw recording stops at `free_mb`. Sessions are deleted for space only where that did not help.
_SHARE_OF_FREE = 0.5
# More answers than this are of commands that nobody repeats any more.
_MOST_ANSWERS = 10_000
# No session is older than this program. What says so had no clock, and its age is not known.
FIRST_MS = 1_760_000_000_000  # October 2025
_DAY_MS = 86_400_000
# After a longer one no session goes by its age until there are two of this time: the hub has been
# started again with that clock.
_LONGEST_PAUSE_MS = LONGEST_PAUSE_DAYS * _DAY_MS

log = logging.getLogger(__name__)


class Retention:
    """Over the writer's connection, between its transactions.

    Only whole sessions that are over go. What waits in the outbox stays: a letter needs no session.
    """

    def __init__(
        self,
        ledger: Ledger,
        path: Path,
        limits: RecordConfig,
        ballast: Ballast,
        fold: Callable[[], None],
        utc_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """`fold`: the write-ahead log into the file, which only shrinks then."""
        self._ledger = ledger
        self._database = ledger.database
        self._folder = path.parent
        self._limits = limits
        self._ballast = ballast
        self._fold = fold
        self._utc_ms = utc_ms
        self._zero_ms = self._clock_zero_ms()
        self._doomed: tuple[int, str] | None = None  # number and id of the one that goes
        self._looked_s = -LOOK_EVERY_S

    def step(self) -> bool:
        """One small transaction, if there is something to do; True where there may be more.

        Raises sqlite3.Error, OSError.
        """
        if self._doomed is not None:
            self._delete_some(*self._doomed)
            return True
        if self._gave_pages_back():
            return True
        if time.monotonic() - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = time.monotonic()
        self._doomed = self._next_to_go(self._look())
        return self._doomed is not None

    def settle(self) -> int:
        """All at once, where no stride waits; how many sessions went.

        For room on the card one goes at most. Raises sqlite3.Error, OSError.
        """
        gone, free = 0, self._look()
        while doomed := self._next_to_go(free):
            self._doomed = doomed
            while self._doomed is not None:
                self._delete_some(*doomed)
            self._fold()  # or the log grows by all that goes
            gone, free = gone + 1, math.inf
        while self._gave_pages_back():
            pass
        return gone

    def _look(self) -> float:
        """Megabytes that are free on the card."""
        self._forget_answers()
        free = free_mb(self._folder)
        if free > self._limits.free_mb + BALLAST_BYTES / 1e6:
            self._ballast.take_on()
        return free

    # ---- which one ----

    def _next_to_go(self, free: float) -> tuple[int, str] | None:
        """The oldest, where there is a reason."""
        last_ms = "max(coalesce(begun_ms, 0), coalesce(ended_ms, 0))"
        query = f"SELECT number, id, {last_ms} FROM sessions ORDER BY number"
        sessions = self._database.execute(query).fetchall()
        over = [session for session in sessions[:-1] if session[1] not in self._ledger.under_way]
        if not over:
            return None
        number, name, oldest_ms = over[0]
        reason = self._reason(free, oldest_ms, [last_ms for _, _, last_ms in sessions])
        if reason is None:
            return None
        log.warning("session %s is deleted: %s", name, reason)
        return number, name

    def _reason(self, free: float, oldest_ms: int, all_ms: Sequence[int]) -> str | None:
        """`all_ms`: when each session was heard of last; two at least."""
        limits, now_ms = self._limits, self._utc_ms()
        if self._used_mb > limits.keep_mb:
            return f"all take more than {limits.keep_mb} MB"
        if free < limits.free_mb * _SHARE_OF_FREE:
            return f"only {free:.0f} MB of the card are free"
        last_but_one_ms, newest_ms = sorted(all_ms)[-2:]
        is_plausible = last_but_one_ms >= now_ms - _LONGEST_PAUSE_MS and newest_ms <= now_ms
        is_clock_right = oldest_ms >= FIRST_MS and is_plausible and not self._was_clock_set
        if is_clock_right and now_ms - oldest_ms > limits.keep_days * _DAY_MS:
            return f"older than {limits.keep_days} days"
        return None

    def _clock_zero_ms(self) -> float:
        """When time.monotonic() began, as the clock has it now."""
        return self._utc_ms() - 1e3 * time.monotonic()

    @property
    def _was_clock_set(self) -> bool:
        """By much, since the hub was started: the sessions of now have their dates from it, too, so
        that none of them speaks for it.
        """
        return abs(self._clock_zero_ms() - self._zero_ms) > _LONGEST_PAUSE_MS

    @property
    def _used_mb(self) -> float:
        return (self._number("page_count") - self._number("freelist_count")) * self._page_mb

    @property
    def _page_mb(self) -> float:
        return self._number("page_size") / 1e6

    def _number(self, pragma: str) -> int:
        (value,) = self._database.execute(f"PRAGMA {pragma}").fetchone()
        return int(value)

    # ---- deleting ----

    def _delete_some(self, number: int, name: str) -> None:
        for table in SESSION_TABLES:
            some = f"SELECT rowid FROM {table} WHERE session = ? LIMIT {_ROWS}"
            query = f"DELETE FROM {table} WHERE rowid IN ({some})"
            if self._database.execute(query, (number,)).rowcount:
                return
        # Nothing of it is left but its name.
        self._database.execute("DELETE FROM seqs WHERE session = ?", (name,))
        self._database.execute("DELETE FROM sessions WHERE number = ?", (number,))
        self._ledger.forget(name)
        self._doomed = None

    def _gave_pages_back(self) -> bool:
        if self._number("freelist_count") * self._page_mb < _SPARE_MB:
            return False
        self._fold()
        # A page a step, and execute() takes one step where there are no columns.
        self._database.executescript(f"PRAGMA incremental_vacuum({_PAGES})")
        return True

    def _forget_answers(self) -> None:
        query = "DELETE FROM answers WHERE rowid <= (SELECT max(rowid) FROM answers) - ?"
        self._database.execute(query, (_MOST_ANSWERS,))
