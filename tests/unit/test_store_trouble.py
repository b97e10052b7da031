"""The store where entries cannot be kept, or only late: nothing is lost without a word, and no
sequence has a gap.
"""

import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from made_entries import LIMITS, NOW_MS, begun, stride_entry, wait_until
from stridehub.config import RecordConfig
from stridehub.record.entries import Answered, Entry, MarkEntry
from stridehub.record.reading import Reading
from stridehub.record.store import Store

WAIT_S = 20.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "sessions.sqlite"


def seqs(store: Store) -> dict[str, list[int]]:
    """Of the letters that wait, by session."""
    found: dict[str, list[int]] = defaultdict(list)
    for letter in store.waiting(0, 1_000_000):
        body = msgspec.json.decode(letter.payload)
        found[body["session"]].append(body["seq"])
    return dict(found)


def indices(path: Path, session: str) -> list[int]:
    """Of the strides that were kept."""
    return [entry.stride.index for entry in Reading(path).strides(session)]


class Blocked:
    """A store whose folder cannot be made, until it can."""

    def __init__(self, path: Path, most_pending: int) -> None:
        self._obstacle = path.parent
        self._obstacle.write_text("in the way")
        self.told: list[str | None] = []
        self.store = Store(path, LIMITS, on_trouble=self.told.append, most_pending=most_pending)

    def free(self) -> None:
        self._obstacle.unlink()
        assert self.store.flush(WAIT_S)


def test_what_comes_while_nothing_can_be_written_is_kept_later(path: Path) -> None:
    blocked = Blocked(path, most_pending=1000)
    store = blocked.store
    assert store.trouble is not None
    store.put(begun("s1"), *(stride_entry("s1", number) for number in range(500)))
    assert store.count() == 0
    blocked.free()
    assert store.trouble is None
    assert len(blocked.told) == 2
    assert blocked.told[1] is None
    assert indices(path, "s1") == list(range(500))
    assert seqs(store) == {"s1": list(range(500))}
    assert store.lost == 0
    assert not store.is_cut("s1")
    assert store.close(WAIT_S)


