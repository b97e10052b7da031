"""What a peer has, in bleak's words: advertisements, services."""

from collections.abc import Callable, Iterable

from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.scanner import AdvertisementData
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.uuids import normalize_uuid_str
from bumble.core import UUID, AdvertisingData
from bumble.device import Advertisement, Peer
from bumble.gatt_client import CharacteristicProxy, ServiceProxy

_KINDS = AdvertisingData.Type
_NAMES = (_KINDS.COMPLETE_LOCAL_NAME, _KINDS.SHORTENED_LOCAL_NAME)
_UUID_BYTES = {
    _KINDS.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    _KINDS.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    _KINDS.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    _KINDS.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}


# ---- advertisements ----


def advertisement_data(heard: Advertisement) -> AdvertisementData:
    parts = heard.data.ad_structures
    names = [value.decode() for kind, value in parts if kind in _NAMES]
    makers = [value for kind, value in parts if kind == _KINDS.MANUFACTURER_SPECIFIC_DATA]
    return AdvertisementData(
        local_name=names[0] if names else None,
        manufacturer_data={int.from_bytes(maker[:2], "little"): maker[2:] for maker in makers},
        service_data={},
        service_uuids=[uuid for kind, value in parts for uuid in _listed(kind, value)],
        tx_power=None,
        rssi=heard.rssi,
        platform_data=(heard,),
    )


def _listed(kind: int, value: bytes) -> Iterable[str]:
    size = _UUID_BYTES.get(_KINDS(kind))
    if size is None:
        return
    for begin in range(0, len(value), size):
        yield _text(UUID.from_bytes(value[begin : begin + size]))


# ---- services ----


async def discover(peer: Peer) -> None:
    """All services with all that is in them."""
    await peer.discover_all()
    for service in peer.services:
        for characteristic in service.characteristics:
            characteristic.descriptors_discovered = True


def services_of(peer: Peer, longest_write: Callable[[], int]) -> BleakGATTServiceCollection:
    """Of a discovered peer. `longest_write` is in bytes, without response."""
    found = BleakGATTServiceCollection()
    for proxy in peer.services:
        service = BleakGATTService(proxy, proxy.handle, _text(proxy.uuid))
        found.add_service(service)
        _add_characteristics(found, service, proxy, longest_write)
    return found


def _add_characteristics(
    found: BleakGATTServiceCollection,
    service: BleakGATTService,
    proxy: ServiceProxy,
    longest_write: Callable[[], int],
) -> None:
    for its in proxy.characteristics:
        characteristic = BleakGATTCharacteristic(
            its,
            its.handle,
            _text(its.uuid),
            sorted(gatt_char_props_to_strs(its.properties)),
            longest_write,
            service,
        )
        found.add_characteristic(characteristic)
        _add_descriptors(found, characteristic, its)


def _add_descriptors(
    found: BleakGATTServiceCollection,
    characteristic: BleakGATTCharacteristic,
    proxy: CharacteristicProxy[bytes],
) -> None:
    for its in proxy.descriptors:
        found.add_descriptor(BleakGATTDescriptor(its, its.handle, _text(its.type), characteristic))


def _text(uuid: UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-"))
