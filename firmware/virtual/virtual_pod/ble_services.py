"""What a pod shows over GATT: its own service, Battery, Device Information."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from bumble import att, gatt
from bumble.core import UUID
from bumble.device import Connection, Device
from bumble.gatt_server import Server
from bumble.profiles.device_information_service import DeviceInformationService

from stridehub.kernel.link import Attribute, LinkResult
from virtual_pod.pod import FIRMWARE, READABLE, WRITABLE, ReadRefusedError, VirtualPod

_PROPERTIES = gatt.Characteristic.Properties
_PERMISSIONS = att.Attribute.Permissions
_SECRET_READ = _PERMISSIONS.READABLE | _PERMISSIONS.READ_REQUIRES_ENCRYPTION
_SECRET_WRITE = _PERMISSIONS.WRITEABLE | _PERMISSIONS.WRITE_REQUIRES_ENCRYPTION

_COMMAND = _PROPERTIES.WRITE_WITHOUT_RESPONSE
_ALLOWED = {
    Attribute.INFO: (_PROPERTIES.READ, _PERMISSIONS.READABLE),
    Attribute.SAMPLES: (_PROPERTIES.NOTIFY, _PERMISSIONS(0)),
    Attribute.CONTROL: (_PROPERTIES.WRITE, _SECRET_WRITE),
    Attribute.HAPTIC: (_COMMAND, _SECRET_WRITE),
    Attribute.CONFIG: (_PROPERTIES.READ | _PROPERTIES.WRITE, _SECRET_READ | _SECRET_WRITE),
    Attribute.TIME: (_COMMAND | _PROPERTIES.NOTIFY, _SECRET_WRITE),
    Attribute.STATUS: (_PROPERTIES.READ | _PROPERTIES.NOTIFY, _SECRET_READ),
}
_is_answered = ContextVar("_is_answered", default=True)  # the write at hand: it is a request


@dataclass(frozen=True, slots=True)
class Calls:
    """What the services need of their peripheral."""

    pod: Callable[[], VirtualPod]  # brought to the present
    written: Callable[[], None]
    subscribed: Callable[[Connection, Attribute, bool], None]


class PodServices:
    """Adds the services to a device."""

    def __init__(self, device: Device, calls: Calls) -> None:
        self._device = device
        self._calls = calls
        self.characteristics = {
            attribute: self._characteristic(attribute) for attribute in _ALLOWED
        }
        own = gatt.Service(UUID(Attribute.SERVICE.uuid), list(self.characteristics.values()))
        device.add_services([own, self._battery(), _identity(device)])
        _tell_commands(device.gatt_server)

    def _characteristic(self, attribute: Attribute) -> gatt.Characteristic[bytes]:
        properties, permissions = _ALLOWED[attribute]
        value = gatt.CharacteristicValue[bytes](
            read=lambda _: self._read(attribute),
            write=lambda _, record: self._write(attribute, record),
        )
        uuid = UUID(attribute.uuid)
        characteristic: gatt.Characteristic[bytes] = gatt.Characteristic(
            uuid, properties, permissions, value
        )
        if properties & _PROPERTIES.NOTIFY:
            self._make_subscribable(attribute, characteristic)
        return characteristic

    def _make_subscribable(
        self, attribute: Attribute, characteristic: gatt.Characteristic[bytes]
    ) -> None:
        switch = self._device.gatt_server.make_descriptor_value(characteristic)
        kind = gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR
        characteristic.descriptors = [gatt.Descriptor(kind, _SECRET_READ | _SECRET_WRITE, switch)]

        def changed(connection: Connection, notify: bool, _indicate: bool) -> None:
            self._calls.subscribed(connection, attribute, notify)

        characteristic.on(characteristic.EVENT_SUBSCRIPTION, changed)

    def _read(self, attribute: Attribute) -> bytes:
        if attribute not in READABLE:
            raise att.ATT_Error(att.ErrorCode.READ_NOT_PERMITTED)
        try:
            return self._calls.pod().read(attribute)
        except ReadRefusedError as refusal:
            raise att.ATT_Error(refusal.result) from refusal

    def _write(self, attribute: Attribute, record: bytes) -> None:
        """Bumble complains aloud of the error of a command, which has no answer."""
        if attribute not in WRITABLE:
            raise att.ATT_Error(att.ErrorCode.WRITE_NOT_PERMITTED)
        result = self._calls.pod().write(attribute, record)
        self._calls.written()
        if result != LinkResult.OK and _is_answered.get():
            raise att.ATT_Error(result)

    def _battery(self) -> gatt.Service:
        level: gatt.Characteristic[bytes] = gatt.Characteristic(
            gatt.GATT_BATTERY_LEVEL_CHARACTERISTIC,
            _PROPERTIES.READ,
            _PERMISSIONS.READABLE,
            gatt.CharacteristicValue[bytes](read=lambda _: self._read_battery()),
        )
        return gatt.Service(gatt.GATT_BATTERY_SERVICE, [level])

    def _read_battery(self) -> bytes:
        percent = self._calls.pod().battery_percent()
        if percent is None:
            raise att.ATT_Error(LinkResult.UNKNOWN)
        return bytes([percent])


def _tell_commands(server: Server) -> None:
    """From requests. Bumble handles a command in a task of its own, which keeps the context."""
    take = server.on_att_write_command

    def take_command(bearer: att.Bearer, command: att.ATT_Write_Command) -> None:
        token = _is_answered.set(False)
        try:
            take(bearer, command)
        finally:
            _is_answered.reset(token)

    server.on_att_write_command = take_command


def _identity(device: Device) -> gatt.Service:
    return DeviceInformationService(
        manufacturer_name="stridehub",
        model_number="stridehub pod",
        serial_number=bytes(device.static_address).hex(),
        hardware_revision="virtual",
        firmware_revision=f"{FIRMWARE >> 8}.{FIRMWARE & 0xFF}",
    )
