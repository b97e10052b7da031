"""bleak's backends for a central: for `BleakScanner(backend=...)` and `BleakClient(backend=...)`.

They do as bleak's for BlueZ do, where those differ from others.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from bleak.args import SizedBuffer
from bleak.args.bluez import BlueZClientArgs, BlueZScannerArgs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementDataCallback, BaseBleakScanner
from bleak.exc import BleakError
from bumble import hci
from bumble.device import Advertisement
from bumble.gatt_client import AttributeProxy

from bumble_bleak.central import Central
from bumble_bleak.discovery import advertisement_data, discover, services_of
from bumble_bleak.link import Link

WISHED_MTU = 247

_DISCONNECTED = "failed to discover services, device disconnected"
_LEAST_MTU = 23
_WRITE_HEADER_BYTES = 3


class BumbleScanner(BaseBleakScanner):
    """Its devices say, as BlueZ's do, whether they are bonded."""

    adapters: Mapping[str, Central]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        *,
        bluez: BlueZScannerArgs,
        **_for_other_backends: Any,
    ) -> None:
        """Every scan is an active one."""
        super().__init__(detection_callback, service_uuids)
        self._adapter = _chosen(self.adapters, bluez.get("adapter"))
        self._scan = AsyncExitStack()

    async def start(self) -> None:
        self.seen_devices = {}
        await self._scan.enter_async_context(self._adapter.listening(self._heard))

    async def stop(self) -> None:
        await self._scan.aclose()

    def _heard(self, heard: Advertisement) -> None:
        advertised = advertisement_data(heard)
        if not self.is_allowed_uuid(advertised.service_uuids):
            return
        address = _text(heard.address)
        name = advertised.local_name or address.replace(":", "-")
        details = {"source": self._adapter.name}
        device = self.create_or_update_device(address, address, name, details, advertised)
        is_bonded = self._adapter.knows(heard.address)
        device.details["props"] = {"Paired": is_bonded, "Bonded": is_bonded}
        self.call_detection_callbacks(device, advertised)


class BumbleClient(BaseBleakClient):
    """The disconnected callback tells of every link that ends, asked for or not."""

    adapters: Mapping[str, Central]

    def __init__(
        self, address_or_ble_device: BLEDevice | str, *, bluez: BlueZClientArgs, **options: Any
    ) -> None:
        super().__init__(address_or_ble_device, **options)
        self._adapter = _chosen(self.adapters, bluez.get("adapter"))
        known = address_or_ble_device
        self._name = known.name if isinstance(known, BLEDevice) else None
        self._link: Link | None = None

    @property
    def name(self) -> str:
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return _LEAST_MTU if self._link is None else self._link.mtu

    @property
    def is_connected(self) -> bool:
        return self._link is not None

    # ---- the link ----

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Raises TimeoutError for a peer that does not come."""
        if self._link is not None:
            raise BleakError("Client is already connected")
        async with asyncio.timeout(kwargs.get("timeout", self._timeout)):
            connection = await self._adapter.connect(hci.Address(self.address))
            link = self._link = Link(self._adapter, connection)
            link.on_end = self._ended
            try:
                await self._prepare(link, pair)
            except BaseException as error:
                was_up = link.is_up
                await link.end()
                if self._link is link:
                    self._ended()
                if isinstance(error, BleakError) and not was_up:
                    raise BleakError(_DISCONNECTED) from error
                raise

    async def _prepare(self, link: Link, pair: bool) -> None:
        await link.ask(link.peer.request_mtu(WISHED_MTU))
        await link.secure(pair)
        await link.ask(discover(link.peer))
        self.services = services_of(link.peer, lambda: link.mtu - _WRITE_HEADER_BYTES)

    async def disconnect(self) -> None:
        if self._link is not None:
            await self._link.end()

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        await self._up().pair()

    async def unpair(self) -> None:
        """Disconnects, too."""
        await self._adapter.forget(hci.Address(self.address))

    def _up(self) -> Link:
        if self._link is None:
            raise BleakError("Not connected")
        return self._link

    def _ended(self) -> None:
        self._link = None
        self.services = None
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    # ---- attributes ----

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        return await self._read(characteristic.obj)

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        return await self._read(descriptor.obj)

    async def _read(self, attribute: AttributeProxy[bytes]) -> bytearray:
        return bytearray(await self._up().ask(attribute.read_value()))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        await self._up().ask(characteristic.obj.write_value(bytes(data), response))

    async def write_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, data: SizedBuffer
    ) -> None:
        await self._up().ask(descriptor.obj.write_value(bytes(data), True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any
    ) -> None:
        def notified(value: bytes) -> None:
            callback(bytearray(value))

        link = self._up()
        try:
            await link.ask(characteristic.obj.subscribe(notified))
        except BleakError:
            link.peer.gatt_client.notification_subscribers.pop(characteristic.handle, None)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await self._up().ask(characteristic.obj.unsubscribe())


def backends(*centrals: Central) -> tuple[type[BaseBleakScanner], type[BaseBleakClient]]:
    """bleak makes the objects; their classes know the centrals, the first of which is the usual."""
    by_name = {central.name: central for central in centrals}

    class Scanner(BumbleScanner):
        adapters = by_name

    class Client(BumbleClient):
        adapters = by_name

    return Scanner, Client


def _chosen(adapters: Mapping[str, Central], name: str | None) -> Central:
    if name is None:
        return next(iter(adapters.values()))
    if name not in adapters:
        raise BleakError(f"adapter '{name}' not found")
    return adapters[name]


def _text(address: hci.Address) -> str:
    return address.to_string(with_type_qualifier=False)
