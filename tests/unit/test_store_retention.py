"""What is let go, by age and by size, and what never is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from made_entries import begun, ended, one_of_each, stride_entry, wait_until
from stridehub.config import RecordConfig
from stridehub.record.entries import Answered, ClockSet
from stridehub.record.migrations import SESSION_TABLES
from stridehub.record.reading import Reading
from stridehub.record.store import Store

WAIT_S = 20.0
DAY_MS = 86_400_000
NOW_MS = 1_800_000_000_000
LIMITS = RecordConfig(keep_days=10, keep_mb=10, free_mb=1)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stridehub.record.retention.LOOK_EVERY_S", 0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.sqlite"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: NOW_MS * 1_000_000)


def sessions(path: Path) -> list[str]:
    return [session.id for session in Reading(path).sessions()]


def keep_session(path: Path, name: str, days_ago: float, strides: int = 3) -> None:
    """By a hub that ends without a word, as hubs do."""
    t_ms = NOW_MS - int(days_ago * DAY_MS)
    store = Store(path, RecordConfig(free_mb=1))
    store.put(begun(name, t_ms), *one_of_each(name))
    store.put(*(stride_entry(name, number) for number in range(strides)))
    assert store.close(WAIT_S)


def settle(store: Store) -> None:
    """Retention has had its way: it takes a step after each commit."""
    for _ in range(30):
        assert store.flush(WAIT_S)


def test_what_is_older_than_its_days_goes_with_all_its_rows(path: Path) -> None:
    for name, days_ago in (("old", 30.0), ("older", 11.0), ("new", 9.0), ("last", 1.0)):
        keep_session(path, name, days_ago, strides=500)
    store = Store(path, LIMITS)
    wait_until(lambda: sessions(path) == ["new", "last"])
    settle(store)
    assert sessions(path) == ["new", "last"]
    assert len(list(Reading(path).strides("new"))) == 501
    assert store.count() == 2000  # what waits for the broker stays
    assert store.close(WAIT_S)
    with closing(sqlite3.connect(path)) as database:
        for table in SESSION_TABLES:
            query = f"SELECT DISTINCT session FROM {table} ORDER BY session"
            assert database.execute(query).fetchall() == [(3,), (4,)]
        counted = database.execute("SELECT DISTINCT session FROM seqs").fetchall()
    assert sorted(counted) == [("last",), ("new",)]


def test_the_newest_session_stays_whatever_its_age(path: Path) -> None:
    keep_session(path, "ages ago", 1000.0)
    store = Store(path, LIMITS)
    settle(store)
    assert sessions(path) == ["ages ago"]
    assert store.close(WAIT_S)


def test_a_session_under_way_stays_whatever_its_age(path: Path) -> None:
    """The hub's clock was set while it ran. Once it has ended it may go."""
    store = Store(path, LIMITS)
    store.put(begun("long", NOW_MS - 30 * DAY_MS), begun("other", NOW_MS))
    settle(store)
    assert sessions(path) == ["long", "other"]
    store.put(ended("long", NOW_MS - 29 * DAY_MS))
    wait_until(lambda: sessions(path) == ["other"])
    assert store.close(WAIT_S)


@pytest.mark.parametrize(
    ("first_days_ago", "last_days_ago"),
    [
        pytest.param(NOW_MS / DAY_MS, 1.0, id="kept without a clock, in 1970"),
        pytest.param(30.0, -1.0, id="the clock is behind what it was"),
    ],
)
def test_no_session_goes_by_a_clock_that_is_wrong(
    path: Path, first_days_ago: float, last_days_ago: float
) -> None:
    keep_session(path, "first", first_days_ago)
    keep_session(path, "last", last_days_ago)
    store = Store(path, LIMITS)
    settle(store)
    assert sessions(path) == ["first", "last"]
    assert store.close(WAIT_S)


def test_no_session_goes_by_a_clock_that_has_jumped_ahead(path: Path) -> None:
    """Until the hub has been started with it once more."""
    for name, days_ago in (("first", 402.0), ("second", 401.0), ("third", 400.0)):
        keep_session(path, name, days_ago)
    store = Store(path, LIMITS)
    store.put(begun("fourth", NOW_MS))
    settle(store)
    assert sessions(path) == ["first", "second", "third", "fourth"]
    assert store.close(WAIT_S)
    store = Store(path, LIMITS)
    store.put(begun("fifth", NOW_MS))
    wait_until(lambda: sessions(path) == ["fourth", "fifth"])
    assert store.close(WAIT_S)


def test_no_session_goes_by_a_clock_that_was_set_while_the_hub_ran(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions of this run that are dated by the new one are no proof of it."""
    keep_session(path, "before", 2.0)
    store = Store(path, LIMITS)
    assert store.flush(WAIT_S)
    later_ms = NOW_MS + 700 * DAY_MS
    monkeypatch.setattr("time.time_ns", lambda: later_ms * 1_000_000)
    store.put(begun("first", later_ms - DAY_MS), begun("second", later_ms))
    settle(store)
    assert sessions(path) == ["before", "first", "second"]
    assert store.close(WAIT_S)


def test_the_oldest_go_where_all_are_too_much_and_the_file_shrinks(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stridehub.record.retention._SPARE_MB", 0.1)
    names = [f"s{number}" for number in range(4)]
    for name in names:
        keep_session(path, name, 1.0, strides=2000)
        store = Store(path, RecordConfig(free_mb=1))
        store.confirmed(letter.number for letter in store.waiting(0, 10**6))
        assert store.close(WAIT_S)
    all_bytes = path.stat().st_size
    limits = msgspec.structs.replace(LIMITS, keep_mb=1)  # less than anybody may set: two of them
    store = Store(path, limits)
    wait_until(lambda: path.stat().st_size < min(1.2e6, all_bytes / 2))
    settle(store)
    assert store.close(WAIT_S)
    left = sessions(path)
    assert left == names[-len(left) :]
    assert left
    for name in left:
        assert len(list(Reading(path).strides(name))) == 2001


def test_strides_are_kept_while_a_session_is_let_go(path: Path) -> None:
    keep_session(path, "old", 30.0, strides=5000)
    store = Store(path, LIMITS)
    store.put(begun("new", NOW_MS))
    for number in range(60):
        store.put(stride_entry("new", number))
        assert store.flush(WAIT_S)
    wait_until(lambda: sessions(path) == ["new"])
    assert [entry.stride.index for entry in Reading(path).strides("new")] == list(range(60))
    assert store.close(WAIT_S)


def test_answers_of_long_ago_are_forgotten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stridehub.record.retention._MOST_ANSWERS", 3)
    store = Store(path, LIMITS)
    store.put(*(Answered(id=str(number), t_ms=NOW_MS - number, ack=b"{}") for number in range(5)))
    wait_until(lambda: list(store.answered(0)) == ["2", "3", "4"])
    assert store.close(WAIT_S)


def test_what_went_does_not_come_back_as_the_clock_is_set(path: Path) -> None:
    """It was a session of this run."""
    store = Store(path, LIMITS)
    old_ms = NOW_MS - 30 * DAY_MS
    store.put(begun("old", old_ms), stride_entry("old", 0, t_ms=old_ms), ended("old", old_ms))
    for name in ("new", "last"):
        store.put(begun(name, NOW_MS), stride_entry(name, 0, t_ms=NOW_MS), ended(name, NOW_MS))
    settle(store)
    assert sessions(path) == ["new", "last"]
    store.put(ClockSet(t_ms=NOW_MS, by_ms=DAY_MS))
    assert store.close(WAIT_S)
    assert sessions(path) == ["new", "last"]
