"""Supply and temperature, as far as a board tells."""

import shutil
from collections.abc import Iterator
from enum import IntFlag

from stridehub.doctor.advice import Advice
from stridehub.doctor.asking import said
from stridehub.doctor.case import Case
from stridehub.doctor.finding import Finding, Says

# Of a Raspberry Pi's firmware: what is so now, and the same 16 bits on, what was since it started.
_SINCE_START = 16
_HOT_C = 80.0  # where a Raspberry Pi begins to slow down

_SAYS = Says("power")


class Trouble(IntFlag):
    UNDER_VOLTAGE = 1
    CAPPED = 2
    THROTTLED = 4
    HOT = 8


_SLOW = Trouble.CAPPED | Trouble.THROTTLED | Trouble.HOT  # also follows from a low voltage


def look(case: Case) -> Iterator[Finding]:
    try:
        flags = _flags(case)
    except (OSError, ValueError) as error:
        yield _SAYS.warn(f"the board does not tell of its supply: {error}", Advice.LOOK_BY_HAND)
    else:
        if flags is not None:
            yield from _of_supply(Trouble(flags & 0xF), Trouble(flags >> _SINCE_START & 0xF))
    yield from _of_temperature(case)


def _flags(case: Case) -> int | None:
    """None where this is no Raspberry Pi, or nobody tells. Raises OSError, ValueError."""
    told = case.number("sys/devices/platform/soc/soc:firmware/get_throttled", 16)
    if told is not None:
        return told
    for sensor in case.all("sys/class/hwmon/hwmon*"):
        if case.read(sensor / "name") == "rpi_volt":
            alarm = case.number(sensor / "in0_lcrit_alarm")
            if alarm is not None:
                return Trouble.UNDER_VOLTAGE if alarm else 0
    program = shutil.which("vcgencmd")
    if program is None or not case.is_raspberry_pi:
        return None
    return int(said(program, "get_throttled").rpartition("=")[2], 16)


def _of_supply(now: Trouble, since_start: Trouble) -> Iterator[Finding]:
    if Trouble.UNDER_VOLTAGE in now:
        text = "the supply's voltage is too low right now: cards break, adapters vanish"
        yield _SAYS.fail(text, Advice.BETTER_SUPPLY)
    elif Trouble.UNDER_VOLTAGE in since_start:
        text = "the supply's voltage has been too low since this machine was started"
        yield _SAYS.warn(text, Advice.BETTER_SUPPLY)
    else:
        yield _SAYS.ok("the supply holds its voltage")
    if now & _SLOW and Trouble.UNDER_VOLTAGE not in now:
        yield _SAYS.warn("the board is hot, and slows down right now", Advice.COOL)
    elif since_start & _SLOW and Trouble.UNDER_VOLTAGE not in since_start:
        text = "the board has been hot, and slowed down, since it was started"
        yield _SAYS.warn(text, Advice.COOL)


def _of_temperature(case: Case) -> Iterator[Finding]:
    zones = case.all("sys/class/thermal/thermal_zone*")
    milli_c = [told for zone in zones if (told := case.number(zone / "temp")) is not None]
    if not milli_c:
        return
    hottest_c = max(milli_c) / 1e3
    if hottest_c >= _HOT_C and case.is_raspberry_pi:
        yield _SAYS.warn(f"{hottest_c:.0f} °C", Advice.COOL)
    else:
        yield _SAYS.ok(f"{hottest_c:.0f} °C")
