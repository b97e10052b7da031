"""A pod's end of the air: where it registers what it advertises and its GATT application."""

from typing import Any

import sdbus
from bluezoo.adv import LEAdvertisementClient, LEAdvertisingManager
from bluezoo.gatt import GattManager
from bluezoo.utils import BluetoothUUID

_ROOT = "/org/stridehub/mock/radio"


class RadioInterface(sdbus.DbusInterfaceCommonAsync, interface_name="org.stridehub.MockRadio1"):
    """What BlueZ does not tell a peripheral, and what it does not ask."""

    @sdbus.dbus_method_async(flags=sdbus.DbusUnprivilegedFlag)
    async def Hangup(self) -> None:
        raise NotImplementedError

    @sdbus.dbus_method_async(input_signature="b", flags=sdbus.DbusUnprivilegedFlag)
    async def SetPairing(self, allowed: bool) -> None:
        raise NotImplementedError

    @sdbus.dbus_method_async(input_signature="as", flags=sdbus.DbusUnprivilegedFlag)
    async def SetBonds(self, centrals: list[str]) -> None:
        """By their addresses: whom the pod has a key of."""
        raise NotImplementedError

    @sdbus.dbus_signal_async("sbbq")
    def LinkChanged(self) -> tuple[str, bool, bool, int]:
        """The central's address, whether it is connected, whether encrypted, and the MTU."""
        raise NotImplementedError


class Radio(LEAdvertisingManager, GattManager, RadioInterface):  # type: ignore[misc]
    """No Adapter1: what looks for adapters finds the centrals' only."""

    def __init__(self, address: str, address_type: str) -> None:
        super().__init__()
        self.address = address
        self.address_type = address_type
        self.pairing_allowed = False
        self.bonds: list[str] = []
        self.link: Any = None  # the one of the central that is connected
        self.path = f"{_ROOT}/{address.replace(':', '_')}"

    async def update_uuids(self) -> None:
        """Of an adapter, which this is not."""

    async def cleanup(self) -> None:
        await LEAdvertisingManager.cleanup(self)
        await GattManager.cleanup(self)

    @property
    def advertisement(self) -> LEAdvertisementClient | None:
        """What is on the air. A pod that is connected does not advertise."""
        if self.link is not None:
            return None
        return next(iter(self.advertisements.values()), None)

    @property
    def uuids(self) -> list[str]:
        if (advertisement := next(iter(self.advertisements.values()), None)) is None:
            return []
        return [BluetoothUUID(uuid) for uuid in advertisement.ServiceUUIDs.get([])]

    def tell_link(self, central: str, connected: bool, encrypted: bool, mtu: int) -> None:
        self.LinkChanged.emit((central, connected, encrypted, mtu))

    @sdbus.dbus_method_async_override()
    async def Hangup(self) -> None:
        if self.link is not None:
            self.link.drop()

    @sdbus.dbus_method_async_override()
    async def SetPairing(self, allowed: bool) -> None:
        self.pairing_allowed = allowed

    @sdbus.dbus_method_async_override()
    async def SetBonds(self, centrals: list[str]) -> None:
        self.bonds = centrals
