"""The pins of a Raspberry Pi, by RPi.GPIO's interface. The only module that knows it.

The library is rpi-lgpio, which has that interface on top of the kernel's gpiochip. It is imported
late: off a Pi the import fails, and a hub without motors is a hub all the same.
"""

import os
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from stridehub.errors import MotorError
from stridehub.timing import CLAIM_AGAIN_S, CLAIM_PINS_S

_WORK_DIR = "LG_WD"  # of lgpio, see _in_a_folder_of_its_own
_MAY_CLAIM = "may this user open the gpiochip (group gpio), and is there one?"


def load() -> Any:
    """The library. Raises MotorError where it is absent, or this is no Raspberry Pi."""
    with _as_motor_error("RPi.GPIO"), _in_a_folder_of_its_own():
        from RPi import GPIO
    return GPIO


class GpioPins:
    """Outputs, low from the moment they are claimed."""

    def __init__(
        self, pins: Collection[int], pwm_hz: int, claim_within_s: float = CLAIM_PINS_S
    ) -> None:
        """Waits so long for pins that another program has. Raises MotorError."""
        self._gpio = load()
        self._pwm_hz = pwm_hz
        self._pwm: dict[int, Any] = {}
        self._claimed: list[int] = []
        try:
            with _as_motor_error("gpiochip", _MAY_CLAIM):
                self._gpio.setwarnings(False)
                self._gpio.setmode(self._gpio.BCM)
            for pin in sorted(pins):  # all programs in one order: one of them gets both
                self._claim(pin, claim_within_s)
        except MotorError:
            with suppress(MotorError):
                self.close()
            raise

    def _claim(self, pin: int, within_s: float) -> None:
        """A hub that was killed a moment ago, or its guardian, may still have the pin."""
        last_s = time.monotonic() + within_s
        while True:
            try:
                with _as_motor_error(f"pin {pin}"):
                    self._gpio.setup(pin, self._gpio.OUT, initial=self._gpio.LOW)
                break
            except MotorError as error:
                if "busy" not in error.reason or time.monotonic() > last_s:
                    raise
            time.sleep(CLAIM_AGAIN_S)
        self._claimed.append(pin)

    def on(self, pin: int, percent: int) -> None:
        """The PWM's own thread begins up to 25 ms later: until then the pin is just high.

        A motor at rest needs that push anyway.
        """
        with _as_motor_error(f"pin {pin}"):
            self._gpio.output(pin, self._gpio.HIGH)
            if percent < 100:
                if pin not in self._pwm:
                    self._pwm[pin] = self._gpio.PWM(pin, self._pwm_hz)
                self._pwm[pin].start(percent)

    def off(self, pin: int) -> None:
        with _as_motor_error(f"pin {pin}"):
            try:
                if pin in self._pwm:
                    self._pwm[pin].stop()
            finally:
                self._gpio.output(pin, self._gpio.LOW)

    def close(self) -> None:
        """The pins become inputs; what keeps the motors off from then on is the pull-down."""
        for pin in self._claimed:
            with suppress(MotorError):
                self.off(pin)
        self._claimed = []
        self._pwm.clear()  # before cleanup: at their end they stop once more, and need the chip
        with _as_motor_error("gpiochip"):
            self._gpio.cleanup()


@contextmanager
def _as_motor_error(what: str, advice: str = "") -> Iterator[None]:
    """The library raises RuntimeError, ValueError, ImportError, OSError, and lgpio's own."""
    try:
        yield
    except Exception as error:
        reason = _without_quotes(str(error)) or type(error).__name__
        raise MotorError(what, f"{reason}; {advice}" if advice else reason) from error


def _without_quotes(text: str) -> str:
    """Which lgpio puts around all that it says."""
    return text[1:-1] if text[:1] == text[-1:] == "'" else text


@contextmanager
def _in_a_folder_of_its_own() -> Iterator[None]:
    """For as long as lgpio is imported.

    It changes to the folder that LG_WD names, or stays in the current one, and makes a pipe there
    that it never removes; the import fails where that folder cannot be written to. Once it is
    open the pipe needs no name.
    """
    before = os.environ.get(_WORK_DIR)
    here = os.open(".", os.O_PATH)  # it need not be readable
    try:
        with tempfile.TemporaryDirectory(prefix="stridehub-", dir=before) as folder:
            os.environ[_WORK_DIR] = folder
            try:
                yield
            finally:
                os.fchdir(here)
    finally:
        os.close(here)
        if before is None:
            os.environ.pop(_WORK_DIR, None)
        else:
            os.environ[_WORK_DIR] = before
