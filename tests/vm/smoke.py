"""One pod by stock bleak: found, bonded, streamed from, and once more with the bond.

Prints a line of JSON: seconds of each step, packets and gaps of both streams.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice

from stridehub.kernel import link, wire
from stridehub.kernel.link import Attribute, Opcode
from vm.guest import bluez, pods_on_air

_STREAM_S = 10.0
_SCAN_S = 20.0


class Tally:
    """Of a stream's packets."""

    def __init__(self) -> None:
        self.packets = 0
        self.lost = 0
        self._sequence: int | None = None

    def count(self, _characteristic: BleakGATTCharacteristic, packet: bytearray) -> None:
        sequence = int.from_bytes(packet[2:4], "little")
        if self._sequence is not None:
            self.lost += (sequence - self._sequence - 1) & 0xFFFF
        self._sequence = sequence
        self.packets += 1


@contextmanager
def _timed(told: dict[str, Any], step: str) -> Iterator[None]:
    begun_s = time.monotonic()
    yield
    told[f"{step}_s"] = round(time.monotonic() - begun_s, 2)


async def _found() -> BLEDevice:
    device = await BleakScanner.find_device_by_filter(
        lambda _, seen: Attribute.SERVICE.uuid in seen.service_uuids, timeout=_SCAN_S
    )
    if device is None:
        raise RuntimeError(f"no pod seen in {_SCAN_S} s")
    return device


async def _session(device: BLEDevice) -> dict[str, Any]:
    told: dict[str, Any] = {}
    client = BleakClient(device, timeout=30.0)
    with _timed(told, "connect"):
        await client.connect()
    with _timed(told, "pair"):
        await client.pair()
    samples = client.services.get_characteristic(Attribute.SAMPLES.uuid)
    control = client.services.get_characteristic(Attribute.CONTROL.uuid)
    haptic = client.services.get_characteristic(Attribute.HAPTIC.uuid)
    assert samples is not None
    assert control is not None
    assert haptic is not None
    with _timed(told, "read"):
        config = link.decode_config(await client.read_gatt_char(Attribute.CONFIG.uuid))
        info = wire.decode_info(await client.read_gatt_char(Attribute.INFO.uuid))
    told["name"], told["batch"] = config.name, info.batch
    tally = Tally()
    with _timed(told, "subscribe"):
        await client.start_notify(samples, tally.count, bluez={"use_start_notify": False})
    start = link.encode_control(link.Control(Opcode.START))
    await client.write_gatt_char(control, start, response=True)
    await asyncio.sleep(_STREAM_S)
    await client.write_gatt_char(
        control, link.encode_control(link.Control(Opcode.STOP)), response=True
    )
    told["longest_command"] = haptic.max_write_without_response_size
    with _timed(told, "disconnect"):
        await client.disconnect()
    told["packets"], told["lost"] = tally.packets, tally.lost
    return told


async def _smoke() -> dict[str, Any]:
    told: dict[str, Any] = {}
    async with pods_on_air(1) as pods, bluez():
        with _timed(told, "scan"):
            device = await _found()
        told["first"] = await _session(device)
        told["again"] = await _session(device)
        told["pod"] = await pods.stats(1)
    return told


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_smoke())), flush=True)
