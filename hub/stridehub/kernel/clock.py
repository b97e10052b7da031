"""The clock of one pod, for tests and tools: the map from pod time to hub time the kernel uses.

How it works is told in native/src/clock_sync.h and clock_sync.c.
"""

from dataclasses import dataclass
from enum import IntEnum

from stridehub.kernel._native import ffi, lib


class ClockEvent(IntEnum):
    """What a packet did to the map; from STALE on the packet was refused."""

    OK = lib.CLOCK_SYNC_OK
    STARTED = lib.CLOCK_SYNC_STARTED
    REACQUIRED = lib.CLOCK_SYNC_REACQUIRED
    RESTARTED = lib.CLOCK_SYNC_RESTARTED
    STALE = lib.CLOCK_SYNC_STALE
    BAD_ARRIVAL = lib.CLOCK_SYNC_BAD_ARRIVAL
    BAD_COUNT = lib.CLOCK_SYNC_BAD_COUNT


@dataclass(frozen=True, slots=True)
class ClockStamp:
    """Sample i of the packet was taken at hub time first_s + i * period_s."""

    event: ClockEvent
    first_s: float  # hub time, monotonic seconds
    period_s: float  # hub seconds from sample to sample
    pod_period_s: float  # seconds of the pod's crystal from sample to sample


@dataclass(frozen=True, slots=True)
class ClockReport:
    """The health of the map."""

    skew_ppm: float  # hub seconds gained per pod second
    pod_period_s: float  # measured sampling period
    interval_s: float  # between packets, smoothed
    delay_median_s: float  # running median of the delay above the envelope
    spread_s: float  # mean height of the bucket minima above the envelope: small = sure
    correction_s: float  # still to be slewed; positive = the map has to rise
    packets: int  # accepted
    restarts: int
    reacquired: int
    stale: int
    bad_arrivals: int
    bad_counts: int


class PodClock:
    """Maps the clock of one pod to the hub's monotonic clock, packet by packet."""

    def __init__(self, rate_hz: float) -> None:
        """`rate_hz` is the nominal sampling rate; raises ValueError outside 50..850 Hz."""
        self._sync = ffi.new("clock_sync *")
        self._stamp = ffi.new("clock_stamp *")
        settings = ffi.new("clock_sync_settings *", lib.clock_sync_default_settings(rate_hz))
        if not lib.clock_sync_init(self._sync, settings):
            raise ValueError(f"sampling rate {rate_hz} Hz is not within 50..850 Hz")

    def packet(
        self, pod_clock_us: int, count: int, arrival_s: float, *, contiguous: bool
    ) -> ClockStamp | ClockEvent:
        """The times of a packet's samples, or the event that tells why it was refused.

        `pod_clock_us` is the pod clock at the first of `count` samples, 0..2**32 - 1;
        `arrival_s` the hub's monotonic time of arrival; `contiguous` whether the sequence number
        follows the one of the last packet given here. Raises OverflowError where the clock or
        count does not fit 32 bits.
        """
        event = ClockEvent(
            lib.clock_sync_packet(
                self._sync, pod_clock_us, count, contiguous, arrival_s, self._stamp
            )
        )
        if event >= ClockEvent.STALE:
            return event
        stamp = self._stamp
        return ClockStamp(event, stamp.first_s, stamp.period_s, stamp.pod_period_s)

    def report(self) -> ClockReport:
        """Copies the present state of health."""
        report = ffi.new("clock_sync_report *")
        lib.clock_sync_get_report(self._sync, report)
        return ClockReport(**{name: getattr(report, name) for name in ClockReport.__slots__})
