"""Bodies that wear virtual pods: a synthetic runner, or the runner of a recording.

All times here are true seconds since the body began to move; each pod has a crystal and an IMU
oscillator of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from stridehub.model import Placement
from stridehub.pods.recording import HOLE_PERIODS, Recording
from stridehub.pods.source import Arrival
from stridehub.sim.imu import quantise
from stridehub.sim.knobs import RunnerKnobs
from stridehub.sim.runner import SyntheticRunner
from stridehub.sim.sampling import OwnInstants
from stridehub.synthetic import PODS, STANDING_S, STYLES
from virtual_pod.crystal import Crystal
from virtual_pod.pod import ACC_NM_S2_PER_LSB, GYR_NRAD_S_PER_LSB, VirtualPod

Array = NDArray[np.float64]

_LSB: Array = np.repeat([ACC_NM_S2_PER_LSB * 1e-9, GYR_NRAD_S_PER_LSB * 1e-9], 3)
_STRETCH_S = 0.5
_BATTERY_MV = 3900


class Motion(Protocol):
    """A stretch of what the places of a body truly feel; a Chunk of a SyntheticRunner is one."""

    @property
    def t(self) -> Array:
        """(N,) s, even, N >= 4."""

    @property
    def acc(self) -> Mapping[Placement, Array]:
        """(N, 3) specific force, m/s^2, in the pod's axes."""

    @property
    def gyr(self) -> Mapping[Placement, Array]:
        """(N, 3) rad/s."""


@dataclass(frozen=True, slots=True)
class RecordedMotion:
    t: Array
    acc: Mapping[Placement, Array]
    gyr: Mapping[Placement, Array]


def runner_motion(runner: SyntheticRunner) -> Iterator[Motion]:
    """Endless."""
    while True:
        yield runner.next_chunk()


def recorded_motion(recording: Recording) -> Iterator[Motion]:
    """Ends with the recording. Raises ValueError for one with holes: a worn pod has none."""
    steps = np.diff(recording.time_s)
    if np.any(steps * recording.rate_hz > HOLE_PERIODS):
        raise ValueError("the recording has holes")
    t = np.linspace(recording.time_s[0], recording.time_s[-1], len(recording.time_s))
    stretches = np.array_split(np.arange(len(t)), max(1, round(float(t[-1]) / _STRETCH_S)))
    for samples in stretches:
        acc, gyr = recording.acc_mps2[:, samples], recording.gyr_rad_s[:, samples]
        yield RecordedMotion(
            t=t[samples],
            acc=dict(zip(recording.placements, acc.astype(np.float64), strict=True)),
            gyr=dict(zip(recording.placements, gyr.astype(np.float64), strict=True)),
        )


class DrivenPod:
    """A virtual pod at its place on a body, whose IMU samples at a rate of its own."""

    def __init__(
        self, pod: VirtualPod, place: Placement, imu_rate_error_ratio: float = 0.0
    ) -> None:
        """The IMU samples at (1 + `imu_rate_error_ratio`) times the rate it is set to."""
        self.pod = pod
        self.place = place
        self._rate_factor = 1 + imu_rate_error_ratio
        self._felt: list[tuple[Array, Array]] = []  # stretches the pod has not passed
        self._times_s: Array = np.zeros(0)  # sampled, not given to the pod yet
        self._samples = np.zeros((0, 6), dtype=np.int16)
        self._set_rate(0.0)

    @property
    def felt_until_s(self) -> float:
        """The pod's samples are known until then."""
        if not self._felt:
            return -np.inf
        t, _ = self._felt[-1]
        return float(t[-1] - 2 * (t[1] - t[0]))

    def feel(self, motion: Motion) -> None:
        """The next stretch."""
        values = np.concatenate([motion.acc[self.place], motion.gyr[self.place]], axis=1)
        is_first = not self._felt
        self._felt = [*self._not_passed(), (motion.t, values)]
        if is_first:
            self._set_rate(float(motion.t[0]))
        elif not self._follow_rate():
            self._sample(motion.t, values)

    def _not_passed(self) -> list[tuple[Array, Array]]:
        """With the two times before the pod's, which sampling anew takes."""
        now_s = self._now_s()
        return [(t, values) for t, values in self._felt if t[-1] + 2 * (t[1] - t[0]) > now_s]

    def _now_s(self) -> float:
        return self.pod.crystal.true_s(self.pod.now_us)

    def run_until(self, true_s: float) -> None:
        """Gives the pod what its IMU sampled until then, and lets it live until then.

        Raises ValueError where the pod has lived on without its body.
        """
        self._follow_rate()
        count = int(np.searchsorted(self._times_s, true_s, side="right"))
        times_us = self.pod.crystal.pod_times_us(self._times_s[:count])
        self.pod.feed(self._samples[:count], times_us)
        self._times_s, self._samples = self._times_s[count:], self._samples[count:]
        self.pod.run_until(self.pod.crystal.pod_us(true_s))

    def _follow_rate(self) -> bool:
        """Whether the pod has set its IMU to another rate: its samples are others from now on."""
        changed = self.pod.wishes.imu_rate_hz != self._rate_hz
        if changed:
            self._set_rate(self._now_s())
        return changed

    def _set_rate(self, from_s: float) -> None:
        """Samples anew, from a time that the stretches hold."""
        self._rate_hz = self.pod.wishes.imu_rate_hz
        self._instants = OwnInstants(1.0 / (self._rate_hz * self._rate_factor), from_s)
        self._times_s, self._samples = self._times_s[:0], self._samples[:0]
        for t, values in self._felt:
            self._sample(t, values)

    def _sample(self, t: Array, values: Array) -> None:
        times_s, taken = self._instants.take(t, values)
        self._times_s = np.concatenate([self._times_s, times_s])
        self._samples = np.concatenate([self._samples, quantise(taken, _LSB).astype(np.int16)])


