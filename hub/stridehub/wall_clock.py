"""The time that people share, and the one place that notices when somebody sets it.

A Raspberry Pi has no clock of its own: until a network tells it the time it goes on from where it
was switched off, or from 1970.
"""

import time
from collections.abc import Callable

# NTP moves a clock that is off by less than a fraction of a second slowly; a command may be older
# than this.
_LEAST_STEP_S = 5.0
# One that goes on while the machine sleeps, where there is one.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _steady_s() -> float:
    return time.clock_gettime(_STEADY)


class WallClock:
    """The machine's, as of the last look: between two looks it is never set."""

    def __init__(
        self, utc_s: Callable[[], float] = time.time, steady_s: Callable[[], float] = _steady_s
    ) -> None:
        self._utc_s = utc_s
        self._steady_s = steady_s
        self._offset_s = utc_s() - steady_s()

    def utc_s(self) -> float:
        """Unix time."""
        return self._steady_s() + self._offset_s

    def utc_ms(self) -> int:
        return round(self.utc_s() * 1e3)

    def look(self) -> float:
        """By how many seconds it has been set since the last look; 0.0 where by few or none."""
        before_s, self._offset_s = self._offset_s, self._utc_s() - self._steady_s()
        step_s = self._offset_s - before_s
        return step_s if abs(step_s) >= _LEAST_STEP_S else 0.0
