"""Turns motors off that whoever turned them on has not."""

import logging
import math
import threading
import time

from stridehub.errors import MotorError
from stridehub.haptics.pins import Pins
from stridehub.timing import GUARD_TICK_S, LOOP_STALL_S, PIN_CALL_S

log = logging.getLogger(__name__)


class Guard:
    """A thread with a deadline for each pin that is on, armed before the pin goes high.

    Past its deadline a pin is turned off, again and again until it is disarmed: whoever hangs
    between arming and turning on may come late.
    """

    def __init__(self, pins: Pins) -> None:
        self._pins = pins
        self._due_s: dict[int, float] = {}
        self._beat_s: float | None = None
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="motor guard", daemon=True)
        self._thread.start()

    # ---- motors ----

    def arm(self, pin: int, due_s: float) -> None:
        """`due_s` is time.monotonic(). Raises MotorError where nobody would keep to it."""
        if not self._thread.is_alive():
            raise MotorError(f"pin {pin}", "nobody guards it")
        with self._changed:
            self._due_s[pin] = due_s
            self._changed.notify()

    def disarm(self, pin: int) -> None:
        """The pin is low."""
        with self._changed:
            self._due_s.pop(pin, None)

    @property
    def is_needed(self) -> bool:
        """A pin is past its deadline: whoever turned it on hangs."""
        with self._changed:
            return bool(self._overdue())

    # ---- the loop that decides what is played ----

    def beat(self) -> None:
        """Whoever calls this once is expected to go on."""
        self._beat_s = time.monotonic()

    @property
    def is_stalled(self) -> bool:
        """No beat for LOOP_STALL_S, after there were some."""
        beat_s = self._beat_s
        return beat_s is not None and time.monotonic() >= beat_s + LOOP_STALL_S

    # ---- the thread ----

    def close(self) -> None:
        """Nothing is turned off any more. A call to the pins that hangs is not waited for."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join(PIN_CALL_S)

    def _run(self) -> None:
        known: set[int] = set()
        while (overdue := self._next_overdue()) is not None:
            for pin in overdue:
                self._turn_off(pin, is_news=pin not in known)
            known = overdue

    def _next_overdue(self) -> set[int] | None:
        """None: closed. While a pin is on it waits for a tick at most."""
        with self._changed:
            if not self._is_closed:
                self._changed.wait(GUARD_TICK_S if self._due_s else None)
            return None if self._is_closed else self._overdue()

    def _overdue(self) -> set[int]:
        latest_s = math.inf if self.is_stalled else time.monotonic()
        return {pin for pin, due_s in self._due_s.items() if due_s <= latest_s}

    def _turn_off(self, pin: int, *, is_news: bool) -> None:
        try:
            self._pins.off(pin)
        except MotorError as error:
            if is_news:
                log.error("cannot be turned off: %s", error)
        else:
            if is_news:
                log.warning("pin %d had to be turned off by its guard", pin)
