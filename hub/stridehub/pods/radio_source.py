"""All pods of a hub over the radio, as one source of packets."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from itertools import groupby

from stridehub.config import RadioConfig
from stridehub.kernel.link import HapticPattern
from stridehub.model import KnownPod, Placement, PodHealth
from stridehub.pods.adapter import Adapter
from stridehub.pods.backoff import Backoff, Failure
from stridehub.pods.bluez import BlueZ
from stridehub.pods.failures import RADIO_ERRORS, LinkEndedError
from stridehub.pods.keeper import PodKeeper
from stridehub.pods.link import StreamSettings
from stridehub.pods.radio import Host, Radio
from stridehub.pods.slots import Slots
from stridehub.pods.source import PacketSink, Take, WornPod

log = logging.getLogger(__name__)

Motor = Callable[[HapticPattern], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Memory:
    """What outlives the source: told, so that someone keeps it."""

    most_links: dict[str, int] = field(default_factory=dict)  # by adapter, where known
    on_pod_changed: Callable[[KnownPod], None] = lambda pod: None
    on_full: Callable[[str, int], None] = lambda adapter, links: None


class RadioSource:
    """A PodSource that never ends. Each pod is reached by the adapter that holds its bond."""

    def __init__(
        self,
        radio: Radio,
        host: Host,
        pods: Collection[KnownPod],
        settings: StreamSettings | None = None,
        *,
        adapters: Collection[str] = (),
        most_links: int = 7,
        memory: Memory | None = None,
        clock: Callable[[], float] = time.monotonic,
        seed: int | None = None,
    ) -> None:
        """Within a running event loop. `adapters` are the addresses of those to use, none: any.

        `clock` gives hub time; `seed` makes the waits between tries the same each time.
        """
        self._radio = radio
        self._host = host
        self._pods = pods
        self._allowed = {address.upper() for address in adapters}
        self._settings = settings or StreamSettings()
        self._most_links = most_links
        self._memory = memory or Memory()
        self._clock = clock
        self._random = random.Random(seed)
        self._adapters: list[Adapter] = []
        self._keepers: list[PodKeeper] = []
        self._set_up()

    async def run(self, sink: PacketSink) -> None:
        """Until cancelled; then every link is ended cleanly. Raises HubFaultError, in a group."""
        await self._hang_up_leftovers()
        board = _Board(sink)
        async with asyncio.TaskGroup() as group:
            for adapter in self._adapters:
                group.create_task(adapter.run())
            for keeper in self._keepers:
                group.create_task(keeper.run(_Place(board, keeper)))
            if not self._keepers:
                await asyncio.get_running_loop().create_future()  # there is nothing to do

    def _set_up(self) -> None:
        def by_adapter(pod: KnownPod) -> str:
            return pod.adapter

        for address, pods in groupby(sorted(self._pods, key=by_adapter), by_adapter):
            adapter = self._adapter(address)
            self._adapters.append(adapter)
            self._keepers += [self._keeper(pod, adapter) for pod in pods]

    def _adapter(self, address: str) -> Adapter:
        def measured(links: int) -> None:
            self._memory.on_full(address, links)

        return Adapter(
            self._radio,
            self._host,
            address,
            Slots(self._most_links, self._memory.most_links.get(address), measured),
            Backoff(self._random),
            is_allowed=not self._allowed or address.upper() in self._allowed,
        )

    def _keeper(self, pod: KnownPod, adapter: Adapter) -> PodKeeper:
        return PodKeeper(
            pod,
            adapter,
            self._radio,
            self._settings,
            Backoff(self._random),
            self._clock,
            self._memory.on_pod_changed,
        )

    async def _hang_up_leftovers(self) -> None:
        """Links to our pods from before, of a hub that was killed: they send, and nobody hears."""
        try:
            names = {adapter.address: adapter.name for adapter in await self._host.adapters()}
            for address, name in names.items():
                ours = [pod.address for pod in self._pods if pod.adapter == address]
                if ours:
                    stuck = await self._host.hang_up(name, ours)
                    for pod in stuck:
                        log.warning("the link to %s from before does not end", pod)
        except RADIO_ERRORS as error:
            log.warning("links from before may be left: %s", error)

    # ---- motors ----

    def motor(self, runner: str, placement: Placement) -> Motor | None:
        """Makes the pod buzz that sits there and streams; None: none does.

        The pattern is handed to the radio when it returns. It raises any of RADIO_ERRORS.
        """
        for keeper in self._keepers:
            link = keeper.streaming
            if link and (keeper.pod.runner, keeper.pod.placement) == (runner, placement):
                return link.buzz
        return None

    # ---- what is told ----

    def health(self) -> list[PodHealth]:
        """Of every pod."""
        return [keeper.health() for keeper in self._keepers]

    def problems(self) -> dict[str, str]:
        """Of adapters that do not work, by address."""
        return {a.address: a.problem for a in self._adapters if a.problem is not None}


def source_of(
    config: RadioConfig,
    pods: Collection[KnownPod],
    memory: Memory,
    *,
    radio: Radio | None = None,
    host: Host | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> RadioSource:
    """Within a running event loop; over this machine's BlueZ where nothing else is given."""
    return RadioSource(
        radio or Radio(),
        host or BlueZ(),
        pods,
        StreamSettings(config.rate_hz, config.batch),
        adapters=config.adapters,
        most_links=config.most_links,
        memory=memory,
        clock=clock,
    )


class _Board:
    """Which pod sits where; no two of a runner's at one place."""

    def __init__(self, sink: PacketSink) -> None:
        self.sink = sink
        self.keeper_at: dict[tuple[str, int], PodKeeper] = {}

    def leave(self, keeper: PodKeeper) -> None:
        """The place it had, if it had one."""
        for place in [place for place, other in self.keeper_at.items() if other is keeper]:
            del self.keeper_at[place]


class _Place:
    """The sink as one keeper sees it."""

    def __init__(self, board: _Board, keeper: PodKeeper) -> None:
        self._board = board
        self._keeper = keeper

    def plug(self, worn: WornPod) -> Take:
        place = (worn.runner, worn.info.placement)
        other = self._board.keeper_at.get(place)
        if other is not None and other is not self._keeper and other.link is not None:
            raise LinkEndedError(
                Failure.NOT_TAKEN, f"{other.label} sits there too; provision one of them anew"
            )
        self._board.leave(self._keeper)
        self._board.keeper_at[place] = self._keeper
        return self._board.sink.plug(worn)
