"""A recording as the packets its pods would have sent."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from stridehub.kernel.wire import Packet, PacketFlag, encode
from stridehub.model import Placement, PodInfo
from stridehub.pods.recording import HOLE_PERIODS, Floats, Recording
from stridehub.pods.source import Arrival, WornPod

DEFAULT_BATCH = 8  # what a worn pod sends

ACC_RANGE_MPS2 = 16 * 9.80665
GYR_RANGE_RAD_S = float(np.radians(2000))
_FULL_SCALE = 32768  # LSB of either range
_CLIPPED_VALUES = 8  # in a recording of seconds; a true peak is hardly ever met twice
_RANGE_SLACK = 1e-4  # a value this little beyond a range is rounding, not another range


class ReplayedSource:
    """Every sample through the wire encoder; the same packets each time.

    Hub time is the recording's: zero at its first sample. A packet arrives with its last sample.
    """

    def __init__(
        self, recording: Recording, runner: str = "runner", batch: int = DEFAULT_BATCH
    ) -> None:
        """`batch` samples a packet, 1..wire.MAX_SAMPLES."""
        self._time_s = recording.time_s
        self._placements = recording.placements
        self._bounds = _packet_bounds(recording.time_s, recording.rate_hz, batch)
        self._samples: list[NDArray[np.int16]] = []
        self.pods: Sequence[WornPod] = [
            WornPod(runner, self._take(recording, pod, batch))
            for pod in range(len(recording.placements))
        ]

    def _take(self, recording: Recording, pod: int, batch: int) -> PodInfo:
        acc, gyr = recording.acc_mps2[pod], recording.gyr_rad_s[pod]
        acc_scale = _scale(acc, ACC_RANGE_MPS2)
        gyr_scale = _scale(gyr, GYR_RANGE_RAD_S)
        self._samples.append(np.hstack([_raw(acc, acc_scale), _raw(gyr, gyr_scale)]))
        return PodInfo(
            placement=recording.placements[pod],
            rate_mhz=round(recording.rate_hz * 1e3),
            acc_nm_s2_per_lsb=acc_scale,
            gyr_nrad_s_per_lsb=gyr_scale,
            batch=batch,
        )

    def __iter__(self) -> Iterator[Arrival]:
        clock_us = np.round(self._time_s * 1e6).astype(np.int64) % 2**32
        flags = [_flags(samples, self._bounds) for samples in self._samples]
        pods = list(enumerate(zip(self._placements, self._samples, flags, strict=True)))
        for number, (first, end, sequence) in enumerate(self._bounds):
            clock = int(clock_us[first])
            arrival_s = float(self._time_s[end - 1])
            for pod, (placement, samples, flag) in pods:
                packet = _packet(placement, sequence, clock, samples[first:end], flag[number])
                yield Arrival(pod, packet, arrival_s)


def _packet(
    placement: Placement, sequence: int, clock: int, samples: NDArray[np.int16], clipped: bool
) -> bytes:
    flags = PacketFlag.CLIPPED if clipped else PacketFlag.NONE
    return encode(Packet(placement, sequence, clock, samples, flags))


def _packet_bounds(
    time_s: NDArray[np.float64], rate_hz: float, batch: int
) -> list[tuple[int, int, int]]:
    """(first, end, sequence number) of every packet.

    Time passes over a hole without packets, so the sequence skips those that it swallowed.
    """
    steps = np.diff(time_s) * rate_hz
    holes = np.flatnonzero(steps > HOLE_PERIODS) + 1
    starts = [0, *(int(hole) for hole in holes)]
    ends = [*starts[1:], len(time_s)]
    bounds = []
    sequence = 0
    for start, end in zip(starts, ends, strict=True):
        if start:
            sequence += max(1, round((float(steps[start - 1]) - 1) / batch))
        for first in range(start, end, batch):
            bounds.append((first, min(first + batch, end), sequence % 65536))
            sequence += 1
    return bounds


def _scale(values: Floats, usual_range: float) -> int:
    """Nano-units per LSB of the usual range, doubled until it holds the values.

    A sensor of a smaller range shows by values that stand at its end again and again: then that
    is the range, so that what it clipped is seen to be clipped.
    """
    sizes = np.abs(values)
    peak = float(sizes.max())
    at_the_end = int((sizes >= peak * (1 - _RANGE_SLACK)).sum())
    if at_the_end >= _CLIPPED_VALUES and usual_range / 8 <= peak < usual_range:
        return round(peak / (_FULL_SCALE - 1) * 1e9)
    full = usual_range
    while peak > full * (1 + _RANGE_SLACK):
        full *= 2
    return round(full / _FULL_SCALE * 1e9)


def _raw(values: Floats, scale: int) -> NDArray[np.int16]:
    counts = np.rint(values * (1e9 / scale))
    raw: NDArray[np.int16] = np.clip(counts, -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
    return raw


def _flags(samples: NDArray[np.int16], bounds: list[tuple[int, int, int]]) -> list[bool]:
    """Whether any sample of each packet stands at the end of its range."""
    ends = ((samples >= _FULL_SCALE - 1) | (samples <= 1 - _FULL_SCALE)).any(axis=1)
    return list(np.logical_or.reduceat(ends, [first for first, _, _ in bounds]))
