"""Keeps one pod streaming: finds, connects, starts, watches, and begins again."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import NoReturn

from bleak import BleakClient

from stridehub.errors import RadioError
from stridehub.kernel.link import PodConfig
from stridehub.model import KnownPod, LinkState, PodHealth
from stridehub.pods.adapter import Adapter
from stridehub.pods.backoff import Backoff, Failure
from stridehub.pods.failures import RADIO_ERRORS, LinkEndedError, failure_of, reason_of
from stridehub.pods.link import PodLink, StreamSettings
from stridehub.pods.measures import Measure, Series
from stridehub.pods.radio import Radio, Sighting
from stridehub.pods.source import PacketSink, WornPod
from stridehub.timing import (
    CONNECT_S,
    DEGRADED_PAUSE_S,
    DISCONNECT_S,
    LAST_DISCONNECT_S,
    STEADY_S,
)

log = logging.getLogger(__name__)


class PodKeeper:
    """One pod's life on the hub, for as long as run() is not cancelled."""

    def __init__(
        self,
        pod: KnownPod,
        adapter: Adapter,
        radio: Radio,
        settings: StreamSettings,
        backoff: Backoff,
        clock: Callable[[], float],
        on_changed: Callable[[KnownPod], None],
    ) -> None:
        """`on_changed` hears when the pod says that it is for something else than was known."""
        self.pod = pod
        self._adapter = adapter
        self._radio = radio
        self._settings = settings
        self._backoff = backoff
        self._clock = clock
        self._on_changed = on_changed
        self._loop = asyncio.get_running_loop()
        self._state = LinkState.MISSING
        self._reason: str | None = None
        self._sighting: Sighting | None = None
        self._link: PodLink | None = None
        self._connects = 0
        self._packets = 0  # of links that have ended
        self._is_connecting = False  # or ended in trying to
        self._last: Failure | None = None
        self._is_stuck = False  # BlueZ did not end the last link when told to
        self._tries = 0  # to connect, in a row, in vain
        self._series = Series()

    async def run(self, sink: PacketSink) -> None:
        """Raises HubFaultError only."""
        while True:
            await self._recover(await self._turn(sink))

    async def _turn(self, sink: PacketSink) -> Failure:
        """One search, one connection, one stream; what it ended of."""
        link = PodLink(self._clock)
        with ExitStack() as held:
            try:
                await self._stream(link, held, sink)
            except RADIO_ERRORS as error:
                return self._note(error)
            finally:
                await self._end(link)

    async def _stream(self, link: PodLink, held: ExitStack, sink: PacketSink) -> NoReturn:
        self._enter(LinkState.MISSING)
        if self._last is Failure.LOST:
            self._reason = None  # it is just not here
        sighting = await self._adapter.find(self.pod.address)
        self._sighting = sighting
        self._is_connecting = False
        if sighting.is_other_version:
            raise LinkEndedError(Failure.OTHER_VERSION)
        if not sighting.bonded:  # BlueZ would try to pair, and every read would hang meanwhile
            raise LinkEndedError(Failure.NOT_BONDED)
        held.enter_context(self._adapter.slots.reserve())
        self._enter(LinkState.CONNECTING)
        self._is_connecting = True
        await self._prepare(link, await self._connect(link, sighting), sink)
        begun_s = self._loop.time()
        try:
            await link.hold()
        finally:
            self._settle(self._loop.time() - begun_s)

    async def _end(self, link: PodLink) -> None:
        self._link = None
        self._packets += link.vitals.packets
        try:
            self._is_stuck = not await link.end(LAST_DISCONNECT_S if _is_last() else DISCONNECT_S)
        finally:
            self._adapter.slots.left(self.pod.address)

    def _enter(self, state: LinkState) -> None:
        """A pod in trouble that no measure has ended stays degraded while it does not stream."""
        is_better = state is LinkState.STREAMING or not self._series.is_degraded
        self._state = state if is_better else LinkState.DEGRADED

    async def _connect(self, link: PodLink, sighting: Sighting) -> BleakClient:
        async with self._adapter.gate, asyncio.timeout(CONNECT_S):
            client = await self._radio.connect(sighting, self._adapter.name, link.lost)
        self._adapter.slots.joined(self.pod.address)
        self._is_connecting = False
        self._tries = 0
        self._connects += 1
        return client

    async def _prepare(self, link: PodLink, client: BleakClient, sink: PacketSink) -> None:
        self._link = link
        self._follow(await link.meet(client))
        info = await link.prepare(self._settings)
        await link.start(sink.plug(WornPod(self.pod.runner, info, self.pod.address)))
        self._enter(LinkState.STREAMING)
        self._reason = None
        log.info("%s streams", self.label)

    def _follow(self, config: PodConfig) -> None:
        """What a pod is for stands in its own flash; another hub may have changed it."""
        if config.placement is None or not config.runner:
            raise LinkEndedError(
                Failure.NOT_TAKEN, "the pod is nobody's; `stridehub provision` gives it a place"
            )
        pod = replace(self.pod, name=config.name, placement=config.placement, runner=config.runner)
        if pod != self.pod:
            log.warning("%s is %s of %s now", self.label, pod.placement.label, pod.runner)
            self.pod = pod
            self._on_changed(pod)

    def _settle(self, streamed_s: float) -> None:
        if streamed_s >= STEADY_S:
            self._series = Series()
            self._backoff.reset()

    # ---- what went wrong ----

    def _note(self, error: BaseException) -> Failure:
        """Counts and tells it, before anything is done about it."""
        failure = failure_of(error)
        is_news = not (self._series.is_degraded or failure is Failure.LOST)
        self._series.add(failure)
        self._reason = reason_of(error)
        self._last = failure
        if self._is_connecting:
            self._count_try(failure)
        self._enter(LinkState.WAITING)
        log.log(logging.WARNING if is_news else logging.INFO, "%s: %s", self.label, self._reason)
        return failure

    def _count_try(self, failure: Failure) -> None:
        self._tries += 1
        if failure is Failure.NO_SLOT:
            self._adapter.slots.refused()
        if self._adapter.slots.may_be_full(failure, self._tries):
            self._reason = f"no answer, or {Failure.NO_SLOT.value.told}"

    async def _recover(self, failure: Failure) -> None:
        with suppress(RadioError, LinkEndedError):
            await self._take_measure(failure)
        wait_s = self._backoff.wait_s(failure)
        await asyncio.sleep(max(wait_s, DEGRADED_PAUSE_S) if self._series.is_degraded else wait_s)

    async def _take_measure(self, failure: Failure) -> None:
        measure = self._series.measure(failure)
        if measure is Measure.FORGET:
            await self._adapter.forget(self.pod.address)
            self._series.has_forgotten()
        elif measure is Measure.POWER_CYCLE:
            why = f"{self.label}: {self._reason}"
            if await self._adapter.power_cycle(why, is_stuck=self._is_stuck):
                self._series.has_cycled()

    # ---- what is told ----

    @property
    def label(self) -> str:
        return (
            f"{self.pod.name or self.pod.address} ({self.pod.placement.label}, {self.pod.runner})"
        )

    @property
    def link(self) -> PodLink | None:
        """While it stands."""
        return self._link

    @property
    def streaming(self) -> PodLink | None:
        """The link, while the pod streams."""
        return self._link if self._state is LinkState.STREAMING else None

    def health(self) -> PodHealth:
        vitals = self._link.vitals if self._link else None
        status = vitals.status if vitals else None
        heard = self._sighting.advertisement if self._sighting else None
        newest_s = vitals.newest_s if vitals else None
        return PodHealth(
            pod=self.pod,
            state=self._state,
            reason=self._reason,
            age_s=None if newest_s is None else self._loop.time() - newest_s,
            battery_mv=status.battery_mv if status else heard.battery_mv if heard else None,
            rssi_dbm=self._sighting.rssi_dbm if self._sighting else None,
            mtu=vitals.mtu if vitals else None,
            interval_ms=vitals.interval_ms if vitals else None,
            firmware=vitals.info.firmware if vitals and vitals.info else None,
            connects=self._connects,
            packets=self._packets + (vitals.packets if vitals else 0),
            imu_fault=vitals.imu_fault if vitals else False,
            samples_a_packet=vitals.info.batch if vitals and vitals.info else None,
            unreadable=vitals.unreadable if vitals else 0,
        )


def _is_last() -> bool:
    """The hub ends: there is no next connection that this one could be in the way of."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
