"""Pins with a guardian, see guardian.py: what it is told, and how it is started and ended."""

import os
import select
import subprocess
import sys
import threading
from collections.abc import Collection
from contextlib import suppress

from stridehub.errors import MotorError
from stridehub.haptics import guardian
from stridehub.haptics.gpio import GpioPins
from stridehub.timing import GUARDIAN_ENDS_S, GUARDIAN_STARTS_S

_WHAT = "guardian of the motors"


class Guardian:
    """The hub's end of it."""

    def __init__(self, pins: Collection[int]) -> None:
        """Ready when it returns. Raises MotorError where it does not get ready."""
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", guardian.__name__, *map(str, pins)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is not for it
            )
        except OSError as error:
            raise MotorError(_WHAT, error.strerror or str(error)) from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._pipe, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._pipe.fileno(), False)
        if not self._is_ready():
            self._process.kill()
            self.dismiss()
            raise MotorError(_WHAT, "it does not get ready")

    def _is_ready(self) -> bool:
        is_told, _, _ = select.select([self._out], [], [], GUARDIAN_STARTS_S)
        return bool(is_told) and self._out.readline() == guardian.READY

    def tell_on(self) -> None:
        """A motor is about to be on. Raises MotorError where nobody watches it."""
        try:
            os.write(self._pipe.fileno(), guardian.ON)
        except OSError as error:  # a pipe that nobody reads, or full
            raise MotorError(_WHAT, "it does not listen") from error

    def tell_off(self) -> None:
        """All motors are off."""
        with suppress(OSError):  # it has ended, and minds nothing
            os.write(self._pipe.fileno(), guardian.OFF)

    def dismiss(self) -> int:
        """The pins are given back: it has claimed them, low, and ended. Safe to call twice.

        Its exit code.
        """
        self._pipe.close()
        self._out.close()
        try:
            return self._process.wait(GUARDIAN_ENDS_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class GuardedPins(GpioPins):
    """With a guardian for as long as they are claimed: without it no motor is turned on."""

    def __init__(self, pins: Collection[int], pwm_hz: int) -> None:
        """Raises MotorError."""
        self._guardian: Guardian | None = None
        self._telling = threading.Lock()
        self._on: set[int] = set()
        self._rises = 0
        super().__init__(pins, pwm_hz)
        try:
            self._guardian = Guardian(pins)
        except MotorError:
            self.close()
            raise

    def on(self, pin: int, percent: int) -> None:
        self._tell_on(pin)
        super().on(pin, percent)
        self._tell_on(pin)  # again: if this took long it was turned off meanwhile

    def _tell_on(self, pin: int) -> None:
        with self._telling:
            if self._guardian is None:
                raise MotorError(f"pin {pin}", "closed")
            self._guardian.tell_on()
            self._on.add(pin)
            self._rises += 1

    def off(self, pin: int) -> None:
        rises = self._rises
        super().off(pin)
        with self._telling:
            if rises == self._rises:  # else another one turned on, and will turn off
                self._on.discard(pin)
                if not self._on and self._guardian is not None:
                    self._guardian.tell_off()

    def close(self) -> None:
        try:
            super().close()
        finally:
            with self._telling:
                dismissed, self._guardian = self._guardian, None
            if dismissed is not None:
                dismissed.dismiss()
