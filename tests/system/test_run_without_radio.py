"""The service where there is no Bluetooth: it keeps what it is told, and lives with a bad disk."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coach_client import Coach
from mosquitto import Mosquitto
from stridehub.coaching.memory import RunnerMemory
from stridehub.config import HubConfig, load_hub_config
from stridehub.model import KnownPod, Placement
from stridehub.record.coach_store import SqliteCoachStore
from stridehub.record.roster import Roster

POD = KnownPod("02:00:00:00:00:01", "S1", Placement.SHANK_L, "r1", "00:00:00:00:00:00")
PATIENCE_S = 60.0


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as started:
        yield started


def settings(broker: Mosquitto, folder: Path) -> Path:
    path = folder / "stridehub.toml"
    path.write_text(
        f'hub = "h1"\nstate_dir = "{folder / "state"}"\nruntime_dir = "{folder / "run"}"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\n[dashboard]\nis_on = false\n'
    )
    return path


@contextmanager
def service(path: Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "stridehub", "run", "--config", path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def online(coach: Coach) -> dict[str, object]:
    while (status := coach.heard("status"))["state"] == "offline":
        pass
    return status


def remembered(config: HubConfig) -> RunnerMemory:
    return SqliteCoachStore(config.database).load("r1")


def test_what_was_acknowledged_outlives_a_kill(broker: Mosquitto, tmp_path: Path) -> None:
    path = settings(broker, tmp_path)
    config = load_hub_config(path)
    Roster(config.database).keep(POD)
    with Coach(broker.port, "h1") as coach:
        with service(path) as hub:
            online(coach)
            for name, fields in (
                ("mark", {"kind": "pain", "runner": "r1", "level": 7}),
                ("mute", {"runner": "r1"}),
            ):
                assert coach.command(name, **fields)["state"] == "done"
            hub.kill()
        assert remembered(config).pain == 7
        assert remembered(config).is_muted
        with service(path):
            while not coach.heard("runner/r1/summary")["is_muted"]:
                pass


def test_a_disk_that_takes_nothing_is_a_state(broker: Mosquitto, tmp_path: Path) -> None:
    path = settings(broker, tmp_path)
    Roster(load_hub_config(path).database).keep(POD)
    (tmp_path / "state" / "sessions.sqlite").mkdir()
    with Coach(broker.port, "h1") as coach, service(path):
        while (status := online(coach))["state"] != "degraded":
            pass
        assert "the store of sessions" in str(status["reasons"])
        assert coach.heard("runner/r1/summary")["coach"]


def test_a_broker_that_refuses_is_told_in_the_log(tmp_path: Path) -> None:
    with Mosquitto(passwords={"somebody": "else"}) as broker:
        path = settings(broker, tmp_path)
        with service(path) as hub:
            assert hub.stderr is not None
            end_s = time.monotonic() + PATIENCE_S
            while "wrong user or password" not in (line := hub.stderr.readline()):
                assert line
                assert time.monotonic() < end_s
            assert "WARNING" in line
