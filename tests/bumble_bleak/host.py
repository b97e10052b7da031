"""What a hub asks its machine's Bluetooth besides scans and links, answered by centrals."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from bumble import hci

from bumble_bleak.central import Central
from stridehub.errors import RadioError
from stridehub.pods.radio import HostAdapter


class BumbleHost:
    """A Host of stridehub.pods.radio. Pairing needs nobody's consent."""

    def __init__(self, *centrals: Central) -> None:
        self._centrals = {central.name: central for central in centrals}

    async def adapters(self) -> list[HostAdapter]:
        return [
            HostAdapter(central.address, name, powered=True, discovering=central.is_scanning)
            for name, central in self._centrals.items()
        ]

    async def power_on(self, name: str) -> None:
        self._central(name)

    async def power_cycle(self, name: str) -> None:
        await self._central(name).hang_up()

    async def forget(self, name: str, address: str) -> None:
        await self._central(name).forget(hci.Address(address))

    async def hang_up(self, name: str, addresses: Collection[str]) -> Collection[str]:
        for address in addresses:
            await self._central(name).hang_up(hci.Address(address))
        return ()

    @asynccontextmanager
    async def pairing(self, name: str, address: str) -> AsyncIterator[None]:
        self._central(name)
        yield

    def _central(self, name: str) -> Central:
        if name not in self._centrals:
            raise RadioError(name, "no such adapter")
        return self._centrals[name]
