"""From a foot strike to the edge at a motor's pin."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

from stridehub.coaching.cue import Cue
from stridehub.config import GpioConfig, HubConfig
from stridehub.haptics.driver import Buzz, OnEdge
from stridehub.haptics.pins import TimedPins
from stridehub.haptics.wired import WiredDriver
from stridehub.kernel.wire import Bytes
from stridehub.model import CueSide, RunnerProfile
from stridehub.pods.played import Pace, Played
from stridehub.pods.source import Arrival, PacketSink, Take, WornPod
from stridehub.synthetic import STANDING_S
from stridehub.team import Team

# Everybody overstrides all the time, and is told at every other landing of that foot.
_NO_MERCY = {
    "zones": {"overstride_ratio": {"value": -1.0}},
    "baseline": {"strides": 0},
    "suppress": {"first_s": 0.0, "speed_change_mps": 9.0, "rhythm_least_cv": 1.0, "loss": 1.0},
    "follow_up": {"from_stride": 1, "to_stride": 1},
    "cues": {
        "kinds": ["overstride"],
        "least_gap_s": 0.0,
        "most_cues": 1_000_000,
        "silence_s": 0.0,
        "schedule": [1.0],
        "withheld": 0.0,
    },
}
HEAD_START_S = STANDING_S + 4.0  # nobody strides before that
_SETTLE_S = 0.1  # the last edge comes from another thread


class TimedCue(NamedTuple):
    hub_ms: float  # wall time, from the packet that tells of the foot strike to the edge
    latency_ms: float  # from the foot strike


class _Belts:
    """A HapticDriver: everybody wears motors, at pins in memory."""

    def __init__(self, runners: Iterable[str]) -> None:
        self.packet_s = 0.0  # time.monotonic() as the newest packet came
        self.hub_s: dict[str, float] = {}  # of the runner's newest edge
        self._wired = {
            runner: WiredDriver(GpioConfig(left=17, right=27, runner=runner), TimedPins)
            for runner in runners
        }

    def play(self, cue: Buzz, runner: str, side: CueSide, on_edge: OnEdge) -> bool:
        packet_s = self.packet_s

        def stamped(edge_s: float) -> None:
            self.hub_s[runner] = edge_s - packet_s
            on_edge(edge_s)

        return self._wired[runner].play(cue, runner, side, stamped)

    def trouble(self, runner: str) -> str | None:
        return self._wired[runner].trouble(runner)

    def stop_all(self) -> None:
        for wired in self._wired.values():
            wired.stop_all()

    def close(self) -> None:
        for wired in self._wired.values():
            wired.close()


class _Prepared:
    """A PacketSource whose packets are made already."""

    def __init__(self, pods: Sequence[WornPod], arrivals: Sequence[Arrival]) -> None:
        self.pods = pods
        self._arrivals = arrivals

    def __iter__(self) -> Iterator[Arrival]:
        return iter(self._arrivals)


class _Stamping:
    """A PacketSink."""

    def __init__(self, sink: PacketSink, belts: _Belts) -> None:
        self._sink = sink
        self._belts = belts

    def plug(self, worn: WornPod) -> Take:
        take = self._sink.plug(worn)

        def stamped(packet: Bytes, arrival_s: float) -> None:
            self._belts.packet_s = time.monotonic()
            take(packet, arrival_s)

        return stamped


def measure_cues(
    profiles: Sequence[RunnerProfile], pods: Sequence[WornPod], arrivals: Sequence[Arrival]
) -> list[TimedCue]:
    """Plays the packets at their own pace, from HEAD_START_S on; every cue that was felt."""
    belts = _Belts(profile.runner for profile in profiles)
    found: list[TimedCue] = []

    def felt(cue: Cue) -> None:
        if cue.edge_s is not None:
            hub_s = belts.hub_s[cue.runner]
            found.append(TimedCue(hub_s * 1e3, (cue.arrival_s - cue.foot_strike_s + hub_s) * 1e3))

    with closing(belts):
        team = Team(HubConfig(coaching=_NO_MERCY), belts, on_cue=[felt], seed=0)
        for profile in profiles:
            team.add_runner(profile)
        player = Played(_Prepared(pods, arrivals), Pace(HEAD_START_S))
        asyncio.run(player.run(_Stamping(team.pipeline, belts)))
        time.sleep(_SETTLE_S)
        team.finish()
    return found
