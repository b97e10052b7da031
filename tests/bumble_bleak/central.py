"""A hub's Bluetooth adapter: one controller, its bonds, any number of scans and connections."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress

from bumble import core, hci
from bumble.device import Advertisement, Connection, Device, DeviceConfiguration
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig

from bumble_bleak.air import Air, Radio

DEFAULT_ADDRESS = "F1:00:00:00:00:01"

Heard = Callable[[Advertisement], None]

_INITIATING_S = 0.5


class Central:
    """Pairs without asking anybody, by LE Secure Connections."""

    def __init__(
        self,
        air: Air,
        address: str = DEFAULT_ADDRESS,
        name: str = "hub",
        bonds: MemoryKeyStore | None = None,
    ) -> None:
        """`address` is a random static one. Without `bonds` they are forgotten with the object."""
        self.name = name
        self.address = address
        self.radio = Radio(name, air)
        config = DeviceConfiguration(name=name, address=hci.Address(address))
        self.device = Device(config=config, host=self.radio.make_host())
        self._bonds = self.device.keystore = bonds or MemoryKeyStore()
        self.device.pairing_config_factory = lambda _: PairingConfig(
            sc=True,
            mitm=False,
            bonding=True,
            identity_address_type=PairingConfig.AddressType.RANDOM,
        )
        self.device.on(self.device.EVENT_ADVERTISEMENT, self._tell)
        self._listeners: dict[object, Heard] = {}
        self._switching = asyncio.Lock()  # the scan
        self._initiating = asyncio.Lock()  # a controller does so one by one
        self._errands: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self.device.power_on()

    async def close(self) -> None:
        await self.hang_up()
        while self._errands:
            await asyncio.gather(*self._errands)
        await self.device.power_off()

    # ---- scanning ----

    @property
    def is_scanning(self) -> bool:
        return bool(self._listeners)

    @asynccontextmanager
    async def listening(self, heard: Heard) -> AsyncIterator[None]:
        """Every advertisement comes together with its scan response."""
        token = object()
        self._listeners[token] = heard
        try:
            await self._follow()
            yield
        finally:
            del self._listeners[token]
            await self._follow()

    async def _follow(self) -> None:
        """Scans while somebody listens. Bumble does not bear a command that is not waited for."""
        await asyncio.shield(self._run(self._switch()))

    async def _switch(self) -> None:
        async with self._switching:
            if self._listeners and not self.device.is_scanning:
                await self.device.start_scanning()
            elif not self._listeners and self.device.is_scanning:
                await self.device.stop_scanning()

    def _tell(self, advertisement: Advertisement) -> None:
        for heard in list(self._listeners.values()):
            heard(advertisement)

    # ---- connecting ----

    async def connect(self, address: hci.Address) -> Connection:
        """Waits for the peer as long as it takes; others are connected meanwhile."""
        while True:
            await self._hear(address)
            attempt = asyncio.create_task(self._initiate(address))
            try:
                connection = await asyncio.shield(attempt)
            except asyncio.CancelledError:
                self._run(self._undo(attempt))
                raise
            if connection is not None:
                return connection

    async def _hear(self, address: hci.Address) -> None:
        heard = asyncio.Event()

        def compare(advertisement: Advertisement) -> None:
            if advertisement.address == address:
                heard.set()

        async with self.listening(compare):
            await heard.wait()

    async def _initiate(self, address: hci.Address) -> Connection | None:
        async with self._initiating:
            try:
                return await self.device.connect(address, timeout=_INITIATING_S)
            except core.TimeoutError:
                return None

    async def _undo(self, attempt: asyncio.Task[Connection | None]) -> None:
        connection = await attempt
        if connection is not None:
            await self.disconnect(connection)

    async def disconnect(
        self,
        connection: Connection,
        reason: int = hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR,
    ) -> None:
        """Returns once the link is down; it may have gone by itself."""
        await asyncio.shield(self._run(self._disconnect(connection, reason)))

    async def _disconnect(self, connection: Connection, reason: int) -> None:
        if self.device.connections.get(connection.handle) is connection:
            with suppress(core.ProtocolError):
                await connection.disconnect(reason)

    async def hang_up(self, address: hci.Address | None = None) -> None:
        """None: on all."""
        for connection in list(self.device.connections.values()):
            if address is None or connection.peer_address == address:
                await self.disconnect(connection)

    # ---- bonds ----

    def knows(self, address: hci.Address) -> bool:
        return str(address) in self._bonds.all_keys

    async def forget(self, address: hci.Address) -> None:
        """Hangs up, too. The peer does not hear that its bond is of no use any more."""
        await self.hang_up(address)
        await self._bonds.delete(str(address))

    def _run(self, errand: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        return task
