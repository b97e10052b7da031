"""A coach at a real broker: sends commands, and waits for what comes of them."""

import json
import queue
import secrets
import time
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

PATIENCE_S = 30.0


class Coach:
    """Connected while in a `with` block."""

    def __init__(self, port: int, hub: str) -> None:
        self._root = f"stridehub/1/{hub}/"
        self._heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._subscribed: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._port = port
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_message = lambda _c, _d, m: self._heard.put((m.topic, bytes(m.payload)))
        self._client.on_subscribe = lambda *_: self._subscribed.put(None)

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.subscribe(f"{self._root}#", qos=1)
        self._client.loop_start()
        self._subscribed.get(timeout=PATIENCE_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Below the hub's root; returns when the broker has it."""
        self._client.publish(self._root + topic, payload, qos=1, retain=retain).wait_for_publish(
            PATIENCE_S
        )

    def heard(self, topic: str) -> dict[str, Any]:
        """The next message there."""
        end_s = time.monotonic() + PATIENCE_S
        while True:
            where, payload = self._heard.get(timeout=max(0.0, end_s - time.monotonic()))
            if where == self._root + topic and payload:
                message: dict[str, Any] = json.loads(payload)
                return message

    def command(self, name: str, **fields: object) -> dict[str, Any]:
        """Its answer."""
        command = {"v": 1, "t": time.time_ns() // 1_000_000, "id": secrets.token_hex(8), **fields}
        self.publish(f"cmd/{name}", json.dumps(command).encode())
        while (ack := self.heard("ack"))["id"] != command["id"]:
            pass
        return ack