def test_trouble_is_logged_as_it_comes_and_goes(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, however often the disk is tried meanwhile."""
    monkeypatch.setattr("stridehub.record.writer.DISK_RETRY_S", 0.001)
    blocked = Blocked(path, most_pending=1000)
    tries = 0
    mkdir = Path.mkdir

    def counted(*of: Any, **options: Any) -> None:
        nonlocal tries
        tries += 1
        mkdir(*of, **options)

    monkeypatch.setattr(Path, "mkdir", counted)
    wait_until(lambda: tries > 20)
    blocked.free()
    logged = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in logged] == ["ERROR", "WARNING"]
    assert path.parent.name in logged[0][1]
    assert blocked.store.close(WAIT_S)


def test_what_finds_no_memory_is_counted_and_its_session_is_cut(path: Path) -> None:
    """Its sequence ends at the hole; another session goes on."""
    blocked = Blocked(path, most_pending=100)
    store = blocked.store
    store.put(*(stride_entry("s1", number) for number in range(130)))
    assert store.lost == 30
    assert store.is_cut("s1")
    blocked.free()
    store.put(*(stride_entry("s1", number) for number in range(130, 140)))
    store.put(begun("s2"), stride_entry("s2", 0))
    assert store.flush(WAIT_S)
    assert indices(path, "s1") == [*range(100), *range(130, 140)]
    assert seqs(store) == {"s1": list(range(100)), "s2": [0]}
    assert (store.lost, store.unposted) == (30, 10)
    assert store.is_cut("s1")
    assert not store.is_cut("s2")
    lost = {session.id: (session.lost, session.is_cut) for session in Reading(path).sessions()}
    assert lost == {"s1": (30, True), "s2": (0, False)}
    assert store.close(WAIT_S)


def test_what_found_no_memory_at_the_end_is_counted_too(path: Path) -> None:
    blocked = Blocked(path, most_pending=100)
    blocked.store.put(*(stride_entry("s1", number) for number in range(130)))
    blocked.free()
    assert blocked.store.close(WAIT_S)
    (session,) = Reading(path).sessions()
    assert (session.strides, session.lost, session.is_cut) == (100, 30, True)


def test_a_session_that_is_cut_stays_so_in_the_next_run(path: Path) -> None:
    store = Store(path, LIMITS, most_letters=3)
    store.put(*(stride_entry("s1", number) for number in range(5)))
    assert store.close(WAIT_S)
    store = Store(path, LIMITS)
    store.put(stride_entry("s1", 5))
    assert store.flush(WAIT_S)
    assert store.is_cut("s1")
    assert seqs(store) == {"s1": [0, 1, 2]}
    assert store.close(WAIT_S)


def test_an_outbox_that_is_full_cuts_sessions_and_loses_no_stride(path: Path) -> None:
    store = Store(path, LIMITS, most_letters=10)
    store.put(*(stride_entry("s1", number) for number in range(15)))
    assert store.flush(WAIT_S)
    assert seqs(store) == {"s1": list(range(10))}
    assert (store.lost, store.unposted, store.count()) == (0, 5, 10)
    assert store.is_cut("s1")
    store.confirmed(letter.number for letter in store.waiting(0, 4))
    wait_until(lambda: store.count() == 6)
    store.put(stride_entry("s1", 15), begun("s2"), stride_entry("s2", 0))
    assert store.flush(WAIT_S)
    assert seqs(store) == {"s1": list(range(4, 10)), "s2": [0]}
    assert indices(path, "s1") == list(range(16))
    assert store.close(WAIT_S)


def test_people_are_told_before_an_outbox_is_full_and_until_there_is_room(path: Path) -> None:
    told: list[str | None] = []
    store = Store(path, LIMITS, on_trouble=told.append, most_letters=100)
    store.put(*(stride_entry("s1", number) for number in range(89)))
    assert store.flush(WAIT_S)
    assert store.trouble is None

    store.put(stride_entry("s1", 89))
    assert store.flush(WAIT_S)
    assert "nearly all" in (store.trouble or "")

    store.put(*(stride_entry("s1", number) for number in range(90, 120)))
    assert store.flush(WAIT_S)
    assert "nothing more of this session is published" in (store.trouble or "")
    assert store.unposted == 20

    store.confirmed(letter.number for letter in store.waiting(0, 15))
    store.put(stride_entry("s1", 120))
    assert store.flush(WAIT_S)
    assert "nothing more of this session is published" in (store.trouble or "")

    store.confirmed(letter.number for letter in store.waiting(0, 10))
    wait_until(lambda: told[-1] is None)
    assert len(told) == 3
    assert store.close(WAIT_S)


def test_an_outbox_that_was_full_is_told_of_in_the_next_run(path: Path) -> None:
    store = Store(path, LIMITS)
    store.put(*(stride_entry("s1", number) for number in range(100)))
    assert store.close(WAIT_S)
    store = Store(path, LIMITS, most_letters=100)
    wait_until(lambda: "too many do" in (store.trouble or ""))
    assert store.close(WAIT_S)


def strange(session: str) -> list[Entry]:
    """What no row can hold."""
    mark = MarkEntry(
        session=session, t_ms=2**70, runner=None, kind="note", level=None, side=None, text="",
        command="",
    )  # fmt: skip
    return [
        mark,
        msgspec.structs.replace(mark, t_ms=NOW_MS, text="\udc80"),
        msgspec.structs.replace(mark, t_ms=NOW_MS, text=object()),
        msgspec.structs.replace(mark, t_ms="yesterday"),
        Answered(id="a", t_ms=NOW_MS, ack=None),  # type: ignore[arg-type]
        Entry(t_ms=NOW_MS),
    ]


def test_what_no_row_can_hold_takes_nothing_with_it(path: Path) -> None:
    store = Store(path, LIMITS)
    good = [stride_entry("s1", number) for number in range(6)]
    for entry, bad in zip(good, strange("s1"), strict=True):
        store.put(entry, bad)
    assert store.flush(WAIT_S)
    assert store.lost == len(good)
    assert indices(path, "s1") == list(range(6))
    assert seqs(store) == {"s1": list(range(6))}
    assert not store.is_cut("s1")
    assert store.close(WAIT_S)


def test_a_stride_that_no_row_can_hold_ends_its_sequence(path: Path) -> None:
    store = Store(path, LIMITS)
    store.put(stride_entry("s1", 0), stride_entry("s1", 2**70), stride_entry("s1", 2))
    store.put(stride_entry("s2", 0))
    assert store.flush(WAIT_S)
    assert indices(path, "s1") == [0, 2]
    assert seqs(store) == {"s1": [0], "s2": [0]}
    assert (store.lost, store.unposted) == (1, 1)
    assert store.is_cut("s1")
    assert store.close(WAIT_S)


# ---- a card that is full ----


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    """40 MB, of which 16 are the store's reserve."""
    card = tmp_path / "card"
    card.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(card)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    yield card
    subprocess.run(["umount", card], check=True)


def fill(card: Path) -> Path:
    """To the last byte."""
    filler = card / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (2**20, 2**10, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    return filler


def put_until(store: Store, first: int, is_so: Callable[[], bool]) -> int:
    """Strides, a hundred at a time; the index of the next."""
    number = first
    while not is_so():
        store.put(*(stride_entry("s1", number + more) for more in range(100)))
        number += 100
        assert number < 200_000
        store.flush(0.2)
    return number


def test_a_full_card_is_a_state_and_nothing_is_lost(card: Path) -> None:
    told: list[str | None] = []
    path = card / "sessions.sqlite"
    ballast = card / "sessions.sqlite.ballast"
    store = Store(path, LIMITS, on_trouble=told.append)
    store.put(begun("s1"))
    wait_until(ballast.exists)

    filler = fill(card)
    number = put_until(store, 0, lambda: not ballast.exists())
    assert store.flush(WAIT_S)  # on what the reserve gave
    assert store.trouble is not None
    assert "make room" in store.trouble

    fill(card)
    number = put_until(store, number, lambda: "full" in (store.trouble or "") and len(told) > 1)
    store.put(stride_entry("s1", number))
    assert not store.flush(0.5)
    assert len(store.waiting(0, 10)) == 10  # what was kept is published meanwhile

    filler.unlink()
    assert store.flush(WAIT_S)
    assert indices(path, "s1") == list(range(number + 1))
    assert seqs(store) == {"s1": list(range(number + 1))}
    assert (store.lost, store.unposted) == (0, 0)
    assert store.close(WAIT_S)


def test_a_hub_that_starts_on_a_full_card_begins_on_the_reserve(card: Path) -> None:
    path = card / "sessions.sqlite"
    ballast = card / "sessions.sqlite.ballast"
    store = Store(path, LIMITS)
    store.put(begun("s1"), stride_entry("s1", 0))
    wait_until(ballast.exists)
    assert store.close(WAIT_S)
    filler = fill(card)
    store = Store(path, LIMITS)
    store.put(begun("s2"), *(stride_entry("s2", number) for number in range(300)))
    assert store.flush(WAIT_S)
    assert not ballast.exists()
    assert "make room" in (store.trouble or "")
    assert indices(path, "s2") == list(range(300))
    filler.unlink()
    assert store.close(WAIT_S)


def test_a_store_on_a_card_that_is_full_waits_for_room(card: Path) -> None:
    filler = fill(card)
    path = card / "sessions.sqlite"
    store = Store(path, LIMITS)
    assert store.trouble is not None
    store.put(begun("s1"), stride_entry("s1", 0))
    filler.unlink()
    assert store.flush(WAIT_S)
    assert store.trouble is None
    assert indices(path, "s1") == [0]
    assert store.close(WAIT_S)


def test_old_sessions_make_room_on_a_card_that_fills(
    card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest only, for that is enough."""
    monkeypatch.setattr("stridehub.record.ballast.BALLAST_BYTES", 2**20)
    path = card / "sessions.sqlite"
    store = Store(path, LIMITS)
    for session in ("s1", "s2", "s3"):
        store.put(begun(session), *(stride_entry(session, number) for number in range(3000)))
        assert store.close(WAIT_S)
        store = Store(path, LIMITS)
    assert store.close(WAIT_S)
    with (card / "filler").open("wb") as file:
        file.write(bytes(10 * 2**20))
    store = Store(path, RecordConfig(free_mb=50))
    wait_until(lambda: [session.id for session in Reading(path).sessions()] == ["s2", "s3"])
    assert store.close(WAIT_S)
    assert len(indices(path, "s2")) == len(indices(path, "s3")) == 3000
