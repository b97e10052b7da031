"""Packets in, strides and cues out: what the hub costs, and how long it takes."""

import resource
import time
from array import array
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Self

import msgspec
import numpy as np
from numpy.typing import ArrayLike

from stridehub.app import Feed
from stridehub.commands.bench_cues import HEAD_START_S, measure_cues
from stridehub.config import HubConfig
from stridehub.haptics.none import NoDriver
from stridehub.kernel.stride import KERNEL_BYTES
from stridehub.model import EventKind, GaitEvent, Stride
from stridehub.pods.simulated import SimulatedSource
from stridehub.pods.source import Arrival, PacketSource
from stridehub.synthetic import PODS, SyntheticWearer, synthetic_wearers
from stridehub.team import Team

_SEED = 1
CUES_S = 20.0  # in real time, at most
SAME_EVENT_S = 0.15  # a told and a refined event of one foot this close are one


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    mean: float
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: ArrayLike) -> Self:
        """Raises ValueError where there are no values."""
        known = np.asarray(values, np.float64)
        if known.size == 0:
            raise ValueError("no values")
        p50, p95, p99 = (float(p) for p in np.percentile(known, [50, 95, 99]))
        return cls(mean=float(known.mean()), p50=p50, p95=p95, p99=p99)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The latency is signal time, from a refined event to the sample at which it was first told."""

    runners: int
    pods_per_runner: int
    signal_s: float
    packets: int
    strides: int
    wall_s: float
    packets_per_s: float
    times_real_time: float  # all runners together, on one core
    packet_us: Spread
    initial_contact_latency_ms: Spread | None
    toe_off_latency_ms: Spread | None
    cues: int
    cue_hub_ms: Spread | None  # wall time, from the packet that tells of a foot strike to the edge
    cue_latency_ms: Spread | None  # from the foot strike, with radio and batch as simulated
    kernel_bytes_per_runner: int
    peak_rss_bytes: int  # of this process, the prepared packets included


def bench(*, runners: int, seconds: float, as_json: bool) -> None:
    """Prints the result."""
    wearers = synthetic_wearers(runners, _SEED)
    source = SimulatedSource(wearers)
    arrivals = list(takewhile(lambda arrival: arrival.arrival_s <= seconds, source))
    result = measure(wearers, source, arrivals, seconds)
    if as_json:
        print(msgspec.json.encode(result).decode())
    else:
        print("\n".join(_lines(result)))


def measure(
    wearers: Sequence[SyntheticWearer],
    source: PacketSource,
    arrivals: Sequence[Arrival],
    seconds: float,
) -> Result:
    """Drives `arrivals`, packets of `source` from `seconds` of time, through a new pipeline."""
    events: dict[str, list[GaitEvent]] = {wearer.profile.runner: [] for wearer in wearers}
    strides: list[Stride] = []

    def on_event(runner: str, event: GaitEvent) -> None:
        events[runner].append(event)

    team = Team(HubConfig(), NoDriver(), on_event=[on_event], on_stride=[strides.append])
    for wearer in wearers:
        team.add_runner(wearer.profile)
    feed = Feed(team.pipeline, source.pods)
    stamps_ns = array("q", [time.perf_counter_ns()])
    for arrival in arrivals:
        feed.take(arrival)
        stamps_ns.append(time.perf_counter_ns())
    wall_s = (stamps_ns[-1] - stamps_ns[0]) * 1e-9
    team.finish()
    first = [arrival for arrival in arrivals if arrival.arrival_s < HEAD_START_S + CUES_S]
    cues = measure_cues([wearer.profile for wearer in wearers], source.pods, first)
    return Result(
        runners=len(wearers),
        pods_per_runner=len(PODS),
        signal_s=seconds,
        packets=len(arrivals),
        strides=len(strides),
        wall_s=wall_s,
        packets_per_s=len(arrivals) / wall_s,
        times_real_time=seconds / wall_s,
        packet_us=Spread.of(np.diff(stamps_ns) * 1e-3),
        initial_contact_latency_ms=_latency(events.values(), EventKind.INITIAL_CONTACT),
        toe_off_latency_ms=_latency(events.values(), EventKind.TOE_OFF),
        cues=len(cues),
        cue_hub_ms=Spread.of([cue.hub_ms for cue in cues]) if cues else None,
        cue_latency_ms=Spread.of([cue.latency_ms for cue in cues]) if cues else None,
        kernel_bytes_per_runner=KERNEL_BYTES,
        peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _latency(of_runners: Iterable[Sequence[GaitEvent]], kind: EventKind) -> Spread | None:
    """How long after an event, as refined from all pods, it was first told."""
    values_ms = []
    for events in of_runners:
        for refined in (e for e in events if e.refined and e.kind is kind):
            told = [
                e.seen_s - refined.time_s
                for e in events
                if e.kind is kind
                and e.side is refined.side
                and not e.refined
                and abs(e.time_s - refined.time_s) < SAME_EVENT_S
            ]
            values_ms += [max(told) * 1e3] if told else []
    return Spread.of(values_ms) if values_ms else None


def _lines(result: Result) -> list[str]:
    return [
        f"runners: {result.runners} with {result.pods_per_runner} pods, {result.signal_s:g} s,"
        f" {result.packets} packets, {result.strides} strides",
        f"  throughput            {result.packets_per_s:.0f} packets/s,"
        f" {result.times_real_time:.0f} x real time",
        f"  time per packet       {_spread(result.packet_us)} us",
        f"  initial contact seen  {_spread(result.initial_contact_latency_ms)} ms after it",
        f"  toe-off seen          {_spread(result.toe_off_latency_ms)} ms after it",
        f"  foot strike to motor  {_spread(result.cue_latency_ms)} ms,"
        f" of it hub {_spread(result.cue_hub_ms)} ms; {result.cues} cues",
        f"  kernel memory         {result.kernel_bytes_per_runner / 1024:.0f} KiB a runner",
        f"  peak memory           {result.peak_rss_bytes / 2**20:.0f} MiB"
        " of the process, prepared packets included",
    ]


def _spread(values: Spread | None) -> str:
    if values is None:
        return "-"
    return (
        f"mean {values.mean:.1f}, p50 {values.p50:.1f}, p95 {values.p95:.1f}, p99 {values.p99:.1f}"
    )
