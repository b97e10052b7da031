"""What is kept of a run tells the right time once the clock is right."""

import sqlite3
from contextlib import closing
from pathlib import Path

from made_entries import LIMITS, NOW_MS, begun, ended, one_of_each, stride_entry
from stridehub.record.entries import ClockSet
from stridehub.record.migrations import SESSION_TABLES
from stridehub.record.reading import Reading
from stridehub.record.store import Store

WAIT_S = 20.0
DAY_MS = 86_400_000


def test_all_that_was_kept_before_is_put_right_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite"
    store = Store(path, LIMITS)
    store.put(begun("of another run"), stride_entry("of another run", 0), ended("of another run"))
    assert store.close(WAIT_S)
    store = Store(path, LIMITS)
    store.put(begun("ended"), stride_entry("ended", 0), ended("ended"))
    store.put(begun("under way"), *one_of_each("under way"))
    store.put(ClockSet(t_ms=NOW_MS + DAY_MS, by_ms=DAY_MS))
    store.put(stride_entry("under way", 1, t_ms=NOW_MS + DAY_MS + 1))
    assert store.close(WAIT_S)
    sessions = Reading(path).sessions()
    assert [(session.id, session.begun_ms, session.ended_ms) for session in sessions] == [
        ("of another run", NOW_MS, NOW_MS),
        ("ended", NOW_MS + DAY_MS, NOW_MS + DAY_MS),
        ("under way", NOW_MS + DAY_MS, None),
    ]
    with closing(sqlite3.connect(path)) as database:
        for table in SESSION_TABLES:
            query = f"SELECT DISTINCT session, t_ms FROM {table} WHERE t_ms <= ? ORDER BY session"
            for number, t_ms in database.execute(query, (NOW_MS + DAY_MS,)):
                assert t_ms == (NOW_MS if number == 1 else NOW_MS + DAY_MS), table
    strides = [entry.t_ms for entry in Reading(path).strides("under way")]
    assert strides[-1] == NOW_MS + DAY_MS + 1
