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
from stridehub.cli import main
from stridehub.commands import buzz as buzz_module
from stridehub.record.snapshot import write_snapshot

LEFT, RIGHT = 18, 19
STEPS = [20, 30, 45, 65, 100]
PATIENCE_S = 60.0
SHORTER = "[haptics.long]\non_ms = 150\noff_ms = 100\n"
WIRES = f'{SHORTER}[haptics.gpio]\nleft = {LEFT}\nright = {RIGHT}\nrunner = "r1"\n'


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
    return [sys.executable, "-m", "stridehub", *arguments(config, runner, *more)]


def arguments(config: Path, runner: str, *more: str) -> list[str]:
    return ["buzz", "--config", str(config), "--runner", runner, *more]


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


def test_without_a_terminal_all_steps_are_played(
    lines: FakeLines,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(buzz_module, "BETWEEN_S", 0.1)
    assert main(arguments(settings(tmp_path), "r1", "--side", "left")) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.endswith(" %")] == [
        f"{percent} %" for percent in STEPS
    ]
    assert felt_percents(lines, LEFT) == STEPS
    assert lines.pulses(RIGHT) == []
    assert "nobody was asked" in out


def test_what_was_felt_first_names_the_setting(lines: FakeLines, tmp_path: Path) -> None:
    code, shown = asked(settings(tmp_path), "", "n", "y")
    assert code == 0
    assert felt_percents(lines, LEFT) == felt_percents(lines, RIGHT) == STEPS[:3]
    assert 'runner = "r1"\r\nintensity_percent = 65' in shown


def test_a_runner_who_feels_nothing_is_told_what_to_look_at(
    lines: FakeLines,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(buzz_module, "is_terminal", lambda: True)
    monkeypatch.setattr(buzz_module, "STEPS_PERCENT", STEPS[:2])
    monkeypatch.setattr("builtins.input", lambda _: "n")
    assert main(arguments(settings(tmp_path), "r1")) == 1
    assert "nothing was felt" in capsys.readouterr().out
    assert felt_percents(lines, LEFT) == STEPS[:2]
    assert lines.is_low(LEFT)


def test_a_terminal_that_nothing_is_written_to_is_not_asked(
    lines: FakeLines, tmp_path: Path
) -> None:
    """As in `stridehub buzz | tee`: a question would abort Python when it ends."""
    terminal, inside = pty.openpty()
    process = subprocess.Popen(
        command(settings(tmp_path), "r1"),
        stdin=inside,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(inside)
    assert process.stdout is not None
    shown = [process.stdout.readline() for _ in range(2)]
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=PATIENCE_S)
    os.close(terminal)
    assert shown == ["20 %\n", "30 %\n"]
    assert (process.returncode, complaints) == (1, "")


def test_motors_on_pins_play_where_the_first_choice_is_not_there(
    lines: FakeLines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buzz_module, "STEPS_PERCENT", STEPS[:1])
    config = settings(tmp_path, f'[haptics]\ndrivers = ["pod", "gpio"]\n{WIRES}')
    assert main(arguments(config, "r1")) == 0
    assert felt_percents(lines, LEFT) == STEPS[:1]


def test_a_side_that_is_none_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["buzz", "--runner", "r1", "--side", "middle"])
    told = capsys.readouterr().err
    assert "middle" in told
    assert "CueSide" not in told


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


@pytest.mark.parametrize(
    ("drivers", "runner", "reason"),
    [
        ('["gpio", "pod"]', "r2", "pod: there are no pods"),
        ('["gpio"]', "r2", "the motors at the hub are for r1"),
        ('["gpio"]', "r1", "can not open gpiochip"),
        ('["none"]', "r1", "no motor"),
        ('["pod", "none"]', "r1", '"none" beside other drivers'),
        ("[]", "r1", "no driver is set"),
    ],
)
def test_what_is_in_the_way_is_told(
    lines: FakeLines,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    drivers: str,
    runner: str,
    reason: str,
) -> None:
    lines.chip.forbid()
    config = settings(tmp_path, f"[haptics]\ndrivers = {drivers}\n{WIRES}")
    assert main(arguments(config, runner)) != 0
    assert reason in capsys.readouterr().err


def test_a_running_hub_has_the_motors(
    lines: FakeLines, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = settings(tmp_path)
    write_snapshot(tmp_path / "run", [])
    assert main(arguments(config, "r1")) == 1
    assert "a hub runs" in capsys.readouterr().err
    assert lines.pulses(LEFT) == []


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_pods_are_connected_where_there_are_no_pins(tmp_path: Path) -> None:
    async def test() -> None:
        async with world(pods=2) as air:
            config = settings(tmp_path, SHORTER)
            await roster_with(air, tmp_path)
            (runner,) = {stats.runner for stats in await air.stats()}
            process = await asyncio.create_subprocess_exec(
                *command(config, runner),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            async for line in process.stdout:
                if line == b"45 %\n":
                    break
            process.terminate()
            await process.communicate()
            percents = {
                stats.placement: [e["percent"] for e in stats.motor_edges if e["percent"]]
                for stats in await air.stats()
            }
            assert percents["pelvis"] == []
            assert percents["thigh_l"][:4] == [20, 20, 30, 30]

    run(test())


async def roster_with(air: World, folder: Path) -> None:
    """As `provision` leaves it."""
    roster = await roster_of(air, folder)
    assert roster.pods()
    (folder / "hub.sqlite").rename(folder / "stridehub.sqlite")
