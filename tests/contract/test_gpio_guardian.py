"""However a hub ends, its motors do: by itself, killed, or hanging. Of real processes.

As test_gpio.py, on the fake of RPi.GPIO here and on rpi-lgpio in the VM.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rpi_gpio.lines import Lines
from rpi_gpio.process import CONFIG, LEFT, RIGHT, hub_process
from stridehub.errors import MotorError
from stridehub.haptics.gpio import GpioPins
from stridehub.haptics.guarded import GuardedPins, Guardian
from stridehub.timing import GUARDIAN_CLAIMS_S, LOOP_STALL_S

PULSE_S = 0.75
LONGEST_ON_S = 1.0
PATIENCE_S = 20.0
SLACK_S = 0.2  # of a busy machine
DEAF_TO = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGABRT)
GUARDIAN = "stridehub.haptics.guardian"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "hub.toml"
    path.write_text(CONFIG)
    return path


def is_low(lines: Lines) -> bool:
    return lines.is_low(LEFT) and lines.is_low(RIGHT)


def until(holds: Callable[[], bool]) -> None:
    begun_s = time.monotonic()
    while not holds():
        assert time.monotonic() - begun_s < PATIENCE_S
        time.sleep(0.002)


def until_low(lines: Lines) -> None:
    until(lambda: is_low(lines))


def guardians_of(hub_pid: int) -> list[int]:
    """Processes whose hub it is, or was: sessions of their own, begun by it."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0") if folder.name.isdigit() else []
            if GUARDIAN.encode() in words:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == hub_pid:
                    found.append(int(folder.name))
        except (OSError, ValueError):
            continue
    return found


def ended(process: int) -> None:
    until(lambda: state(process) in ("", "Z"))


def state(process: int) -> str:
    """Empty: there is no such process."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_hub_that_is_told_to_end_leaves_its_motors_off(
    lines: Lines, config: Path, number: signal.Signals
) -> None:
    with hub_process(config, "--percent", "60", environment=lines.environment) as process:
        (guardian,) = guardians_of(process.pid)
        os.killpg(process.pid, number)
        assert process.wait(PATIENCE_S) == 0
        assert is_low(lines)
        ended(guardian)
    (pulse,) = lines.pulses(LEFT)
    assert pulse.fall_s - pulse.rise_s < PULSE_S


@pytest.mark.parametrize("percent", [60, 100])
def test_a_hub_that_is_killed_leaves_its_motors_off(
    lines: Lines, config: Path, percent: int
) -> None:
    with hub_process(config, "--percent", str(percent), environment=lines.environment) as process:
        (guardian,) = guardians_of(process.pid)
        process.kill()
        killed_s = time.monotonic()
        until_low(lines)
        print(f"low {1e3 * (time.monotonic() - killed_s):.0f} ms after SIGKILL")
        ended(guardian)
        assert is_low(lines)


def test_a_guardian_is_deaf_to_what_ends_the_whole_service(lines: Lines, config: Path) -> None:
    with hub_process(config, environment=lines.environment) as process:
        (guardian,) = guardians_of(process.pid)
        for number in DEAF_TO:
            os.kill(guardian, number)
        time.sleep(0.2)
        assert state(guardian) == "S"
        process.kill()
        ended(guardian)
        assert is_low(lines)


def test_a_hub_whose_loop_hangs_plays_no_further(lines: Lines, config: Path) -> None:
    """Of five seconds of pulses."""
    with hub_process(config, "--hang", environment=lines.environment):
        time.sleep(LOOP_STALL_S + 0.8)
        assert is_low(lines)
        played = lines.pulses(LEFT)
    assert 0 < len(played) <= 2
    assert played[-1].fall_s - played[0].rise_s < LOOP_STALL_S + 0.7


@pytest.mark.parametrize("number", [signal.SIGSTOP, None])
def test_a_hub_that_cannot_turn_its_motors_off_is_killed(
    lines: Lines, config: Path, number: signal.Signals | None
) -> None:
    """None: it holds the interpreter's lock, so that no other thread of it runs."""
    arguments = ["--percent", "100"] if number else ["--hold"]
    with hub_process(config, *arguments, environment=lines.environment) as process:
        if number is not None:
            process.send_signal(number)
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
        until(lambda: bool(lines.pulses(LEFT)))
    (pulse,) = lines.pulses(LEFT)
    print(f"on for {1e3 * (pulse.fall_s - pulse.rise_s):.0f} ms")
    assert pulse.fall_s - pulse.rise_s < LONGEST_ON_S + SLACK_S


def test_a_hub_that_is_stopped_while_nothing_is_on_goes_on_afterwards(
    lines: Lines, config: Path
) -> None:
    with hub_process(config, "--short", environment=lines.environment) as process:
        until_low(lines)
        time.sleep(0.3)
        process.send_signal(signal.SIGSTOP)
        time.sleep(LONGEST_ON_S + 0.3)
        process.send_signal(signal.SIGCONT)
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


def test_without_a_guardian_no_pin_is_turned_on(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = GuardedPins((LEFT, RIGHT), 200)
    (guardian,) = guardians_of(os.getpid())
    os.kill(guardian, signal.SIGKILL)
    os.waitid(os.P_PID, guardian, os.WEXITED | os.WNOWAIT)  # all its threads
    with pytest.raises(MotorError, match="guardian"):
        pins.on(LEFT, 100)
    pins.close()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(MotorError, match="guardian"):
        GuardedPins((LEFT, RIGHT), 200)
    monkeypatch.undo()
    GuardedPins((LEFT, RIGHT), 200).close()  # nobody has them
    assert lines.pulses(LEFT) == []


def test_a_guardian_finds_the_hub_s_own_modules(
    lines: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "select.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    GuardedPins((LEFT, RIGHT), 200).close()


def test_a_guardian_leaves_pins_to_the_next_hub(
    lines: Lines, capfd: pytest.CaptureFixture[str]
) -> None:
    guardian = Guardian((LEFT, RIGHT))
    next_hub = GpioPins((LEFT, RIGHT), 200)
    begun_s = time.monotonic()
    assert guardian.dismiss() == 0
    assert time.monotonic() - begun_s >= GUARDIAN_CLAIMS_S
    assert guardian.dismiss() == 0
    next_hub.close()
    assert capfd.readouterr().err == ""


def test_hubs_may_follow_each_other_at_once(lines: Lines, config: Path) -> None:
    """Pins of one that was killed are free as soon as its guardian is done with them."""
    for _ in range(3):
        with hub_process(config, environment=lines.environment) as process:
            process.kill()
