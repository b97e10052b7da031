"""`stridehub tidy`: what the settings do not keep goes, unless a hub sees to it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from made_entries import begun, one_of_each, stride_entry
from stridehub.config import RecordConfig, load_hub_config
from stridehub.record.reading import Reading
from stridehub.record.snapshot import write_snapshot
from stridehub.record.store import Store

WAIT_S = 30.0
DAY_S = 86400.0


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "stridehub.toml"
    path.write_text(
        f'state_dir = "{tmp_path / "state"}"\nruntime_dir = "{tmp_path / "run"}"\n'
        "[record]\nkeep_days = 10\nkeep_raw_days = 10\nfree_mb = 1\n"
    )
    return path


def keep_session(path: Path, name: str, days_ago: float) -> None:
    t_ms = round((time.time() - days_ago * DAY_S) * 1e3)
    store = Store(path, RecordConfig(free_mb=1))
    store.put(begun(name, t_ms), *one_of_each(name))
    store.put(*(stride_entry(name, number) for number in range(500)))
    assert store.close(WAIT_S)


def keep_recording(folder: Path, days_ago: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{days_ago:g}.mcap"
    path.write_bytes(b"packets")
    at_s = time.time() - days_ago * DAY_S
    os.utime(path, (at_s, at_s))


def tidied(settings: Path, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "stridehub", "tidy", "--config", settings],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout or done.stderr


def test_what_is_old_goes_and_is_told(settings: Path) -> None:
    config = load_hub_config(settings)
    assert tidied(settings) == "0 sessions and 0 recordings went\n"
    assert not config.sessions.exists()
    for days_ago in (30.0, 20.0, 9.0, 1.0):
        keep_session(config.sessions, f"{days_ago:g}", days_ago)
        keep_recording(config.raw_folder, days_ago)
    before = config.sessions.stat().st_size
    assert tidied(settings) == "2 sessions and 2 recordings went\n"
    assert [session.id for session in Reading(config.sessions).sessions()] == ["9", "1"]
    assert sorted(path.stem for path in config.raw_folder.iterdir()) == ["1", "9"]
    assert len(list(Reading(config.sessions).strides("9"))) == 501
    assert config.sessions.stat().st_size <= before
    assert tidied(settings) == "0 sessions and 0 recordings went\n"


def test_a_hub_that_runs_is_left_to_it(settings: Path) -> None:
    config = load_hub_config(settings)
    keep_session(config.sessions, "old", 30.0)
    keep_session(config.sessions, "new", 1.0)
    write_snapshot(config.runtime, [])
    assert tidied(settings) == "a hub runs, and does so itself\n"
    assert len(Reading(config.sessions).sessions()) == 2


def test_what_cannot_be_read_is_told(settings: Path) -> None:
    load_hub_config(settings).sessions.mkdir(parents=True)
    assert tidied(settings, code=1).startswith("stridehub: ")
