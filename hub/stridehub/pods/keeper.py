"""Keeps one pod streaming: finds, connects, starts, watches, and begins again."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from bleak import BleakClient

from stridehub.errors import RadioError
from stridehub.kernel.link import PodConfig
from stridehub.model import KnownPod, LinkState, PodHealth
from stridehub.pods.adapter import Adapter
from stridehub.pods.backoff import Backoff, Failure
from stridehub.pods.failures import RADIO_ERRORS, LinkEndedError, failure_of, reason_of
from stridehub.pods.link import PodLink, StreamSettings
from stridehub.pods.radio import Radio, Sighting
from stridehub.pods.source import PacketSink, WornPod
from stridehub.timing import CONNECT_S, DISCONNECT_S, LAST_DISCONNECT_S, STEADY_S

log = logging.getLogger(__name__)

# Failures in a row, of those that call for more than another try.
# What BlueZ remembers of a pod goes with its bond, and with the bond the pod itself, until someone
# double-taps and provisions it. So only where there is none, or where the services it remembers
# are wrong: BlueZ learns of changed ones by itself at the next connection, mostly.
FORGET_AT = 3
STALE_FORGET_EVERY = 2
POWER_CYCLE_AT = 4
DEGRADED_AT = 5


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
        self._was_connected = False  # in the try at hand, or the last one
        self._tries = 0  # to connect, in a row, in vain
        self._trouble = 0  # climbing failures in a row

    async def run(self, sink: PacketSink) -> None:
        """Raises HubFaultError only."""
        while True:
            try:
                await self._stream(sink)
            except RADIO_ERRORS as error:
                await self._recover(error)

    async def _stream(self, sink: PacketSink) -> None:
        """Ends by raising what the stream ended of."""
        self._state = LinkState.DEGRADED if self._trouble >= DEGRADED_AT else LinkState.MISSING
        sighting = await self._adapter.find(self.pod.address)
        self._sighting = sighting
        self._was_connected = False
        if sighting.is_other_version:
            raise LinkEndedError(Failure.OTHER_VERSION)
        link = PodLink(self._clock)
        with self._adapter.slot(self.pod.address):
            try:
                self._state = LinkState.CONNECTING
                await self._prepare(link, await self._connect(link, sighting), sink)
                begun_s = self._loop.time()
                try:
                    await link.hold()
                finally:
                    self._settle(self._loop.time() - begun_s)
            finally:
                self._link = None
                self._packets += link.vitals.packets
                await link.end(LAST_DISCONNECT_S if _is_last() else DISCONNECT_S)

    async def _connect(self, link: PodLink, sighting: Sighting) -> BleakClient:
        async with self._adapter.gate, asyncio.timeout(CONNECT_S):
            client = await self._radio.connect(sighting, self._adapter.name, link.lost)
        self._was_connected = True
        self._tries = 0
        self._connects += 1
        return client

    async def _prepare(self, link: PodLink, client: BleakClient, sink: PacketSink) -> None:
        self._link = link
        self._follow(await link.meet(client))
        info = await link.prepare(self._settings)
        await link.start(sink.plug(WornPod(self.pod.runner, info, self.pod.address)))
        self._state, self._reason = LinkState.STREAMING, None
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
            self._trouble = 0
            self._backoff.reset()

    # ---- what went wrong ----

    async def _recover(self, error: BaseException) -> None:
        failure = failure_of(error)
        if self._state is LinkState.CONNECTING and not self._was_connected:
            self._tries += 1
            failure = self._adapter.refused_one(failure, self._tries)
        self._reason = failure.value.told if failure is Failure.NO_SLOT else reason_of(error)
        if failure.value.climbs:
            self._trouble += 1
        is_degraded = self._trouble >= DEGRADED_AT
        self._state = LinkState.DEGRADED if is_degraded else LinkState.WAITING
        log.log(
            logging.INFO if failure is Failure.LOST else logging.WARNING,
            "%s: %s",
            self.label,
            self._reason,
        )
        with suppress(RadioError, LinkEndedError):
            await self._take_measures(failure)
        await asyncio.sleep(self._backoff.wait_s(failure))

    async def _take_measures(self, failure: Failure) -> None:
        """Stronger ones each time the same remains wrong."""
        if not failure.value.climbs:
            return
        if failure is Failure.STALE_SERVICES:
            if self._trouble % STALE_FORGET_EVERY == 0:
                await self._adapter.forget(self.pod.address)
        elif self._trouble == FORGET_AT and not self._is_bonded:
            await self._adapter.forget(self.pod.address)
        elif self._trouble >= POWER_CYCLE_AT:
            why = f"{self.label}: {self._reason}"
            await self._adapter.power_cycle(why, is_stuck=self._was_connected)

    @property
    def _is_bonded(self) -> bool:
        return self._sighting is not None and self._sighting.bonded

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
        )


def _is_last() -> bool:
    """The hub ends: there is no next connection that this one could be in the way of."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
