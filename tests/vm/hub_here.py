"""The hub in this process, and every packet that its kernels are given."""

import logging
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from stridehub.kernel.wire import Bytes
from stridehub.live import Live
from stridehub.model import LinkState, PodHealth
from stridehub.pods.source import PacketSink, Take, WornPod
from vm.machine import Machine
from vm.outcome import until

STREAM_S = 60.0  # a hub in an emulated machine has its pods within this


@dataclass
class Tally:
    """Of one pod's packets; a list of sequence numbers for each connection."""

    runs: list[list[int]] = field(default_factory=list)

    @property
    def packets(self) -> int:
        return sum(map(len, self.runs))

    @property
    def lost(self) -> int:
        """Numbers that never came, between those that did, within a connection."""
        return sum((step - 1) % 65536 for step in self._steps() if step)

    @property
    def doubled(self) -> int:
        """Numbers that came once more."""
        return sum(step == 0 for step in self._steps())

    def _steps(self) -> Iterator[int]:
        for run in self.runs:
            for before, after in pairwise(run):
                yield (after - before) % 65536


class _Tapped:
    """A PacketSink that counts what goes in."""

    def __init__(self, plain: PacketSink) -> None:
        self._plain = plain
        self.tallies: dict[str, Tally] = {}

    def plug(self, worn: WornPod) -> Take:
        take = self._plain.plug(worn)
        run: list[int] = []
        self.tallies.setdefault(worn.address, Tally()).runs.append(run)

        def counted(packet: Bytes, arrival_s: float) -> None:
            run.append(int.from_bytes(packet[2:4], "little"))
            take(packet, arrival_s)

        return counted


class HubHere:
    """A Live at work."""

    def __init__(self, live: Live, tallies: dict[str, Tally]) -> None:
        self.live = live
        self.tallies = tallies
        self.reasons: list[str] = []  # of all trouble, as logged

    def health(self, address: str) -> PodHealth:
        return next(h for h in self.live.source.health() if h.pod.address == address)

    def packets(self, address: str) -> int:
        tally = self.tallies.get(address)
        return tally.packets if tally else 0

    async def streaming(
        self, addresses: Collection[str] | None = None, within_s: float = STREAM_S
    ) -> float:
        """Waits until these pods send anew; for how long, in seconds. Raises LateError."""
        wanted = addresses or [h.pod.address for h in self.live.source.health()]
        before = {address: self.packets(address) for address in wanted}

        def all_send() -> bool:
            return all(
                self.health(address).state is LinkState.STREAMING
                and self.packets(address) > before[address]
                for address in wanted
            )

        return await until(all_send, "all stream", within_s)

    async def gone(self, address: str, within_s: float = 15.0) -> float:
        """Waits until the hub has noticed that a pod streams no more."""

        def is_gone() -> bool:
            return self.health(address).state is not LinkState.STREAMING

        return await until(is_gone, "the hub notices", within_s)

    def told(self) -> list[str]:
        """How each pod is, for whoever looks at what went wrong."""
        return [
            f"{h.pod.address} {h.state.value}: {h.reason}"
            for h in self.live.source.health()
            if h.state is not LinkState.STREAMING
        ]


@asynccontextmanager
async def hub_here(machine: Machine) -> AsyncIterator[HubHere]:
    """Ends it as SIGTERM would."""
    live = Live(machine.config, machine.roster)
    tapped = _Tapped(live.sink)
    live.sink = tapped
    hub = HubHere(live, tapped.tallies)
    with _collected(hub.reasons):
        async with live.running() as life:
            yield hub
            if life.done():
                life.result()


class _Collector(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


@contextmanager
def _collected(lines: list[str]) -> Iterator[None]:
    handler = _Collector(lines)
    logger = logging.getLogger("stridehub")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
