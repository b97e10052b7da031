"""What a series of failures of one pod calls for."""

from enum import Enum, auto

from stridehub.pods.backoff import Failure

# Failures in a row, of those that call for more than another try.
POWER_CYCLE_AT = 3
DEGRADED_AT = 5
# What BlueZ remembers of a pod goes with its bond, and with the bond the pod itself, until someone
# double-taps and provisions it. So only where the services it remembers are wrong and stay wrong:
# BlueZ mostly learns of changed ones by itself at a new connection.
FORGET_AT = 3


class Measure(Enum):
    NONE = auto()
    FORGET = auto()  # the device, in BlueZ
    POWER_CYCLE = auto()  # the adapter


class Series:
    """From one good while of streaming to the next; each measure comes once."""

    def __init__(self) -> None:
        self._climbing = 0
        self._stale = 0
        self._has_cycled = False

    def add(self, failure: Failure) -> None:
        """One more."""
        self._climbing += failure.value.climbs
        self._stale = self._stale + 1 if failure is Failure.STALE_SERVICES else 0

    @property
    def is_degraded(self) -> bool:
        """All measures have been of no use."""
        return self._climbing >= DEGRADED_AT

    def measure(self, failure: Failure) -> Measure:
        """After `failure` was added."""
        if failure is Failure.STALE_SERVICES:
            return Measure.FORGET if self._stale >= FORGET_AT else Measure.NONE
        if not failure.value.climbs:
            return Measure.NONE
        is_due = self._climbing >= POWER_CYCLE_AT and not self._has_cycled
        return Measure.POWER_CYCLE if is_due else Measure.NONE

    def has_forgotten(self) -> None:
        """The device was removed from BlueZ."""
        self._stale = 0

    def has_cycled(self) -> None:
        """The adapter was switched off and on."""
        self._has_cycled = True
