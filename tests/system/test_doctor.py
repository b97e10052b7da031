"""`stridehub doctor`, as a user runs it, on machines in every state."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from dbus_fast.aio import MessageBus
from dbus_fast.constants import BusType, MessageType
from dbus_fast.message import Message
from dbus_fast.signature import Variant

from made_machine import case_in, health, lay, pod, program, told
from mock_bluez.world import missing, world
from on_the_loop import run
from stridehub.doctor import bluetooth
from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.doctor.finding import Finding
from stridehub.model import KnownPod
from stridehub.pods import bluez
from stridehub.record.roster import Roster
from stridehub.record.snapshot import write_snapshot

COLUMNS = 80
PATIENCE_S = 60.0

with_bluez = pytest.mark.skipif(missing() is not None, reason=missing() or "")


def doctor(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stridehub", "doctor", *arguments],
        env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/no-bus", **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


# ---- the command ----


def test_a_machine_with_nothing_gets_a_tidy_list(tmp_path: Path) -> None:
    """No D-Bus, no adapter, no pins, no broker, no state, no settings."""
    nothing = str(tmp_path / "nothing")
    places = {"STATE_DIRECTORY": nothing, "RUNTIME_DIRECTORY": nothing, "PATH": nothing}
    done = doctor(tmp_path, CONFIGURATION_DIRECTORY=nothing, **places)
    assert (done.returncode, done.stderr) == (1, "")
    assert all(len(line) <= COLUMNS or nothing in line for line in done.stdout.splitlines())
    heads = [line.split()[:2] for line in done.stdout.splitlines() if line[:1].strip()]
    assert ["fail", "bluetooth"] in heads
    assert ["warn", "pods"] in heads
    assert ["ok", "motors"] in heads
    *_, last = done.stdout.splitlines()
    assert last.endswith("1 fail")
    assert not (tmp_path / "nothing").exists()


def test_as_json_it_is_for_programs(tmp_path: Path) -> None:
    case = case_in(tmp_path, config='[mqtt]\nhost = "127.0.0.1"\nport = 1\n')
    done = doctor(tmp_path, "--json", "--config", str(case.settings))
    findings: list[dict[str, Any]] = json.loads(done.stdout)
    assert done.returncode == 1
    assert all(it.keys() == {"verdict", "subject", "text", "advice"} for it in findings)
    assert all(bool(it["advice"]) == (it["verdict"] != "ok") for it in findings)
    failing = {it["subject"]: it["text"] for it in findings if it["verdict"] == "fail"}
    assert failing["broker"] == "127.0.0.1:1: nobody listens there"


def test_settings_that_are_wrong_are_told_instead(tmp_path: Path) -> None:
    settings = tmp_path / "hub.toml"
    settings.write_text("colour = 'red'\n")
    done = doctor(tmp_path, "--config", str(settings))
    assert (done.returncode, done.stdout) == (78, "")


def test_doctor_beside_a_hub_writes_nothing(tmp_path: Path) -> None:
    case = case_in(tmp_path)
    Roster(case.config.database).keep(pod())
    write_snapshot(case.config.runtime, [health()])
    before = sorted(tmp_path.rglob("*"))
    done = doctor(tmp_path, "--config", str(case.settings))
    assert "L01 (r1, shank_l): streaming, 3.90 V, firmware 1.0" in done.stdout
    assert sorted(tmp_path.rglob("*")) == before


# ---- Bluetooth ----


def look(case: Case) -> list[Finding]:
    return list(bluetooth.look(case))


@pytest.mark.parametrize(
    ("soft", "hard", "words", "advice"),
    [
        ("1", "0", "hci0 is blocked by rfkill", Advice.POWER_ON),
        ("0", "1", "hci0 is blocked by a switch", Advice.SWITCH_ON),
        ("1", "1", "hci0 is blocked by a switch", Advice.SWITCH_ON),
    ],
)
@pytest.mark.usefixtures("no_bus")
def test_what_blocks_an_adapter_is_told(
    tmp_path: Path, soft: str, hard: str, words: str, advice: Advice
) -> None:
    switches = "sys/class/rfkill/rfkill"
    case = case_in(
        tmp_path,
        {
            f"{switches}0/type": "wlan\n",
            f"{switches}0/name": "phy0\n",
            f"{switches}0/soft": "1\n",
            f"{switches}1/type": "bluetooth\n",
            f"{switches}1/name": "hci0\n",
            f"{switches}1/soft": f"{soft}\n",
            f"{switches}1/hard": f"{hard}\n",
        },
    )
    found = look(case)
    assert told(found, "fail", words).advice == advice
    assert not [it for it in found if "phy0" in it.text]


@pytest.fixture
def no_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus")


@pytest.mark.parametrize(
    ("script", "verdict", "words"),
    [
        ("echo 5.66", "ok", "BlueZ 5.66"),
        ("echo 5.55", "ok", "BlueZ 5.55"),
        ("echo 5.50", "warn", "BlueZ 5.50 is older"),
        ("echo who knows", "warn", "does not tell its version"),
        ("exit 3", "warn", "code 3"),
    ],
)
@pytest.mark.usefixtures("no_bus")
def test_bluez_tells_its_version(tmp_path: Path, script: str, verdict: str, words: str) -> None:
    case = case_in(tmp_path)
    program(case.root / "usr/libexec/bluetooth", "bluetoothd", script)
    told(look(case), verdict, words)


@pytest.mark.usefixtures("no_bus")
def test_a_daemon_that_does_not_run_is_told_from_one_that_hangs(tmp_path: Path) -> None:
    case = case_in(tmp_path)
    found = told(look(case), "fail", "bluetoothd does not run")
    assert found.advice == Advice.START_BLUETOOTHD
    lay(case.root, {"proc/812/comm": "bluetoothd\n"})
    found = told(look(case), "fail", "bluetoothd does not answer")
    assert found.advice == Advice.RESTART_BLUETOOTHD


@with_bluez
def test_adapters_their_slots_and_pods(tmp_path: Path) -> None:
    case = case_in(tmp_path, config="[radio]\nmost_links = 2\n")

    async def test() -> None:
        async with world(pods=1) as air:
            adapter = air.centrals[0]
            for number in (1, 2):
                Roster(case.config.database).keep(bonded(number, adapter))
            found = await asyncio.to_thread(look, case)
            told(found, "ok", f"adapter {adapter} (hci0) is on; 2 pods, at most 2")
            Roster(case.config.database).keep(bonded(3, adapter))
            found = await asyncio.to_thread(look, case)
            assert told(found, "fail", "bonded: 3 pods").advice == Advice.ADD_ADAPTER
            Roster(case.config.database).keep(bonded(3, "F0:00:00:00:00:77"))
            found = await asyncio.to_thread(look, case)
            told(found, "fail", "adapter F0:00:00:00:00:77 is not there")

    run(test())


def bonded(number: int, adapter: str) -> KnownPod:
    return replace(pod(number), adapter=adapter)


@with_bluez
def test_an_adapter_that_is_off(tmp_path: Path) -> None:
    async def test() -> None:
        async with world(pods=1), system_bus() as bus:
            power = ("org.bluez.Adapter1", "Powered", Variant("b", False))
            await call(bus, "org.freedesktop.DBus.Properties", "Set", "ssv", *power)
            found = await asyncio.to_thread(look, case_in(tmp_path))
            assert told(found, "fail", "(hci0) is off").advice == Advice.POWER_ON

    run(test())


@with_bluez
def test_another_program_that_scans_is_told(tmp_path: Path) -> None:
    case = case_in(tmp_path)

    async def test() -> None:
        async with world(pods=1), system_bus() as bus:
            told(await asyncio.to_thread(look, case), "ok", "no other program")
            await call(bus, "org.bluez.Adapter1", "StartDiscovery")
            found = await asyncio.to_thread(look, case)
            assert told(found, "warn", "some program scans with hci0").advice == Advice.CLOSE_RIVAL

    run(test())


@asynccontextmanager
async def system_bus() -> AsyncIterator[MessageBus]:
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        yield bus
    finally:
        bus.disconnect()


async def call(
    bus: MessageBus, interface: str, member: str, signature: str = "", *body: object
) -> None:
    """Of the adapter, as bluetoothctl does."""
    message = Message(
        destination="org.bluez",
        path="/org/bluez/hci0",
        interface=interface,
        member=member,
        signature=signature,
        body=list(body),
    )
    reply = await bus.call(message)
    assert reply is not None
    assert reply.message_type is MessageType.METHOD_RETURN, reply.body


def test_a_bus_that_hangs_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bluez, "DBUS_S", 0.2)
    case = case_in(tmp_path, {"proc/9/comm": "bluetoothd\n"})
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{folder}/bus")
        silent.listen()
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={folder}/bus")
        told(look(case), "fail", "bluetoothd does not answer")
