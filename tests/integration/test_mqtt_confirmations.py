"""What a broker confirms late, or never."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from on_the_loop import run, until
from publishing import hub_at
from stridehub.mqtt import connection

CONNECT, PUBLISH, SUBSCRIBE, PING, DISCONNECT = 1, 3, 8, 12, 14
BETWEEN_S = 0.01  # two confirmations come one by one


class Miser:
    """A broker that is well but for what it keeps to itself."""

    def __init__(self, *silent_on: int) -> None:
        self.silent_on = set(silent_on)
        self.heard: list[int] = []  # kinds of packets
        self.held: list[bytes] = []  # confirmations of what was published
        self._open = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Its port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]
            await until(lambda: self._open == 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            while True:
                kind, body = await _packet(reader)
                self.heard.append(kind)
                writer.write(self._answer(kind, body))
                await self._give_way(writer, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            self._open -= 1

    def _answer(self, kind: int, body: bytes) -> bytes:
        if kind == PUBLISH:
            length = struct.unpack_from("!H", body)[0]
            confirmation = b"\x40\x02" + body[2 + length : 4 + length]
            if kind not in self.silent_on:
                return confirmation
            self.held.append(confirmation)
        if kind in self.silent_on:
            return b""
        return {
            CONNECT: bytes.fromhex("2003000000"),
            SUBSCRIBE: b"\x90\x04" + body[:2] + b"\x00\x01",
            PING: bytes.fromhex("d000"),
        }.get(kind, b"")

    async def _give_way(self, writer: asyncio.StreamWriter, body: bytes) -> None:
        """To the last word: everything is confirmed after all."""
        while body.endswith(b"bye") and self.held:
            writer.write(self.held.pop(0))
            await writer.drain()
            await asyncio.sleep(BETWEEN_S)


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0] >> 4
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return kind, await reader.readexactly(length)


@pytest.mark.parametrize("kind", [PUBLISH, SUBSCRIBE])
def test_a_broker_that_answers_pings_and_confirms_nothing_is_left(
    kind: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MQTT_CONFIRM_S", 0.5)

    async def test() -> None:
        miser = Miser(kind)
        async with miser.listening() as port, hub_at(port, tmp_path) as hub:
            hub.put(range(5))
            await hub.told("does not confirm")
            await until(lambda: hub.publisher.counts.connects > 1)
            miser.silent_on.clear()
            await hub.done()
            await until(lambda: hub.publisher.state.trouble is None)

    run(test())


def test_the_end_waits_for_all_that_is_confirmed(tmp_path: Path) -> None:
    """Not for the first of it: what the broker has is not sent again with the next start."""

    async def test() -> None:
        miser = Miser(PUBLISH)
        async with miser.listening() as port, hub_at(port, tmp_path) as hub:
            hub.put(range(10))
            await until(lambda: len(miser.held) == 10)
            await hub.publisher.stop(b"bye")
            await until(lambda: hub.letters.count() == 0)
            await until(lambda: miser.heard[-1] == DISCONNECT)

    run(test())
