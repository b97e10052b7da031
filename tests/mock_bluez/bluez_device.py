"""A pod as a central's adapter knows it."""

import asyncio
from dataclasses import dataclass
from typing import Any

import bluezoo.device
import sdbus
from bluezoo.utils import BluetoothClass

from mock_bluez.bluez_errors import bluez_error, no_slot, not_ready, unreachable
from mock_bluez.bluez_faults import Faults, may_fail
from mock_bluez.bluez_link import Link
from mock_bluez.bluez_radio import Radio

INTERFACE = "org.bluez.Device1"
_AT_DISCOVERY = (
    "Address",
    "AddressType",
    "Name",
    "Alias",
    "Paired",
    "Bonded",
    "Trusted",
    "Blocked",
    "Connected",
    "Adapter",
    "LegacyPairing",
    "UUIDs",
    "ManufacturerData",
    "ServicesResolved",
    "RSSI",
)
_NOT_ALWAYS_THERE = ("RSSI", "TxPower", "ServiceData", "AdvertisingData", "Class", "Icon")
_POLL_S = 0.02
_RADIO_S = 0.02  # until a connection stands, and again until the services are known


@dataclass(frozen=True, slots=True)
class _Peer:
    """What bluezoo asks of the adapter behind a device."""

    address: str
    name: str
    class_: BluetoothClass


