"""What every way to drive motors by RPi.GPIO has to keep to.

Here that is a fake of it; in the VM (tests/vm/gpio.py) the same tests run on rpi-lgpio and the
kernel's simulated lines.
"""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from rpi_gpio.lines import FakeLines, Lines, Pulse, fake_gpio
from stridehub.config import GpioConfig
from stridehub.errors import MotorError
from stridehub.haptics import guard as guard_module
from stridehub.haptics.driver import Buzz
from stridehub.haptics.gpio import GpioPins
from stridehub.haptics.patterns import pattern_of, pulses, total_s
from stridehub.haptics.pins import Pins
from stridehub.haptics.wired import WiredDriver
from stridehub.kernel.link import SILENCE, HapticPattern
from stridehub.model import CueKind, CueSide

LEFT, RIGHT = 18, 19
RUNNER = "r1"
SETTINGS = GpioConfig(left=LEFT, right=RIGHT, runner=RUNNER)
LINES_OF = {CueSide.LEFT: (LEFT,), CueSide.RIGHT: (RIGHT,), CueSide.BOTH: (LEFT, RIGHT)}
MEDIAN_S = 0.020  # of the edges' errors: single ones are late where the machine is busy
LONGEST_ON_S = 1.0
PATIENCE_S = 10.0
ON_SIM = os.environ.get("GPIO_LINES") == "sim"

on_fake = pytest.mark.skipif(ON_SIM, reason="a fault that cannot be had of the kernel")


@pytest.fixture
def chip_lines(tmp_path: Path) -> Iterator[FakeLines]:
    """Where a fault is needed that only the fake can have."""
    with fake_gpio(tmp_path) as fake:
        yield fake


def pins(pwm_hz: int = SETTINGS.pwm_hz) -> Pins:
    return GpioPins((LEFT, RIGHT), pwm_hz)


class Open(Protocol):
    def __call__(self, pwm_hz: int = ...) -> WiredDriver: ...


@pytest.fixture
def open_driver() -> Iterator[Open]:
    opened: list[WiredDriver] = []

    def open_one(pwm_hz: int = SETTINGS.pwm_hz) -> WiredDriver:
        opened.append(WiredDriver(SETTINGS, partial(pins, pwm_hz)))
        return opened[-1]

    yield open_one
    for driver in opened:
        driver.close()


class Edges:
    """An on_edge that keeps what it hears."""

    def __init__(self) -> None:
        self.heard_s: list[float] = []
        self._heard = threading.Event()

    def __call__(self, edge_s: float) -> None:
        self.heard_s.append(edge_s)
        self._heard.set()

    def first(self) -> float:
        assert self._heard.wait(PATIENCE_S)
        return self.heard_s[0]


def buzz(percent: int = 60, count: int = 2, on_ms: int = 150, off_ms: int = 100) -> Buzz:
    return Buzz(HapticPattern(percent, count, on_ms, off_ms))


def until(holds: Callable[[], bool], within_s: float = PATIENCE_S) -> float:
    """For how long it took."""
    begun_s = time.monotonic()
    while not holds():
        assert time.monotonic() - begun_s < within_s
        time.sleep(0.002)
    return time.monotonic() - begun_s


def played(
    driver: WiredDriver, lines: Lines, cue: Buzz, side: CueSide = CueSide.LEFT
) -> tuple[float, dict[int, list[Pulse]]]:
    """Whole: the edge that was told, and the pulses of each line since."""
    edges = Edges()
    assert driver.play(cue, RUNNER, side, edges)
    edge_s = edges.first()

    def seen(line: int) -> list[Pulse]:
        return [pulse for pulse in lines.pulses(line) if pulse.fall_s > edge_s]

    until(lambda: all(len(seen(line)) == cue.pattern.pulses for line in LINES_OF[side]))
    time.sleep(0.1)
    assert len(edges.heard_s) == 1
    return edge_s, {line: seen(line) for line in (LEFT, RIGHT)}


def errors_s(edge_s: float, pattern: HapticPattern, seen: list[Pulse]) -> list[float]:
    """Of all edges against the plan, which counts from the edge that was told."""
    assert len(seen) == pattern.pulses
    planned = [time_s for pulse in pulses(pattern) for time_s in pulse]
    found = [time_s for pulse in seen for time_s in (pulse.rise_s, pulse.fall_s)]
    return [was - edge_s - planned_s for was, planned_s in zip(found, planned, strict=True)]


# ---- as planned ----


