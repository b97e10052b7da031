"""The name under which a hub is at a broker: nobody else may take it."""

from pathlib import Path
from typing import Literal

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from mosquitto import free_port, program
from on_the_loop import run, until
from publishing import TOPICS, hub_at
from stridehub.config import BrokerConfig
from stridehub.mqtt.broker import Broker

USUAL = f"stridehub-{TOPICS.hub}"


@pytest.mark.parametrize("name", ["mosquitto", "amqtt"])
def test_nobody_takes_the_hubs_place_at_its_own_broker(
    name: Literal["mosquitto", "amqtt"], tmp_path: Path
) -> None:
    """Everybody near may come in there, and could guess what clubs see hubs as."""
    if name == "mosquitto":
        program()

    async def test() -> None:
        broker = Broker(
            BrokerConfig(listen="0.0.0.0", port=free_port(), ws_port=free_port(), program=name),
            TOPICS,
            tmp_path,
        )
        async with broker.running(), hub_at(broker.endpoint, tmp_path) as hub:
            await hub.connected()
            thief = Client(CallbackAPIVersion.VERSION2, USUAL)
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
