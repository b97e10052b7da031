"""The snapshot that a running hub leaves for other commands: whole, fresh, or none."""

import json
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stridehub.model import KnownPod, LinkState, Placement, PodHealth
from stridehub.record.snapshot import (
    FRESH_S,
    Snapshot,
    read_snapshot,
    remove_snapshot,
    write_snapshot,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
COUNTS = st.integers(0, 2**40)
NUMBERS = st.floats(-1e6, 1e6)
HEALTHS = st.builds(
    PodHealth,
    pod=st.builds(KnownPod, TEXTS, TEXTS, st.sampled_from(Placement), TEXTS, TEXTS),
    state=st.sampled_from(LinkState),
    reason=st.none() | TEXTS,
    age_s=st.none() | NUMBERS,
    battery_mv=st.none() | COUNTS,
    rssi_dbm=st.none() | st.integers(-127, 20),
    mtu=st.none() | COUNTS,
    interval_ms=st.none() | NUMBERS,
    firmware=st.none() | COUNTS,
    connects=COUNTS,
    packets=COUNTS,
    imu_fault=st.booleans(),
    samples_a_packet=st.none() | st.integers(1, 19),
)
POD = KnownPod("F0:D6:16:00:00:01", "L07", Placement.SHANK_L, "r1", "F0:00:00:00:00:01")
HEALTH = PodHealth(POD, LinkState.STREAMING, None, 0.1, 3900, -60, 247, 30.0, 256, 1, 9, False, 8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runtime")


@given(healths=st.lists(HEALTHS, max_size=4))
def test_what_was_written_is_read_again(folder: Path, healths: list[PodHealth]) -> None:
    begin_s = time.time()
    write_snapshot(folder, healths)
    snapshot = read_snapshot(folder)
    assert snapshot is not None
    assert list(snapshot.pods) == healths
    assert begin_s <= snapshot.taken_s <= time.time()


def test_the_folder_is_made_and_holds_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "hub"
    write_snapshot(folder, [HEALTH])
    write_snapshot(folder, [])
    assert len(list(folder.iterdir())) == 1
    snapshot = read_snapshot(folder)
    assert snapshot is not None
    assert list(snapshot.pods) == []


def test_without_a_hub_there_is_none(tmp_path: Path) -> None:
    assert read_snapshot(tmp_path) is None
    assert read_snapshot(tmp_path / "nowhere") is None


def test_a_hub_that_ends_takes_it_away(tmp_path: Path) -> None:
    write_snapshot(tmp_path, [HEALTH])
    remove_snapshot(tmp_path)
    assert read_snapshot(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    remove_snapshot(tmp_path)


def file_in(folder: Path) -> Path:
    write_snapshot(folder, [HEALTH])
    (path,) = folder.iterdir()
    return path


def aged(path: Path, by_s: float) -> None:
    content = msgspec.json.decode(path.read_bytes(), type=Snapshot)
    older = msgspec.structs.replace(content, taken_s=content.taken_s - by_s)
    path.write_bytes(msgspec.json.encode(older))


@pytest.mark.parametrize(
    ("by_s", "is_there"),
    [(0.0, True), (FRESH_S / 2, True), (FRESH_S + 1, False), (-FRESH_S - 1, False), (1e9, False)],
)
def test_only_a_fresh_one_counts(tmp_path: Path, by_s: float, is_there: bool) -> None:
    """One from the future is of a clock that was set since."""
    aged(file_in(tmp_path), by_s)
    assert (read_snapshot(tmp_path) is not None) == is_there


@given(content=st.binary(max_size=400))
@example(b"")
@example(b"null")
@example(b"[]")
@example(b"{}")
@example(b"\xff\xfe")
@example(b'{"taken_s": 1e400, "pods": []}')
@example(b'{"taken_s": NaN, "pods": []}')
@example(b'{"taken_s": "now", "pods": []}')
@example(b'{"taken_s": ' + b"9" * 5000 + b', "pods": []}')
@example(b'{"taken_s": 1.0, "pods": [{}]}')
@example(b'{"taken_s": 1.0, "pods": null}')
def test_bytes_that_are_no_snapshot_are_none(folder: Path, content: bytes) -> None:
    file_in(folder).write_bytes(content)
    assert read_snapshot(folder) is None


def test_what_is_nested_without_end_is_none(folder: Path) -> None:
    path = file_in(folder)
    path.write_bytes(b'{"taken_s": 1.0, "pods": [], "more": ' + b"[" * 100_000)
    is_none = read_snapshot(folder) is None
    assert is_none


@given(cut=st.integers(0, 10_000))
def test_half_a_snapshot_is_none(folder: Path, cut: int) -> None:
    path = file_in(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[: cut % len(whole)])
    assert read_snapshot(folder) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(key=st.sampled_from(sorted({*json.loads(msgspec.json.encode(HEALTH)), "pod"})), value=JSON)
def test_a_health_of_another_shape_never_raises(folder: Path, key: str, value: object) -> None:
    path = file_in(folder)
    content = json.loads(path.read_bytes())
    content["pods"][0][key] = value
    path.write_text(json.dumps(content))
    snapshot = read_snapshot(folder)
    assert snapshot is None or isinstance(snapshot.pods[0], PodHealth)


def test_a_folder_in_the_place_of_the_file_is_none(tmp_path: Path) -> None:
    path = file_in(tmp_path)
    path.unlink()
    path.mkdir()
    assert read_snapshot(tmp_path) is None


WRITE_ON = """
import sys
from pathlib import Path
from stridehub.record.snapshot import read_snapshot, write_snapshot

folder = Path(sys.argv[1])
health = read_snapshot(folder).pods[0]
for _ in range(500):
    write_snapshot(folder, [health] * 100)
"""


def test_a_reader_never_sees_half_of_one(tmp_path: Path) -> None:
    """While another process writes again and again, every look is a whole snapshot."""
    write_snapshot(tmp_path, [HEALTH] * 100)
    looks = 0
    with subprocess.Popen([sys.executable, "-c", WRITE_ON, tmp_path]) as writer:
        while writer.poll() is None:
            snapshot = read_snapshot(tmp_path)
            assert snapshot is not None
            assert list(snapshot.pods) == [HEALTH] * 100
            looks += 1
    assert writer.returncode == 0
    assert looks > 100
    assert len(list(tmp_path.iterdir())) == 1
