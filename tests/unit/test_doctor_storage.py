"""What doctor says of the card and of what is on it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from made_machine import case_in, health, lines, pod, told
from stridehub.doctor import databases, storage
from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.doctor.mounts import mount_of
from stridehub.record.roster import Roster
from stridehub.record.snapshot import write_snapshot


def mounted(folder: Path, kind: str, options: str = "rw", more: str = "rw") -> dict[str, str]:
    """The folder has a mount of its own, below / on a card."""
    place = str(folder).replace(" ", r"\040")
    return {
        "proc/self/mountinfo": "27 1 179:2 / / rw,noatime shared:1 - ext4 /dev/root rw\n"
        f"28 27 8:1 / {place} {options} shared:2 - {kind} /dev/sda1 {more}\n"
    }


@pytest.mark.parametrize(
    ("kind", "options", "more", "verdict", "words"),
    [
        ("ext4", "rw,noatime", "rw", "ok", "can be written to"),
        ("ext4", "ro,noatime", "rw", "fail", "is read-only"),
        ("ext4", "rw", "ro,errors=remount-ro", "fail", "is read-only"),
        ("tmpfs", "rw", "rw", "warn", "is in memory"),
        ("vfat", "rw", "rw", "warn", "no file system for a database"),
        ("ext4", "rw", "rw,nobarrier", "warn", "without barriers"),
        ("overlay", "rw", "rw,lowerdir=/a,upperdir=/gone", "ok", "can be written to"),
    ],
)
def test_the_file_system_of_the_state_folder_is_looked_at(
    tmp_path: Path, kind: str, options: str, more: str, verdict: str, words: str
) -> None:
    case = case_in(tmp_path, mounted(tmp_path / "state", kind, options, more))
    told(storage.look(case), verdict, words)


def test_an_overlay_in_memory_forgets(tmp_path: Path) -> None:
    up = tmp_path / "up"
    table = (
        f"27 1 0:30 / {tmp_path} rw - overlay overlay rw,upperdir={up}/dir\n"
        f"28 27 0:31 / {up} rw - tmpfs tmpfs rw\n"
    )
    case = case_in(tmp_path, {"proc/self/mountinfo": table})
    assert told(storage.look(case), "warn", "is in memory").advice == Advice.KEEP_STATE


def test_of_two_mounts_at_one_place_the_last_covers_the_other(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    first, last = mounted(folder, "ext4"), mounted(folder, "tmpfs")
    name = "proc/self/mountinfo"
    case = case_in(tmp_path, {name: first[name] + "no such line\n" + last[name]})
    found = mount_of(case, folder / "deep" / "inside")
    assert found is not None
    assert (found.kind, found.point) == ("tmpfs", folder)


def test_errors_that_the_file_system_has_noted_are_told(tmp_path: Path) -> None:
    case = case_in(tmp_path, mounted(tmp_path, "ext4"))
    (case.root / "sys/dev/block").mkdir(parents=True)
    (case.root / "sys/devices/sda1").mkdir(parents=True)
    (case.root / "sys/dev/block/8:1").symlink_to("../../devices/sda1")
    noted = case.root / "sys/fs/ext4/sda1/errors_count"
    noted.parent.mkdir(parents=True)
    noted.write_text("0\n")
    assert not [line for line in lines(storage.look(case)) if "noted errors" in line]
    noted.write_text("3\n")
    told(storage.look(case), "warn", "has noted errors: 3")


@pytest.mark.parametrize(
    ("free_mb", "wanted_mb", "verdict"),
    [(5.0, 200, "fail"), (150.0, 200, "warn"), (201.0, 200, "ok")],
)
def test_room_is_held_against_the_settings(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    free_mb: float,
    wanted_mb: int,
    verdict: str,
) -> None:
    monkeypatch.setattr(storage, "free_mb", lambda folder: free_mb)
    case = case_in(tmp_path, config=f"[record]\nfree_mb = {wanted_mb}\n")
    told(storage.look(case), verdict, f"{free_mb:.0f} MB are free")


@pytest.mark.parametrize(
    ("life", "spare", "verdict", "words"),
    [
        ("0x01 0x02\n", "0x01\n", "ok", "at most 20 % of its life"),
        ("0x09 0x01\n", "0x01\n", "warn", "nearly worn out"),
        ("0x02 0x01\n", "0x02\n", "warn", "nearly worn out"),
        ("0x0b 0x01\n", "0x01\n", "fail", "is worn out"),
        ("0x01 0x01\n", "0x03\n", "fail", "is worn out"),
    ],
)
def test_wear_is_told_where_the_card_tells(
    tmp_path: Path, life: str, spare: str, verdict: str, words: str
) -> None:
    card = "sys/block/mmcblk0/device"
    case = case_in(tmp_path, {f"{card}/life_time": life, f"{card}/pre_eol_info": spare})
    told(storage.look(case), verdict, words)


def test_a_card_that_does_not_tell_is_not_spoken_of(tmp_path: Path) -> None:
    case = case_in(tmp_path, {"sys/block/mmcblk0/device/name": "SC32G\n"})
    assert not [line for line in lines(storage.look(case)) if "mmcblk" in line]


# ---- databases ----


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Of a hub with a pod, and some pages of a database."""
    made = case_in(tmp_path)
    Roster(made.config.database).keep(pod())
    with closing(sqlite3.connect(made.config.sessions)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE strides (number INTEGER PRIMARY KEY, more BLOB)")
        with database:
            rows = ((number, bytes(500)) for number in range(2000))
            database.executemany("INSERT INTO strides VALUES (?, ?)", rows)
    return made


def scratch(path: Path) -> None:
    """A worn card returns something else than was written."""
    with path.open("r+b") as file:
        for page in range(1, path.stat().st_size // 4096):
            file.seek(4096 * page)
            file.write(b"\xa5" * 1024)


def test_sound_databases_are_sound_and_stay_as_they_are(case: Case) -> None:
    before = case.config.sessions.read_bytes()
    told(storage.look(case), "ok", "sessions.sqlite, 1.")
    assert all("sound" in line for line in lines(storage.look(case)) if ".sqlite" in line)
    assert case.config.sessions.read_bytes() == before


def test_a_damaged_one_is_told(case: Case) -> None:
    scratch(case.config.sessions)
    found = told(storage.look(case), "fail", "sessions.sqlite is damaged")
    assert found.advice == Advice.LET_MEND
    case.config.database.write_bytes(b"this is no database" * 100)
    told(storage.look(case), "fail", "stridehub.sqlite is damaged")


def test_a_look_that_takes_too_long_ends(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "STORE_CHECK_S", 0.0)
    told(storage.look(case), "ok", "no fault in what 0 s")


def test_beside_a_running_hub_nothing_is_opened(case: Case) -> None:
    scratch(case.config.sessions)
    write_snapshot(case.config.runtime, [health()])
    told(storage.look(case), "ok", "sessions.sqlite, 1.0 MB: in use by the hub")
