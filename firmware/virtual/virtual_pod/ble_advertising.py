"""A pod's advertising: what it tells, how often, and when not."""

from dataclasses import dataclass

from bumble import hci
from bumble.core import UUID, AdvertisingData
from bumble.device import Device

from stridehub.kernel.link import Attribute
from virtual_pod.pod import Radio, VirtualPod

COMPANY_ID = 0xFFFF  # set aside for trials
_INTERVALS_MS = {Radio.FAST: (20.0, 30.0), Radio.SLOW: (1000.0, 1050.0)}
_GENERAL_LE_ONLY = 0x06


@dataclass(frozen=True, slots=True)
class Content:
    """Advertisement and scan response."""

    advertisement: bytes
    scan_response: bytes


def content_of(pod: VirtualPod, nameless: str) -> Content:
    """`nameless` is what a pod without a name calls itself."""
    maker = COMPANY_ID.to_bytes(2, "little") + pod.read_advertisement()
    name = pod.config().name or nameless
    kinds = AdvertisingData.Type
    advertisement = AdvertisingData(
        [
            (kinds.FLAGS, bytes([_GENERAL_LE_ONLY])),
            (
                kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
                bytes(UUID(Attribute.SERVICE.uuid)),
            ),
            (kinds.MANUFACTURER_SPECIFIC_DATA, maker),
        ]
    )
    scan_response = AdvertisingData([(kinds.COMPLETE_LOCAL_NAME, name.encode())])
    return Content(bytes(advertisement), bytes(scan_response))


class Advertiser:
    """Brings a device's advertising in line with the pod's wishes."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._mode = Radio.OFF
        self._told: Content | None = None

    def has_ended(self) -> None:
        """A central has connected."""
        self._mode = Radio.OFF

    async def follow(self, mode: Radio, content: Content) -> None:
        if mode != self._mode:
            self._mode, self._told = mode, content
            await self._change(mode, content)
        elif mode != Radio.OFF and content != self._told:
            self._told = content
            await self._refresh(content)

    async def _change(self, mode: Radio, content: Content) -> None:
        if mode == Radio.OFF:
            await self._device.stop_advertising()
            return
        shortest_ms, longest_ms = _INTERVALS_MS[mode]
        await self._device.start_advertising(
            advertising_data=content.advertisement,
            scan_response_data=content.scan_response,
            advertising_interval_min=shortest_ms,
            advertising_interval_max=longest_ms,
        )

    async def _refresh(self, content: Content) -> None:
        """Without a pause, so that no central connects into it."""
        if self._device.legacy_advertising_set is not None:
            running = self._device.legacy_advertising_set
            await running.set_advertising_data(content.advertisement)
            await running.set_scan_response_data(content.scan_response)
            return
        await self._device.send_sync_command(
            hci.HCI_LE_Set_Advertising_Data_Command(advertising_data=content.advertisement)
        )
        await self._device.send_sync_command(
            hci.HCI_LE_Set_Scan_Response_Data_Command(scan_response_data=content.scan_response)
        )
