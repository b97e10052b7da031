"""A central's adapter."""

import asyncio
import random
from typing import Any

import bluezoo.adapter
import sdbus
from bluezoo import events

from mock_bluez.bluez_device import Device
from mock_bluez.bluez_errors import bluez_error, not_ready
from mock_bluez.bluez_faults import Faults, caller, may_fail
from mock_bluez.bluez_radio import Radio

_INTERFACE = "org.bluez.Adapter1"
_RSSI_DBM, _RSSI_SPREAD_DB = -55, 3


class Adapter(bluezoo.adapter.Adapter):  # type: ignore[misc]
    """Bluezoo's properties, with discovery of our own, and power that does something."""

    powered: bool
    discovering: bool

    def __init__(self, service: Any, number: int, address: str) -> None:
        super().__init__(service, number, address)
        self.service = service
        self.powered = True
        self.deaf = False  # discovery finds nothing until the power is switched off and on
        self._listeners: dict[str, events.Subscription] = {}
        self._uuids: dict[str, list[str]] = {}  # that listeners look for
        self._known: dict[str, Device] = {}  # by address

    @property
    def faults(self) -> Faults:
        faults: Faults = self.service.faults
        return faults

    @property
    def known(self) -> list[Device]:
        return list(self._known.values())

    def is_full(self) -> bool:
        """No further link fits."""
        links = sum(device.link is not None for device in self._known.values())
        return bool(links >= self.service.most_links)

    # ---- devices ----

    def know(self, address: str, address_type: str, radio: Radio | None = None) -> Device:
        device = Device(self, address, address_type)
        if radio is not None:
            device.learn(radio)
            device.rssi = _rssi_dbm()
        self._known[address] = device
        self.service.export_device(device)
        return device

    def forget(self, device: Device) -> None:
        device.cut()
        self._known.pop(device.address)
        self.service.withdraw(device)

    def device_of(self, address: str) -> Device | None:
        return self._known.get(address)

    @sdbus.dbus_method_async_override()
    @may_fail
    async def RemoveDevice(self, device: str) -> None:
        """Forgets the bond too."""
        for known in self.known:
            if known.get_object_path() == device:
                self.service.bonds.remove(self.address, known.address)
                self.service.refresh(known)
                self.forget(known)
                return
        raise bluez_error("DoesNotExist", "Does Not Exist")

    # ---- discovery ----

    def listen(self) -> None:
        """A moment of discovery."""
        if not self._listeners or self.deaf:
            return
        for radio in self.service.radios:
            if radio.advertisement is not None and self._is_looked_for(radio):
                self._hear(radio)

    def _is_looked_for(self, radio: Radio) -> bool:
        wanted = [self._uuids.get(listener) for listener in self._listeners]
        return any(not uuids or set(uuids) & set(radio.uuids) for uuids in wanted)

    def _hear(self, radio: Radio) -> None:
        device = self._known.get(radio.address)
        if device is None:
            self.know(radio.address, radio.address_type, radio)
        elif device.address_type == radio.address_type:
            device.hear(radio, _rssi_dbm())

    @sdbus.dbus_method_async_override()
    @may_fail
    async def StartDiscovery(self) -> None:
        listener = caller()
        if not self.powered:
            raise not_ready()
        if listener in self._listeners:
            raise bluez_error("InProgress", "Operation already in progress")

        async def lost() -> None:
            self._leave(listener)

        self._listeners[listener] = events.subscribe(f"service:lost:{listener}", lost, once=True)
        self._set_discovering(True)

    @sdbus.dbus_method_async_override()
    async def StopDiscovery(self) -> None:
        """One that fails on purpose has ended it all the same, as BlueZ's own failures do."""
        listener = caller()
        try:
            await self.faults.strike("StopDiscovery")
        except Exception:
            self._leave(listener)
            raise
        if not self.powered:
            raise not_ready()
        if listener not in self._listeners:
            raise bluez_error("Failed", "No discovery started")
        self._leave(listener)

    @sdbus.dbus_method_async_override()
    @may_fail
    async def SetDiscoveryFilter(self, properties: dict[str, tuple[str, Any]]) -> None:
        listener = caller()
        self._uuids[listener] = properties.get("UUIDs", ("as", []))[1]

    def _leave(self, listener: str) -> None:
        subscription = self._listeners.pop(listener, None)
        if subscription is not None:
            subscription.unsubscribe()
        if not self._listeners and self.discovering:
            for device in self.known:
                device.go_quiet()
            self._set_discovering(False)

    def _set_discovering(self, discovering: bool) -> None:
        if self.discovering != discovering:
            self.discovering = discovering
            self._tell(Discovering=("b", discovering))

    # ---- power ----

    @sdbus.dbus_property_async_override()
    def Powered(self) -> bool:
        return bool(self.powered)

    @Powered.setter
    def Powered_setter(self, powered: bool) -> None:
        """sd-bus does not bear that objects go while it sets a property."""
        self.powered = powered
        if powered:
            self.deaf = False
        else:
            asyncio.get_running_loop().call_soon(self.rest)

    def rest(self) -> None:
        """Nothing is left of what went on."""
        for device in self.known:
            device.cut()
        for listener in list(self._listeners):
            self._leave(listener)

    def _tell(self, **changed: tuple[str, object]) -> None:
        self.properties_changed.emit((_INTERFACE, changed, []))


def _rssi_dbm() -> int:
    return random.randint(_RSSI_DBM - _RSSI_SPREAD_DB, _RSSI_DBM + _RSSI_SPREAD_DB)
