"""A pod's characteristic as a central sees it."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sdbus
from bluezoo.gatt import GattCharacteristicClient, GattCharacteristicClientLink

from mock_bluez.bluez_errors import att_error, bluez_error
from mock_bluez.bluez_faults import Faults, may_fail

_INTERFACE = "org.bluez.GattCharacteristic1"
_ENCRYPTED = "encrypt-"
_MOST_BYTES = 1024
_INSUFFICIENT_ENCRYPTION = 0x0F

Options = dict[str, tuple[str, Any]]


class Relay:
    """Carries notifications from the pod's socket, until either end closes its own."""

    def __init__(self, source: socket.socket, ended: Callable[[], None]) -> None:
        self._source = source
        self._ended = ended
        self.sink: socket.socket | None = None  # the client's; None: it listens to the property
        self.deliver: Callable[[bytes], None] = self._send
        source.setblocking(False)
        asyncio.get_running_loop().add_reader(source, self._carry)

    def pour_into(self, sink: socket.socket) -> None:
        sink.setblocking(False)
        self.sink = sink
        asyncio.get_running_loop().add_reader(sink, self._heard_client)

    def _carry(self) -> None:
        try:
            record = self._source.recv(_MOST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            record = b""
        if record:
            self.deliver(record)
        else:
            self._ended()

    def _heard_client(self) -> None:
        """It has nothing to say but that it has closed."""
        assert self.sink is not None
        try:
            said = self.sink.recv(_MOST_BYTES)
        except OSError:
            said = b""
        if not said:
            self._ended()

    def _send(self, record: bytes) -> None:
        """What does not fit is lost, as it is in BlueZ."""
        if self.sink is not None:
            try:
                self.sink.send(record)
            except BlockingIOError:
                pass
            except OSError:
                self._ended()

    def mute(self) -> None:
        """The client hears no more of it, not even the end."""
        _shut(self._source)

    def close(self) -> None:
        """For the pod too, which has other handles of its socket."""
        _shut(self._source)
        if self.sink is not None:
            _shut(self.sink)


def _shut(end: socket.socket) -> None:
    if end.fileno() < 0:
        return
    asyncio.get_running_loop().remove_reader(end)
    with suppress(OSError):  # the other end was faster
        end.shutdown(socket.SHUT_RDWR)
    end.close()


class Characteristic(GattCharacteristicClientLink):  # type: ignore[misc]
    """Bluezoo's, with errors as BlueZ says them, and sockets that arrive."""

    def __init__(self, client: GattCharacteristicClient, service: Any, link: Any) -> None:
        super().__init__(client, service)
        self.link_ = link
        self.value = b""
        self._relay: Relay | None = None

    @property
    def faults(self) -> Faults:
        faults: Faults = self.link_.device.service.faults
        return faults

    def _options(self) -> Options:
        return {
            "device": ("o", self.service.device.get_object_path()),
            "mtu": ("q", self.link_.mtu),
            "link": ("s", "LE"),
        }

    def _require(self, way: str) -> None:
        """Raises unless the pod allows this way of access, and the link is what it asks for."""
        flags = self.client.Flags.get([])
        if way not in flags and _ENCRYPTED + way not in flags:
            raise bluez_error("NotSupported", "Operation is not supported")
        if _ENCRYPTED + way in flags and not self.link_.encrypted:
            raise att_error(_INSUFFICIENT_ENCRYPTION)

    @sdbus.dbus_method_async_override()
    @may_fail
    async def ReadValue(self, options: Options) -> bytes:
        self._require("read")
        value: bytes = await self.link_.ask_pod(lambda: self.client.ReadValue(self._options()))
        return value

    @sdbus.dbus_method_async_override()
    @may_fail
    async def WriteValue(self, value: bytes, options: Options) -> None:
        kind = options.get("type", ("s", "request"))[1]
        self._require("write-without-response" if kind == "command" else "write")
        asked = {**self._options(), "type": ("s", kind)}
        await self.link_.ask_pod(lambda: self.client.WriteValue(value, asked))

    @sdbus.dbus_method_async_override()
    @may_fail
    async def AcquireNotify(self, options: Options) -> tuple[int, int]:
        relay = await self._subscribe()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        relay.pour_into(ours)
        self._tell("NotifyAcquired", "b", True)
        # The reply, which has its own handle, is made before the loop turns.
        asyncio.get_running_loop().call_soon(theirs.close)
        return theirs.fileno(), self.link_.mtu

    @sdbus.dbus_method_async_override()
    @may_fail
    async def StartNotify(self) -> None:
        relay = await self._subscribe()
        relay.deliver = self._show
        self._tell("Notifying", "b", True)

    @sdbus.dbus_method_async_override()
    @may_fail
    async def StopNotify(self) -> None:
        if self._relay is None:
            raise bluez_error("Failed", "No notify session started")
        self.end_notifications()

    @sdbus.dbus_method_async_override()
    async def AcquireWrite(self, options: Options) -> tuple[int, int]:
        raise bluez_error("NotSupported", "Operation is not supported")

    async def _subscribe(self) -> Relay:
        self._require("notify")
        if self._relay is not None:
            raise bluez_error("NotPermitted", "Notify acquired")
        fd, _ = await self.link_.ask_pod(lambda: self.client.AcquireNotify(self._options()))
        self._relay = Relay(socket.socket(fileno=fd), self.end_notifications)
        return self._relay

    def end_notifications(self) -> None:
        relay, self._relay = self._relay, None
        if relay is not None:
            relay.close()
            self._tell("Notifying" if relay.sink is None else "NotifyAcquired", "b", False)

    def fall_silent(self) -> None:
        """Of a link that has died: what the pod still says goes nowhere."""
        if self._relay is not None:
            self._relay.mute()

    def _show(self, record: bytes) -> None:
        self.value = record
        self._tell("Value", "ay", record)

    def _tell(self, name: str, signature: str, value: object) -> None:
        self.properties_changed.emit((_INTERFACE, {name: (signature, value)}, []))

    @sdbus.dbus_property_async_override()
    def Value(self) -> bytes:
        return self.value

    @sdbus.dbus_property_async_override()
    def Flags(self) -> list[str]:
        return [flag.removeprefix(_ENCRYPTED) for flag in self.client.Flags.get([])]

    @sdbus.dbus_property_async_override()
    def Notifying(self) -> bool:
        return self._relay is not None and self._relay.sink is None

    @sdbus.dbus_property_async_override()
    def NotifyAcquired(self) -> bool:
        return self._relay is not None and self._relay.sink is not None

    @sdbus.dbus_property_async_override()
    def WriteAcquired(self) -> bool:
        return False

    @sdbus.dbus_property_async_override()
    def MTU(self) -> int:
        return int(self.link_.mtu)
