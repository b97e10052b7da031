"""A hub with its store on a real broker: commands and what comes of them, restarts, the end."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coach_client import PATIENCE_S, Coach
from mosquitto import Mosquitto
from stridehub.coaching.session import RESUME_S
from stridehub.config import HapticsConfig, HubConfig, MqttConfig
from stridehub.model import RunnerProfile
from stridehub.record.reading import Reading, SessionKept
from uplinked import NO_PODS, Uplinked


class OnAir:
    """A hub with one runner, r1, who stands; it runs in a thread while in `running`."""

    def __init__(self, port: int, folder: Path) -> None:
        self.config = HubConfig(
            hub="h1",
            state_dir=str(folder),
            mqtt=MqttConfig(host="127.0.0.1", port=port),
            haptics=HapticsConfig(drivers=("console",)),
        )
        self.buzzed: list[str] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        began, end = threading.Event(), threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._run(began, end)))
        thread.start()
        try:
            assert began.wait(PATIENCE_S)
            yield
        finally:
            end.set()
            thread.join()

    async def _run(self, began: threading.Event, end: threading.Event) -> None:
        hub = Uplinked(self.config)
        hub.team.add_runner(RunnerProfile(runner="r1"))
        async with hub.uplink.running(hub.team, NO_PODS):
            began.set()
            await asyncio.to_thread(end.wait)
        self.buzzed += hub.buzzed

    @property
    def sessions(self) -> list[SessionKept]:
        return Reading(self.config.sessions).sessions()


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as started:
        yield started


@pytest.fixture
def on_air(broker: Mosquitto, tmp_path: Path) -> OnAir:
    return OnAir(broker.port, tmp_path)


def online(coach: Coach) -> dict[str, object]:
    while (status := coach.heard("status"))["state"] != "online":
        pass
    return status


def test_a_session_is_started_and_stopped_from_afar(broker: Mosquitto, on_air: OnAir) -> None:
    with Coach(broker.port, "h1") as coach, on_air.running():
        first = online(coach)["session"]
        ack = coach.command("session_start")
        assert ack["state"] == "done"
        assert ack["session"] != first
        while coach.heard("status")["session"] != ack["session"]:
            pass
        assert coach.command("session_stop")["state"] == "done"
        while coach.heard("status")["session"] is not None:
            pass
        assert coach.command("session_stop")["reason"] == "no session is under way"
    assert [session.id for session in on_air.sessions] == [first, ack["session"]]
    assert all(session.ended_ms is not None for session in on_air.sessions)


def test_commands_do_what_they_say(broker: Mosquitto, on_air: OnAir) -> None:
    with Coach(broker.port, "h1") as coach, on_air.running():
        session = str(online(coach)["session"])
        assert coach.command("test_buzz", runner="r1", side="left")["state"] == "done"
        assert coach.command("mute", runner="r1")["state"] == "done"
        while not coach.heard("runner/r1/summary")["is_muted"]:
            pass
        assert coach.command("mark", kind="note", text="wind from the left")["state"] == "done"
    assert on_air.buzzed == ["r1 left"]
    (mark,) = Reading(on_air.config.sessions).marks(session)
    assert (mark.kind, mark.text, mark.runner) == ("note", "wind from the left", None)


def test_a_command_that_comes_twice_is_carried_out_once_also_over_a_restart(
    broker: Mosquitto, on_air: OnAir
) -> None:
    with Coach(broker.port, "h1") as coach:
        with on_air.running():
            online(coach)
            first = coach.command("test_buzz", runner="r1", id="once")
            assert coach.command("test_buzz", runner="r1", id="once") == first
        with on_air.running():
            online(coach)
            assert coach.command("test_buzz", runner="r1", id="once") == first
    assert on_air.buzzed == ["r1 both"]


@pytest.mark.parametrize(
    ("payload", "retain", "reason"),
    [
        (b"x" * 1_000_000, False, "bytes at most"),
        (b"{}", False, "version"),
        (b'{"v": 1, "id": "i", "t": 12}', False, "old"),
        (b'{"v": 1, "id": "i", "t": "now"}', False, "not understood"),
        (b'{"v": 1, "id": "i", "t": 12}', True, "never retained"),
        (b"\xff\xfe[[[", False, "not understood"),
    ],
)
def test_what_is_no_command_is_refused_and_the_hub_goes_on(
    broker: Mosquitto, on_air: OnAir, payload: bytes, retain: bool, reason: str
) -> None:
    with Coach(broker.port, "h1") as coach, on_air.running():
        session = online(coach)["session"]
        coach.publish("cmd/session_start", payload, retain=retain)
        ack = coach.heard("ack")
        assert ack["state"] == "refused"
        assert reason in ack["reason"]
        assert coach.command("test_buzz", runner="r1")["state"] == "done"
        assert coach.heard("status")["session"] == session


def test_a_hub_that_is_back_soon_goes_on_from_its_session(broker: Mosquitto, on_air: OnAir) -> None:
    for _ in range(2):
        with on_air.running():
            pass
    first, second = on_air.sessions
    assert (first.continues, second.continues) == (None, first.id)
    seen_ms = second.ended_ms or 0
    latest, a_while_ms = Reading(on_air.config.sessions).latest, round(RESUME_S * 1e3)
    assert latest(seen_ms, seen_ms + a_while_ms) == second.id
    assert latest(seen_ms + a_while_ms, seen_ms + 2 * a_while_ms) is None
    assert latest(0, a_while_ms) is None


def test_a_session_knows_its_runners_as_it_ends(broker: Mosquitto, on_air: OnAir) -> None:
    with Coach(broker.port, "h1") as coach, on_air.running():
        session = str(online(coach)["session"])
        coach.command("session_start")
    for kept in (session, on_air.sessions[-1].id):
        (runner,) = Reading(on_air.config.sessions).runners(kept)
        assert runner.profile.runner == "r1"


def test_the_end_is_told(broker: Mosquitto, on_air: OnAir) -> None:
    with Coach(broker.port, "h1") as coach:
        with on_air.running():
            online(coach)
        while coach.heard("status")["state"] != "offline":
            pass
