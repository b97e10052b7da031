"""Strangers at a broker of the hub's own: nobody takes the hub's place, or speaks for it."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Literal

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from listener import Listener
from mosquitto import free_port, program
from on_the_loop import run, until
from publishing import TOPICS, Hub, hub_at
from stridehub.config import BrokerConfig
from stridehub.mqtt.access import OWNER
from stridehub.mqtt.broker import Broker

MUTE = TOPICS.command("mute")


@asynccontextmanager
async def hub_for_everybody(
    name: Literal["mosquitto", "amqtt"], folder: Path
) -> AsyncIterator[tuple[Broker, Hub]]:
    """It has connected."""
    if name == "mosquitto":
        program()
    settings = BrokerConfig(listen="0.0.0.0", port=free_port(), ws_port=free_port(), program=name)
    broker = Broker(settings, TOPICS, folder)
    async with broker.running(), hub_at(broker.endpoint, folder) as hub:
        await hub.connected()
        yield broker, hub


@pytest.mark.parametrize("name", ["mosquitto", "amqtt"])
def test_nobody_speaks_for_the_hub_by_a_last_will(
    name: Literal["mosquitto", "amqtt"], tmp_path: Path
) -> None:
    """Neither with a name of one's own, nor by handing it to somebody who is in already."""

    async def test() -> None:
        async with hub_for_everybody(name, tmp_path) as (broker, hub):
            with Listener(broker.port, v5=name == "mosquitto") as guest:
                for topic in (MUTE, TOPICS.status):
                    with stranger(broker.port, will=topic):
                        pass
                    with stranger(broker.port), stranger(broker.port, will=topic):
                        pass
                    with stranger(broker.port, will=topic, user="hub"):
                        pass
                with stranger(broker.port, will=MUTE, user=OWNER, password=broker.owner.password):
                    pass
                await until(lambda: bool(hub.commands))
                assert hub.commands == [("mute", b"of owner", False)]
                hub.publisher.live(TOPICS.checklist, b"[]")
                await until(lambda: bool(guest.payloads("checklist")))
                assert guest.payloads("status") == []

    run(test())


@pytest.mark.parametrize("name", ["mosquitto", "amqtt"])
def test_nobody_takes_the_hubs_place_at_its_own_broker(
    name: Literal["mosquitto", "amqtt"], tmp_path: Path
) -> None:
    """Everybody near may come in there, and could guess what clubs see hubs as."""

    async def test() -> None:
        async with hub_for_everybody(name, tmp_path) as (broker, hub):
            thief = Client(CallbackAPIVersion.VERSION2, f"stridehub-{TOPICS.hub}")
            thief.connect("127.0.0.1", broker.port)
            thief.loop_start()
            await until(thief.is_connected)
            thief.publish(TOPICS.command("mute"), b"{}", qos=1).wait_for_publish(30.0)
            hub.put(range(10))
            await hub.done()
            assert thief.is_connected()
            assert hub.publisher.counts.connects == 1
            assert hub.publisher.state.trouble is None
            thief.disconnect()
            thief.loop_stop()

    run(test())


@contextmanager
def stranger(
    port: int, *, will: str | None = None, user: str | None = None, password: str = "guess"
) -> Iterator[None]:
    """Always of the same name, with a session that is to be kept. It leaves without a word."""
    packet = Client(CallbackAPIVersion.VERSION2, "stranger", clean_session=False)
    if will is not None:
        packet.will_set(will, f"of {user}", qos=1)
    if user is not None:
        packet.username_pw_set(user, password)
    packet.connect("127.0.0.1", port)
    stream = packet.socket()
    assert isinstance(stream, socket.socket)
    stream.setblocking(True)
    stream.settimeout(30.0)
    stream.recv(4)  # let in, or not
    yield
    stream.close()
