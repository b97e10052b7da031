"""What motors hang on: pins, real or in memory."""

import threading
import time
from dataclasses import dataclass
from typing import Protocol


class Pins(Protocol):
    """Outputs by BCM number, from any thread. All are low to begin with.

    Every call may raise MotorError.
    """

    def on(self, pin: int, percent: int) -> None:
        """High when it returns; `percent` of the time from then on, 1..100."""

    def off(self, pin: int) -> None:
        """Low when it returns, and stays so."""

    def close(self) -> None:
        """All low, then given back. Safe to call twice."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A pin that was turned on or off."""

    time_s: float  # time.monotonic()
    pin: int
    percent: int  # 0: off


class TimedPins:
    """Pins in memory that stamp every edge."""

    def __init__(self) -> None:
        self.edges: list[Edge] = []
        self._percent: dict[int, int] = {}
        self._lock = threading.Lock()

    def on(self, pin: int, percent: int) -> None:
        self._set(pin, percent)

    def off(self, pin: int) -> None:
        self._set(pin, 0)

    def close(self) -> None:
        for pin in tuple(self._percent):
            self.off(pin)

    def _set(self, pin: int, percent: int) -> None:
        with self._lock:
            if percent != self._percent.get(pin, 0):
                self._percent[pin] = percent
                self.edges.append(Edge(time.monotonic(), pin, percent))
