"""Nothing is lost, whatever becomes of the broker, the network, or the hub itself."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from letters import Letters
from listener import Listener, in_order
from mosquitto import Mosquitto
from on_the_loop import run, until
from publishing import STRIDE, TOPICS, hub_at
from stridehub.errors import StoreError
from stridehub.mqtt import connection, publisher
from stridehub.mqtt.endpoint import Endpoint
from tcp_proxy import TcpProxy

ENDS = [Mosquitto.stop, Mosquitto.kill]


def _has_heard(listener: Listener, strides: int) -> bool:
    return len(listener.payloads("stride")) > strides


@pytest.mark.parametrize("end", ENDS)
def test_a_broker_that_ends_and_comes_back(
    tmp_path: Path, end: Callable[[Mosquitto], None]
) -> None:
    """Twice, in the middle of things; the listener is there again before the hub is."""

    async def test() -> None:
        async with hub_at(proxy.port, tmp_path, backlog_per_s=500) as hub:
            hub.put(range(1000))
            for enough in (200, 600):
                await until(partial(_has_heard, listener, enough))
                proxy.cut()
                end(broker)
                await until(lambda: not hub.publisher.state.is_connected)
                broker.start()
                await asyncio.to_thread(listener.await_subscription)
                proxy.heal()
            await hub.done()
            assert hub.publisher.counts.connects >= 3

    with Mosquitto() as broker, TcpProxy(broker.port) as proxy, Listener(broker.port) as listener:
        run(test())
        listener.wait(lambda: len(set(listener.numbers("stride"))) == 1000)
        assert in_order(listener.numbers("stride")) == list(range(1000))


def test_a_broker_that_is_not_there_for_a_start(tmp_path: Path) -> None:
    async def test() -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            hub.put(range(10))
            await hub.told("nobody listens there")
            broker.start()
            await hub.done()

    with Mosquitto() as broker:
        broker.stop()
        run(test())


def test_a_broker_that_hangs_for_a_while(tmp_path: Path) -> None:
    async def test() -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            await hub.connected()
            broker.freeze()
            hub.put(range(500))
            await until(lambda: hub.publisher.counts.sent == connection.WINDOW)
            broker.thaw()
            await hub.done()
            assert hub.publisher.counts.connects == 1

    with Mosquitto() as broker, Listener(broker.port) as listener:
        run(test())
        listener.wait(lambda: len(listener.heard) >= 500)
        assert listener.numbers("stride", 500) == list(range(500))


def test_a_broker_that_hangs_is_told_apart_from_an_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not answer; when it does again, it is spoken to in version 5."""
    monkeypatch.setattr(connection, "MQTT_CONNACK_S", 0.5)

    async def test() -> None:
        broker.freeze()
        async with hub_at(broker.port, tmp_path) as hub:
            await hub.told("no answer")
            broker.thaw()
            await hub.connected()
            assert hub.publisher.state.protocol == "5"

    with Mosquitto() as broker:
        run(test())


def test_a_network_that_swallows_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection looks alive, and is not."""
    monkeypatch.setattr(connection, "MQTT_KEEP_ALIVE_S", 2)

    async def test() -> None:
        async with hub_at(proxy.port, tmp_path, backlog_per_s=200) as hub:
            hub.put(range(300))
            await until(lambda: len(listener.payloads("stride")) > 50)
            proxy.swallow()
            await until(lambda: not hub.publisher.state.is_connected)
            assert hub.letters.count() > 0
            proxy.heal()
            await hub.done()

    with Mosquitto() as broker, TcpProxy(broker.port) as proxy, Listener(broker.port) as listener:
        run(test())
        listener.wait(lambda: len(set(listener.numbers("stride"))) == 300)
        assert in_order(listener.numbers("stride")) == list(range(300))
        assert b"gone" in listener.payloads("status")


_HUB = """
    import asyncio, sys
    from pathlib import Path
    from publishing import hub_at

    async def main():
        async with hub_at(int(sys.argv[1]), Path(sys.argv[2]), backlog_per_s=300) as hub:
            hub.publisher.live("stridehub/1/test-hub/status", b"online", retain=True)
            await hub.done()

    asyncio.run(main())
