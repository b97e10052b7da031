"""All of the mock: the centrals' adapters, the pods' radios, and the air between them."""

import asyncio
from collections.abc import Iterable
from typing import Any

import sdbus
from bluezoo import events
from bluezoo.interfaces.AgentManager import AgentManagerInterface
from sdbus_async.dbus_daemon import FreedesktopDbus

from mock_bluez.bluez_adapter import Adapter
from mock_bluez.bluez_device import INTERFACE, Device
from mock_bluez.bluez_errors import bluez_error
from mock_bluez.bluez_faults import Faults, caller
from mock_bluez.bluez_radio import Radio

_AIR_PATH = "/org/stridehub/mock"
_AGENTS_PATH = "/org/bluez"
_USUAL_MTU = 247
_MANY_LINKS = 1000
_CONNECT_PATIENCE_S = 5.0


class Bonds:
    """Which central knows which pod, by their addresses; what BlueZ keeps on disk."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = set(pairs)

    def has(self, central: str, pod: str) -> bool:
        return (central, pod) in self._pairs

    def add(self, central: str, pod: str) -> None:
        self._pairs.add((central, pod))

    def remove(self, central: str, pod: str) -> None:
        self._pairs.discard((central, pod))

    def pods_of(self, central: str) -> list[str]:
        return sorted(pod for known, pod in self._pairs if known == central)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return sorted(self._pairs)


class Agents(AgentManagerInterface):  # type: ignore[misc]
    """Who answers for the user. Bluezoo takes one for all clients; BlueZ takes one of each."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: dict[str, str] = {}  # by client

    @sdbus.dbus_method_async_override()
    async def RegisterAgent(self, path: str, capability: str) -> None:
        client = caller()
        if client in self.paths:
            raise bluez_error("AlreadyExists", "Already Exists")
        self.paths[client] = path

        async def lost() -> None:
            self.paths.pop(client, None)

        events.subscribe(f"service:lost:{client}", lost, once=True)

    @sdbus.dbus_method_async_override()
    async def UnregisterAgent(self, path: str) -> None:
        self._require(path)
        self.paths.pop(caller())

    @sdbus.dbus_method_async_override()
    async def RequestDefaultAgent(self, path: str) -> None:
        self._require(path)

    def _require(self, path: str) -> None:
        if self.paths.get(caller()) != path:
            raise bluez_error("DoesNotExist", "Does Not Exist")


class AirInterface(sdbus.DbusInterfaceCommonAsync, interface_name="org.stridehub.MockAir1"):
    """Where pods come on the air."""

    @sdbus.dbus_method_async("ss", "o", flags=sdbus.DbusUnprivilegedFlag)
    async def AddRadio(self, address: str, address_type: str) -> str:
        raise NotImplementedError


class Service(AirInterface):
    """`mock` of bluezoo's objects."""

    def __init__(self, bus: Any, scan_tick_s: float, bonds: Bonds) -> None:
        super().__init__()
        self.bonds = bonds
        self.faults = Faults()
        self.mtu = _USUAL_MTU
        self.most_links = _MANY_LINKS
        self.connect_patience_s = _CONNECT_PATIENCE_S
        self.adapters: dict[int, Adapter] = {}
        self._scan_tick_s = scan_tick_s
        self._bus = bus
        self._radios: dict[str, Radio] = {}  # by address
        self._stale: set[str] = set()  # addresses of pods whose services are not as remembered
        self._handles: dict[Any, Any] = {}
        self._agents = Agents()
        self._manager = sdbus.DbusObjectManagerInterfaceAsync()
        self._manager.export_to_dbus("/")
        self.export(_AGENTS_PATH, self._agents)
        self.export_to_dbus(_AIR_PATH)
        self._tasks = [asyncio.create_task(self._scan()), asyncio.create_task(self._watch())]

    @property
    def has_agent(self) -> bool:
        return bool(self._agents.paths)

    # ---- objects ----

    def export(self, path: str, exported: Any) -> None:
        self._handles[exported] = (path, exported.export_to_dbus(path))
        self._bus.emit_object_added(path)

    def export_device(self, device: Device) -> None:
        """Says more of it than a later look at it does, as BlueZ: the signal strength."""
        path = device.get_object_path()
        self._handles[device] = (path, device.export_to_dbus(path))
        self._manager.interfaces_added.emit((path, {INTERFACE: device.discovered()}))

    def withdraw(self, exported: Any) -> None:
        """Calls that it still answers are let finish."""
        path, handle = self._handles.pop(exported)
        self._bus.emit_object_removed(path)
        handle._tasks = set()
        handle.stop()

    # ---- centrals ----

    def add_adapter(self, number: int, address: str) -> None:
        """With the devices it has bonds with."""
        adapter = Adapter(self, number, address)
        self.export(adapter.get_object_path(), adapter)
        self.adapters[number] = adapter
        for pod in self.bonds.pods_of(address):
            radio = self._radios.get(pod)
            adapter.know(pod, radio.address_type if radio is not None else "random")

    def remove_adapter(self, number: int) -> None:
        adapter = self.adapters.pop(number)
        adapter.rest()
        for device in adapter.known:
            adapter.forget(device)
        self.withdraw(adapter)

    async def take_leave(self) -> None:
        for number in list(self.adapters):
            self.remove_adapter(number)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def devices_of(self, address: str) -> list[Device]:
        """What the centrals know of a pod."""
        known = [adapter.device_of(address) for adapter in self.adapters.values()]
        return [device for device in known if device is not None]

    async def _scan(self) -> None:
        while True:
            await asyncio.sleep(self._scan_tick_s)
            for adapter in self.adapters.values():
                adapter.listen()

    # ---- pods ----

    @property
    def radios(self) -> list[Radio]:
        return list(self._radios.values())

    def radio_of(self, device: Device) -> Radio | None:
        radio = self._radios.get(device.address)
        if radio is None or radio.address_type != device.address_type:
            return None
        return radio

    @sdbus.dbus_method_async_override()
    async def AddRadio(self, address: str, address_type: str) -> str:
        """It goes with the client's connection."""
        client = caller()
        if address in self._radios:
            raise bluez_error("AlreadyExists", "Already Exists")
        radio = Radio(address, address_type)
        self._radios[address] = radio
        self.export(radio.path, radio)

        async def lost() -> None:
            await self._remove_radio(radio)

        events.subscribe(f"service:lost:{client}", lost, once=True)
        return radio.path

    async def _remove_radio(self, radio: Radio) -> None:
        del self._radios[radio.address]
        if radio.link is not None:
            radio.link.drop()
        self.withdraw(radio)

    async def _watch(self) -> None:
        """For clients that leave the bus."""
        async for _, old, new in FreedesktopDbus().name_owner_changed.catch():
            if old and not new:
                events.emit(f"service:lost:{old}")

    # ---- remembered services ----

    def make_stale(self, address: str) -> None:
        self._stale.add(address)

    def is_stale(self, device: Device) -> bool:
        return device.address in self._stale

    def refresh(self, device: Device) -> None:
        self._stale.discard(device.address)
