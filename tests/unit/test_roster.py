"""The roster in real files: what was kept is there again, whoever opens them, whatever died."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stridehub.errors import StoreError
from stridehub.model import KnownPod, Placement
from stridehub.record.roster import Roster

ADAPTER = "F0:00:00:00:00:01"


def pod(number: int, placement: Placement = Placement.PELVIS, runner: str = "r1") -> KnownPod:
    return KnownPod(f"F0:D6:16:00:00:{number:02X}", f"L{number}", placement, runner, ADAPTER)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """In a folder that is not there yet."""
    return tmp_path / "state" / "hub" / "stridehub.sqlite"


@pytest.fixture
def roster(path: Path) -> Roster:
    return Roster(path)


def test_reading_where_there_is_nothing_makes_nothing(path: Path, tmp_path: Path) -> None:
    roster = Roster(path)
    assert roster.pods() == []
    assert roster.most_links() == {}
    assert list(tmp_path.iterdir()) == []


def test_what_was_kept_is_there_for_whoever_opens_the_file(roster: Roster, path: Path) -> None:
    roster.keep(pod(1))
    assert roster.pods() == [pod(1)]
    assert Roster(path).pods() == [pod(1)]


def test_keeping_a_pod_again_replaces_what_was_known_of_it(roster: Roster) -> None:
    roster.keep(pod(1))
    roster.keep(pod(2, Placement.FOOT_L))
    changed = KnownPod(pod(1).address, "new name", Placement.SHANK_R, "r2", "F0:00:00:00:00:02")
    roster.keep(changed)
    assert roster.pods() == [pod(2, Placement.FOOT_L), changed]


def test_a_forgotten_pod_is_gone_and_the_others_stay(roster: Roster, path: Path) -> None:
    roster.keep(pod(1))
    roster.keep(pod(2))
    roster.forget(pod(1).address)
    assert roster.pods() == [pod(2)]
    assert Roster(path).pods() == [pod(2)]


def test_forgetting_what_is_not_known_changes_nothing(roster: Roster) -> None:
    roster.forget(pod(1).address)
    roster.keep(pod(2))
    roster.forget(pod(1).address)
    assert roster.pods() == [pod(2)]


def test_pods_come_by_runner_and_then_from_the_hip_down(roster: Roster) -> None:
    pods = [
        pod(number, placement, runner)
        for number, (runner, placement) in enumerate(
            (runner, placement) for runner in ("r1", "r2") for placement in Placement
        )
    ]
    for each in reversed(pods):
        roster.keep(each)
    assert roster.pods() == pods


def test_what_an_adapter_holds_is_kept_and_replaced(roster: Roster, path: Path) -> None:
    roster.keep_most_links(ADAPTER, 5)
    roster.keep_most_links("F0:00:00:00:00:02", 7)
    roster.keep_most_links(ADAPTER, 4)
    assert Roster(path).most_links() == {ADAPTER: 4, "F0:00:00:00:00:02": 7}
    assert roster.pods() == []


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=30)  # each one waits for the disk
@given(
    pods=st.lists(
        st.builds(KnownPod, TEXTS, TEXTS, st.sampled_from(Placement), TEXTS, TEXTS),
        unique_by=lambda pod: pod.address,
        max_size=4,
    )
)
def test_any_texts_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, pods: list[KnownPod]
) -> None:
    path = tmp_path_factory.mktemp("roster") / "roster.sqlite"
    for each in pods:
        Roster(path).keep(each)
    assert set(Roster(path).pods()) == set(pods)


# ---- files that are none ----


def assert_store_error(path: Path, at: Path) -> None:
    """Of every call, with the file and a reason in one line."""
    roster = Roster(path)
    for call in (
        roster.pods,
        roster.most_links,
        lambda: roster.keep(pod(1)),
        lambda: roster.forget("x"),
        lambda: roster.keep_most_links(ADAPTER, 3),
    ):
        with pytest.raises(StoreError) as caught:
            call()
        assert caught.value.path == at
        assert str(at) in str(caught.value)
        assert len(caught.value.reason.splitlines()) == 1


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "roster.sqlite"
    content = b"this is no database, but long enough to be looked at " * 100
    path.write_bytes(content)
    assert_store_error(path, path)
    assert path.read_bytes() == content


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    assert_store_error(tmp_path, tmp_path)


def test_a_folder_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "roster.sqlite"
    with pytest.raises(StoreError) as caught:
        Roster(path).keep(pod(1))
    assert caught.value.path == path
    assert_store_error(path, path)


def test_a_path_that_no_file_can_have_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300) / "roster.sqlite"
    assert_store_error(path, path)


def test_a_placement_of_another_version_is_told_of(roster: Roster, path: Path) -> None:
    roster.keep(pod(1))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE pods SET placement = 'tail'")
    with pytest.raises(StoreError, match="tail"):
        roster.pods()


# ---- other processes ----

KEEP_TOGETHER = """
import sys, time
from pathlib import Path
from stridehub.model import KnownPod, Placement
from stridehub.record.roster import Roster

folder, own, turns, each = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
print("ready", flush=True)
begin_s = float(sys.stdin.readline())
for turn in range(turns):
    roster = Roster(folder / str(turn) / "roster.sqlite")
    while time.monotonic() < begin_s + 0.1 * turn:
        pass
    for number in range(each):
        roster.keep(KnownPod(f"{own}-{number}", "", Placement.PELVIS, "r1", "a"))
        roster.pods()
"""
KEEP_AND_DIE = """
import os, signal, sys
from pathlib import Path
from stridehub.model import KnownPod, Placement
from stridehub.record.roster import Roster

roster = Roster(Path(sys.argv[1]))
roster.keep(KnownPod("first", "", Placement.PELVIS, "r1", "a"))
roster.keep(KnownPod("second", "", Placement.CHEST, "r1", "a"))
os.kill(os.getpid(), signal.SIGKILL)
"""


def kept_together(folder: Path, processes: int, turns: int, each: int) -> list[int]:
    """So many processes keep so many pods each, at the same time, turn by turn in another file.

    How many pods stand in each file then.
    """
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", KEEP_TOGETHER, folder, str(number), str(turns), str(each)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    begin = f"{time.monotonic() + 0.1}\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(begin)
        writer.stdin.flush()
    errors = [writer.communicate(timeout=60)[1] for writer in writers]
    assert errors == [""] * processes
    return [len(Roster(folder / str(turn) / "roster.sqlite").pods()) for turn in range(turns)]


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    Roster(tmp_path / "0" / "roster.sqlite").keep(pod(1))
    assert kept_together(tmp_path, 2, turns=1, each=40) == [1 + 2 * 40]


def test_processes_that_make_the_file_at_once_lose_nothing(tmp_path: Path) -> None:
    assert kept_together(tmp_path, 3, turns=40, each=1) == [3] * 40


def test_what_was_kept_outlives_a_process_that_is_killed(roster: Roster, path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", KEEP_AND_DIE, str(path)], capture_output=True, check=False
    )
    assert child.returncode == -signal.SIGKILL
    assert [each.address for each in roster.pods()] == ["first", "second"]
    roster.keep(pod(1))
    assert len(Roster(path).pods()) == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_told_of(roster: Roster, path: Path) -> None:
    roster.keep(pod(1))
    path.parent.chmod(0)
    try:
        assert_store_error(path, path)
    finally:
        path.parent.chmod(0o700)
