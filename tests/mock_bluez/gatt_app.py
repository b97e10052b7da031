"""What a pod shows to BlueZ on its own bus connection: a GATT application, an advertisement."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from dbus_fast import DBusError, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import (
    DBusBool,
    DBusBytes,
    DBusDict,
    DBusObjectPath,
    DBusSignature,
    DBusStr,
)
from dbus_fast.constants import PropertyAccess
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

from stridehub.kernel.link import Attribute

ROOT = "/org/stridehub/pod"
ADVERTISEMENT = f"{ROOT}/advertisement"
_FLAGS = {
    Attribute.INFO: ["read"],
    Attribute.SAMPLES: ["encrypt-notify"],
    Attribute.CONTROL: ["encrypt-write"],
    Attribute.HAPTIC: ["encrypt-write-without-response"],
    Attribute.CONFIG: ["encrypt-read", "encrypt-write"],
    Attribute.TIME: ["encrypt-write-without-response", "encrypt-notify"],
    Attribute.STATUS: ["encrypt-read", "encrypt-notify"],
}
_COMPANY = 0xFFFF
_SENT_S = 0.5  # until a reply has left with the handle in it, for certain

_Strings = Annotated[list[str], DBusSignature("as")]
_FdAndMtu = Annotated[tuple[int, int], DBusSignature("hq")]
_Companies = Annotated[dict[int, Variant], DBusSignature("a{qv}")]


class AttError(Exception):
    """An attribute's refusal."""

    def __init__(self, code: int) -> None:
        super().__init__(f"ATT error 0x{code:02x}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Calls:
    """What the application needs of its pod."""

    read: Callable[[Attribute], bytes]  # raises AttError
    write: Callable[[Attribute, bytes, bool], None]  # True: it is a request; raises AttError
    subscribed: Callable[[Attribute, bool], None]
    answering: asyncio.Event  # set but while the pod hangs


class _Service(ServiceInterface):
    def __init__(self) -> None:
        super().__init__("org.bluez.GattService1")

    @dbus_property(access=PropertyAccess.READ)
    def UUID(self) -> DBusStr:
        return Attribute.SERVICE.uuid

    @dbus_property(access=PropertyAccess.READ)
    def Primary(self) -> DBusBool:
        return True


class Characteristic(ServiceInterface):
    """Notifies into a socket that BlueZ acquires."""

    def __init__(self, attribute: Attribute, calls: Calls) -> None:
        super().__init__("org.bluez.GattCharacteristic1")
        self._attribute = attribute
        self._calls = calls
        self._socket: socket.socket | None = None

    @property
    def path(self) -> str:
        return f"{ROOT}/service/char{self._attribute.value:04x}"

    @dbus_property(access=PropertyAccess.READ)
    def UUID(self) -> DBusStr:
        return self._attribute.uuid

    @dbus_property(access=PropertyAccess.READ)
    def Service(self) -> DBusObjectPath:
        return f"{ROOT}/service"

    @dbus_property(access=PropertyAccess.READ)
    def Flags(self) -> _Strings:
        return _FLAGS[self._attribute]

    @dbus_property(access=PropertyAccess.READ)
    def NotifyAcquired(self) -> DBusBool:
        return self._socket is not None

    @dbus_method()
    async def ReadValue(self, options: DBusDict) -> DBusBytes:
        await self._calls.answering.wait()
        try:
            return self._calls.read(self._attribute)
        except AttError as refusal:
            raise _refused(refusal) from refusal

    @dbus_method()
    async def WriteValue(self, value: DBusBytes, options: DBusDict) -> None:
        await self._calls.answering.wait()
        is_request = options["type"].value != "command"
        try:
            self._calls.write(self._attribute, bytes(value), is_request)
        except AttError as refusal:
            raise _refused(refusal) from refusal

    @dbus_method()
    async def AcquireNotify(self, options: DBusDict) -> _FdAndMtu:
        await self._calls.answering.wait()
        self.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._socket = ours
        loop = asyncio.get_running_loop()
        loop.add_reader(ours, self.close)  # BlueZ says nothing but the end
        loop.call_later(_SENT_S, theirs.close)
        self._calls.subscribed(self._attribute, True)
        return theirs.fileno(), options["mtu"].value

    @property
    def is_notifying(self) -> bool:
        return self._socket is not None

    def notify(self, record: bytes) -> bool:
        """Whether there was room for it."""
        if self._socket is None:
            return True
        try:
            self._socket.send(record)
        except BlockingIOError:
            return False
        except OSError:
            self.close()
        return True

    def close(self) -> None:
        """The subscription has ended."""
        ended, self._socket = self._socket, None
        if ended is not None:
            asyncio.get_running_loop().remove_reader(ended)
            ended.close()
            self._calls.subscribed(self._attribute, False)


def _refused(refusal: AttError) -> DBusError:
    return DBusError("org.bluez.Error.Failed", f"0x{refusal.code:02x}")


class Advertisement(ServiceInterface):
    """Of the pod's service, name and record."""

    def __init__(self, name: str) -> None:
        super().__init__("org.bluez.LEAdvertisement1")
        self._name = name
        self._record = b""

    @dbus_property(access=PropertyAccess.READ)
    def Type(self) -> DBusStr:
        return "peripheral"

    @dbus_property(access=PropertyAccess.READ)
    def ServiceUUIDs(self) -> _Strings:
        return [Attribute.SERVICE.uuid]

    @dbus_property(access=PropertyAccess.READ)
    def LocalName(self) -> DBusStr:
        return self._name

    @dbus_property(access=PropertyAccess.READ)
    def ManufacturerData(self) -> _Companies:
        return {_COMPANY: Variant("ay", self._record)}

    @dbus_method()
    def Release(self) -> None:
        pass

    def show(self, name: str, record: bytes) -> None:
        changed: dict[str, Any] = {}
        if name != self._name:
            self._name = changed["LocalName"] = name
        if record != self._record:
            self._record = record
            changed["ManufacturerData"] = {_COMPANY: Variant("ay", record)}
        if changed:
            self.emit_properties_changed(changed)


class Application:
    """The pod's objects, exported."""

    def __init__(self, bus: MessageBus, calls: Calls, name: str) -> None:
        self.advertisement = Advertisement(name)
        self.characteristics = {attribute: Characteristic(attribute, calls) for attribute in _FLAGS}
        bus.export(f"{ROOT}/service", _Service())
        for characteristic in self.characteristics.values():
            bus.export(characteristic.path, characteristic)
        bus.export(ADVERTISEMENT, self.advertisement)

    def hang_up(self) -> None:
        """The central has gone, and its subscriptions with it."""
        for characteristic in self.characteristics.values():
            characteristic.close()
