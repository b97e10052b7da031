"""The commands around pods, as a user runs them, on a BlueZ of their own."""

import asyncio
import fcntl
import json
import os
import pty
import signal
import sys
import termios
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub_under_test import known_pods
from mock_bluez.world import World, missing, world
from on_the_loop import run
from stridehub.model import Placement
from stridehub.record.roster import Roster

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

PROGRAM = [sys.executable, "-m", "stridehub"]
SHUTDOWN_S = 3.0


@dataclass
class Done:
    code: int
    out: str
    err: str


class Machine:
    """One whose hub keeps everything in a folder."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "hub.toml"
        self.runtime = folder / "run"
        self.config.write_text(f'state_dir = "{folder}"\nruntime_dir = "{self.runtime}"\n')
        self.roster = Roster(folder / "stridehub.sqlite")

    async def own(self, air: World) -> None:
        """All pods of a world are its own."""
        for pod in await known_pods(air):
            self.roster.keep(pod)

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(*PROGRAM, *arguments, "--config", str(self.config)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def do(self, *arguments: str) -> Done:
        process = await self.start(*arguments)
        out, err = await process.communicate()
        assert process.returncode is not None
        return Done(process.returncode, out.decode(), err.decode())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def cells(table: str) -> list[list[str]]:
    return [line.split() for line in table.splitlines()]


async def all_stream(air: World) -> None:
    while not all(stats.sent > 5 and stats.state == "STREAMING" for stats in await air.stats()):
        await asyncio.sleep(0.05)


@asynccontextmanager
async def running(machine: Machine, air: World) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await machine.start("run")
    try:
        await all_stream(air)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def test_scan_lists_the_pods_and_ends_by_itself(machine: Machine) -> None:
    async def test() -> None:
        async with world(pods=3, bonded=False) as air:
            done = await machine.do("scan", "--seconds", "2")
            assert done.code == 0, done.err
            head, *rows, foot = cells(done.out)
            assert head[:4] == ["address", "name", "placement", "RSSI"]
            assert [row[0] for row in rows] == sorted(air.addresses)
            assert [row[2] for row in rows] == ["pelvis", "thigh_l", "thigh_r"]
            assert all(row[4:7] == ["3.90", "1", "pairing"] for row in rows)
            assert foot == ["3", "pods"]

    run(test())


def test_scan_says_what_to_do_where_there_is_no_pod_or_no_adapter(machine: Machine) -> None:
    async def test() -> None:
        async with world(pods=1) as air:
            await air.pod_off(0)
            done = await machine.do("scan", "--seconds", "1")
            assert (done.code, "no pod; move one" in done.out) == (0, True)
            await air.remove_adapter()
            done = await machine.do("scan", "--seconds", "1")
            assert done.code == 1
            assert "no adapter; plug one in" in done.err
            await air.add_adapter()

    run(test())


def test_without_bluetooth_commands_say_so_in_one_line(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={machine.runtime}/nothing")
    for command in ("scan", "provision"):
        done = asyncio.run(machine.do(command))
        assert done.code == 1
        (line,) = done.err.splitlines()
        assert "D-Bus: does not answer" in line


def test_a_pod_is_provisioned_listed_and_forgotten(machine: Machine) -> None:
    async def test() -> None:
        async with world(pods=1, bonded=False) as air:
            (address,) = air.addresses
            wish = ("--placement", "shank_r", "--runner", "r7", "--name", "R07", "--yes")
            done = await machine.do("provision", "--pod", address, *wish)
            assert done.out == "R07 is shank_r of r7\n", done.err
            assert await air.bonds() == [(air.centrals[0], address)]
            (stats,) = await air.stats()
            assert (stats.placement, stats.runner, stats.name) == ("shank_r", "r7", "R07")
            done = await machine.do("pods")
            assert cells(done.out)[1][:6] == [
                "r7",
                "shank_r",
                "R07",
                address,
                air.centrals[0],
                "yes",
            ]
            done = await machine.do("pods", "--forget", address)
            assert done.out.startswith("no pods yet")
            assert await air.bonds() == []

    run(test())


def test_provision_needs_someone_to_answer(machine: Machine) -> None:
    async def test() -> None:
        async with world(pods=1, bonded=False) as air:
            await air.pod_off(0)
            await air.pod_on(0, wiped=True)
            done = await machine.do("provision", "--yes", "--placement", "shank_l")
            assert done.code == 1
            assert "nobody is there to be asked: runner" in done.err

    run(test())


def test_ctrl_c_at_a_question_ends_provision_at_once(machine: Machine) -> None:
    async def test() -> None:
        async with world(pods=2, bonded=False):
            terminal, inside = pty.openpty()
            process = await asyncio.create_subprocess_exec(
                *(*PROGRAM, "provision", "--config", str(machine.config)),
                stdin=inside,
                stdout=inside,
                stderr=inside,
                start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            )
            os.close(inside)
            shown = b""
            while b"address or name [" not in shown:
                shown += await asyncio.to_thread(os.read, terminal, 4096)
            os.write(terminal, b"\x03")
            async with asyncio.timeout(5.0):
                assert await process.wait() == 1
            rest = await asyncio.to_thread(os.read, terminal, 4096)
            assert b"stridehub: interrupted" in rest
            assert b"Traceback" not in rest
            os.close(terminal)

    run(test())


def test_run_streams_and_sigterm_ends_it_within_three_seconds(machine: Machine) -> None:
    async def test() -> None:
        async with world(pods=5) as air:
            await machine.own(air)
            async with running(machine, air) as process:
                begun_s = time.monotonic()
                process.send_signal(signal.SIGTERM)
                out, err = await process.communicate()
                assert time.monotonic() - begun_s < SHUTDOWN_S
                assert process.returncode == 0
                assert b" packets, " in out
                assert b"streams" in err
            assert await air.connected() == []

    run(test())


def test_run_tells_what_is_missing_and_when_all_is_good(machine: Machine) -> None:
    async def test() -> None:
        async with world(pods=5) as air:
            await machine.own(air)
            process = await machine.start("run")
            assert process.stderr is not None
            told = b""
            while not told.endswith(b": ready\n"):
                told += await process.stderr.readline()
            process.terminate()
            await process.communicate()
            assert b"to do: steady-1, pelvis: not seen" in told
            assert b"stand still" in told
            assert b"Traceback" not in told

    run(test())


def test_sigterm_ends_it_within_three_seconds_though_bluez_hangs(machine: Machine) -> None:
    async def test() -> None:
        async with world(pods=5) as air:
            await machine.own(air)
            async with running(machine, air) as process:
                await air.hang("Disconnect", 30.0, times=5)
                await air.hang("StopDiscovery", 30.0)
                begun_s = time.monotonic()
                process.send_signal(signal.SIGTERM)
                await process.communicate()
                assert time.monotonic() - begun_s < SHUTDOWN_S
                assert process.returncode == 0

    run(test())


def test_a_killed_hub_leaves_links_that_the_next_one_takes_over(machine: Machine) -> None:
    async def test() -> None:
        async with world(pods=3) as air:
            await machine.own(air)
            async with running(machine, air) as process:
                process.kill()
                await process.wait()
                assert len(await air.connected()) == 3
            await asyncio.sleep(2.0)
            before = [stats.sent for stats in await air.stats()]
            process = await machine.start("run")
            while not all(  # counts begin anew with a stream
                stats.sent < sent and stats.state == "STREAMING"
                for stats, sent in zip(await air.stats(), before, strict=True)
            ):
                await asyncio.sleep(0.02)
            process.terminate()
            out, err = await process.communicate()
            assert b"from before" not in err
            assert b"of 3 pods stream" in out

    run(test())


def test_pods_shows_what_the_running_hub_sees_and_others_leave_it_alone(machine: Machine) -> None:
    async def test() -> None:
        async with world(pods=2) as air:
            await machine.own(air)
            async with running(machine, air):
                while not await seen_streaming(machine):
                    await asyncio.sleep(0.5)
                for command in ("calibrate", "scan", "provision"):
                    done = await machine.do(command)
                    assert (done.code, "a hub runs and has the radio" in done.err) == (1, True)
            assert os.path.exists(machine.runtime / "pods.json")  # it was killed

    async def seen_streaming(machine: Machine) -> bool:
        rows = cells((await machine.do("pods")).out)[1:]
        return [row[2] for row in rows] == ["streaming", "streaming"]

    run(test())


def test_calibration_is_good_once_the_runner_has_stood_and_run(machine: Machine) -> None:
    async def test() -> None:
        async with world(pods=5) as air:
            await machine.own(air)
            done = await machine.do("calibrate")
            assert done.code == 0, done.out + done.err
            assert done.out == "good: all pods know how they sit\n"
            assert "STAND still" in done.err
            assert "now RUN" in done.err
            assert await air.connected() == []

    run(test())


def test_calibration_tells_of_shanks_that_are_swapped(machine: Machine) -> None:
    """The pods' flash says so; the legs say otherwise."""

    async def test() -> None:
        async with world(pods=5) as air:
            await machine.own(air)
            by_place = {pod.placement: pod for pod in machine.roster.pods()}
            left, right = by_place[Placement.SHANK_L], by_place[Placement.SHANK_R]
            for pod, place in ((left, "shank_r"), (right, "shank_l")):
                wish = ("--placement", place, "--runner", pod.runner, "--yes")
                done = await machine.do("provision", "--pod", pod.address, *wish)
                assert done.code == 0, done.err
            for pod in (left, right):  # each took the other's place, so one had to go
                machine.roster.keep(pod)
            done = await machine.do("calibrate")
            assert done.code == 1
            assert "left and right look swapped: of the shanks" in done.out

    run(test())


