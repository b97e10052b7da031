"""The service, on a machine without a clock of its own, as a network tells the time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from coach_client import Coach
from made_entries import begun, ended, stride_entry
from mosquitto import Mosquitto
from service_manager import ServiceManager
from stridehub.coaching.memory import OpenSession, RunnerMemory, SessionLoad
from stridehub.config import HubConfig, RecordConfig, load_hub_config
from stridehub.model import KnownPod, Placement
from stridehub.record.coach_store import SqliteCoachStore
from stridehub.record.reading import Reading
from stridehub.record.roster import Roster
from stridehub.record.store import Store

POD = KnownPod("02:00:00:00:00:01", "S1", Placement.SHANK_L, "r1", "00:00:00:00:00:00")
DAY_S = 86400.0
WAIT_S = 30.0
A_MINUTE_S = 60.0


class Machine:
    """A hub's, whose clock is off by what a file says."""

    def __init__(self, folder: Path, port: int) -> None:
        self._off = folder / "off_s"
        self.path = folder / "stridehub.toml"
        self.path.write_text(
            f'hub = "h1"\nstate_dir = "{folder}"\nruntime_dir = "{folder / "run"}"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\n[dashboard]\nis_on = false\n'
        )
        self.config: HubConfig = load_hub_config(self.path)
        Roster(self.config.database).keep(POD)
        site = folder / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(
            "import time\n"
            "_time, _time_ns = time.time, time.time_ns\n"
            f"def _off_s():\n    return int(open({str(self._off)!r}).read())\n"
            "time.time = lambda: _time() + _off_s()\n"
            "time.time_ns = lambda: _time_ns() + _off_s() * 10**9\n"
        )
        self._environment = {"PYTHONPATH": str(site)}

    def set_clock(self, off_s: float) -> None:
        part = self._off.with_suffix(".part")
        part.write_text(str(round(off_s)))
        part.replace(self._off)

    @contextmanager
    def hub(self) -> Iterator[ServiceManager]:
        """Until it ends by itself, and well."""
        with ServiceManager("run", "--config", self.path, environment=self._environment) as manager:
            manager.hears(lambda word: "READY" in word)
            yield manager
            assert manager.ends() == 0
            assert "Traceback" not in manager.journal()

    @property
    def memory(self) -> RunnerMemory:
        return SqliteCoachStore(self.config.database).load("r1")

    def ran_before(self, utc_s: float) -> None:
        """A session, with a stride and a coach who remembers it, that nobody ended."""
        load = SessionLoad(started_utc_s=utc_s - 1800.0, steps_left=900, steps_right=900)
        memory = RunnerMemory(session=OpenSession(seen_utc_s=utc_s, load=load, plan="open"))
        SqliteCoachStore(self.config.database).keep({"r1": memory})
        store = Store(self.config.sessions, RecordConfig(free_mb=1))
        t_ms = round(utc_s * 1e3)
        store.put(begun("before", t_ms), stride_entry("before", 0, t_ms=t_ms))
        store.put(ended("before", t_ms))
        assert store.close(WAIT_S)


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as started:
        yield started


@pytest.fixture
def machine(tmp_path: Path, broker: Mosquitto) -> Machine:
    return Machine(tmp_path, broker.port)


def status(coach: Coach, *, words: str = "") -> dict[str, Any]:
    """The next one of a hub that is there, with these among its reasons."""
    while True:
        said = coach.heard("status")
        if said["state"] != "offline" and words in " ".join(said["reasons"]):
            return said


def test_a_session_that_only_seemed_a_moment_ago_does_not_go_on(
    machine: Machine, broker: Mosquitto
) -> None:
    """Switched off for three days, the hub believes it was a minute."""
    machine.set_clock(-3 * DAY_S)
    began_s = time.time()
    machine.ran_before(began_s - 3 * DAY_S - A_MINUTE_S)
    with Coach(broker.port, "h1") as coach, machine.hub() as manager:
        first = status(coach)["session"]
        refused = coach.command("mute", runner="r1")
        assert refused["state"] == "refused"
        assert "in the future" in refused["reason"]
        machine.set_clock(0)
        told = status(coach, words="the clock was set ahead by 3 days, 0:00:00")
        assert told["state"] == "degraded"
        assert coach.command("mute", runner="r1")["state"] == "done"
        assert abs(told["t"] / 1e3 - time.time()) < A_MINUTE_S
        second = told["session"]
        assert second != first
        manager.status("the clock was set ahead")
        assert manager.journal().count("the clock was set") == 1
    sessions = Reading(machine.config.sessions).sessions()
    assert [(session.id, session.continues) for session in sessions] == [
        ("before", None),
        (first, None),
        (second, None),
    ]
    for session in sessions[1:]:
        assert session.begun_ms is not None
        assert session.ended_ms is not None
        assert began_s <= session.begun_ms / 1e3 <= session.ended_ms / 1e3 <= time.time()
    assert [alert.code for alert in Reading(machine.config.sessions).alerts(second)] == ["clock"]
    memory = machine.memory
    assert memory.is_muted
    assert [load.steps_left for load in memory.loads] == [900]
    assert memory.session is not None
    assert began_s <= memory.session.load.started_utc_s <= time.time()


@pytest.mark.parametrize("off_s", [400 * DAY_S, -400 * DAY_S])
def test_a_session_tells_the_right_time_when_the_clock_is_right(
    machine: Machine, broker: Mosquitto, off_s: float
) -> None:
    machine.set_clock(off_s)
    began_s = time.time()
    with Coach(broker.port, "h1") as coach, machine.hub():
        first = status(coach)["session"]
        machine.set_clock(0)
        assert status(coach, words="the clock was set")["session"] == first
        assert coach.command("mark", kind="lap")["state"] == "done"
    (session,) = Reading(machine.config.sessions).sessions()
    assert session.begun_ms is not None
    assert session.ended_ms is not None
    assert began_s <= session.begun_ms / 1e3 <= session.ended_ms / 1e3 <= time.time()
    memory = machine.memory
    assert memory.session is not None
    assert began_s <= memory.session.load.started_utc_s <= time.time()


def test_a_hub_that_is_back_with_another_clock_continues_nothing(
    machine: Machine, broker: Mosquitto
) -> None:
    """It starts in 1970."""
    machine.ran_before(time.time() - 30 * DAY_S)
    machine.set_clock(-time.time() + DAY_S)
    with Coach(broker.port, "h1") as coach, machine.hub():
        status(coach)
    before, now = Reading(machine.config.sessions).sessions()
    assert (before.id, now.continues) == ("before", None)
