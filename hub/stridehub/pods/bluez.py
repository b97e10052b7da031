"""BlueZ over D-Bus, for what bleak does not do: adapters, their power, leftovers, pairing."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from typing import Any

from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusObjectPath, DBusStr, DBusUInt32
from dbus_fast.constants import BusType, MessageType
from dbus_fast.errors import DBusError, DBusFastError
from dbus_fast.message import Message
from dbus_fast.service import ServiceInterface, dbus_method
from dbus_fast.signature import Variant
from dbus_fast.unpack import unpack_variants

from stridehub.errors import RadioError
from stridehub.pods.radio import HostAdapter
from stridehub.timing import DBUS_S, POWER_CYCLE_PAUSE_S

_BLUEZ = "org.bluez"
_ADAPTER = "org.bluez.Adapter1"
_DEVICE = "org.bluez.Device1"
_AGENT_MANAGER = "org.bluez.AgentManager1"
_OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_AGENT_PATH = "/stridehub/agent"
_REJECTED = "org.bluez.Error.Rejected"


class BlueZ:
    """A Host. Every call opens a connection of its own, so none outlives a restart of D-Bus."""

    async def adapters(self) -> list[HostAdapter]:
        async with _bus() as bus:
            return [
                HostAdapter(
                    address=properties["Address"],
                    name=path.rpartition("/")[2],
                    powered=properties.get("Powered", False),
                    discovering=properties.get("Discovering", False),
                )
                for path, properties in (await _objects(bus, _ADAPTER)).items()
            ]

    async def power_on(self, name: str) -> None:
        async with _bus() as bus:
            await _set(bus, _adapter_path(name), "Powered", True)

    async def power_cycle(self, name: str) -> None:
        async with _bus() as bus:
            try:
                await _set(bus, _adapter_path(name), "Powered", False)
                await asyncio.sleep(POWER_CYCLE_PAUSE_S)
            finally:  # also where the hub is ended meanwhile
                await _set(bus, _adapter_path(name), "Powered", True)

    async def forget(self, name: str, address: str) -> None:
        async with _bus() as bus:
            path = _device_path(name, address)
            if path in await _objects(bus, _DEVICE):
                await _call(bus, _adapter_path(name), _ADAPTER, "RemoveDevice", "o", [path])

    async def hang_up(self, name: str, addresses: Collection[str]) -> list[str]:
        async with _bus() as bus:
            linked = await _linked(bus, name, addresses)
            ends = [
                _call(bus, _device_path(name, address), _DEVICE, "Disconnect") for address in linked
            ]
            await asyncio.gather(*ends, return_exceptions=True)  # the look back tells
            return await _linked(bus, name, linked)

    @asynccontextmanager
    async def pairing(self, name: str, address: str) -> AsyncIterator[None]:
        async with _bus() as bus:
            bus.export(_AGENT_PATH, _Agent(_device_path(name, address)))
            await _call(
                bus, "/org/bluez", _AGENT_MANAGER, "RegisterAgent", "os",
                [_AGENT_PATH, "NoInputNoOutput"],
            )  # fmt: skip
            try:
                await _call(
                    bus, "/org/bluez", _AGENT_MANAGER, "RequestDefaultAgent", "o", [_AGENT_PATH]
                )
                yield
            finally:
                with suppress(RadioError):
                    await _call(
                        bus, "/org/bluez", _AGENT_MANAGER, "UnregisterAgent", "o", [_AGENT_PATH]
                    )


class _Agent(ServiceInterface):
    """Says yes for one device, and no for all others."""

    def __init__(self, device_path: str) -> None:
        super().__init__("org.bluez.Agent1")
        self._device_path = device_path

    def _only_ours(self, device: str) -> None:
        if device != self._device_path:
            raise DBusError(_REJECTED, "another device is being paired")

    @dbus_method()
    def Release(self) -> None:
        """BlueZ has dropped the agent."""

    @dbus_method()
    def Cancel(self) -> None:
        """What was asked is of no interest any more."""

    @dbus_method()
    def RequestAuthorization(self, device: DBusObjectPath) -> None:
        self._only_ours(device)

    @dbus_method()
    def RequestConfirmation(self, device: DBusObjectPath, passkey: DBusUInt32) -> None:
        self._only_ours(device)

    @dbus_method()
    def AuthorizeService(self, device: DBusObjectPath, uuid: DBusStr) -> None:
        self._only_ours(device)


@asynccontextmanager
async def _bus() -> AsyncIterator[MessageBus]:
    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        try:
            async with asyncio.timeout(DBUS_S):
                await bus.connect()
        except (OSError, EOFError, DBusFastError) as error:
            detail = f": {error}" if str(error) else ""
            raise RadioError("D-Bus", f"does not answer{detail}") from error
        yield bus
    finally:
        bus.disconnect()


async def _call(
    bus: MessageBus,
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    body: list[Any] | None = None,
    destination: str = _BLUEZ,
) -> list[Any]:
    """Raises RadioError for an error, and for no answer."""
    message = Message(
        destination=destination,
        path=path,
        interface=interface,
        member=member,
        signature=signature,
        body=body or [],
    )
    try:
        async with asyncio.timeout(DBUS_S):
            reply = await bus.call(message)
    except (OSError, EOFError, DBusFastError) as error:
        raise RadioError(path, f"{member}: {error!r}") from error
    if reply is None or reply.message_type is MessageType.ERROR:
        told = [reply.error_name, *reply.body] if reply is not None else ["no answer"]
        raise RadioError(path, f"{member}: {' '.join(map(str, told))}")
    return list(reply.body)


async def _call_daemon(bus: MessageBus, member: str, signature: str, body: list[Any]) -> list[Any]:
    daemon = "org.freedesktop.DBus"
    return await _call(bus, "/org/freedesktop/DBus", daemon, member, signature, body, daemon)


async def _linked(bus: MessageBus, name: str, addresses: Collection[str]) -> list[str]:
    """Those of the devices that are connected."""
    devices = await _objects(bus, _DEVICE)
    paths = {address: _device_path(name, address) for address in addresses}
    return [a for a, path in paths.items() if devices.get(path, {}).get("Connected")]


async def _objects(bus: MessageBus, interface: str) -> dict[str, dict[str, Any]]:
    """The properties of all objects that have the interface, by path."""
    (objects,) = await _call(bus, "/", _OBJECT_MANAGER, "GetManagedObjects")
    return {
        path: unpack_variants(interfaces[interface])
        for path, interfaces in objects.items()
        if interface in interfaces
    }


async def _set(bus: MessageBus, path: str, name: str, value: bool) -> None:
    body = [_ADAPTER, name, Variant("b", value)]
    await _call(bus, path, _PROPERTIES, "Set", "ssv", body)


def _adapter_path(name: str) -> str:
    return f"/org/bluez/{name}"


def _device_path(name: str, address: str) -> str:
    return f"{_adapter_path(name)}/dev_{address.upper().replace(':', '_')}"


async def bus_users() -> set[int]:
    """The process ids of all that are connected to the system bus. Raises RadioError."""
    async with _bus() as bus:
        (names,) = await _call_daemon(bus, "ListNames", "", [])
        pids = set()
        for name in names:
            if name.startswith(":"):
                with suppress(RadioError):  # it has gone meanwhile
                    pids.update(await _call_daemon(bus, "GetConnectionUnixProcessID", "s", [name]))
    return pids