@pytest.mark.parametrize("percent", [100, 20])
def test_what_the_lines_did_is_the_plan(lines: Lines, open_driver: Open, percent: int) -> None:
    driver = open_driver()
    errors = []
    for kind in (CueKind.OVERSTRIDE, CueKind.HEEL_LIFT):
        pattern = pattern_of(kind, percent)
        edge_s, seen = played(driver, lines, Buzz(pattern, kind))
        errors += [abs(error) for error in errors_s(edge_s, pattern, seen[LEFT])]
        assert seen[RIGHT] == []
    print(f"{percent} %: error of an edge, ms: median {1e3 * statistics.median(errors):.1f},"
          f" largest {1e3 * max(errors):.1f} of {len(errors)}")  # fmt: skip
    assert statistics.median(errors) < MEDIAN_S


# A sampled line shows no high of 50 us.
@pytest.mark.parametrize("percent", [20 if ON_SIM else 1, 65])
def test_the_intensity_is_what_was_asked_for(lines: Lines, open_driver: Open, percent: int) -> None:
    driver = open_driver(pwm_hz=50)  # slow, since emulated processors are late by milliseconds
    _, seen = played(driver, lines, buzz(percent, count=3, on_ms=200))
    measured = statistics.median(pulse.percent for pulse in seen[LEFT])
    assert measured == pytest.approx(percent, abs=lines.percent_slack)


@pytest.mark.parametrize("side", CueSide)
def test_a_side_has_its_motor(lines: Lines, open_driver: Open, side: CueSide) -> None:
    _, seen = played(open_driver(), lines, buzz(), side)
    for line in (LEFT, RIGHT):
        assert len(seen[line]) == (2 if line in LINES_OF[side] else 0)


def test_pins_are_low_once_they_are_claimed(chip_lines: FakeLines, open_driver: Open) -> None:
    chip_lines.chip.set(LEFT, 100)  # by someone who died
    open_driver()
    assert chip_lines.is_low(LEFT)


def test_a_new_cue_replaces_the_one_that_plays(lines: Lines, open_driver: Open) -> None:
    driver = open_driver()
    first, second = Edges(), Edges()
    assert driver.play(buzz(100, 1, 900), RUNNER, CueSide.LEFT, first)
    first.first()
    assert driver.play(buzz(100, 1, 60), RUNNER, CueSide.RIGHT, second)
    edge_s = second.first()
    until(lambda: len(lines.pulses(RIGHT)) == 1 and lines.is_low(RIGHT))
    (old,) = lines.pulses(LEFT)
    assert old.fall_s < edge_s
    assert old.fall_s - old.rise_s < 0.5


def test_cues_in_a_row_do_not_hold_a_motor_on(lines: Lines, open_driver: Open) -> None:
    driver = open_driver()
    for _ in range(16):
        assert driver.play(buzz(100, 1, 300), RUNNER, CueSide.LEFT, Edges())
        time.sleep(0.1)
    driver.stop_all()
    until(lambda: len(lines.pulses(LEFT, is_plain=True)) >= 2)
    highs = lines.pulses(LEFT, is_plain=True)
    assert max(pulse.fall_s - pulse.rise_s for pulse in highs) < LONGEST_ON_S


# ---- what ends a pattern ----


def test_stop_all_returns_when_the_pins_are_low(lines: Lines, open_driver: Open) -> None:
    driver = open_driver()
    for percent in (100, 50):
        edges = Edges()
        assert driver.play(buzz(percent, 1, 800), RUNNER, CueSide.BOTH, edges)
        edges.first()
        driver.stop_all()
        assert lines.is_low(LEFT)
        assert lines.is_low(RIGHT)
    time.sleep(0.2)
    assert lines.is_low(LEFT)
    assert driver.play(buzz(), RUNNER, CueSide.LEFT, Edges())


def test_stop_all_forgets_what_waits(lines: Lines, open_driver: Open) -> None:
    driver = open_driver()
    for _ in range(100):
        driver.play(buzz(100, 1, 800), RUNNER, CueSide.BOTH, Edges())
        driver.stop_all()
        assert lines.is_low(LEFT)
        assert lines.is_low(RIGHT)
    before = len(lines.pulses(LEFT))
    time.sleep(0.2)
    assert lines.is_low(LEFT)
    assert len(lines.pulses(LEFT)) == before


def test_stop_all_may_come_from_where_the_edge_is_told(lines: Lines, open_driver: Open) -> None:
    driver = open_driver()
    has_stopped = threading.Event()

    def stop(_: float) -> None:
        driver.stop_all()
        has_stopped.set()

    assert driver.play(buzz(100, 3, 200), RUNNER, CueSide.LEFT, stop)
    assert has_stopped.wait(PATIENCE_S)
    assert lines.is_low(LEFT)
    time.sleep(0.3)
    assert len(lines.pulses(LEFT)) <= 1


