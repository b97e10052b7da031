"""The numbers of letters where the file is damaged and replaced under a hub that publishes."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from made_entries import LIMITS, begun, stride_entry, wait_until
from stridehub.model import Letter
from stridehub.mqtt.answers import Answer
from stridehub.mqtt.counts import Counts
from stridehub.mqtt.drain import Drain
from stridehub.record.store import Store

WAIT_S = 20.0


class Hub:
    """Publishes what waits in a store to a broker that answers when it is told to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.has_room = True
        self.published: list[Letter] = []
        self.store = Store(path, LIMITS, on_written=lambda: self._drain.wake())
        self._drain = Drain(self.store, 1_000_000, Counts())
        self._unanswered: list[int] = []

    def send(self, letter: Letter) -> int:
        self.published.append(letter)
        self._unanswered.append(len(self.published))
        return len(self.published)

    def publish(self) -> None:
        self._drain.pump(time.monotonic(), self)

    def confirm(self) -> None:
        for mid in self._unanswered:
            self._drain.take(Answer(mid, None, is_final=False))
        self._unanswered.clear()
        self.publish()

    def is_drained(self) -> bool:
        """Of all that the broker was sent, or will be with this."""
        self.publish()
        self.confirm()
        return self.store.count() == 0

    def put(self, session: str, first: int, count: int) -> None:
        self.store.put(*(stride_entry(session, first + number) for number in range(count)))
        assert self.store.flush(WAIT_S)

    def published_of(self, session: str) -> list[int]:
        """Their seqs."""
        bodies = [msgspec.json.decode(letter.payload) for letter in self.published]
        return [body["seq"] for body in bodies if body["session"] == session]

    def lose_file(self) -> None:
        """All but its first page; it is replaced as soon as the store has met that."""
        with closing(sqlite3.connect(self.path)) as database:
            fold = "PRAGMA wal_checkpoint(TRUNCATE)"
            wait_until(lambda: database.execute(fold).fetchone()[0] == 0)
        with self.path.open("r+b") as file:
            file.seek(1024)
            file.write(os.urandom(self.path.stat().st_size - 1024))
        self.store.put(stride_entry("s1", 10_000))
        wait_until(lambda: bool(self.store.notices))
        assert self.store.flush(WAIT_S)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path / "sessions.sqlite")
    yield hub
    hub.store.close(WAIT_S)


def test_what_follows_a_damage_is_published_though_all_before_it_was_gone(hub: Hub) -> None:
    hub.put("s1", 0, 300)
    wait_until(hub.is_drained)
    hub.lose_file()
    hub.store.put(begun("s2"))
    hub.put("s2", 0, 30)
    wait_until(hub.is_drained)
    assert hub.published_of("s2") == list(range(30))
    assert len({letter.number for letter in hub.published}) == len(hub.published)


def test_a_late_confirmation_of_what_the_damage_took_drops_nothing_new(hub: Hub) -> None:
    hub.put("s1", 0, 50)
    hub.publish()
    assert len(hub.published) == 50
    hub.lose_file()
    hub.put("s2", 0, 30)
    hub.confirm()  # those of s1, and sends the others
    hub.put("s2", 30, 1)  # the confirmations have been taken with this one, or before it
    waiting = [msgspec.json.decode(letter.payload) for letter in hub.store.waiting(0, 1000)]
    assert [body["seq"] for body in waiting if body["session"] == "s2"] == list(range(31))


def test_numbers_go_on_in_the_next_run_where_the_last_one_can_be_read(hub: Hub) -> None:
    hub.put("s1", 0, 300)
    numbers = [letter.number for letter in hub.store.waiting(0, 1000)]
    hub.store.confirmed(numbers)
    wait_until(lambda: hub.store.count() == 0)
    assert hub.store.close(WAIT_S)
    with closing(sqlite3.connect(hub.path)) as database:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'strides'"
        (page,) = database.execute(query).fetchone()
    with hub.path.open("r+b") as file:
        file.seek((page - 1) * 1024)
        file.write(bytes(1024))
    hub.store = Store(hub.path, LIMITS)
    assert len(hub.store.notices) == 1
    hub.put("s2", 0, 1)
    (letter,) = hub.store.waiting(0, 10)
    assert letter.number > max(numbers)
