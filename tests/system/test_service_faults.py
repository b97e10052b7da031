"""The service while something around it fails: it stays up, says so, and goes on afterwards."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from coach_client import Coach
from hub_under_test import known_pods
from mock_bluez.world import World, missing, world
from mosquitto import Mosquitto
from on_the_loop import run
from service_manager import ServiceManager
from stridehub.config import load_hub_config
from stridehub.model import KnownPod, Placement
from stridehub.record.reading import Reading
from stridehub.record.roster import Roster

POD = KnownPod("02:00:00:00:00:01", "S1", Placement.SHANK_L, "r1", "00:00:00:00:00:00")
WATCHDOG_S = 4.0


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as started:
        yield started


@pytest.fixture
def settings(tmp_path: Path, broker: Mosquitto) -> Path:
    return written(tmp_path, tmp_path / "state", broker)


def written(folder: Path, state: Path, broker: Mosquitto) -> Path:
    path = folder / "stridehub.toml"
    path.write_text(
        f'hub = "h1"\nstate_dir = "{state}"\nruntime_dir = "{folder / "run"}"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\n[dashboard]\nis_on = false\n'
        "[record]\nkeep_mb = 10\nfree_mb = 1\n"
    )
    return path


def hub(settings: Path, **more: Any) -> ServiceManager:
    return ServiceManager("run", "--config", settings, watchdog_s=WATCHDOG_S, **more)


def is_fed(manager: ServiceManager) -> None:
    """Its loop goes on."""
    manager.hears(lambda word: "WATCHDOG" in word)


def told(coach: Coach, words: str) -> dict[str, Any]:
    """The next status of a hub that is there, with these among its reasons; "" for none at all."""
    while True:
        status = coach.heard("status")
        reasons = " ".join(status["reasons"])
        if status["state"] != "offline" and (words in reasons if words else not reasons):
            return status


def ends_well(manager: ServiceManager) -> None:
    assert manager.ends() == 0
    assert "Traceback" not in manager.journal()


def test_without_any_bluetooth(settings: Path, broker: Mosquitto) -> None:
    """Neither bluetoothd nor D-Bus; pods are this hub's all the same."""
    Roster(load_hub_config(settings).database).keep(POD)
    nowhere = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent/bus"}
    with Coach(broker.port, "h1") as coach, hub(settings, environment=nowhere) as manager:
        manager.hears(lambda word: "READY" in word)
        status = told(coach, f"adapter {POD.adapter}")
        assert status["state"] == "degraded"
        assert coach.heard("alert")["code"] == "adapter"
        manager.status("0 of 1 pods stream", f"adapter {POD.adapter}")
        assert coach.command("session_start")["state"] == "done"
        is_fed(manager)
        ends_well(manager)


def test_a_broker_that_goes_and_comes_back(settings: Path, broker: Mosquitto) -> None:
    with hub(settings) as manager:
        manager.hears(lambda word: "READY" in word)
        with Coach(broker.port, "h1") as coach:
            told(coach, "")
        broker.kill()
        assert "0 strides" in manager.status("broker: ")
        is_fed(manager)
        broker.start()
        while "broker" in manager.status("pods stream"):
            pass
        with Coach(broker.port, "h1") as coach:
            told(coach, "")
            assert coach.command("mark", kind="lap")["state"] == "done"
        ends_well(manager)


_OWN_CARD = 'mount -t tmpfs -o size=48m tmpfs "$0" && exec "$@"'


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    done = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@pytest.mark.skipif(not may_mount(), reason="no mounts of one's own here")
def test_a_card_that_is_full(tmp_path: Path, broker: Mosquitto) -> None:
    """The hub's own; others see it through the hub's eyes."""
    state = tmp_path / "state"
    state.mkdir()
    settings = written(tmp_path, state, broker)
    own_card = ("unshare", "--mount", "sh", "-c", _OWN_CARD, state)
    with Coach(broker.port, "h1") as coach, hub(settings, within=own_card) as manager:
        manager.hears(lambda word: "READY" in word)
        card = Path(f"/proc/{manager.process.pid}/root{state}")
        told(coach, "")
        fills = 0
        while "the store of sessions" not in manager.status("pods stream"):
            fill(card / f"filler{(fills := fills + 1)}")
            assert coach.command("mark", kind="lap")["state"] == "done"
        told(coach, "the store of sessions: the disk is full but for a last reserve")
        fill(card / "last filler")
        lap(coach, 20)
        told(coach, "the store of sessions: database or disk is full")
        manager.status("the store of sessions: database or disk is full")
        is_fed(manager)
        marks = lap(coach, 3)
        for filler in card.glob("*filler*"):
            filler.unlink()
        while "database or disk is full" in manager.status("pods stream"):
            pass
        while not set(marks) <= marked(card, tmp_path):
            is_fed(manager)
        ends_well(manager)


def fill(path: Path) -> None:
    """The card, but for nothing."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def marked(card: Path, folder: Path) -> set[str]:
    """Ids of the commands, from a copy of what is on the card by now."""
    for name in ("sessions.sqlite", "sessions.sqlite-wal"):
        shutil.copy(card / name, folder)
    reading = Reading(folder / "sessions.sqlite")
    (session,) = (session.id for session in reading.sessions())
    return {mark.command for mark in reading.marks(session)}


def lap(coach: Coach, count: int) -> list[str]:
    """Marks; the ids of the commands."""
    return [coach.command("mark", kind="note", text="x" * 400)["id"] for _ in range(count)]


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_no_adapter_one_that_is_pulled_out_and_bluetooth_that_ends(
    settings: Path, broker: Mosquitto
) -> None:
    """Each time the pods stream again by themselves."""
    run(_pulled_out_and_back(settings, broker))


async def _pulled_out_and_back(settings: Path, broker: Mosquitto) -> None:
    async with world(pods=2, scan_tick_s=0.1) as air:
        roster = Roster(load_hub_config(settings).database)
        for pod in await known_pods(air):
            roster.keep(pod)
        adapter = f"adapter {air.centrals[0]}"
        await air.remove_adapter()
        with Coach(broker.port, "h1") as coach, hub(settings) as manager:
            await asyncio.to_thread(manager.status, "0 of 2 pods stream", adapter)
            await air.add_adapter()
            await asyncio.to_thread(_well_again, manager, air)
            await air.remove_adapter()
            await asyncio.to_thread(told, coach, adapter)
            await asyncio.to_thread(manager.status, adapter)
            await air.add_adapter()
            await asyncio.to_thread(_well_again, manager, air)
            await air.kill_bluez()
            await asyncio.to_thread(manager.status, adapter)
            await asyncio.to_thread(is_fed, manager)
            await air.start_bluez(wait=False)
            await asyncio.to_thread(_well_again, manager, air)
            await asyncio.to_thread(ends_well, manager)


def _well_again(manager: ServiceManager, air: World) -> None:
    while air.centrals[0] in manager.status("2 of 2 pods stream"):
        pass
