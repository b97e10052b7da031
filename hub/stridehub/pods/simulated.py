"""Pods of many runners that are no radio: their packets merged in the order of arrival."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Protocol

from stridehub.model import PodInfo
from stridehub.pods.source import Arrival, WornPod

# A packet made from here on may arrive this much before the time its wearer has come to: pods
# whose crystal runs fast are some samples ahead.
_AHEAD_S = 0.1


class Wearer(Protocol):
    """Someone whose pods make packets, stretch by stretch, for ever."""

    @property
    def runner(self) -> str: ...

    @property
    def infos(self) -> Sequence[PodInfo]: ...

    @property
    def time_s(self) -> float:
        """Hub time up to which packets have been made."""

    def next_packets(self) -> Iterable[tuple[int, bytes, float]]:
        """Pod by its place in infos, packet, hub time of arrival: in order for each pod."""


class SimulatedSource:
    """Endless."""

    def __init__(self, wearers: Sequence[Wearer]) -> None:
        self._wearers = wearers
        self.pods: Sequence[WornPod] = [
            WornPod(wearer.runner, info) for wearer in wearers for info in wearer.infos
        ]

    def __iter__(self) -> Iterator[Arrival]:
        waiting: list[tuple[float, int, int, bytes]] = []
        order = count()  # of packets that arrive at the same time
        while True:
            first_pod = 0
            for wearer in self._wearers:
                for pod, packet, arrival_s in wearer.next_packets():
                    heapq.heappush(waiting, (arrival_s, next(order), first_pod + pod, packet))
                first_pod += len(wearer.infos)
            made_s = min(wearer.time_s for wearer in self._wearers) - _AHEAD_S
            while waiting and waiting[0][0] <= made_s:
                arrival_s, _, pod, packet = heapq.heappop(waiting)
                yield Arrival(pod, packet, arrival_s)
