"""Databases that a card has damaged: the hub starts, keeps on, and has what can be read still."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from made_entries import LIMITS, begun, one_of_each, stride_entry, wait_until
from stridehub.coaching.memory import RunnerMemory
from stridehub.errors import StoreError
from stridehub.model import KnownPod, Placement
from stridehub.record.check import check_database
from stridehub.record.coach_store import SqliteCoachStore
from stridehub.record.reading import Reading
from stridehub.record.roster import Roster
from stridehub.record.store import Store

WAIT_S = 20.0
STRIDES = 400
PAGE = 1024
INTERIOR = 5  # the kind of a page without rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions.sqlite"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a session that has some of everything; nothing may write to it."""
    path = tmp_path_factory.mktemp("good") / "sessions.sqlite"
    store = Store(path, LIMITS)
    store.put(begun("s1"), *one_of_each("s1"))
    store.put(*(stride_entry("s1", number) for number in range(1, STRIDES)))
    assert store.close(WAIT_S)
    return path


@pytest.fixture(scope="module")
def good_with_log(good: Path) -> tuple[bytes, bytes]:
    """The same, and its write-ahead log with another session, as a hub that is killed leaves it."""
    folder = good.parent / "killed"
    folder.mkdir()
    path = Path(shutil.copy(good, folder))
    store = Store(path, LIMITS)
    store.put(begun("s2"), *(stride_entry("s2", number) for number in range(100)))
    assert store.flush(WAIT_S)
    left = path.read_bytes(), path.with_name(f"{path.name}-wal").read_bytes()
    assert store.close(WAIT_S)
    return left


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def page_bytes(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[16:18], "big")


def leaf_pages(path: Path, table: str) -> list[int]:
    """The pages of a table that hold rows, by number, in order (sqlite.org/fileformat2.html)."""
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        (root,) = database.execute(query, (table,)).fetchone()
    content, size = path.read_bytes(), page_bytes(path)

    def below(number: int) -> Iterator[int]:
        page = content[(number - 1) * size : number * size]
        if page[0] != INTERIOR:
            yield number
            return
        for cell in range(int.from_bytes(page[3:5], "big")):
            at = int.from_bytes(page[12 + 2 * cell : 14 + 2 * cell], "big")
            yield from below(int.from_bytes(page[at : at + 4], "big"))
        yield from below(int.from_bytes(page[8:12], "big"))

    return list(below(root))


def aside(path: Path) -> list[Path]:
    """What was moved out of the way, without side files."""
    return sorted(
        other
        for other in path.parent.glob(f"{path.name}.damaged-*")
        if not other.name.endswith(("-wal", "-shm"))
    )


def assert_works(path: Path) -> Store:
    """Keeps a session and hands out its letters; closed."""
    store = Store(path, LIMITS)
    before = store.count()
    store.put(begun("new"), *(stride_entry("new", number) for number in range(3)))
    assert store.close(WAIT_S)
    again = Store(path, LIMITS)
    assert again.notices == ()
    assert again.count() == before + 3
    seqs = [msgspec.json.decode(letter.payload)["seq"] for letter in again.waiting(0, 10**6)[-3:]]
    assert seqs == [0, 1, 2]
    assert [entry.stride.index for entry in Reading(path).strides("new")] == [0, 1, 2]
    assert again.close(WAIT_S)
    return store


# ---- what is found, and saved ----


def test_a_good_file_is_left_alone(good: Path, path: Path) -> None:
    shutil.copy(good, path)
    assert assert_works(path).notices == ()
    assert aside(path) == []
    assert len(list(Reading(path).strides("s1"))) == STRIDES


def test_what_is_no_database_is_moved_aside(path: Path) -> None:
    content = b"this is no database, but long enough to be looked at " * 100
    path.write_bytes(content)
    (notice,) = assert_works(path).notices
    (moved,) = aside(path)
    assert notice.moved_to == moved
    assert moved.read_bytes() == content
    assert str(path) in str(notice)
    assert "nothing" in str(notice)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.999])
def test_strides_around_a_page_that_is_gone_are_saved(good: Path, path: Path, share: float) -> None:
    shutil.copy(good, path)
    pages = leaf_pages(path, "strides")
    overwrite(path, (pages[int(share * len(pages))] - 1) * PAGE, bytes(PAGE))
    store = assert_works(path)
    (notice,) = store.notices
    kept = [entry.stride.index for entry in Reading(path).strides("s1")]
    assert kept == sorted(set(kept))
    assert STRIDES - 8 <= len(kept) < STRIDES  # some seven in a page
    assert notice.saved["strides"] == len(kept)
    assert notice.saved["outbox"] == STRIDES - 1
    assert len(Reading(path).cues("s1")) == 1


