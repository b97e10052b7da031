"""RPi.GPIO's interface with the errors and side effects of rpi-lgpio 0.6, on a chip in a folder."""

import os
import weakref
from collections.abc import Iterable
from pathlib import Path

from rpi_gpio.chip import LINES, VARIABLE, Chip

BOARD, BCM = 10, 11
OUT, IN = 0, 1
LOW, HIGH = 0, 1

if VARIABLE not in os.environ:
    raise RuntimeError("This module can only be run on a Raspberry Pi!")


class error(Exception):
    """lgpio's own, by lgpio's name: neither a RuntimeError nor an OSError, and in quotes."""

    def __str__(self) -> str:
        return repr(self.args[0])


def _import_lgpio() -> int:
    """As its import does: goes to a folder, and leaves a pipe there."""
    if "LG_WD" in os.environ:
        os.chdir(os.environ["LG_WD"])
    pipe = ".lgd-nfy0"
    Path(pipe).unlink(missing_ok=True)
    os.mkfifo(pipe)
    return os.open(pipe, os.O_RDWR | os.O_NONBLOCK)


_notifications = _import_lgpio()
_chip: Chip | None = None
_mode: int | None = None
_claimed: dict[int, int] = {}  # descriptors
_pwms: "weakref.WeakValueDictionary[int, PWM]" = weakref.WeakValueDictionary()


def setwarnings(value: bool) -> None:
    pass


def setmode(mode: int) -> None:
    global _chip, _mode
    if _mode not in (None, mode):
        raise ValueError("A different mode has already been set!")
    if _chip is None:
        chip = Chip(Path(os.environ[VARIABLE]))
        if not chip.may_be_opened:
            raise error("can not open gpiochip")
        _chip = chip
    _mode = mode


def _line(channel: int) -> int:
    if _mode is None:
        raise RuntimeError(
            "Please set pin numbering mode using GPIO.setmode(GPIO.BOARD) or GPIO.setmode(GPIO.BCM)"
        )
    if not 0 <= channel < LINES:
        raise ValueError("The channel sent is invalid on a Raspberry Pi")
    return channel


def _set(line: int, percent: int) -> None:
    if _chip is None:
        raise TypeError("unsupported operand type(s) for &: 'NoneType' and 'int'")
    try:
        _chip.set(line, percent)
    except OSError as fault:
        raise error("bad write") from fault


def setup(channel: int, direction: int, initial: int | None = None) -> None:
    line = _line(channel)
    if line not in _claimed:
        assert _chip is not None
        descriptor = _chip.claim(line)
        if descriptor is None:
            raise error("GPIO busy")
        _claimed[line] = descriptor
    if direction == OUT and initial is not None:
        _set(line, 100 * initial)


def output(channel: int, value: int) -> None:
    line = _line(channel)
    if line not in _claimed:
        raise RuntimeError("The GPIO channel has not been set up as an OUTPUT")
    _set(line, 100 * value)


def input(channel: int) -> int:
    line = _line(channel)
    if line not in _claimed or _chip is None:
        raise RuntimeError("You must setup() the GPIO channel first")
    return int(_chip.percent(line) > 0)


def cleanup(channels: Iterable[int] | None = None) -> None:
    """The lines become inputs: whatever hangs on them is pulled down."""
    global _chip, _mode
    if _chip is None:
        return
    for line in list(_claimed) if channels is None else channels:
        _set(line, 0)
        os.close(_claimed.pop(line))
    if channels is None:
        _chip = _mode = None


class PWM:
    """Stops when nobody has it any more, and complains after cleanup."""

    def __init__(self, channel: int, frequency: float) -> None:
        self._line = _line(channel)
        if self._line in _pwms:
            raise RuntimeError("A PWM object already exists for this GPIO channel")
        if self._line not in _claimed:
            raise RuntimeError("You must setup() the GPIO channel as an output first")
        if frequency <= 0:
            raise ValueError("frequency must be greater than 0.0")
        _pwms[self._line] = self

    def __del__(self) -> None:
        if hasattr(self, "_line"):
            self.stop()

    def start(self, duty_cycle: float) -> None:
        if not 0 <= duty_cycle <= 100:
            raise ValueError("dutycycle must have a value from 0.0 to 100.0")
        _set(self._line, round(duty_cycle))

    def stop(self) -> None:
        _set(self._line, 0)