"""


def test_a_hub_that_is_killed_goes_on_where_it_was(tmp_path: Path, root: Path) -> None:
    """And everybody learns at once that it has gone."""

    def hub() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(_HUB), str(broker.port), str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(root / "tests")},
        )

    letters = Letters(tmp_path / "letters.sqlite")
    letters.put((STRIDE, b"%d" % number) for number in range(900))
    with Mosquitto() as broker, Listener(broker.port) as listener:
        for enough in (100, 500):
            with hub() as child:
                listener.wait(partial(_has_heard, listener, enough))
                child.send_signal(signal.SIGKILL)
            listener.wait(lambda: listener.payloads("status")[-1:] == [b"gone"])
        with hub() as child:
            assert child.wait(30) == 0
        assert letters.count() == 0
        listener.wait(lambda: listener.payloads("status")[-1:] == [b"bye"])
        assert in_order(listener.numbers("stride")) == list(range(900))
        assert listener.payloads("status") == [b"online", b"gone"] * 2 + [b"online", b"bye"]
    letters.close()


def test_an_outbox_that_cannot_be_read_for_a_while(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Live messages go on, people are told, and once."""

    async def test() -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            hub.letters.fault = StoreError("the card", "disk I/O error")
            hub.put(range(10))
            await hub.told("disk I/O error")
            hub.publisher.live(TOPICS.health("p1"), b"still here")
            await until(lambda: bool(listener.payloads("health")))
            await until(lambda: hub.publisher.counts.unread > 1)
            hub.letters.fault = None
            await hub.done()
            await until(lambda: hub.publisher.state.trouble is None)
            assert hub.publisher.counts.connects == 1

    with Mosquitto() as broker, Listener(broker.port) as listener:
        run(test())
        assert listener.numbers("stride", 10) == list(range(10))
        assert caplog.text.count("cannot be read") == 1


def test_the_end_does_not_wait_for_a_broker_that_hangs(tmp_path: Path) -> None:
    async def test() -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            await hub.connected()
            broker.freeze()
            hub.put(range(100))
            begun_s = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - begun_s < 5.0  # the keep-alive is longer
        assert hub.publisher.counts.confirmed == 0

    with Mosquitto() as broker:
        run(test())


WELCOMES = [b"", bytes.fromhex("2003000000"), bytes.fromhex("20020000")]  # CONNACK of 5 and 3.1.1


@pytest.mark.parametrize("welcome", WELCOMES)
def test_something_that_is_no_broker(
    tmp_path: Path, welcome: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it says; the hub then finds a real one."""
    monkeypatch.setattr(publisher, "MQTT_LONGEST_WAIT_S", 0.01)
    monkeypatch.setattr(connection, "MQTT_CONNACK_S", 0.05)
    monkeypatch.setattr(connection, "MQTT_HANG_UP_S", 0.05)

    async def test() -> None:
        noise = random.Random(1)
        tries = 0

        async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal tries
            tries += 1
            with suppress(ConnectionError):
                await reader.read(1)
                writer.write(welcome + noise.randbytes(noise.randrange(200)))
                await writer.drain()
            writer.close()

        def find() -> Endpoint:
            return Endpoint("127.0.0.1", rogue_port if tries < 60 else broker.port)

        rogue = await asyncio.start_server(babble, "127.0.0.1", 0)
        rogue_port = rogue.sockets[0].getsockname()[1]
        async with rogue, hub_at(find, tmp_path) as hub:
            hub.put(range(10))
            await hub.done()
            assert tries >= 60

    with Mosquitto() as broker, Listener(broker.port) as listener:
        run(test())
        assert listener.numbers("stride", 10) == list(range(10))
