"""A hub's radio against a world of pods, and what it made of it."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mock_bluez.world import World
from on_the_loop import until
from stridehub.kernel.wire import Bytes
from stridehub.model import KnownPod, LinkState, Placement, PodHealth
from stridehub.pods.bluez import BlueZ
from stridehub.pods.link import StreamSettings
from stridehub.pods.radio import Radio
from stridehub.pods.radio_source import Memory, RadioSource
from stridehub.pods.source import Take, WornPod
from stridehub.record.roster import Roster

Place = tuple[str, Placement]


@dataclass
class Stream:
    """What came from one place, over all connections."""

    worn: WornPod
    plugged: int = 0
    sizes: list[int] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    arrivals_s: list[float] = field(default_factory=list)

    def take(self, packet: Bytes, arrival_s: float) -> None:
        self.sizes.append(len(packet))
        self.sequences.append(int.from_bytes(packet[2:4], "little"))
        self.arrivals_s.append(arrival_s)

    @property
    def in_order(self) -> bool:
        """Each packet follows the one before; a gap of up to half the numbers is still order."""
        pairs = zip(self.sequences, self.sequences[1:], strict=False)
        return all(0 < (after - before) % 65536 < 32768 for before, after in pairs)

    @property
    def missing(self) -> int:
        """Sequence numbers that never came, between those that did."""
        pairs = zip(self.sequences, self.sequences[1:], strict=False)
        return sum((after - before - 1) % 65536 for before, after in pairs)


class Heard:
    """A PacketSink that keeps everything."""

    def __init__(self) -> None:
        self.streams: dict[Place, Stream] = {}

    def plug(self, worn: WornPod) -> Take:
        stream = self.streams.setdefault((worn.runner, worn.info.placement), Stream(worn))
        stream.worn = worn
        stream.plugged += 1
        return stream.take

    def of(self, pod: KnownPod) -> Stream:
        return self.streams[pod.runner, pod.placement]

    def count(self, pod: KnownPod) -> int:
        """Of packets, so far."""
        stream = self.streams.get((pod.runner, pod.placement))
        return len(stream.sequences) if stream else 0


class Hub:
    """A RadioSource at work."""

    def __init__(self, source: RadioSource, pods: list[KnownPod], heard: Heard) -> None:
        self.source = source
        self.pods = pods
        self.heard = heard

    def health(self, pod: int) -> PodHealth:
        own = self.pods[pod]
        return next(h for h in self.source.health() if h.pod.address == own.address)

    def count(self, pod: int) -> int:
        return self.heard.count(self.pods[pod])

    async def streaming(self, pods: Collection[int] | None = None) -> float:
        """Waits until these pods send anew; for how long it took, in seconds."""
        numbers = range(len(self.pods)) if pods is None else pods
        before = {number: self.count(number) for number in numbers}
        return await until(
            lambda: all(
                self.health(number).state is LinkState.STREAMING
                and self.count(number) > before[number]
                for number in numbers
            )
        )

    async def told(self, pod: int, words: str) -> None:
        """Waits until the hub gives this reason for the pod's trouble."""
        await until(lambda: words in (self.health(pod).reason or ""))


def all_stream(source: RadioSource) -> bool:
    """And have sent something, over whatever connections."""
    return all(h.state is LinkState.STREAMING and h.packets for h in source.health())


async def known_pods(world: World) -> list[KnownPod]:
    """Those of a world where all have a placement; pods take turns at the adapters."""
    centrals = world.centrals
    return [
        KnownPod(
            stats.address,
            stats.name,
            Placement.from_label(stats.placement or ""),
            stats.runner,
            centrals[number % len(centrals)],
        )
        for number, stats in enumerate(await world.stats())
    ]


async def roster_of(world: World, folder: Path) -> Roster:
    """All pods of a world are the hub's."""
    roster = Roster(folder / "hub.sqlite")
    for pod in await known_pods(world):
        roster.keep(pod)
    return roster


@asynccontextmanager
async def hub_in(
    world: World,
    pods: list[KnownPod] | None = None,
    *,
    settings: StreamSettings | None = None,
    memory: Memory | None = None,
    most_links: int = 7,
) -> AsyncIterator[Hub]:
    """Ends it as SIGTERM would."""
    known = await known_pods(world) if pods is None else pods
    source = RadioSource(
        Radio(), BlueZ(), known, settings, most_links=most_links, memory=memory, seed=1
    )
    heard = Heard()
    life = asyncio.create_task(source.run(heard))
    try:
        yield Hub(source, known, heard)
    finally:
        life.cancel()
        with suppress(asyncio.CancelledError):
            await life
