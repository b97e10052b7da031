"""A connected pod's attributes, as records instead of bytes.

What a pod refuses comes up as bleak's BleakGATTProtocolError with the pod's own code.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from stridehub.kernel import link, wire
from stridehub.kernel.link import Attribute, Control, Opcode
from stridehub.model import PodInfo
from stridehub.pods.backoff import Failure
from stridehub.pods.failures import RADIO_ERRORS, LinkEndedError, bleak_at_work
from stridehub.timing import GATT_S

OnRecord = Callable[[bytearray], None]

_NEEDED = tuple(attribute for attribute in Attribute if attribute is not Attribute.SERVICE)
ATT_BYTES = 3  # of a write or a notification, before the record


class PodGatt:
    """Every call raises TimeoutError after GATT_S."""

    def __init__(self, client: BleakClient) -> None:
        """Raises LinkEndedError where the services are not a pod's."""
        self._client = client
        self._subscribed: list[BleakGATTCharacteristic] = []
        self._of: dict[Attribute, BleakGATTCharacteristic] = {
            attribute: self._find(attribute) for attribute in _NEEDED
        }

    def _find(self, attribute: Attribute) -> BleakGATTCharacteristic:
        with bleak_at_work():
            found = self._client.services.get_characteristic(attribute.uuid)
        if found is None:
            raise LinkEndedError(Failure.STALE_SERVICES)
        return found

    @property
    def mtu(self) -> int:
        """Bytes, as the stack knows it; 23 where it does not say."""
        return self._of[Attribute.HAPTIC].max_write_without_response_size + ATT_BYTES

    async def config(self) -> link.PodConfig:
        """Raises LinkRecordError, as all reads do; the first one tells a pod's version."""
        return link.decode_config(await self._read(Attribute.CONFIG))

    async def configure(self, config: link.PodConfig) -> None:
        """In the pod's flash when this returns."""
        await self._write(Attribute.CONFIG, link.encode_config(config))

    async def info(self) -> PodInfo:
        return wire.decode_info(await self._read(Attribute.INFO))

    async def status(self) -> link.PodLinkStatus:
        return link.decode_status(await self._read(Attribute.STATUS))

    async def control(self, opcode: Opcode, argument: int = 0) -> None:
        await self._write(Attribute.CONTROL, link.encode_control(Control(opcode, argument)))

    async def buzz(self, pattern: link.HapticPattern) -> None:
        """Not answered: a pod that does not want to, does not."""
        await self._command(Attribute.HAPTIC, link.encode_haptic(pattern))

    async def ask_time(self, t1: int) -> None:
        """The reply comes to the subscriber of TIME."""
        await self._command(Attribute.TIME, link.encode_time_request(t1))

    async def subscribe(self, attribute: Attribute, on_record: OnRecord) -> None:
        """`on_record` is called at once, from the loop.

        Over a socket of its own where there is one: over D-Bus, a client that followed a lost one
        without a clean end gets every notification twice.
        """
        async with _bleak_in_time():
            await self._client.start_notify(
                self._of[attribute],
                lambda _, record: on_record(record),
                bluez={"use_start_notify": False},
            )
            self._subscribed.append(self._of[attribute])

    async def unsubscribe(self) -> None:
        """Closes the sockets, no more: the disconnection that follows does the rest. Never raises.

        Not to be left out: bluetoothd (seen in 5.82) crashes where a client goes before its link
        has ended, and these are open.
        """
        while self._subscribed:
            with suppress(*RADIO_ERRORS):
                async with _bleak_in_time():
                    await self._client.stop_notify(self._subscribed.pop())

    async def _read(self, attribute: Attribute) -> bytes:
        async with _bleak_in_time():
            return bytes(await self._client.read_gatt_char(self._of[attribute]))

    async def _write(self, attribute: Attribute, record: bytes) -> None:
        async with _bleak_in_time():
            await self._client.write_gatt_char(self._of[attribute], record, response=True)

    async def _command(self, attribute: Attribute, record: bytes) -> None:
        async with _bleak_in_time():
            await self._client.write_gatt_char(self._of[attribute], record, response=False)


@asynccontextmanager
async def _bleak_in_time() -> AsyncIterator[None]:
    with bleak_at_work():
        async with asyncio.timeout(GATT_S):
            yield
