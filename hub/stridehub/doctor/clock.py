"""The clock: who has set it, and does it keep the time without power?"""

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.doctor.finding import Finding, Says
from stridehub.record.retention import FIRST_MS

_STA_UNSYNC = 0x40  # of linux/timex.h
_OFF_S = 60.0  # a clock chip that is so far off has not been set for months
_DATES = "sessions may get a wrong date; strides and cues are right all the same"

_SAYS = Says("clock")


class _Timex(ctypes.Structure):
    """struct timex of the kernel, up to what is looked at; with room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def kernel_is_synchronised() -> bool:
    """Some program keeps the clock by the network. Raises OSError."""
    asked = _Timex()
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked)) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return not asked.status & _STA_UNSYNC


@dataclass(frozen=True, slots=True)
class Clock:
    """The machine's."""

    now_s: Callable[[], float] = time.time  # Unix time
    is_synchronised: Callable[[], bool] = kernel_is_synchronised


def look(case: Case, clock: Clock = Clock()) -> Iterator[Finding]:
    now_s = clock.now_s()
    says = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now_s))
    chip_s = case.number("sys/class/rtc/rtc0/since_epoch")
    keeps_time = chip_s is not None and chip_s * 1e3 >= FIRST_MS
    if now_s * 1e3 < FIRST_MS:
        text = f"the clock says {says}, when there was no stridehub: {_DATES}"
        yield _SAYS.fail(text, Advice.SET_CLOCK)
    elif _is_set(case, clock):
        yield _SAYS.ok(f"{says}, set by the network")
    elif keeps_time:
        yield _SAYS.ok(f"{says}, kept by the clock chip; no network has set it")
    else:
        text = f"{says}, and neither a network nor a clock chip says that this is so: {_DATES}"
        yield _SAYS.warn(text, Advice.SET_CLOCK)
    yield from _of_chip(case, now_s, chip_s, keeps_time)


def _is_set(case: Case, clock: Clock) -> bool:
    """As systemd-timesyncd says, or the kernel whatever program sets it."""
    return (case.root / "run/systemd/timesync/synchronized").exists() or clock.is_synchronised()


def _of_chip(case: Case, now_s: float, chip_s: int | None, keeps_time: bool) -> Iterator[Finding]:
    if chip_s is None:
        return
    name = case.read("sys/class/rtc/rtc0/name")
    if not keeps_time:
        yield _SAYS.warn(f"the clock chip ({name}) has lost its time", Advice.SET_RTC)
    elif abs(now_s - chip_s) > _OFF_S:
        text = f"the clock chip ({name}) is {abs(now_s - chip_s):.0f} s off"
        yield _SAYS.warn(text, Advice.SET_RTC)
