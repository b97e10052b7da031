"""The store in real files: what is put comes back, and is posted in order."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from made_entries import (
    LIMITS,
    NOW_MS,
    TOPICS,
    alert_entry,
    begun,
    ended,
    one_of_each,
    stride_entry,
    wait_until,
)
from stridehub.coaching.cue import Cue, CueFollowUp
from stridehub.errors import StoreError
from stridehub.model import Letter, Stride
from stridehub.mqtt.messages import StrideMessage
from stridehub.record.entries import Answered, StrideEntry
from stridehub.record.migrations import MIGRATIONS
from stridehub.record.reading import Reading
from stridehub.record.store import Store
from strides import stride

WAIT_S = 20.0  # for a busy machine; all of it takes milliseconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """In a folder that is not there yet."""
    return tmp_path / "state" / "sessions.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(path, LIMITS)
    yield store
    store.close(WAIT_S)


def decoded(letters: list[Letter]) -> list[tuple[str, str, int]]:
    """Topic, session and seq of each."""
    bodies = [msgspec.json.decode(letter.payload) for letter in letters]
    return [
        (letter.topic, body["session"], body["seq"])
        for letter, body in zip(letters, bodies, strict=True)
    ]


def letters_of(store: Store) -> list[Letter]:
    return list(store.waiting(0, 1_000_000))


# ---- rows ----


def test_what_was_put_is_read_as_it_was(store: Store, path: Path) -> None:
    entries = one_of_each("s1")
    store.put(begun("s1", continues="s0"), *entries, ended("s1", NOW_MS + 5))
    assert store.flush(WAIT_S)
    reading = Reading(path)
    assert [
        *reading.runners("s1"),
        *reading.strides("s1"),
        *reading.cues("s1"),
        *reading.follow_ups("s1"),
        *reading.marks("s1"),
        *reading.alerts("s1"),
    ] == entries
    (session,) = reading.sessions()
    assert (session.id, session.hub, session.version) == ("s1", "hub", "1.0")
    assert (session.begun_ms, session.ended_ms, session.continues) == (NOW_MS, NOW_MS + 5, "s0")
    assert (session.strides, session.runners, session.lost, session.is_cut) == (
        1,
        ("r1",),
        0,
        False,
    )


def test_strides_come_in_order_of_a_session_and_a_runner(store: Store, path: Path) -> None:
    """Also where the clock goes back, and when there are more than are read at a time."""
    kept = [stride_entry("s1", n, f"r{n % 3}", t_ms=NOW_MS - n) for n in range(2500)]
    store.put(begun("s1"), *kept, begun("s2"), stride_entry("s2", 0))
    assert store.flush(WAIT_S)
    reading = Reading(path)
    assert [entry.stride for entry in reading.strides("s1")] == [entry.stride for entry in kept]
    assert [e.stride.index for e in reading.strides("s1", "r2")] == list(range(2, 2500, 3))
    assert [session.strides for session in reading.sessions()] == [2500, 1]
    assert list(reading.strides("s3")) == []
    assert list(reading.strides("s1", "r9")) == []


def test_a_runner_is_kept_once_a_session_as_told_last(store: Store, path: Path) -> None:
    first = one_of_each("s1")[0]
    last = msgspec.structs.replace(first, plan="another", load=None)
    store.put(first, last, msgspec.structs.replace(first, session="s2"))
    assert store.flush(WAIT_S)
    assert Reading(path).runners("s1") == [last]
    assert Reading(path).runners("s2") == [msgspec.structs.replace(first, session="s2")]


def test_a_session_that_nobody_told_of_is_kept(store: Store, path: Path) -> None:
    store.put(stride_entry("s1", 0))
    assert store.flush(WAIT_S)
    (session,) = Reading(path).sessions()
    assert (session.id, session.begun_ms, session.strides) == ("s1", None, 1)


def test_nothing_is_read_where_there_is_no_file(tmp_path: Path) -> None:
    reading = Reading(tmp_path / "none")
    assert reading.sessions() == []
    assert list(reading.strides("s1")) == []
    assert list(tmp_path.iterdir()) == []


def test_reading_what_is_no_database_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "sessions.sqlite"
    path.write_bytes(b"this is no database, but long enough to be looked at " * 100)
    with pytest.raises(StoreError) as caught:
        Reading(path).sessions()
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("table", "noun"), [("strides", Stride), ("cues", Cue), ("follow_ups", CueFollowUp)]
)
def test_a_table_has_a_column_for_each_field(
    store: Store, path: Path, table: str, noun: type[msgspec.Struct]
) -> None:
    with closing(sqlite3.connect(path)) as database:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    assert columns == ["session", "t_ms", "seq", *noun.__struct_fields__]


def test_answers_are_found_by_their_age_again(store: Store, path: Path) -> None:
    store.put(Answered(id="a", t_ms=1000, ack=b"{}"), Answered(id="b", t_ms=2000, ack=b'{"v":1}'))
    store.put(Answered(id="a", t_ms=3000, ack=b"[]"))
    assert store.flush(WAIT_S)
    assert store.answered(since_ms=2000) == {"a": b"[]", "b": b'{"v":1}'}
    assert store.answered(since_ms=2001) == {"a": b"[]"}
    assert store.close(WAIT_S)
    again = Store(path, LIMITS)
    assert again.answered(since_ms=0) == {"a": b"[]", "b": b'{"v":1}'}
    assert again.close(WAIT_S)


# ---- letters ----


def test_messages_are_numbered_by_topic_and_session(store: Store) -> None:
    store.put(begun("s1"), stride_entry("s1", 0), stride_entry("s1", 0, "r2"))
    store.put(alert_entry("s1", "a"), stride_entry("s1", 1), begun("s2"), stride_entry("s2", 0))
    assert store.flush(WAIT_S)
    r1, r2 = TOPICS.stride("r1"), TOPICS.stride("r2")
    assert decoded(letters_of(store)) == [
        (r1, "s1", 0), (r2, "s1", 0), (TOPICS.alert, "s1", 0), (r1, "s1", 1), (r1, "s2", 0),
    ]  # fmt: skip
    assert store.count() == 5


def test_a_letter_is_the_message_with_its_seq(store: Store) -> None:
    entries = [stride_entry("s1", number) for number in range(2)]
    store.put(*entries)
    assert store.flush(WAIT_S)
    messages = [
        msgspec.json.decode(letter.payload, type=StrideMessage) for letter in letters_of(store)
    ]
    assert entries[1].posting is not None
    assert messages[0] == entries[0].posting.message  # type: ignore[union-attr]
    assert messages[1] == msgspec.structs.replace(entries[1].posting.message, seq=1)  # type: ignore[type-var]


def test_the_row_has_the_seq_of_its_message(store: Store, path: Path) -> None:
    unposted = StrideEntry(session="s1", t_ms=NOW_MS, stride=stride())
    store.put(stride_entry("s1", 0), unposted, stride_entry("s1", 1))
    assert store.flush(WAIT_S)
    with closing(sqlite3.connect(path)) as database:
        seqs = [seq for (seq,) in database.execute("SELECT seq FROM strides ORDER BY rowid")]
    assert seqs == [0, None, 1]
    assert store.count() == 2


def test_letters_are_read_from_where_one_was(store: Store) -> None:
    store.put(*(stride_entry("s1", number) for number in range(10)))
    assert store.flush(WAIT_S)
    letters = letters_of(store)
    numbers = [letter.number for letter in letters]
    assert numbers == sorted(set(numbers))
    assert list(store.waiting(numbers[3], 4)) == letters[4:8]
    assert list(store.waiting(numbers[-1], 4)) == []


def test_confirmed_letters_go_and_their_rows_stay(store: Store, path: Path) -> None:
    store.put(*(stride_entry("s1", number) for number in range(10)))
    assert store.flush(WAIT_S)
    letters = letters_of(store)
    store.confirmed([letters[0].number, letters[5].number, letters[5].number, 10**9])
    wait_until(lambda: store.count() == 8)
    assert letters_of(store) == letters[1:5] + letters[6:]
    assert len(list(Reading(path).strides("s1"))) == 10


def test_a_number_is_used_once_even_after_all_are_gone(path: Path) -> None:
    numbers = []
    for _ in range(3):
        store = Store(path, LIMITS)
        store.put(stride_entry("s1", 0))
        assert store.flush(WAIT_S)
        (letter,) = store.waiting(0, 10)
        numbers.append(letter.number)
        store.confirmed([letter.number])
        assert store.close(WAIT_S)
    assert numbers == sorted(set(numbers))


def test_a_session_that_goes_on_later_counts_on(path: Path) -> None:
    for start in (0, 3, 6):
        store = Store(path, LIMITS)
        store.put(*(stride_entry("s1", start + number) for number in range(3)))
        assert store.close(WAIT_S)
    store = Store(path, LIMITS)
    assert store.count() == 9
    assert [seq for _, _, seq in decoded(letters_of(store))] == list(range(9))
    assert store.close(WAIT_S)


def test_whoever_publishes_is_told_of_new_letters(path: Path) -> None:
    """Not of rows that are posted by nobody; and what it is told of is there."""
    told = threading.Event()
    counts: list[int] = []

    def on_written() -> None:
        counts.append(len(watched.waiting(0, 10)))
        told.set()

    watched = Store(path, LIMITS, on_written=on_written)
    watched.put(begun("s1"))
    assert watched.flush(WAIT_S)
    assert not told.is_set()
    watched.put(stride_entry("s1", 0))
    assert told.wait(WAIT_S)
    assert watched.close(WAIT_S)
    assert counts == [1]


def test_many_threads_read_while_one_writes(store: Store) -> None:
    faults: list[Exception] = []
    is_over = threading.Event()

    def read() -> None:
        try:
            while not is_over.is_set():
                seqs = [seq for _, _, seq in decoded(letters_of(store))]
                assert seqs == list(range(len(seqs)))
                assert store.count() >= 0
        except Exception as fault:
            faults.append(fault)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(500):
        store.put(stride_entry("s1", number))
        if number % 50 == 0:
            assert store.flush(WAIT_S)
    assert store.flush(WAIT_S)
    is_over.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert len(letters_of(store)) == store.count() == 500


# ---- the file ----


def test_closing_keeps_all_that_was_put_in_one_file(path: Path) -> None:
    store = Store(path, LIMITS)
    store.put(*(stride_entry("s1", number) for number in range(5000)))
    assert store.close(WAIT_S)
    assert sorted(file.name for file in path.parent.iterdir()) == [
        path.name,
        f"{path.name}.ballast",
    ]
    assert len(list(Reading(path).strides("s1"))) == 5000


def test_an_entry_after_the_end_harms_nobody(path: Path) -> None:
    store = Store(path, LIMITS)
    assert store.close(WAIT_S)
    store.put(stride_entry("s1", 0))
    assert not store.flush(0.0)
    assert not store.close(0.0)


def test_a_file_of_a_newer_program_is_refused_and_left_as_it_is(path: Path) -> None:
    store = Store(path, LIMITS)
    store.put(begun("s1"))
    assert store.close(WAIT_S)
    newer = len(MIGRATIONS) + 1
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {newer}")
    with pytest.raises(StoreError, match="newer"):
        Store(path, LIMITS)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (newer,)
    assert [session.id for session in Reading(path).sessions()] == ["s1"]


def test_a_log_is_folded_into_the_file_before_it_grows_large(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stridehub.record.flusher.WAL_BYTES", 100_000)
    store = Store(path, LIMITS)
    log = path.with_name(f"{path.name}-wal")
    store.put(*(stride_entry("s1", number) for number in range(3000)))
    assert store.flush(WAIT_S)
    assert log.stat().st_size > 100_000
    wait_until(lambda: log.stat().st_size == 0)
    store.put(stride_entry("s1", 3000))
    assert store.close(WAIT_S)
    assert len(list(Reading(path).strides("s1"))) == 3001
