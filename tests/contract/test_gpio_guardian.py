"""However a hub ends, its motors do: by itself, killed, or hanging. Of real processes.

As test_gpio.py, on the fake of RPi.GPIO here and on rpi-lgpio in the VM.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from rpi_gpio.lines import Lines
from rpi_gpio.process import CONFIG, LEFT, RIGHT, hub_process
from stridehub.haptics.guardian import Guardian
from stridehub.timing import LOOP_STALL_S

PULSE_S = 0.9
PATIENCE_S = 20.0
GUARDIAN = "stridehub.haptics.guardian"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "hub.toml"
    path.write_text(CONFIG)
    return path


def is_low(lines: Lines) -> bool:
    return lines.is_low(LEFT) and lines.is_low(RIGHT)


def until_low(lines: Lines) -> None:
    begun_s = time.monotonic()
    while not is_low(lines):
        assert time.monotonic() - begun_s < PATIENCE_S
        time.sleep(0.002)


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
    begun_s = time.monotonic()
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() - begun_s < PATIENCE_S
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
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
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(guardian, number)
        time.sleep(0.2)
        assert guardians_of(process.pid) == [guardian]
        process.kill()
        ended(guardian)
        assert is_low(lines)


def test_a_hub_whose_loop_hangs_plays_no_further(lines: Lines, config: Path) -> None:
    """Of six seconds of pulses those of the first two, at most."""
    with hub_process(config, "--hang", environment=lines.environment):
        time.sleep(LOOP_STALL_S + 1.5)
        assert is_low(lines)
        played = lines.pulses(LEFT)
    assert 0 < len(played) < 6
    assert played[-1].fall_s - played[0].rise_s < LOOP_STALL_S + 0.7


def test_a_guardian_that_is_dismissed_touches_nothing(lines: Lines) -> None:
    guardian = Guardian((LEFT, RIGHT))
    guardian.dismiss()
    guardian.dismiss()
    assert lines.pulses(LEFT) == []
    assert guardians_of(os.getpid()) == []


def test_hubs_may_follow_each_other_at_once(lines: Lines, config: Path) -> None:
    """Pins of one that was killed are free as soon as its guardian is done with them."""
    for _ in range(3):
        with hub_process(config, environment=lines.environment) as process:
            process.kill()