def test_strides_between_several_pages_that_are_gone_are_saved(good: Path, path: Path) -> None:
    shutil.copy(good, path)
    pages = leaf_pages(path, "strides")
    for page in pages[5::20]:
        overwrite(path, (page - 1) * PAGE, b"\xff" * PAGE)
    assert_works(path)
    kept = [entry.stride.index for entry in Reading(path).strides("s1")]
    assert STRIDES * 0.8 < len(kept) < STRIDES


def test_letters_beyond_a_damage_are_not_published(good: Path, path: Path) -> None:
    """They would come after a gap."""
    shutil.copy(good, path)
    pages = leaf_pages(path, "outbox")
    overwrite(path, (pages[len(pages) // 2] - 1) * PAGE, bytes(PAGE))
    store = Store(path, LIMITS)
    seqs = [msgspec.json.decode(letter.payload)["seq"] for letter in store.waiting(0, 10**6)]
    assert seqs == list(range(len(seqs)))
    assert 10 < len(seqs) < STRIDES - 10
    store.put(stride_entry("s1", STRIDES))  # goes on after the damage
    assert store.flush(WAIT_S)
    assert store.count() == len(seqs)
    assert store.is_cut("s1")
    assert store.close(WAIT_S)
    assert len(list(Reading(path).strides("s1"))) == STRIDES + 1


def test_a_log_that_is_damaged_costs_what_is_beyond_the_damage(
    good_with_log: tuple[bytes, bytes], path: Path
) -> None:
    content, log = good_with_log
    path.write_bytes(content)
    damaged = bytearray(log)
    damaged[len(log) // 2 : len(log) // 2 + 50] = bytes(50)
    path.with_name(f"{path.name}-wal").write_bytes(damaged)
    assert_works(path)
    assert len(list(Reading(path).strides("s1"))) == STRIDES


def test_damage_that_is_met_while_the_hub_runs_is_mended(good: Path, path: Path) -> None:
    """Strides go on to be kept; sessions under way are cut, for letters may be gone."""
    shutil.copy(good, path)
    pages = leaf_pages(path, "strides")
    store = Store(path, LIMITS)
    store.put(begun("s2"), stride_entry("s2", 0))
    assert store.flush(WAIT_S)
    log = path.with_name(f"{path.name}-wal")
    with closing(sqlite3.connect(path)) as database:
        wait_until(lambda: database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
    assert log.stat().st_size == 0
    for page in range(2, path.stat().st_size // PAGE + 1):
        if page not in pages:
            overwrite(path, (page - 1) * PAGE, b"\xff" * PAGE)
    number = 0
    while not store.notices:
        number += 1
        store.put(stride_entry("s2", number))
        store.flush(0.05)
        assert number < 2000
    store.put(begun("s3"), stride_entry("s3", 0))
    assert store.flush(WAIT_S)
    assert store.trouble is None
    assert store.is_cut("s2")
    assert not store.is_cut("s3")
    kept = [entry.stride.index for entry in Reading(path).strides("s2")]
    assert kept[-1] == number
    assert store.close(WAIT_S)
    assert_works(path)


def test_a_large_file_is_used_before_it_is_looked_over(
    good: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stridehub.record.session_file.STORE_CHECK_S", 0.0)
    monkeypatch.setattr("stridehub.record.health._STEPS_A_LOOK", 10)
    shutil.copy(good, path)
    pages = leaf_pages(path, "cues")
    overwrite(path, (pages[0] - 1) * PAGE, bytes(PAGE))
    store = Store(path, LIMITS)
    wait_until(lambda: bool(store.notices))
    assert store.close(WAIT_S)
    assert len(list(Reading(path).strides("s1"))) == STRIDES
    assert_works(path)


@pytest.mark.parametrize(
    ("where", "content"),
    [
        pytest.param(b"text TEXT", b"text\xd9TEXT", id="a message of SQLite's that is no text"),
        pytest.param(b"\x02\x02", b"\x03\x02", id="a header that says: read only"),
    ],
)
def test_what_fuzzing_found_is_mended(good: Path, path: Path, where: bytes, content: bytes) -> None:
    path.write_bytes(good.read_bytes().replace(where, content, 1))
    assert path.read_bytes() != good.read_bytes()
    assert len(assert_works(path).notices) == 1


def test_no_more_than_two_damaged_files_are_kept(path: Path) -> None:
    for number in range(5):
        path.write_bytes(b"no database %d" % number * 1000)
        assert_works(path)
    assert len(aside(path)) == 2


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to(path)])
def test_what_is_no_file_is_a_state(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    store = Store(path, LIMITS)
    assert store.trouble is not None
    store.put(stride_entry("s1", 0))
    with pytest.raises(StoreError):
        store.waiting(0, 10)
    assert not store.close(WAIT_S)


# ---- a kill while a file is mended ----

KILLED = """
import os, sys
from pathlib import Path
from made_entries import LIMITS
from stridehub.record.check import check_database
from stridehub.record.store import Store

path, left = Path(sys.argv[1]), int(sys.argv[2])
rename = Path.rename

def rename_or_die(self, target):
    global left
    if left == 0:
        os._exit(9)
    left -= 1
    return rename(self, target)

Path.rename = rename_or_die
if path.name == "stridehub.sqlite":
    check_database(path)
else:
    Store(path, LIMITS)
os._exit(0)
"""


def is_killed_mending(path: Path, renames: int) -> bool:
    """Before it has renamed one more file. False: there was no more to rename."""
    command = [sys.executable, "-c", KILLED, str(path), str(renames)]
    env = {"PYTHONPATH": ":".join(sys.path)}
    ended = subprocess.run(command, env=env, check=False, capture_output=True)
    assert ended.returncode in (0, 9), ended.stderr
    return ended.returncode == 9


def test_a_kill_at_any_step_of_a_mend_costs_nothing(good: Path, tmp_path: Path) -> None:
    kills = 0
    is_over = False
    while not is_over:
        path = tmp_path / str(kills) / "sessions.sqlite"
        path.parent.mkdir()
        shutil.copy(good, path)
        overwrite(path, (leaf_pages(path, "strides")[3] - 1) * PAGE, bytes(PAGE))
        path.with_name(f"{path.name}-wal").write_bytes(b"a log of no use")
        is_over = not is_killed_mending(path, kills)
        if not is_over:
            kills += 1
            (notice,) = assert_works(path).notices
            assert notice.saved["strides"] >= STRIDES - 8
        assert len(list(Reading(path).strides("s1"))) >= STRIDES - 8
        names = {other.name for other in path.parent.iterdir()}
        assert not {name for name in names if ".mend" in name}
    assert kills >= 3


def test_a_kill_at_any_step_of_mending_the_small_file_costs_nothing(
    good_small: Path, tmp_path: Path
) -> None:
    kills = 0
    is_over = False
    while not is_over:
        path = tmp_path / str(kills) / good_small.name
        path.parent.mkdir()
        shutil.copy(good_small, path)
        overwrite(path, (leaf_pages(path, "pods")[1] - 1) * page_bytes(path), bytes(100))
        is_over = not is_killed_mending(path, kills)
        kills += not is_over
        assert is_over or check_database(path) is not None
        assert check_database(path) is None
        assert 0 < len(Roster(path).pods()) < 150
        assert SqliteCoachStore(path).load("r1").pain == 2
    assert kills >= 2


# ---- any file ----


def assert_mended(path: Path) -> None:
    """Either it works, with or without a notice, or it is of a newer program."""
    try:
        store = Store(path, LIMITS)
    except StoreError as error:
        if "newer" in error.reason:
            return
        raise
    store.put(begun("fuzz"), stride_entry("fuzz", 0))
    assert store.flush(WAIT_S)
    assert store.trouble is None
    assert store.waiting(0, 10**6)
    assert store.close(WAIT_S)


FUZZ = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """A path in another folder each time."""
    count = iter(range(10**6))

    def make() -> Path:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        return folder / "sessions.sqlite"

    return make


@FUZZ
@given(content=st.binary(max_size=5000), log=st.binary(max_size=200))
def test_any_bytes_end_in_a_store_that_works(
    fresh: Callable[[], Path], content: bytes, log: bytes
) -> None:
    path = fresh()
    path.write_bytes(content)
    path.with_name(f"{path.name}-wal").write_bytes(log)
    assert_mended(path)


@FUZZ
@given(data=st.data())
def test_a_file_with_bytes_changed_ends_in_a_store_that_works(
    fresh: Callable[[], Path], good_with_log: tuple[bytes, bytes], data: st.DataObject
) -> None:
    path = fresh()
    contents = [bytearray(part) for part in good_with_log]
    for content in contents:
        for _ in range(data.draw(st.integers(0, 8))):
            place = data.draw(st.one_of(st.integers(0, 3000), st.integers(0, len(content) - 1)))
            content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(contents[0])), st.integers(0, len(contents[0]))))
    path.write_bytes(contents[0][:cut])
    path.with_name(f"{path.name}-wal").write_bytes(contents[1])
    assert_mended(path)


@FUZZ
@given(data=st.data())
def test_reading_a_file_with_bytes_changed_fails_in_one_way(
    fresh: Callable[[], Path], good: Path, data: st.DataObject
) -> None:
    path = fresh()
    content = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(1, 200))):
        content[data.draw(st.integers(100, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    reading = Reading(path)
    for read in (
        reading.sessions,
        lambda: reading.runners("s1"),
        lambda: list(reading.strides("s1")),
        lambda: reading.cues("s1"),
        lambda: reading.follow_ups("s1"),
        lambda: reading.marks("s1"),
        lambda: reading.alerts("s1"),
    ):
        with suppress(StoreError):
            read()


# ---- the hub's small file ----


def pod(number: int) -> KnownPod:
    return KnownPod(f"F0:D6:16:00:00:{number:02X}", "L1", Placement.PELVIS, "r1", "a")


@pytest.fixture(scope="module")
def good_small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With pods, and what coaches remember; nothing may write to it."""
    path = tmp_path_factory.mktemp("small") / "stridehub.sqlite"
    for number in range(150):
        Roster(path).keep(pod(number))
    Roster(path).keep_most_links("a", 5)
    SqliteCoachStore(path).keep({"r1": RunnerMemory(pain=2)})
    return path


@pytest.fixture
def small(good_small: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(good_small, tmp_path))


def test_a_good_small_file_and_none_need_nothing(small: Path, tmp_path: Path) -> None:
    content = small.read_bytes()
    assert check_database(small) is None
    assert small.read_bytes() == content
    assert check_database(tmp_path / "none") is None
    assert [path.name for path in tmp_path.iterdir()] == [small.name]


def test_pods_and_memories_around_a_damage_are_saved(small: Path) -> None:
    pages = leaf_pages(small, "pods")
    overwrite(small, (pages[1] - 1) * page_bytes(small), bytes(page_bytes(small)))
    notice = check_database(small)
    assert notice is not None
    assert notice.path == small
    assert 0 < len(Roster(small).pods()) < 150
    assert Roster(small).most_links() == {"a": 5}
    assert SqliteCoachStore(small).load("r1").pain == 2
    Roster(small).keep(pod(1000))
    assert check_database(small) is None


def test_a_small_file_with_another_column_is_replaced(small: Path) -> None:
    """As by one bit in the schema: SQLite finds nothing wrong."""
    content = small.read_bytes()
    assert content.count(b"most_links INTEGER") == 1
    small.write_bytes(content.replace(b"most_links INTEGER", b"most_lanks INTEGER"))
    assert check_database(small) is not None
    assert Roster(small).most_links() == {}
    assert len(Roster(small).pods()) == 150


def test_tables_in_front_of_one_that_is_none_are_saved(small: Path) -> None:
    content = small.read_bytes()
    small.write_bytes(content.replace(b"most_links INTEGER", b"most_links_INTEGER"))
    assert check_database(small) is not None
    assert Roster(small).most_links() == {}
    assert len(Roster(small).pods()) == 150


@FUZZ
@given(data=st.data())
def test_a_small_file_with_bytes_changed_ends_in_one_that_works(
    fresh: Callable[[], Path], good_small: Path, data: st.DataObject
) -> None:
    path = fresh()
    content = bytearray(good_small.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.one_of(st.integers(0, 3000), st.integers(0, len(content) - 1)))
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    check_database(path)
    Roster(path).keep(pod(1000))
    Roster(path).keep_most_links("b", 1)
    SqliteCoachStore(path).keep({"r2": RunnerMemory(pain=1)})
    assert SqliteCoachStore(path).load("r2").pain == 1


def test_a_folder_in_the_place_of_the_small_file_is_told_of(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreError) as caught:
        check_database(path)
    assert caught.value.path == path