class Body:
    """Whoever wears pods: one motion, all pods brought from moment to moment together."""

    def __init__(self, motion: Iterable[Motion], pods: Sequence[DrivenPod]) -> None:
        self._motion = iter(motion)
        self.pods = tuple(pods)
        self.at_rest = False  # the motion has ended: no samples come any more

    def run_until(self, true_s: float) -> None:
        """Everything that happens to the pods until then, happens."""
        while self.feel_ahead(true_s):
            pass
        for pod in self.pods:
            pod.run_until(true_s)

    def feel_ahead(self, true_s: float) -> bool:
        """Works out one stretch of motion if one is needed until then; whether it was."""
        needed = not self.at_rest and any(pod.felt_until_s < true_s for pod in self.pods)
        if needed:
            self._feel_on()
        return needed

    def _feel_on(self) -> None:
        stretch = next(self._motion, None)
        if stretch is None:
            self.at_rest = True
            return
        for pod in self.pods:
            pod.feel(stretch)


@dataclass(frozen=True, slots=True)
class Spread:
    """How pods differ from each other, uniform within plus and minus."""

    skew_ppm: float = 20.0
    imu_rate_error_ratio: float = 0.02
    random_start: bool = True  # of the pod clock; else 0


def dressed(
    motion: Iterable[Motion],
    places: Sequence[Placement],
    seed: int = 0,
    spread: Spread | None = None,
    runner: str = "",
) -> Body:
    """A body with a configured pod at each place, at 3.9 V; the same pods for the same seed."""
    spread = spread or Spread()
    rng = np.random.default_rng([seed, 0xB0D1])
    pods = []
    for place in places:
        skew_ppm = rng.uniform(-1, 1) * spread.skew_ppm
        error = rng.uniform(-1, 1) * spread.imu_rate_error_ratio
        start_us = int(rng.integers(0, 2**32)) if spread.random_start else 0
        pod = VirtualPod(
            place, name=place.label, runner=runner, crystal=Crystal(skew_ppm, start_us)
        )
        pod.set_battery(_BATTERY_MV)
        pods.append(DrivenPod(pod, place, error))
    return Body(motion, pods)


def dressed_runner(
    knobs: RunnerKnobs,
    places: Sequence[Placement],
    seed: int = 0,
    spread: Spread | None = None,
    runner: str = "",
) -> Body:
    """A synthetic runner."""
    synthetic = SyntheticRunner(knobs, places, seed)
    return dressed(runner_motion(synthetic), places, seed, spread, runner)


def dressed_recording(
    recording: Recording, seed: int = 0, spread: Spread | None = None, runner: str = ""
) -> Body:
    """All pods of a recording. Raises ValueError for one with holes."""
    return dressed(recorded_motion(recording), recording.placements, seed, spread, runner)


@dataclass(frozen=True, slots=True)
class Air:
    """The radio between a body's pods and one hub."""

    interval_s: float = 0.03  # from connection event to connection event
    delay_s: float = 0.002
    most_packets: int | None = None  # of a pod in one event; None: all that wait


def stream(body: Body, until_s: float, air: Air | None = None) -> Iterator[Arrival]:
    """Packets of the body's pods as a hub gets them; whoever calls has started the streams.

    Begins where the pods are; ends with the motion, or at `until_s`.
    """
    air = air or Air()
    first = body.pods[0].pod
    event = int(first.crystal.true_s(first.now_us) / air.interval_s) + 1
    while event * air.interval_s <= until_s and not body.at_rest:
        at_s = event * air.interval_s
        body.run_until(at_s)
        for number, driven in enumerate(body.pods):
            for packet in driven.pod.take_packets(air.most_packets):
                yield Arrival(number, packet, at_s + air.delay_s)
        event += 1


def start_all(body: Body) -> None:
    """A hub connects to every pod and starts it. Raises RuntimeError where one refuses."""
    for driven in body.pods:
        driven.pod.connect_hub()
        result = driven.pod.start()
        if result:
            raise RuntimeError(f"{driven.place.label} does not start: {result.label}")


def team(pods: int, seed: int = 0, standing_s: float = STANDING_S) -> list[Body]:
    """Synthetic runners of different styles with five pods each; the last one with the rest.

    They stand first.
    """
    bodies = []
    for number in range(-(-pods // len(PODS))):
        style = STYLES[number % len(STYLES)]
        places = PODS[: pods - number * len(PODS)]
        name = f"{style.name}-{number + 1}"
        knobs = style.knobs(standing_s)
        bodies.append(dressed_runner(knobs, places, seed * 1000 + number, runner=name))
    return bodies