def test_a_player_that_hangs_is_ended_by_the_guard(lines: Lines, open_driver: Open) -> None:
    driver = open_driver()
    go_on = threading.Event()
    try:
        assert driver.play(
            buzz(100, 2, 400), RUNNER, CueSide.BOTH, lambda _: assert_not_left(go_on.wait())
        )
        until(lambda: not lines.is_low(LEFT))
        until(lambda: lines.is_low(LEFT) and lines.is_low(RIGHT))
        until(lambda: len(lines.pulses(LEFT)) == 1)
        (pulse,) = lines.pulses(LEFT)
        assert pulse.fall_s - pulse.rise_s < LONGEST_ON_S
        assert "hangs" in (driver.trouble(RUNNER) or "")
        assert not driver.play(buzz(), RUNNER, CueSide.LEFT, Edges())
    finally:
        go_on.set()
    until(lambda: driver.trouble(RUNNER) is None)


def assert_not_left(was_set: bool) -> None:
    assert was_set


@on_fake
def test_a_call_to_the_pins_that_hangs_is_undone_by_the_guard(
    chip_lines: FakeLines, open_driver: Open
) -> None:
    driver = open_driver()
    with chip_lines.chip.stuck(LEFT):
        assert driver.play(buzz(100, 1, 200), RUNNER, CueSide.LEFT, Edges())
        until(lambda: not chip_lines.is_low(LEFT))
        until(lambda: chip_lines.is_low(LEFT))
        driver.stop_all()
        assert chip_lines.is_low(LEFT)
    (pulse,) = chip_lines.pulses(LEFT)
    assert pulse.fall_s - pulse.rise_s < LONGEST_ON_S
    time.sleep(0.1)
    assert chip_lines.is_low(LEFT)


def test_an_error_of_who_hears_the_edge_ends_the_pattern_only(
    lines: Lines, open_driver: Open, caplog: pytest.LogCaptureFixture
) -> None:
    driver = open_driver()

    def fail(edge_s: float) -> None:
        time.sleep(0.05)
        raise ValueError(edge_s)

    assert driver.play(buzz(100, 2, 400), RUNNER, CueSide.BOTH, fail)
    until(lambda: len(lines.pulses(LEFT)) == 1 and lines.is_low(RIGHT))
    (pulse,) = lines.pulses(LEFT)
    assert pulse.fall_s - pulse.rise_s < 0.4
    until(lambda: "playing a pattern failed" in caplog.text)
    time.sleep(0.1)
    played(driver, lines, buzz())


@on_fake
def test_pins_that_fail_are_left_alone(chip_lines: FakeLines, open_driver: Open) -> None:
    driver = open_driver()
    chip_lines.chip.breaks()
    assert driver.play(buzz(), RUNNER, CueSide.LEFT, Edges())
    until(lambda: driver.trouble(RUNNER) is not None)
    assert "bad write" in (driver.trouble(RUNNER) or "")
    assert not driver.play(buzz(), RUNNER, CueSide.LEFT, Edges())


def test_a_hub_that_hangs_plays_nothing_until_it_goes_on(
    lines: Lines, open_driver: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_module, "LOOP_STALL_S", 0.3)
    driver = open_driver()
    edges = Edges()
    driver.beat()
    assert driver.play(buzz(100, 1, 900), RUNNER, CueSide.LEFT, edges)
    edges.first()
    until(lambda: len(lines.pulses(LEFT)) == 1)
    (pulse,) = lines.pulses(LEFT)
    assert pulse.fall_s - pulse.rise_s < 0.8
    assert driver.trouble(RUNNER) == "the hub hangs"
    assert not driver.play(buzz(), RUNNER, CueSide.LEFT, Edges())
    time.sleep(0.8)  # the first plan has no hold on the motor any more
    driver.beat()
    assert driver.play(buzz(), RUNNER, CueSide.LEFT, Edges())


def test_without_beats_nothing_is_expected(
    lines: Lines, open_driver: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_module, "LOOP_STALL_S", 0.0)
    played(open_driver(), lines, buzz())


# ---- the end ----


def test_after_the_end_pins_are_low_and_free_and_no_thread_is_left(
    lines: Lines, open_driver: Open
) -> None:
    open_driver().close()  # lgpio's own thread comes with its import, and stays
    before = set(threading.enumerate())
    driver = open_driver()
    edges = Edges()
    assert driver.play(buzz(50, 1, 800), RUNNER, CueSide.BOTH, edges)
    edges.first()
    driver.close()
    assert lines.is_low(LEFT)
    assert lines.is_low(RIGHT)
    assert set(threading.enumerate()) == before
    driver.close()
    assert driver.trouble(RUNNER) == "closed"
    assert not driver.play(buzz(), RUNNER, CueSide.LEFT, edges)
    played(open_driver(), lines, buzz())


def test_a_program_that_just_ends_leaves_the_pins_low(lines: Lines) -> None:
    program = (
        "from test_gpio import *\n"
        "driver = WiredDriver(SETTINGS, pins)\n"
        "edges = Edges()\n"
        "driver.play(buzz(50, 1, 800), RUNNER, CueSide.LEFT, edges)\n"
        "edges.first()\n"
        "time.sleep(0.1)\n"
    )
    done = in_a_process(lines, program)
    assert done.stderr == ""
    assert lines.is_low(LEFT)
    until(lambda: len(lines.pulses(LEFT)) == 1)