def test_doctor_names_what_is_wrong_and_who_is_in_the_way(machine: Machine) -> None:
    async def test() -> None:
        async with world(pods=2) as air:
            await machine.own(air)
            well = await machine.do("doctor")
            assert well.code == 0
            assert "2 pods, at most 7" in well.out
            assert "no other program" in well.out
            async with rival_at(machine.config.with_name("bluetoothctl")):
                done = await machine.do("doctor")
                assert done.code == 0
                assert "warn  bluetooth  bluetoothctl (process" in done.out
            await air.remove_adapter()
            ill = await machine.do("doctor", "--json")
            assert ill.code == 1
            findings = json.loads(ill.out)
            assert [finding["verdict"] for finding in findings
                    if finding["text"] == "this machine has no Bluetooth adapter"
                    and "plug" in finding["advice"]] == ["fail"]  # fmt: skip
            assert any(air.centrals[0] in finding["text"] for finding in findings)
            await air.add_adapter()
            await air.kill_bus()
            assert "does not answer" in (await machine.do("doctor")).out
            await air.start_bus()

    run(test())


RIVAL = """
import asyncio
from dbus_fast import BusType
from dbus_fast.aio import MessageBus

async def main():
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    print("there", flush=True)
    await bus.wait_for_disconnect()

asyncio.run(main())
"""


