"""What coaches remember, in real files."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from stridehub.coaching.memory import (
    Baseline,
    OpenSession,
    Responses,
    RunnerMemory,
    SessionLoad,
)
from stridehub.errors import StoreError
from stridehub.model import CueKind, KnownPod, Placement, Side
from stridehub.record.coach_store import SqliteCoachStore
from stridehub.record.roster import Roster

MEMORY = RunnerMemory(
    baselines={Side.LEFT: {"kickback_deg": Baseline(81.5, 2.5, 3.1, 100)}},
    sessions_cued={CueKind.HEEL_LIFT: 3},
    responses={CueKind.HEEL_LIFT: Responses(9, 6, 3, 1)},
    loads=(SessionLoad(started_utc_s=1.5e9, running_min=30.0, steps_left=2500),),
    session=OpenSession(
        seen_utc_s=1.6e9,
        load=SessionLoad(started_utc_s=1.6e9, units_left=12.25),
        kinds_due=(CueKind.FLICK,),
        turns_utc_s=(1.6e9 - 20.0,),
    ),
    pain=4,
    has_had_forefoot=True,
)
POD = KnownPod("F0:D6:16:00:00:01", "L1", Placement.PELVIS, "r1", "F0:00:00:00:00:01")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """In a folder that is not there yet."""
    return tmp_path / "state" / "stridehub.sqlite"


def test_a_runner_never_seen_is_unknown_and_makes_no_file(path: Path, tmp_path: Path) -> None:
    assert SqliteCoachStore(path).load("r1") == RunnerMemory()
    assert list(tmp_path.iterdir()) == []


def test_what_was_kept_is_there_again(path: Path) -> None:
    SqliteCoachStore(path).keep({"r1": MEMORY, "r2": RunnerMemory(pain=1)})
    store = SqliteCoachStore(path)
    assert store.load("r1") == MEMORY
    assert store.load("r2") == RunnerMemory(pain=1)
    assert store.load("r3") == RunnerMemory()


def test_keeping_again_replaces(path: Path) -> None:
    store = SqliteCoachStore(path)
    store.keep({"r1": RunnerMemory(), "r2": MEMORY})
    store.keep({"r1": MEMORY})
    assert store.load("r1") == store.load("r2") == MEMORY


def test_coaches_and_pods_share_the_file(path: Path) -> None:
    Roster(path).keep(POD)
    store = SqliteCoachStore(path)
    assert store.load("r1") == RunnerMemory()
    store.keep({"r1": MEMORY})
    assert Roster(path).pods() == [POD]
    assert store.load("r1") == MEMORY


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "\udc80",
        '{"pain": "very"}',
        '{"pain": 11}',
        '{"baselines": {"middle": {}}}',
        '{"baselines": {"left": {"kickback_deg": [80, -1, 3, 9]}}}',
        '{"sessions_cued": {"overstride": -100}}',
        '{"sessions_cued": {"foot_strike": 1}}',
        '{"responses": {"flick": {"given": 1, "given_responded": 2}}}',
        '{"loads": [{"started_utc_s": 1e300}]}',
    ],
)
def test_a_memory_that_cannot_be_read_is_told_of(path: Path, content: str) -> None:
    store = SqliteCoachStore(path)
    store.keep({"r1": MEMORY})
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "UPDATE coaching SET memory = CAST(? AS TEXT)",
            (content.encode("utf-8", "surrogateescape"),),
        )
    with pytest.raises(StoreError) as caught:
        store.load("r1")
    assert caught.value.path == path


@pytest.mark.parametrize("content", [b"no database", os.urandom(5000)])
def test_a_file_that_is_no_database_is_told_of(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    store = SqliteCoachStore(path)
    with pytest.raises(StoreError):
        store.load("r1")
    with pytest.raises(StoreError):
        store.keep({"r1": MEMORY})
    assert path.read_bytes() == content


WRITER = """
import sys
from pathlib import Path
from stridehub.coaching.memory import RunnerMemory
from stridehub.record.coach_store import SqliteCoachStore
store = SqliteCoachStore(Path(sys.argv[1]))
for number in range(1, 100_000):
    store.keep({runner: RunnerMemory(sessions_cued={"flick": number}) for runner in ("r1", "r2")})
    print(number, flush=True)
"""


def test_what_was_kept_outlives_a_killed_hub(path: Path) -> None:
    """All runners of one call, or none."""
    for round_s in (0.0, 0.005, 0.011, 0.023, 0.037):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(round_s)
            writer.send_signal(signal.SIGKILL)
            told = [1, *map(int, writer.stdout.read().split())][-1]
        store = SqliteCoachStore(path)
        kept = store.load("r1")
        assert kept == store.load("r2")
        assert kept.sessions_cued[CueKind.FLICK] in (told, told + 1)
