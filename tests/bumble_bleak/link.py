"""One connection of a central: what its peer answers, and that it ends."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError
from bumble import att, core, hci
from bumble.device import Connection, Peer

from bumble_bleak.central import Central

Answer = TypeVar("Answer")

_REFUSED = "org.bluez.Error.AuthenticationFailed"


class Link:
    """Errors are bleak's. A request goes on when who asked no longer waits, as ATT needs it."""

    def __init__(self, central: Central, connection: Connection) -> None:
        self._central = central
        self._connection = connection
        self.peer = Peer(connection)
        self.on_end: Callable[[], None] = lambda: None
        self._asked: set[asyncio.Task[Any]] = set()
        connection.on(connection.EVENT_DISCONNECTION, self._ended)

    @property
    def is_up(self) -> bool:
        connections = self._central.device.connections
        return connections.get(self._connection.handle) is self._connection

    @property
    def mtu(self) -> int:
        return self._connection.att_mtu

    async def ask(self, request: Coroutine[Any, Any, Answer]) -> Answer:
        """Raises BleakGATTProtocolError for a refusal, BleakError for all else."""
        if not self.is_up:
            request.close()
            raise BleakError("Not connected")
        task = asyncio.create_task(request)
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        await asyncio.wait([task])
        if task.cancelled():
            raise BleakError("Not connected")
        return _answer_of(task)

    async def secure(self, pair: bool) -> None:
        """Encrypts where there is a bond; else pairs, if so wished.

        A peer that has forgotten its bond is disconnected.
        """
        if self._central.knows(self._connection.peer_address):
            try:
                await self.ask(self._connection.encrypt())
            except BleakError:
                await self.end(hci.HCI_AUTHENTICATION_FAILURE_ERROR)
                raise
        elif pair:
            await self.pair()

    async def pair(self) -> None:
        """Raises BlueZ's error where the peer refuses."""
        try:
            await self.ask(self._connection.pair())
        except BleakError as error:
            if self.is_up:
                raise BleakDBusError(_REFUSED, [str(error)]) from error
            raise

    async def end(self, reason: int = hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR) -> None:
        await self._central.disconnect(self._connection, reason)

    def _ended(self, _reason: int) -> None:
        for task in self._asked:
            task.cancel()
        self.on_end()


def _answer_of(task: asyncio.Task[Answer]) -> Answer:
    try:
        return task.result()
    except att.ATT_Error as refusal:
        raise BleakGATTProtocolError(refusal.error_code) from refusal
    except core.BaseBumbleError as failure:
        raise BleakError(f"failed: {failure}") from failure