@asynccontextmanager
async def rival_at(script: Path) -> AsyncIterator[None]:
    """A process of the script's name on the same bus."""
    script.write_text(RIVAL)
    rival = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=asyncio.subprocess.PIPE
    )
    assert rival.stdout is not None
    assert await rival.stdout.readline() == b"there\n"
    try:
        yield
    finally:
        rival.kill()
        await rival.wait()


@pytest.mark.parametrize("settings", ["[radio]\nbatch = 0\n", "[radio\n", "colour = 'red'\n"])
def test_bad_settings_end_with_78(machine: Machine, settings: str) -> None:
    machine.config.write_text(settings)
    for command in ("check-config", "run", "scan", "pods"):
        done = asyncio.run(machine.do(command))
        assert (done.code, done.out) == (78, "")
        assert len(done.err.splitlines()) == 1


def test_good_settings_are_good(machine: Machine) -> None:
    assert asyncio.run(machine.do("check-config")).out == "good\n"


def test_a_snapshot_is_whole_json(machine: Machine) -> None:
    async def test() -> None:
        async with world(pods=1) as air:
            await machine.own(air)
            async with running(machine, air):
                path = machine.runtime / "pods.json"
                while not path.exists():
                    await asyncio.sleep(0.1)
                content = json.loads(path.read_bytes())
                assert content["pods"][0]["pod"]["address"] == air.addresses[0]

    run(test())