def test_the_library_leaves_no_pipe_and_no_other_folder_behind(
    lines: Lines, tmp_path: Path
) -> None:
    work, own = tmp_path / "work", tmp_path / "own"
    work.mkdir()
    own.mkdir()
    program = (
        "import os\n"
        "from stridehub.haptics.gpio import load\n"
        "load()\n"
        "print(os.getcwd(), os.environ.get('LG_WD'))\n"
    )
    for extra in ({}, {"LG_WD": str(own)}):
        done = in_a_process(lines, program, cwd=work, **extra)
        assert done.stdout.split() == [str(work), extra.get("LG_WD", "None")], done.stderr
        assert list(work.iterdir()) == list(own.iterdir()) == []


def test_the_folder_for_the_pipe_has_to_be_there(lines: Lines, tmp_path: Path) -> None:
    program = (
        "from stridehub.errors import MotorError\n"
        "from stridehub.haptics.gpio import load\n"
        "try:\n"
        "    load()\n"
        "except MotorError as error:\n"
        "    print(error)\n"
    )
    done = in_a_process(lines, program, LG_WD=str(tmp_path / "absent"))
    assert "absent" in done.stdout, done.stderr


def in_a_process(
    lines: Lines, program: str, cwd: Path | None = None, **environment: str
) -> "subprocess.CompletedProcess[str]":
    path = os.pathsep.join([lines.environment["PYTHONPATH"], str(Path(__file__).parent)])
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **lines.environment, **environment, "PYTHONPATH": path},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60.0,
    )


# ---- where there are no motors ----


@on_fake
def test_without_a_chip_there_is_no_driver_but_a_reason(
    chip_lines: FakeLines, open_driver: Open
) -> None:
    chip_lines.chip.forbid()
    driver = open_driver()
    assert "can not open gpiochip" in (driver.trouble(RUNNER) or "")
    assert "group gpio" in (driver.trouble(RUNNER) or "")
    assert not driver.play(buzz(), RUNNER, CueSide.LEFT, Edges())
    driver.beat()
    driver.stop_all()
    driver.close()


@on_fake
def test_a_pin_that_another_program_has_is_named(chip_lines: FakeLines, open_driver: Open) -> None:
    held = chip_lines.chip.claim(RIGHT)
    assert held is not None
    driver = WiredDriver(SETTINGS, lambda: GpioPins((LEFT, RIGHT), SETTINGS.pwm_hz, 0.1))
    os.close(held)
    assert driver.trouble(RUNNER) == f"pin {RIGHT}: GPIO busy"
    assert open_driver().trouble(RUNNER) is None


@on_fake
def test_pins_are_claimed_in_one_order(chip_lines: FakeLines) -> None:
    """So that of two programs that want both not each has one."""
    held = chip_lines.chip.claim(LEFT)
    assert held is not None
    with pytest.raises(MotorError, match="busy"):
        GpioPins((RIGHT, LEFT), SETTINGS.pwm_hz, 0.0)
    os.close(held)
    assert not (chip_lines.chip.folder / f"line{RIGHT}").exists()


@on_fake
def test_a_pin_that_becomes_free_in_time_is_waited_for(
    chip_lines: FakeLines, open_driver: Open
) -> None:
    held = chip_lines.chip.claim(RIGHT)
    assert held is not None
    freeing = threading.Timer(0.1, os.close, (held,))
    freeing.start()
    assert open_driver().trouble(RUNNER) is None
    freeing.join()


@pytest.mark.skipif(ON_SIM, reason="there the library is")
def test_off_a_pi_there_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with fake_gpio(tmp_path):
        monkeypatch.delenv("FAKE_GPIOCHIP")
        driver = WiredDriver(SETTINGS, pins)
        assert "only be run on a Raspberry Pi" in (driver.trouble(RUNNER) or "")
        monkeypatch.setenv("FAKE_GPIOCHIP", str(tmp_path))  # back again for the fixture's end
    monkeypatch.setitem(sys.modules, "RPi", None)
    with pytest.raises(MotorError):
        pins()


def test_another_runner_is_told_whose_motors_they_are(lines: Lines, open_driver: Open) -> None:
    driver = open_driver()
    assert driver.trouble("r2") == "the motors at the hub are for r1"
    assert not driver.play(buzz(), "r2", CueSide.LEFT, Edges())


def test_silence_is_nothing_to_be_felt(lines: Lines, open_driver: Open) -> None:
    assert not open_driver().play(Buzz(SILENCE), RUNNER, CueSide.LEFT, Edges())
    assert total_s(SILENCE) == 0.0
