"""One pod, from the moment it is connected until it is not."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from bleak import BleakClient

from stridehub.errors import LinkRecordError
from stridehub.kernel import link
from stridehub.kernel.link import Attribute, Opcode, PodCondition
from stridehub.kernel.wire import HEADER_BYTES, MAX_SAMPLES, SAMPLE_BYTES
from stridehub.model import PodInfo
from stridehub.pods.backoff import Failure
from stridehub.pods.failures import RADIO_ERRORS, LinkEndedError
from stridehub.pods.gatt import ATT_BYTES, PodGatt
from stridehub.pods.source import Take
from stridehub.timing import (
    DISCONNECT_S,
    FIRST_PACKET_S,
    SILENT_S,
    TIME_REQUEST_S,
    WATCH_TICK_S,
)

log = logging.getLogger(__name__)

_UNKNOWN_MTU = 23  # the least there is: what BlueZ says where it does not know, too
# A pod whose IMU is ill sends nothing else: so many requests without an answer, and it is gone.
MOST_UNANSWERED = 3
_ROUND_TRIPS = 12  # that the interval is taken from: a minute


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How pods are to sample and send."""

    rate_hz: int = 208
    batch: int = 8  # samples a packet, while the MTU holds them


@dataclass(slots=True)
class Vitals:
    """What is known of a link. None: not yet."""

    mtu: int | None = None
    info: PodInfo | None = None
    status: link.PodLinkStatus | None = None
    packets: int = 0
    newest_s: float | None = None  # of the loop's clock: arrival of the newest packet
    unreadable: int = 0  # records other than samples
    round_trips_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_ROUND_TRIPS))

    @property
    def interval_ms(self) -> float | None:
        """Of the connection, at most.

        A request waits up to a whole interval, its reply always a whole one (the pod hands it
        over when the event has passed): the shortest of several round trips is near one interval.
        """
        return min(self.round_trips_ms, default=None)

    @property
    def imu_fault(self) -> bool:
        return self.status is not None and bool(self.status.conditions & PodCondition.IMU_FAULT)


class HubFaultError(Exception):
    """What takes the packets failed: a fault of the hub's own, which no reconnection heals."""


