"""The air as bleak gives it: who advertises, and links to them."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from bleak import BleakClient, BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak_retry_connector import NO_RSSI_VALUE, establish_connection

from stridehub.errors import LinkRecordError
from stridehub.kernel.link import (
    Advertisement,
    Attribute,
    LinkResult,
    PodCondition,
    decode_advertisement,
)
from stridehub.pods.failures import bleak_at_work


@dataclass(frozen=True, slots=True)
class HostAdapter:
    """A Bluetooth adapter of this machine."""

    address: str
    name: str  # such as "hci0"; changes when it is pulled out and back
    powered: bool
    discovering: bool = False  # some program scans with it


class Host(Protocol):
    """What this machine's Bluetooth is asked besides scans and links. All raise RadioError."""

    async def adapters(self) -> list[HostAdapter]: ...

    async def power_on(self, name: str) -> None: ...

    async def power_cycle(self, name: str) -> None:
        """Off and on again; every link of the adapter ends."""

    async def forget(self, name: str, address: str) -> None:
        """Removes the device with all that is remembered of it, its bond too."""

    async def hang_up(self, name: str, addresses: Collection[str]) -> Collection[str]:
        """Ends links to these devices, whoever has them; those that do not end."""

    def pairing(self, name: str, address: str) -> AbstractAsyncContextManager[None]:
        """While it lasts this one device may be paired with."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A pod that advertises."""

    device: BLEDevice
    name: str | None
    rssi_dbm: int
    bonded: bool  # with the adapter that sees it
    advertisement: Advertisement | None  # None: unreadable, and `problem` says why
    problem: str | None = None

    @property
    def address(self) -> str:
        return self.device.address

    @property
    def is_pairing(self) -> bool:
        """It says that strangers may bond with it now."""
        heard = self.advertisement
        return heard is not None and bool(heard.conditions & PodCondition.PAIRING)

    @property
    def is_other_version(self) -> bool:
        return self.problem == LinkResult.BAD_VERSION.label


def sighting_of(device: BLEDevice, heard: AdvertisementData) -> Sighting:
    """Its own record may stand under any company."""
    properties = _properties(device)
    bonded = bool(properties.get("Bonded", properties.get("Paired", False)))
    advertisement, problem = _record(heard.manufacturer_data.values())
    return Sighting(
        device, _printable(heard.local_name), heard.rssi, bonded, advertisement, problem
    )


def _printable(name: str | None) -> str | None:
    """Anyone may advertise anything, and terminals obey some of it."""
    return name and "".join(sign if sign.isprintable() else "?" for sign in name)


def _properties(device: BLEDevice) -> dict[str, Any]:
    details = device.details
    properties = details.get("props") if isinstance(details, dict) else None
    return properties if isinstance(properties, dict) else {}


def _record(records: Collection[bytes]) -> tuple[Advertisement | None, str | None]:
    problem = "no record of a pod"
    for record in records:
        try:
            return decode_advertisement(record), None
        except LinkRecordError as error:
            problem = error.reason
    return None, problem


@dataclass(frozen=True, slots=True)
class Radio:
    """bleak; None: its own backend for this machine."""

    scanner_backend: type[BaseBleakScanner] | None = None
    client_backend: type[BaseBleakClient] | None = None

    @asynccontextmanager
    async def listening(
        self, adapter: str, on_sighting: Callable[[Sighting], None]
    ) -> AsyncIterator[None]:
        """Hears pods while it lasts."""

        def heard(device: BLEDevice, data: AdvertisementData) -> None:
            if data.rssi != NO_RSSI_VALUE:  # else BlueZ told of something that is no advertisement
                on_sighting(sighting_of(device, data))

        with bleak_at_work():
            async with BleakScanner(
                heard,
                [Attribute.SERVICE.uuid],
                bluez={"adapter": adapter},
                backend=self.scanner_backend,
            ):
                yield

    async def connect(
        self, sighting: Sighting, adapter: str, on_lost: Callable[[], None], *, pair: bool = False
    ) -> BleakClient:
        """One try, with what the connector itself knows to repeat at once."""
        with bleak_at_work():
            return await establish_connection(
                BleakClient,
                sighting.device,
                sighting.name or sighting.address,
                disconnected_callback=lambda _: on_lost(),
                max_attempts=1,
                use_services_cache=False,
                pair=pair,
                bluez={"adapter": adapter},
                backend=self.client_backend,
            )
