"""The way of one pod's samples to the hub: its crystal, its packets, the radio's timing."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stridehub.kernel import wire
from stridehub.model import Placement, PodInfo
from stridehub.sim.imu import quantise, scales
from stridehub.sim.knobs import DEFAULT_IMU, ImuKnobs, LinkKnobs
from stridehub.sim.sampling import OwnInstants
from stridehub.sim.tracks import Array


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet as the hub gets it."""

    placement: Placement
    data: bytes
    arrival_s: float  # hub's monotonic clock, which starts with the first sample
    first_sample_s: float  # truth: when the packet's first sample was taken


class PodLink:
    """Feed it a pod's samples in order; it gives packets in order of arrival."""

    def __init__(
        self,
        knobs: LinkKnobs,
        placement: Placement,
        seed: int,
        rate_hz: float = 208.0,
        imu: ImuKnobs = DEFAULT_IMU,
    ) -> None:
        self._knobs = knobs
        self._placement = placement
        self._rng = np.random.default_rng([seed, int(placement), 0x1170])
        acc_lsb, gyr_lsb = scales(imu)
        self._lsb: Array = np.repeat([acc_lsb * 1e-9, gyr_lsb * 1e-9], 3)
        self.info = PodInfo(
            placement=placement,
            rate_mhz=round(rate_hz * 1000),
            acc_nm_s2_per_lsb=acc_lsb,
            gyr_nrad_s_per_lsb=gyr_lsb,
            batch=knobs.batch,
        )
        self._instants = OwnInstants(1.0 / (rate_hz * (1 + knobs.imu_rate_error_ratio)))
        self.clock_skew = 1 + 1e-6 * self._rng.uniform(-1, 1) * knobs.clock_skew_ppm
        start = int(self._rng.integers(0, 2**32))
        self._clock_start_us = start if knobs.clock_start_us is None else knobs.clock_start_us
        self._event_phase = self._rng.uniform(0.0, knobs.connection_interval_s)
        self._event = 0  # next connection event
        self._stalled_until = -1.0
        self._sequence = int(self._rng.integers(0, 2**16))
        self._waiting_values = np.zeros((0, 6), dtype=np.int16)
        self._waiting_t = np.zeros(0)

    def send(self, t: Array, acc: Array, gyr: Array) -> Iterator[Arrival]:
        """Packets that samples (N,), (N, 3) m/s^2, (N, 3) rad/s complete."""
        when, values = self._take(t, np.concatenate([acc, gyr], axis=1))
        counts = quantise(values, self._lsb).astype(np.int16)
        self._waiting_t = np.concatenate([self._waiting_t, when])
        self._waiting_values = np.concatenate([self._waiting_values, counts])
        batch = self._knobs.batch
        while len(self._waiting_t) >= batch:
            arrival = self._packet(self._waiting_t[:batch], self._waiting_values[:batch])
            self._waiting_t = self._waiting_t[batch:]
            self._waiting_values = self._waiting_values[batch:]
            if arrival is not None:
                yield arrival

    def _take(self, t: Array, values: Array) -> tuple[Array, Array]:
        """The signal at the pod's own sampling instants."""
        if self._knobs.imu_rate_error_ratio == 0.0:
            return t, values
        return self._instants.take(t, values)

    def _packet(self, when: Array, counts: NDArray[np.int16]) -> Arrival | None:
        """Sent at the first connection event after its last sample, or lost on the way."""
        clipped = bool(np.any((counts >= 32767) | (counts <= -32767)))
        clock = self._clock_start_us + round(float(when[0]) * self.clock_skew * 1e6)
        packet = wire.Packet(
            placement=self._placement,
            sequence=self._sequence,
            pod_clock_us=clock % 2**32,
            samples=np.ascontiguousarray(counts, dtype=np.int16),
            flags=wire.PacketFlag.CLIPPED if clipped else wire.PacketFlag.NONE,
        )
        self._sequence = (self._sequence + 1) % 2**16
        sent = self._next_event(float(when[-1]))
        lost = self._rng.random() < self._knobs.loss_ratio or any(
            start <= float(when[0]) < start + duration for start, duration in self._knobs.holes
        )
        if lost:
            return None
        return Arrival(
            self._placement, wire.encode(packet), sent + self._knobs.radio_delay_s, float(when[0])
        )

    def _next_event(self, ready_s: float) -> float:
        """The connection event that carries a packet; a stall holds several for one burst."""
        interval = self._knobs.connection_interval_s
        while True:
            at = self._event_phase + self._event * interval
            if at >= ready_s and at >= self._stalled_until:
                return at
            self._event += 1
            if at >= self._stalled_until and self._rng.random() < self._knobs.stall_probability:
                self._stalled_until = at + self._knobs.stall_s
