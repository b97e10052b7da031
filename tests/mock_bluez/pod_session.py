"""A pod's connection to the bus: its place on the air, and the link with a central."""

import asyncio
from typing import TYPE_CHECKING, Any

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from mock_bluez.gatt_app import ADVERTISEMENT, ROOT, Application
from stridehub.kernel.link import Attribute
from virtual_pod.pod import Radio, VirtualPod
from virtual_pod.status_news import StatusNews

if TYPE_CHECKING:
    from mock_bluez.pod_app import PodApp

_BLUEZ = "org.bluez"
_AIR = "/org/stridehub/mock"
_RADIO_INTERFACE = "org.stridehub.MockRadio1"
_TICK_S, _LONGEST_TICK_S = 0.01, 0.04  # of true time; the longest for pods that live fast
_ATT_BYTES = 3


class RadioGoneError(Exception):
    """BlueZ, the bus, or what was asked of them."""


class Session:
    """A pod on the air, for as long as the bus and BlueZ stay."""

    def __init__(self, app: "PodApp", bus: MessageBus) -> None:
        self._app = app
        self._bus = bus
        self._application = Application(bus, app.calls(), app.name)
        self._radio = ""
        self._advertises = False
        self._pairing: bool | None = None
        self._bonds: list[str] = []
        self._mtu = 0
        self._is_connected = False
        self._news = StatusNews()
        self._told_s = 0.0

    @classmethod
    async def open(cls, app: "PodApp") -> "Session":
        bus = await MessageBus(bus_type=BusType.SYSTEM, negotiate_unix_fd=True).connect()
        session = cls(app, bus)
        try:
            await session._come_on_air()
        except BaseException:
            session.close()
            raise
        return session

    async def _come_on_air(self) -> None:
        self._bus.add_message_handler(self._hear)
        await self._match(
            "sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.bluez'"
        )
        added = await self._call(
            _AIR,
            "org.stridehub.MockAir1",
            "AddRadio",
            "ss",
            self._app.address,
            self._app.address_type,
        )
        self._radio = added[0]
        await self._match(f"interface='{_RADIO_INTERFACE}',path='{self._radio}'")
        await self._tell_bonds()
        await self._call(
            self._radio, "org.bluez.GattManager1", "RegisterApplication", "oa{sv}", ROOT, {}
        )

    async def _tell_bonds(self) -> None:
        bonds = sorted(self._app.bonds)
        if bonds != self._bonds:
            self._bonds = bonds
            await self._call(self._radio, _RADIO_INTERFACE, "SetBonds", "as", bonds)

    async def _match(self, rule: str) -> None:
        await self._call(
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "AddMatch",
            "s",
            rule,
            destination="org.freedesktop.DBus",
        )

    async def _call(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        *body: Any,
        destination: str = _BLUEZ,
    ) -> list[Any]:
        reply = await self._bus.call(
            Message(
                destination=destination,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=list(body),
            )
        )
        if reply is None or reply.message_type == MessageType.ERROR:
            raise RadioGoneError(f"{member}: {reply.error_name if reply else 'no reply'}")
        return list(reply.body)

    def close(self) -> None:
        self._application.hang_up()
        self._bus.disconnect()

    async def hang_up(self) -> None:
        await self._call(self._radio, _RADIO_INTERFACE, "Hangup")

    # ---- what BlueZ says ----

    def _hear(self, message: Message) -> None:
        if message.message_type != MessageType.SIGNAL:
            return
        if message.member == "LinkChanged" and message.path == self._radio:
            self._link_changed(*message.body)
        elif message.member == "NameOwnerChanged" and not message.body[2]:
            self._bus.disconnect()

    def _link_changed(self, central: str, connected: bool, encrypted: bool, mtu: int) -> None:
        pod = self._app.present()
        if not connected:
            self._is_connected = False
            self._application.hang_up()
            pod.disconnect()
            return
        if not self._is_connected:
            self._is_connected = True
            self._news = StatusNews()
            self._mtu = mtu
            pod.connect()
            pod.set_mtu(mtu)
        if encrypted:
            self._app.bonds.add(central)
            pod.set_bonded()
            pod.encrypt()

    # ---- what the pod wishes ----

    async def run(self) -> None:
        """Until BlueZ or the bus goes."""
        tick_s = min(_TICK_S * self._app.speed, _LONGEST_TICK_S)
        while self._bus.connected:
            if not self._app.is_hung:
                await self._follow(self._app.present())
                self._send()
            await asyncio.sleep(tick_s)

    async def _follow(self, pod: VirtualPod) -> None:
        pod.set_bonded(bool(self._app.bonds))
        await self._tell_bonds()
        wishes = pod.wishes
        if wishes.pairing != self._pairing:
            self._pairing = wishes.pairing
            await self._call(self._radio, _RADIO_INTERFACE, "SetPairing", "b", wishes.pairing)
        if wishes.disconnect and self._is_connected:
            await self.hang_up()
        record = self._app.mischief.told(pod.read_advertisement())
        self._application.advertisement.show(self._app.name, record)
        await self._advertise(self._is_connected or wishes.radio != Radio.OFF)

    async def _advertise(self, on: bool) -> None:
        """The mock itself keeps one that is connected off the air."""
        if on == self._advertises:
            return
        self._advertises = on
        manager = "org.bluez.LEAdvertisingManager1"
        if on:
            options: dict[str, Variant] = {}
            await self._call(
                self._radio, manager, "RegisterAdvertisement", "oa{sv}", ADVERTISEMENT, options
            )
        else:
            await self._call(self._radio, manager, "UnregisterAdvertisement", "o", ADVERTISEMENT)

    def _send(self) -> None:
        now_s = self._app.now_s
        elapsed_s, self._told_s = now_s - self._told_s, now_s
        if not self._is_connected:
            return
        told = self._app.mischief.told
        characteristics = self._application.characteristics
        if (reply := self._app.pod.take_time_reply()) is not None:
            characteristics[Attribute.TIME].notify(told(reply))
        self._send_samples(elapsed_s)
        if characteristics[Attribute.STATUS].is_notifying:
            news = self._news.take(self._app.pod, now_s, self._mtu - _ATT_BYTES)
            if news is not None:
                characteristics[Attribute.STATUS].notify(told(news))

    def _send_samples(self, elapsed_s: float) -> None:
        """What finds no room waits in the pod, where it can be dropped."""
        samples = self._application.characteristics[Attribute.SAMPLES]
        stream, mischief = self._app.stream, self._app.mischief
        while (packet := stream.waiting or self._app.pod.take_packet()) is not None:
            stream.waiting = None
            if mischief.swallows():
                continue
            if not samples.notify(mischief.told(packet)):
                stream.waiting = packet
                stream.full += 1
                break
            stream.sent += 1
            stream.last = packet
        if samples.is_notifying:
            for extra in mischief.extras(stream.last, elapsed_s):
                samples.notify(extra)
