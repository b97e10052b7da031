"""What a test wants a hub to say, over a real broker."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from browsing import Listener
from feed_messages import utc_ms
from feed_runner import FeedRunner
from stridehub.coaching.zones import Position
from stridehub.model import Side
from stridehub.mqtt.messages import HubState, Reading, Status, Summary
from stridehub.mqtt.topics import Topics

SAID_S = 30.0  # a broker on a busy machine


@contextmanager
def hub(
    broker: Listener, name: str = "track", protocol: MQTTProtocolVersion = mqtt.MQTTv5
) -> Iterator["Hub"]:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=protocol)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    yield Hub(client, Topics(name))
    client.disconnect()
    client.loop_stop()


class Hub:
    """Says what a test wants said."""

    def __init__(self, client: mqtt.Client, topics: Topics) -> None:
        self._client = client
        self.topics = topics

    def say(self, topic: str, message: Any, *, retain: bool = False) -> None:
        payload = message if isinstance(message, bytes) else msgspec.json.encode(message)
        self._client.publish(topic, payload, 1, retain).wait_for_publish(SAID_S)

    def hear(self, topics: str, answer: Callable[[str, bytes], tuple[str, Any]]) -> None:
        """What comes at a topic, and its answer: topic and message."""

        def heard(client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
            topic, told = answer(message.topic, bytes(message.payload))
            client.publish(topic, msgspec.json.encode(told), 1)  # waits for nothing in this thread

        self._client.on_message = heard
        self._client.subscribe(topics, 1)

    def wake_until(self, has_come: Callable[[], bool]) -> None:
        """Mosquitto 2.0 sends one message over a WebSocket each time that something wakes it."""
        end_s = time.monotonic() + SAID_S
        while not has_come():
            assert time.monotonic() < end_s
            for _ in range(100):
                self._client.publish("elsewhere", b"", 1)
            self.say("elsewhere", b"")

    def is_online(self, state: HubState = HubState.ONLINE, **fields: Any) -> None:
        fields = {"session": "s1"} | fields
        status = Status(t=utc_ms(), state=state, version="1", **fields)
        self.say(self.topics.status, status, retain=True)

    def tells(self, summary: Summary) -> None:
        self.say(self.topics.summary(summary.runner), summary, retain=True)


def a_summary(runner: str = "r7", **changes: Any) -> Summary:
    told = FeedRunner(1, 0.0).summary(60.0, utc_ms(), "s1")
    return msgspec.structs.replace(told, runner=runner, **changes)


def readings(
    value: float, position: Position, low: float | None, high: float
) -> dict[Side, Reading]:
    reading = Reading(median=value, sd=0.01, position=position, is_amber=False, low=low, high=high)
    return dict.fromkeys(Side, reading)
