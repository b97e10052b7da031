"""A hub at work that records: packets, pods that come and go, and time that passes."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from stridehub.app import Pipeline
from stridehub.config import RecordConfig
from stridehub.model import RunnerProfile, Stride
from stridehub.pods.simulated import SimulatedSource
from stridehub.pods.source import Arrival, Take, WornPod
from stridehub.record.raw import RawRecorder, RawState
from stridehub.synthetic import synthetic_wearers
from stridehub.timing import ADVANCE_S

BEGIN_S = 7321.123456789  # the hub has been up for a while
PODS = 5  # of a runner
_TICK_S = 0.0371  # after the first packet: ticks and packets do not coincide


PATIENCE_S = 60.0  # with a loaded machine


def until(holds: Callable[[], object]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.01)


class Sent(NamedTuple):
    """What reaches the hub; arrivals in seconds since it began."""

    profiles: Sequence[RunnerProfile]
    pods: Sequence[WornPod]  # in the order of the runners
    arrivals: Sequence[Arrival]


@cache
def sent(runners: int, seconds: float) -> Sent:
    """Synthetic runners over an air that loses packets."""
    wearers = synthetic_wearers(runners, seed=3)
    source = SimulatedSource(wearers)
    arrivals = list(takewhile(lambda arrival: arrival.arrival_s < seconds, source))
    return Sent([wearer.profile for wearer in wearers], source.pods, arrivals)


class Recorded(NamedTuple):
    strides: list[Stride]
    state: RawState  # at the end


class RecordingHub:
    def __init__(self, folder: Path, session: str = "session") -> None:
        self.strides: list[Stride] = []
        self.pipeline = Pipeline(on_stride=[self.strides.append])
        limits = RecordConfig(raw=True, free_mb=1)
        self.recorder = RawRecorder(folder, session, limits, hub="track", now_s=BEGIN_S)
        self._sink = self.recorder.wrap(self.pipeline)
        self._takes: dict[int, Take] = {}

    def add_runner(self, profile: RunnerProfile) -> None:
        self.pipeline.add_runner(profile)
        self.recorder.add_runner(profile)

    def plug(self, pod: int, worn: WornPod) -> None:
        self._takes[pod] = self._sink.plug(worn)

    def take(self, pod: int, packet: bytes, time_s: float) -> None:
        self._takes[pod](bytearray(packet), BEGIN_S + time_s)

    def advance(self, time_s: float) -> None:
        self.pipeline.advance(BEGIN_S + time_s)
        self.recorder.advanced(BEGIN_S + time_s)

    def end(self) -> Recorded:
        self.pipeline.finish()
        until(self.recorder.close)
        return Recorded(self.strides, self.recorder.state)


Happening = Callable[[RecordingHub], None]


def recorded(
    folder: Path,
    given: Sent,
    *,
    happenings: Mapping[float, Happening] | None = None,
    reaches: Callable[[Arrival], bool] = lambda arrival: True,
    until_s: float = 0.0,
    late_runners: Iterable[int] = (),
) -> Recorded:
    """All packets that reach the hub, and what happens besides, each at its time.

    `late_runners` are left to the happenings; ticks go on until `until_s`.
    """
    hub = RecordingHub(folder)
    late = set(late_runners)
    for number in range(len(given.profiles)):
        if number not in late:
            begin(hub, given, number)
    ticks = tick_times(max(until_s, given.arrivals[-1].arrival_s))
    due = sorted(
        [
            *((time_s, 0, happens) for time_s, happens in (happenings or {}).items()),
            *((time_s, 1, _tick(time_s)) for time_s in ticks),
            *((a.arrival_s, 2, _packet(a)) for a in given.arrivals if reaches(a)),
        ],
        key=lambda item: item[:2],
    )
    for _, _, happens in due:
        happens(hub)
    return hub.end()


def begin(hub: RecordingHub, given: Sent, runner: int) -> None:
    """The runner is known, and the pods are there."""
    hub.add_runner(given.profiles[runner])
    for pod in range(runner * PODS, (runner + 1) * PODS):
        hub.plug(pod, given.pods[pod])


def tick_times(end_s: float) -> list[float]:
    return [_TICK_S + number * ADVANCE_S for number in range(int(end_s / ADVANCE_S))]


def _tick(time_s: float) -> Happening:
    return lambda hub: hub.advance(time_s)


def _packet(arrival: Arrival) -> Happening:
    return lambda hub: hub.take(arrival.pod, arrival.packet, arrival.arrival_s)


def other_pod(worn: WornPod) -> WornPod:
    """Another one for the same place."""
    info = worn.info
    doubled = dataclasses.replace(info, acc_nm_s2_per_lsb=2 * info.acc_nm_s2_per_lsb)
    return dataclasses.replace(worn, info=doubled, address="F0:D6:16:00:00:09")
