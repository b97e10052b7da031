"""A connection of a central's adapter with a pod."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from bluezoo.gatt import GattCharacteristicClient, GattServiceClient, GattServiceClientLink

from mock_bluez.bluez_errors import bluez_error, relayed_error
from mock_bluez.bluez_gatt import Characteristic
from mock_bluez.bluez_radio import Radio


class Link:
    """Up from the moment it is made; the objects of the pod's services live as long as it does."""

    def __init__(self, device: Any, radio: Radio, mtu: int) -> None:
        self.device = device
        self.radio = radio
        self.mtu = mtu
        self.encrypted = device.paired and device.adapter.address in radio.bonds
        self.gone = asyncio.Event()
        self.silent = False  # nothing passes any more, and nobody has noticed
        self.disconnect_hangs = False
        self._objects: list[Any] = []
        self._tell_pod(True)

    def _tell_pod(self, connected: bool) -> None:
        central = self.device.adapter.address
        self.radio.tell_link(central, connected, connected and self.encrypted, self.mtu)

    def encrypt(self) -> None:
        self.encrypted = True
        self._tell_pod(True)

    def go_silent(self, disconnect_hangs: bool) -> None:
        """The pod notices, the central does not."""
        self.silent = True
        self.disconnect_hangs = disconnect_hangs
        for characteristic in self._characteristics():
            characteristic.fall_silent()
        self._leave_pod()

    def _leave_pod(self) -> None:
        if self.radio.link is self:
            self.radio.link = None
            self._tell_pod(False)

    def resolve(self, stale: bool) -> None:
        """Exports the pod's services; a stale cache knows none of their characteristics."""
        services: dict[str, Any] = {}
        for application in self.radio.gatt_apps.values():
            for path, client in sorted(application.objects.items()):
                if isinstance(client, GattServiceClient):
                    services[path] = GattServiceClientLink(client, self.device)
                    self._export(services[path])
                elif isinstance(client, GattCharacteristicClient) and not stale:
                    service = services[client.Service.get()]
                    self._export(Characteristic(client, service, self))

    def _export(self, exported: Any) -> None:
        self.device.service.export(exported.get_object_path(), exported)
        self._objects.append(exported)

    def _characteristics(self) -> list[Characteristic]:
        return [exported for exported in self._objects if isinstance(exported, Characteristic)]

    def drop(self) -> None:
        """Both ends."""
        if self.gone.is_set():
            return
        self.gone.set()
        for characteristic in self._characteristics():
            characteristic.end_notifications()
        self._leave_pod()
        self.device.unlink()
        for exported in reversed(self._objects):
            self.device.service.withdraw(exported)

    async def ask_pod(self, question: Callable[[], Awaitable[Any]]) -> Any:
        """Raises as BlueZ does where the pod refuses, or the link goes meanwhile."""
        asked = asyncio.ensure_future(self._answered(question))
        gone = asyncio.ensure_future(self.gone.wait())
        try:
            await asyncio.wait({asked, gone}, return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                return asked.result()
            raise bluez_error("Failed", "Operation failed")
        except Exception as refusal:
            raise relayed_error(refusal) from refusal
        finally:
            asked.cancel()
            gone.cancel()

    async def _answered(self, question: Callable[[], Awaitable[Any]]) -> Any:
        if self.silent:
            await self.gone.wait()
        return await question()
