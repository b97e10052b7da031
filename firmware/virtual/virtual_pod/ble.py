"""A virtual pod as a Bluetooth LE peripheral, in real time, on any controller Bumble reaches.

A hub that comes back has to subscribe again: subscriptions are not kept with the bond.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress

from bumble import hci
from bumble.core import ProtocolError
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.host import Host
from bumble.keys import KeyStore, MemoryKeyStore

from stridehub.kernel.link import Attribute
from virtual_pod.ble_advertising import Advertiser, content_of
from virtual_pod.ble_pairing import guard_pairing
from virtual_pod.ble_services import Calls, PodServices
from virtual_pod.drive import Body
from virtual_pod.pod import USUAL_MTU, Radio, VirtualPod
from virtual_pod.status_news import StatusNews

DEFAULT_ADDRESS = "F0:D6:16:00:00:01"

_MOST_IN_FLIGHT = 3  # notifications; what waits in the core can still be dropped, oldest first
_INTERVAL_MS, _SUPERVISION_MS = (15.0, 30.0), 4000.0
_ATT_BYTES = 3  # of a notification, before the record
_PATIENCE_S = 5.0  # with a controller


class BlePod:
    """One pod of a body, and its radio.

    True time 0 is `start`; from then on body and pod live by the event loop's clock.
    """

    def __init__(
        self,
        host: Host,
        body: Body,
        address: str = DEFAULT_ADDRESS,
        bonds: KeyStore | None = None,
        speed: float = 1.0,
        tick_s: float = 0.01,
    ) -> None:
        """`host` is Bumble's, with a controller; `address` a random static one.

        Without `bonds` they are forgotten with the object. `speed` is true time over the event
        loop's; the pod lives on every `tick_s` of the latter. Raises ValueError for a body that
        does not wear exactly one pod.
        """
        if len(body.pods) != 1:
            raise ValueError(f"a peripheral is one pod, not {len(body.pods)}")
        self._body = body
        self._speed = speed
        self._tick_s = tick_s
        self.pod: VirtualPod = body.pods[0].pod
        own = hci.Address(address)
        self._nameless = f"pod-{bytes(own)[1::-1].hex().upper()}"
        name = self.pod.config().name or self._nameless
        self.device = Device(config=DeviceConfiguration(name=name, address=own), host=host)
        self._keys = self.device.keystore = bonds or MemoryKeyStore()
        self._bonds: set[str] = set()  # addresses of the hubs it knows
        guard_pairing(self.device, lambda: self._present().wishes.pairing)
        self.device.gatt_server.max_mtu = USUAL_MTU
        calls = Calls(pod=self._present, written=self._stir, subscribed=self._subscribe)
        self._services = PodServices(self.device, calls)
        self._advertiser = Advertiser(self.device)
        self.device.on(self.device.EVENT_CONNECTION, self._connected)
        self._central: Connection | None = None
        self._subscribed: set[Attribute] = set()
        self._status_news = StatusNews()
        self._begun_s = 0.0
        self._stirred = asyncio.Event()
        self._stopping = False
        self._life: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Task[None]] = set()

    # ---- life ----

    async def start(self) -> None:
        """Powers the radio; the pod lives on in a task of its own."""
        await self.device.power_on()
        self._bonds = {address for address, _ in await self._keys.get_all()}
        self._begun_s = asyncio.get_running_loop().time()
        self._life = asyncio.create_task(self._live())

    async def run(
        self, seconds: float | None = None, controller_gone: asyncio.Future[None] | None = None
    ) -> None:
        """Returns after so long, or when the pod's life ends. Raises what it ended of.

        Raises ConnectionError when the controller goes, as its transport's future tells.
        """
        ends = [end for end in (self._life, controller_gone) if end is not None]
        if not ends:
            return
        done, _ = await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if controller_gone in done:
            await self._abandon()
            raise ConnectionError("the controller is gone") from controller_gone.exception()
        for life in done:
            life.result()

    async def _abandon(self) -> None:
        """Nothing that the pod still waits for comes."""
        tasks = [task for task in (self._life, *self._errands) if task is not None]
        self._life = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self) -> None:
        """The pod is gone without a word. Raises what its life ended of before."""
        self._stopping = True
        self._stir()
        tasks = [task for task in (self._life, *self._errands) if task is not None]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_PATIENCE_S)
            for task in late:
                task.cancel()
        await self.device.power_off()
        await self.run()

    async def _live(self) -> None:
        while not self._stopping:
            self._stirred.clear()
            self._present()
            await self._follow()
            await self._send()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stirred.wait(), self._tick_s)

    def _present(self) -> VirtualPod:
        self._body.run_until(self._now_s())
        return self.pod

    def _now_s(self) -> float:
        return (asyncio.get_running_loop().time() - self._begun_s) * self._speed

    def _stir(self) -> None:
        self._stirred.set()

    def _send_off(self, errand: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _follow(self) -> None:
        """What the pod wishes of its radio."""
        self.pod.set_bonded(bool(self._bonds))
        wishes = self.pod.wishes
        if wishes.disconnect and self._central is not None:
            await self._disconnect(self._central, hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR)
        mode = Radio.OFF if self._central is not None else wishes.radio
        await self._advertiser.follow(mode, content_of(self.pod, self._nameless))

    async def _send(self) -> None:
        central = self._central
        if central is None:
            return
        reply = self.pod.take_time_reply()
        if reply is not None:
            await self._notify(central, Attribute.TIME, reply)
        while self._has_room(central) and (packet := self.pod.take_packet()) is not None:
            await self._notify(central, Attribute.SAMPLES, packet)
        if Attribute.STATUS in self._subscribed:
            longest = central.att_mtu - _ATT_BYTES
            record = self._status_news.take(self.pod, self._now_s(), longest)
            if record is not None:
                await self._notify(central, Attribute.STATUS, record)

    async def _notify(self, central: Connection, attribute: Attribute, record: bytes) -> None:
        """Goes nowhere where the central has not subscribed. Bumble would cut what is too long."""
        characteristic = self._services.characteristics[attribute]
        await self.device.notify_subscriber(central, characteristic, record)

    def _has_room(self, central: Connection) -> bool:
        queue = central.data_packet_queue
        if queue is None:
            return False
        return queue.pending * queue.max_packet_size < _MOST_IN_FLIGHT * USUAL_MTU

    # ---- the central ----

    def _connected(self, connection: Connection) -> None:
        self._advertiser.has_ended()
        if self._central is not None:
            self._present().further_central()
            self._turn_away(connection)
        elif self._is_stranger(connection) and not self._present().wishes.pairing:
            self._turn_away(connection)
        else:
            self._take(connection)
        self._stir()

    def _is_stranger(self, connection: Connection) -> bool:
        """To a pod that knows a hub."""
        return bool(self._bonds) and str(connection.peer_address) not in self._bonds

    def _turn_away(self, connection: Connection) -> None:
        reason = hci.HCI_REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_LOW_RESOURCES_ERROR
        self._send_off(self._disconnect(connection, reason))

    async def _disconnect(self, connection: Connection, reason: int) -> None:
        """It may have gone by itself meanwhile."""
        with suppress(ProtocolError, TimeoutError):
            await asyncio.wait_for(connection.disconnect(reason), _PATIENCE_S)

    def _take(self, connection: Connection) -> None:
        self._central = connection
        self._subscribed.clear()
        self._status_news = StatusNews()
        self._present().connect()
        self.pod.set_mtu(connection.att_mtu)
        connection.on(connection.EVENT_DISCONNECTION, self._disconnected)
        connection.on(connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, self._secured)
        connection.on(connection.EVENT_CONNECTION_ATT_MTU_UPDATE, self._sized)
        connection.on(connection.EVENT_PAIRING, self._bonded)

    def _disconnected(self, _reason: int) -> None:
        self._central = None
        self._present().disconnect()
        self._stir()

    def _secured(self) -> None:
        if self._central is not None and self._central.is_encrypted:
            self._present().encrypt()
            self._send_off(self._ask(self._central))

    def _sized(self) -> None:
        if self._central is not None:
            self._present().set_mtu(self._central.att_mtu)

    def _bonded(self, _keys: object) -> None:
        if self._central is not None:
            self._bonds.add(str(self._central.peer_address))
            self._present().set_bonded()

    async def _ask(self, central: Connection) -> None:
        """For the interval a stream needs; a central may refuse. The MTU is its own affair."""
        with suppress(ProtocolError, TimeoutError):
            wish = central.update_parameters(*_INTERVAL_MS, 0, _SUPERVISION_MS)
            await asyncio.wait_for(wish, _PATIENCE_S)

    def _subscribe(self, connection: Connection, attribute: Attribute, notify: bool) -> None:
        if connection is not self._central:
            return
        if notify:
            self._subscribed.add(attribute)
        else:
            self._subscribed.discard(attribute)
        if attribute == Attribute.SAMPLES:
            self._present().subscribe(subscribed=notify)
        self._stir()
