"""Packets that are made, or were recorded, come in as from a radio: each at its time."""

import asyncio
import math
import time
from collections.abc import Callable
from itertools import takewhile

from stridehub.pods.source import Arrival, PacketSink, PacketSource


class Pace:
    """Hub time on the wall: it stands at `head_start_s` now, and goes on from there."""

    def __init__(self, head_start_s: float = 0.0) -> None:
        self._zero_s = time.monotonic() - head_start_s

    def wait_s(self, hub_s: float) -> float:
        """Until then, or 0 where it has passed."""
        return max(0.0, self._zero_s + hub_s - time.monotonic())


class Played:
    """A PodSource."""

    def __init__(
        self,
        source: PacketSource,
        pace: Pace | None = None,
        on_arrival: Callable[[Arrival], None] | None = None,
        until_s: float = math.inf,
    ) -> None:
        """Without a pace as fast as it goes; `on_arrival` hears of each packet that went in.

        Ends with the source, or with the first packet from `until_s` of hub time on.
        """
        self._source = source
        self._pace = pace
        self._on_arrival = on_arrival
        self._until_s = until_s

    async def run(self, sink: PacketSink) -> None:
        ports = [sink.plug(worn) for worn in self._source.pods]
        for arrival in takewhile(lambda due: due.arrival_s < self._until_s, self._source):
            if self._pace is not None:
                await asyncio.sleep(self._pace.wait_s(arrival.arrival_s))
            ports[arrival.pod](arrival.packet, arrival.arrival_s)
            if self._on_arrival is not None:
                self._on_arrival(arrival)