class PodLink:
    """A connection that becomes a stream. Not used again once it has ended."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives hub time, with which packets are stamped."""
        self.vitals = Vitals()
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._client: BleakClient | None = None
        self._gatt: PodGatt | None = None
        self._take: Take | None = None
        self._awaited_since_s = 0.0
        self._asked_s = 0.0
        self._unanswered = 0  # time requests in a row

    # ---- the connection ----

    def lost(self) -> None:
        """The connection is no more."""
        self._end(LinkEndedError(Failure.LOST))

    def _end(self, error: Exception) -> None:
        if self._ended.done():
            if not isinstance(error, HubFaultError):
                return
            self._ended = self._loop.create_future()  # the worse news
        self._ended.set_exception(error)
        self._ended.exception()  # nobody may be left to ask

    async def meet(self, client: BleakClient) -> link.PodConfig:
        """What the connected pod is for. Raises any of RADIO_ERRORS."""
        self._client = client
        self._gatt = PodGatt(client)
        return await self._gatt.config()

    async def prepare(self, settings: StreamSettings) -> PodInfo:
        """Sets rate and batch where they differ; what the samples will mean."""
        gatt = self._met()
        self.vitals.mtu = gatt.mtu if gatt.mtu > _UNKNOWN_MTU else None
        batch = self._batch(settings.batch)
        info = await gatt.info()
        has_other_rate = info.rate_mhz != settings.rate_hz * 1000
        has_other_batch = info.batch != batch
        if has_other_rate:
            await gatt.control(Opcode.RATE, settings.rate_hz)
        if has_other_batch:
            await gatt.control(Opcode.BATCH, batch)
        if has_other_rate or has_other_batch:
            info = await gatt.info()
        self.vitals.info = info
        return info

    def _batch(self, wanted: int) -> int:
        if self.vitals.mtu is None:
            return wanted
        room = (self.vitals.mtu - ATT_BYTES - HEADER_BYTES) // SAMPLE_BYTES
        batch = min(wanted, MAX_SAMPLES, max(1, room))
        if batch < wanted:
            log.warning("MTU %d holds %d samples, not %d", self.vitals.mtu, batch, wanted)
        return batch

    async def start(self, take: Take) -> None:
        """The stream, into `take`; the start follows the subscription, so nothing is lost."""
        gatt = self._met()
        self._take = take
        await gatt.subscribe(Attribute.SAMPLES, self._on_samples)
        await gatt.subscribe(Attribute.TIME, self._on_time)
        await gatt.subscribe(Attribute.STATUS, self._on_status)
        self.vitals.status = await gatt.status()
        await gatt.control(Opcode.START)
        self._awaited_since_s = self._loop.time()

    def _met(self) -> PodGatt:
        if self._gatt is None:
            raise LinkEndedError(Failure.LOST)
        return self._gatt

    async def hold(self) -> NoReturn:
        """Raises what ended the stream: LinkEndedError or HubFaultError."""
        while True:
            await asyncio.wait({self._ended}, timeout=WATCH_TICK_S)
            if self._ended.done():
                self._ended.result()
            self._look_at_watch()
            await self._ask_time()

    def _look_at_watch(self) -> None:
        """A pod whose IMU fails says so, and has nothing to send: reconnecting would not help."""
        newest_s = self.vitals.newest_s
        patience_s = FIRST_PACKET_S if newest_s is None else SILENT_S
        silent_s = self._loop.time() - (newest_s or self._awaited_since_s)
        if silent_s > patience_s and not self.vitals.imu_fault:
            raise LinkEndedError(Failure.SILENT)

    async def _ask_time(self) -> None:
        now_s = self._loop.time()
        if now_s - self._asked_s < TIME_REQUEST_S:
            return
        self._asked_s = now_s
        self._unanswered += 1
        if self._unanswered > MOST_UNANSWERED:
            raise LinkEndedError(Failure.SILENT)
        try:
            async with asyncio.timeout(SILENT_S):
                await self._met().ask_time(time.monotonic_ns())
        except RADIO_ERRORS as error:
            if self._ended.done():  # which tells more
                self._ended.result()
            raise LinkEndedError(Failure.SILENT) from error

    async def buzz(self, pattern: link.HapticPattern) -> None:
        """Handed to the radio when this returns; not answered. Raises any of RADIO_ERRORS."""
        await self._met().buzz(pattern)

    async def end(self, within_s: float = DISCONNECT_S) -> bool:
        """Disconnects, which also ends the stream in the pod; never raises.

        Whether there is no connection any more.
        """
        client, self._client = self._client, None
        if client is None:
            return True
        if self._gatt is not None:
            await self._gatt.unsubscribe()
        try:
            async with asyncio.timeout(within_s):
                await client.disconnect()
        except Exception:  # bleak raises anything where a link is in ruins
            return False
        return True

    # ---- what comes ----

    def _on_samples(self, packet: bytearray) -> None:
        arrival_s = self._clock()
        vitals = self.vitals
        vitals.newest_s = self._loop.time()
        vitals.packets += 1
        if self._take is None:
            return
        try:
            self._take(packet, arrival_s)
        except Exception as error:
            fault = HubFaultError("taking a packet failed")
            fault.__cause__ = error
            self._end(fault)

    def _on_time(self, record: bytearray) -> None:
        now_ns = time.monotonic_ns()
        try:
            reply = link.decode_time_reply(record)
        except LinkRecordError:
            self.vitals.unreadable += 1
            return
        self._unanswered = 0
        if 0 <= (round_trip_ns := now_ns - reply.t1) < SILENT_S * 1e9:
            self.vitals.round_trips_ms.append(round_trip_ns * 1e-6)

    def _on_status(self, record: bytearray) -> None:
        try:
            self.vitals.status = link.decode_status(record)
        except LinkRecordError:
            self.vitals.unreadable += 1
