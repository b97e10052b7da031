"""What doctor says of the board: supply, heat, clock, versions."""

import platform
from importlib.metadata import requires
from pathlib import Path

import pytest

from made_machine import PI, case_in, first_on_path, lines, program, told, utc_s
from stridehub.doctor import clock, power, versions
from stridehub.doctor.advice import Advice
from stridehub.doctor.clock import Clock, kernel_is_synchronised

THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"

# ---- power ----


@pytest.mark.parametrize(
    ("flags", "verdict", "words"),
    [
        ("0", "ok", "the supply holds its voltage"),
        ("50005", "fail", "too low right now"),
        ("1", "fail", "too low right now"),
        ("50000", "warn", "too low since"),
        ("80008", "warn", "hot, and slows down right now"),
        ("e0000", "warn", "has been hot"),
        ("6", "warn", "slows down right now"),
    ],
)
def test_what_the_firmware_tells_of_the_supply(
    tmp_path: Path, flags: str, verdict: str, words: str
) -> None:
    told(power.look(case_in(tmp_path, {THROTTLED: f"{flags}\n"})), verdict, words)


def test_a_good_supply_is_a_single_line(tmp_path: Path) -> None:
    assert lines(power.look(case_in(tmp_path, {THROTTLED: "0\n"}))) == [
        "ok: the supply holds its voltage"
    ]


def test_low_voltage_now_is_not_told_once_more_for_before(tmp_path: Path) -> None:
    assert len(lines(power.look(case_in(tmp_path, {THROTTLED: "50005\n"})))) == 1


@pytest.mark.parametrize(("alarm", "verdict"), [("0", "ok"), ("1", "fail")])
def test_the_sensor_of_newer_kernels_tells_too(tmp_path: Path, alarm: str, verdict: str) -> None:
    sensors = {
        "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
        "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
        "sys/class/hwmon/hwmon1/in0_lcrit_alarm": f"{alarm}\n",
    }
    told(power.look(case_in(tmp_path, sensors)), verdict, "voltage")


@pytest.mark.parametrize(
    ("script", "verdict", "words"),
    [
        ("echo throttled=0x0", "ok", "holds"),
        ("echo throttled=0x50000", "warn", "since this machine was started"),
        ("echo nonsense", "warn", "does not tell of its supply"),
        ("echo no mailbox >&2; exit 255", "warn", "no mailbox"),
    ],
)
def test_else_vcgencmd_is_asked_on_a_raspberry_pi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, verdict: str, words: str
) -> None:
    program(tmp_path / "bin", "vcgencmd", script)
    monkeypatch.setenv("PATH", first_on_path(tmp_path / "bin"))
    told(power.look(case_in(tmp_path, PI)), verdict, words)


def test_other_machines_are_not_reproached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", "vcgencmd", "echo throttled=0x1")
    monkeypatch.setenv("PATH", first_on_path(tmp_path / "bin"))
    assert lines(power.look(case_in(tmp_path))) == []
    warm = {"sys/class/thermal/thermal_zone0/temp": "91000\n"}
    assert lines(power.look(case_in(tmp_path, warm))) == ["ok: 91 °C"]


def test_a_hot_raspberry_pi_is(tmp_path: Path) -> None:
    zone = "sys/class/thermal/thermal_zone0/temp"
    hot = case_in(tmp_path, {**PI, zone: "82300\n"})
    assert told(power.look(hot), "warn", "82 °C").advice == Advice.COOL
    cool = case_in(tmp_path, {**PI, zone: "54800\n"})
    told(power.look(cool), "ok", "55 °C")


# ---- clock ----

TODAY = "2026-05-01"


def chip(day: str) -> dict[str, str]:
    rtc = "sys/class/rtc/rtc0"
    return {f"{rtc}/name": "rtc-ds1307 1-0068\n", f"{rtc}/since_epoch": f"{utc_s(day):.0f}\n"}


def machine_clock(day: str = TODAY, *, is_set: bool = False) -> Clock:
    return Clock(lambda: utc_s(day), lambda: is_set)


def test_a_clock_that_the_network_sets_is_good(tmp_path: Path) -> None:
    by_kernel = clock.look(case_in(tmp_path), machine_clock(is_set=True))
    told(by_kernel, "ok", "2026-05-01 00:00 UTC, set by the network")
    timesyncd = {"run/systemd/timesync/synchronized": ""}
    told(clock.look(case_in(tmp_path, timesyncd), machine_clock()), "ok", "set by the network")


def test_without_network_and_chip_dates_may_be_wrong(tmp_path: Path) -> None:
    found = told(clock.look(case_in(tmp_path), machine_clock()), "warn", "wrong date")
    assert found.advice == Advice.SET_CLOCK


def test_a_chip_keeps_the_time(tmp_path: Path) -> None:
    case = case_in(tmp_path, chip(TODAY))
    assert len(lines(clock.look(case, machine_clock()))) == 1
    told(clock.look(case, machine_clock()), "ok", "kept by the clock chip")


def test_a_chip_that_has_lost_its_time_keeps_nothing(tmp_path: Path) -> None:
    case = case_in(tmp_path, chip("2000-01-01"))
    told(clock.look(case, machine_clock()), "warn", "wrong date")
    told(clock.look(case, machine_clock()), "warn", "has lost its time")


def test_a_chip_that_is_off_is_told(tmp_path: Path) -> None:
    case = case_in(tmp_path, chip("2026-04-30"))
    told(clock.look(case, machine_clock(is_set=True)), "warn", "86400 s off")


@pytest.mark.parametrize("is_set", [False, True])
def test_a_clock_from_before_the_program_is_wrong(tmp_path: Path, is_set: bool) -> None:
    case = case_in(tmp_path)
    told(clock.look(case, machine_clock("1970-01-01", is_set=is_set)), "fail", "1970-01-01")


def test_the_kernel_can_be_asked() -> None:
    assert kernel_is_synchronised() in (True, False)


# ---- versions ----


def test_what_runs_here_is_told(tmp_path: Path) -> None:
    case = case_in(tmp_path, PI)
    told(versions.look(case), "ok", "Raspberry Pi Zero 2 W Rev 1.0, Linux")
    told(versions.look(case), "ok", "bit")
    told(versions.look(case_in(tmp_path / "other")), "ok", f"{platform.machine()}, Linux")
    assert requires("stridehub")


@pytest.mark.parametrize(
    ("need", "verdict", "words"),
    [
        ("msgspec>=0.19", "ok", "as new as needed"),
        ("msgspec>=99", "fail", "and >=99 is needed"),
        ("msgspec>=99; python_version < '3'", "ok", "as new as needed"),
        ("msgspec>=99; python_version >= '3'", "fail", "and >=99 is needed"),
        ("msgspec>=99; extra == 'gpio'", "ok", "as new as needed"),
        ("no-such-library-at-all", "fail", "no-such-library-at-all is not installed"),
    ],
)
def test_libraries_are_held_against_what_is_needed(need: str, verdict: str, words: str) -> None:
    told(versions.of_libraries([need]), verdict, words)