class Device(bluezoo.device.Device):  # type: ignore[misc]
    """Bluezoo's properties, with connections, pairing and adverts of our own."""

    name_: str
    uuids: list[str]
    manufacturer_data: dict[int, tuple[str, Any]]

    def __init__(self, adapter: Any, address: str, address_type: str) -> None:
        name = address.replace(":", "-")
        super().__init__(_Peer(address, name, BluetoothClass()))
        self.adapter = adapter
        self.service = adapter.service
        self.address_type = address_type
        self.link: Link | None = None
        self._connecting: asyncio.Task[None] | None = None
        self.paired = self.bonded = self.service.bonds.has(adapter.address, address)

    @property
    def faults(self) -> Faults:
        faults: Faults = self.service.faults
        return faults

    # ---- adverts ----

    def hear(self, radio: Radio, rssi_dbm: int) -> None:
        """An advertisement."""
        self.rssi = rssi_dbm
        self._tell(**self._news(radio), RSSI=("n", rssi_dbm))

    def learn(self, radio: Radio) -> None:
        """What it advertises, before anybody looks at the device."""
        self._news(radio)

    def _news(self, radio: Radio) -> dict[str, tuple[str, object]]:
        advertisement = radio.advertisement
        if advertisement is None:
            return {}
        name = advertisement.LocalName.get(self.name_)
        data = advertisement.ManufacturerData.get({})
        news: dict[str, tuple[str, object]] = {}
        if name != self.name_:
            self.name_ = name
            news |= {"Name": ("s", name), "Alias": ("s", name)}
        if data != self.manufacturer_data:
            self.manufacturer_data = data
            news["ManufacturerData"] = ("a{qv}", data)
        if radio.uuids != self.uuids:
            self.uuids = radio.uuids
            news["UUIDs"] = ("as", self.uuids)
        return news

    def go_quiet(self) -> None:
        """Discovery has ended: there is no signal strength any more."""
        self.properties_changed.emit((INTERFACE, {}, ["RSSI"]))

    def discovered(self) -> dict[str, tuple[str, object]]:
        """All that is told when it is first seen."""
        found = {}
        for name in _AT_DISCOVERY:
            bound = getattr(self, name)
            signature = bound.dbus_property.property_signature
            found[name] = (signature, bound.dbus_property.property_getter(self))
        return found

    def _tell(self, **changed: tuple[str, object]) -> None:
        self.properties_changed.emit((INTERFACE, changed, []))

    # ---- the link ----

    @sdbus.dbus_method_async_override()
    async def Connect(self) -> None:
        await self._connect(may_be_struck=True)

    async def _connect(self, may_be_struck: bool = False) -> None:
        if not self.adapter.powered:
            raise not_ready()
        if self.link is not None:
            return
        if self._connecting is not None:
            raise bluez_error("InProgress", "Operation already in progress")
        self._connecting = asyncio.create_task(self._establish(may_be_struck))
        try:
            await self._connecting
        except asyncio.CancelledError:
            raise unreachable() from None
        finally:
            self._connecting = None

    async def _establish(self, may_be_struck: bool) -> None:
        """Faults strike here, where Disconnect ends them too."""
        if may_be_struck:
            await self.faults.strike("Connect")
        if self.adapter.is_full():
            raise no_slot()
        radio = await self._find_radio()
        await asyncio.sleep(_RADIO_S)
        if radio.advertisement is None:
            raise unreachable()
        if self.adapter.is_full():
            raise no_slot()
        self.link = radio.link = Link(self, radio, self.service.mtu)
        self.connected = True
        self._tell(Connected=("b", True))
        await asyncio.sleep(_RADIO_S)
        if self.link is None:
            raise unreachable()
        self.link.resolve(self.service.is_stale(self))
        self.services_resolved = True
        self._tell(ServicesResolved=("b", True))

    async def _find_radio(self) -> Radio:
        """Waits for an advertisement."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + self.service.connect_patience_s
        while loop.time() < end_s:
            radio: Radio | None = self.service.radio_of(self)
            if radio is not None and radio.advertisement is not None:
                return radio
            await asyncio.sleep(_POLL_S)
        raise unreachable()

    @sdbus.dbus_method_async_override()
    @may_fail
    async def Disconnect(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        if self.link is None:
            return
        if self.link.disconnect_hangs:
            await self.link.gone.wait()
        else:
            self.link.drop()

    async def disconnect(self, uuid: str | None = None) -> None:
        """Of bluezoo's own, as the device is removed."""
        self.cut()

    def cut(self) -> None:
        """Whatever there is of a link."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self.link is not None:
            self.link.drop()

    def unlink(self) -> None:
        """The link has gone."""
        self.link = None
        self.services_resolved = self.connected = False
        self._tell(ServicesResolved=("b", False))
        self._tell(Connected=("b", False))

    # ---- pairing ----

    @sdbus.dbus_method_async_override()
    @may_fail
    async def Pair(self) -> None:
        if self.paired:
            raise bluez_error("AlreadyExists", "Already Exists")
        was_connected = self.link is not None
        await self._connect()
        await asyncio.sleep(_RADIO_S)
        if self.link is None:
            raise bluez_error("AuthenticationCanceled", "Authentication Canceled")
        if not self.service.has_agent or not self.link.radio.pairing_allowed:
            if not was_connected:
                self.link.drop()
            raise bluez_error("AuthenticationFailed", "Authentication Failed")
        self._bond(self.link)

    def _bond(self, link: Link) -> None:
        self.service.bonds.add(self.adapter.address, self.address)
        link.encrypt()
        self.paired = self.bonded = True
        self._tell(Bonded=("b", True))
        self._tell(Paired=("b", True))

    # ---- properties that bluezoo has otherwise ----

    @sdbus.dbus_property_async_override()
    def AddressType(self) -> str:
        return str(self.address_type)

    @sdbus.dbus_property_async_override()
    def ManufacturerData(self) -> dict[int, tuple[str, Any]]:
        return self.manufacturer_data

    @sdbus.dbus_property_async_override()
    def RSSI(self) -> int:
        return int(self.rssi)

    @sdbus.dbus_property_async_override()
    def TxPower(self) -> int:
        return 0

    @sdbus.dbus_property_async_override()
    def ServiceData(self) -> dict[str, tuple[str, Any]]:
        return {}

    @sdbus.dbus_property_async_override()
    def AdvertisingData(self) -> dict[int, tuple[str, Any]]:
        return {}

    @sdbus.dbus_property_async_override()
    def Class(self) -> int:
        return 0

    @sdbus.dbus_property_async_override()
    def Icon(self) -> str:
        return ""


for _name in _NOT_ALWAYS_THERE:
    Device.__dict__[_name].flags = sdbus.DbusPropertyExplicitFlag
Device.__dict__["ManufacturerData"].property_signature = "a{qv}"
Device.__dict__["AdvertisingData"].property_signature = "a{yv}"
