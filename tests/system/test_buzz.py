"""`stridehub buzz` as a user runs it: motors on pins, by a fake of RPi.GPIO, and in pods."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub_under_test import roster_of
from mock_bluez.world import World, missing, world
from on_the_loop import run
from rpi_gpio.lines import FakeLines, fake_gpio
from stridehub.record.snapshot import write_snapshot

LEFT, RIGHT = 18, 19
STEPS = [20, 30, 45, 65, 100]
PATIENCE_S = 60.0
WIRES = f'[haptics.gpio]\nleft = {LEFT}\nright = {RIGHT}\nrunner = "r1"\n'


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[FakeLines]:
    chip = tmp_path / "chip"
    chip.mkdir()
    with fake_gpio(chip) as fake:
        yield fake


def settings(folder: Path, more: str = WIRES) -> Path:
    path = folder / "hub.toml"
    path.write_text(f'state_dir = "{folder}"\nruntime_dir = "{folder / "run"}"\n{more}')
    return path


def command(config: Path, runner: str, *more: str) -> list[str]:
    program = [sys.executable, "-m", "stridehub", "buzz"]
    return [*program, "--config", str(config), "--runner", runner, *more]


def buzz(config: Path, runner: str, *more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(config, runner, *more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


def asked(config: Path, *answers: str) -> tuple[int, str]:
    """At a terminal: the exit code, and all that stood there."""
    terminal, inside = pty.openpty()
    process = subprocess.Popen(command(config, "r1"), stdin=inside, stdout=inside, stderr=inside)
    os.close(inside)
    shown = ""
    for answer in answers:
        shown += read_until(terminal, "[y/N] ")
        os.write(terminal, f"{answer}\n".encode())
    shown += read_until(terminal, None)
    os.close(terminal)
    return process.wait(PATIENCE_S), shown


def read_until(terminal: int, end: str | None) -> str:
    """None: until nothing comes any more."""
    shown = ""
    while end is None or end not in shown:
        try:
            read = os.read(terminal, 1024).decode()
        except OSError:  # the other end is closed
            return shown
        if not read:
            return shown
        shown += read
    return shown


def felt_percents(lines: FakeLines, line: int) -> list[float]:
    return [pulse.percent for pulse in lines.pulses(line)][::2]


def test_without_a_terminal_all_steps_are_played(lines: FakeLines, tmp_path: Path) -> None:
    done = buzz(settings(tmp_path), "r1", "--side", "left")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.endswith(" %")] == [
        f"{percent} %" for percent in STEPS
    ]
    assert felt_percents(lines, LEFT) == STEPS
    assert lines.pulses(RIGHT) == []
    assert "nobody was asked" in done.stdout


def test_what_was_felt_first_names_the_setting(lines: FakeLines, tmp_path: Path) -> None:
    code, shown = asked(settings(tmp_path), "", "n", "y")
    assert code == 0
    assert felt_percents(lines, LEFT) == felt_percents(lines, RIGHT) == STEPS[:3]
    assert 'runner = "r1"\r\nintensity_percent = 65' in shown


def test_a_runner_who_feels_nothing_is_told_what_to_look_at(
    lines: FakeLines, tmp_path: Path
) -> None:
    code, shown = asked(settings(tmp_path), *(["n"] * len(STEPS)))
    assert code == 1
    assert "nothing was felt" in shown
    assert lines.is_low(LEFT)


def test_ctrl_c_ends_it_with_the_motors_off(lines: FakeLines, tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(settings(tmp_path), "r1"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    begun_s = time.monotonic()
    while lines.is_low(LEFT):
        assert time.monotonic() - begun_s < PATIENCE_S
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE_S)
    assert lines.is_low(LEFT)
    assert lines.is_low(RIGHT)


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


def test_what_is_in_the_way_is_told(lines: FakeLines, tmp_path: Path) -> None:
    config = settings(tmp_path)
    assert "no pods" in refused(buzz(config, "r2"))
    config = settings(tmp_path, f'[haptics]\ndrivers = ["gpio"]\n{WIRES}')
    assert "the motors at the hub are for r1" in refused(buzz(config, "r2"))
    lines.chip.forbid()
    assert "can not open gpiochip" in refused(buzz(config, "r1"))
    config = settings(tmp_path, '[haptics]\ndrivers = ["none"]\n')
    assert "no motor" in refused(buzz(config, "r1"))


def test_a_running_hub_has_the_motors(lines: FakeLines, tmp_path: Path) -> None:
    config = settings(tmp_path)
    write_snapshot(tmp_path / "run", [])
    assert "a hub runs" in refused(buzz(config, "r1"))
    assert lines.pulses(LEFT) == []


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_pods_are_connected_where_there_are_no_pins(tmp_path: Path) -> None:
    async def test() -> None:
        async with world(pods=2) as air:
            config = settings(tmp_path, "")
            await roster_with(air, tmp_path)
            (runner,) = {stats.runner for stats in await air.stats()}
            process = await asyncio.create_subprocess_exec(
                *command(config, runner),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
            )
            out, _ = await process.communicate()
            assert process.returncode == 0, out
            percents = {
                stats.placement: [e["percent"] for e in stats.motor_edges if e["percent"]]
                for stats in await air.stats()
            }
            doubled = [percent for percent in STEPS for _ in range(2)]
            assert percents == {"pelvis": [], "thigh_l": doubled}

    run(test())


async def roster_with(air: World, folder: Path) -> None:
    """As `provision` leaves it."""
    roster = await roster_of(air, folder)
    assert roster.pods()
    (folder / "hub.sqlite").rename(folder / "stridehub.sqlite")
