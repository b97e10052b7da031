"""A client of a broker for tests: remembers what it hears, and can publish."""

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

PATIENCE_S = 30.0


class Heard(NamedTuple):
    topic: str
    payload: bytes
    retained: bool
    expiry_s: int | None


class Listener:
    """Connected and subscribed while in a `with` block; comes back when the broker does."""

    def __init__(
        self,
        port: int,
        topics: str = "stridehub/#",
        *,
        qos: int = 0,
        login: tuple[str, str] | None = None,
        v5: bool = True,
        transport: Literal["tcp", "websockets"] = "tcp",
        ca: str | None = None,
    ) -> None:
        """With QoS 0 it gets at once whatever the broker confirms to the sender."""
        self.heard: list[Heard] = []
        self.answers: dict[int, ReasonCode] = {}  # to what was published with QoS 1, by mid
        self.refusal: ReasonCode | None = None
        self._port = port
        self._topics = topics
        self._qos = qos
        self._subscribed = threading.Event()
        protocol = MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=protocol, transport=transport)
        if login is not None:
            self._client.username_pw_set(*login)
        if ca is not None:
            self._client.tls_set(ca)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_disconnect = lambda *_: self._subscribed.clear()
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port, keepalive=60)
        self._client.loop_start()
        self.await_subscription()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def await_subscription(self) -> None:
        """Returns too when the broker did not let it in: see `refusal`."""
        self.wait(lambda: self._subscribed.is_set() or self.refusal is not None)

    def wait(self, holds: Any) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end_s, f"waited in vain; heard {len(self.heard)}"
            time.sleep(0.005)

    def payloads(self, end: str) -> list[bytes]:
        """Of what came on topics that end so, as it came."""
        return [it.payload for it in list(self.heard) if it.topic.endswith(end)]

    def numbers(self, end: str, at_least: int = 0) -> list[int]:
        """Waits until so many have come."""
        self.wait(lambda: len(self.payloads(end)) >= at_least)
        return [int(payload) for payload in self.payloads(end)]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> str | None:
        """With QoS 1: what the broker says to it, None where it is well."""
        mid = self._client.publish(topic, payload, 1, retain).mid
        self.wait(lambda: mid in self.answers)
        code = self.answers[mid]
        return code.getName() if code.is_failure else None

    def _on_connect(
        self, client: Client, _data: Any, _flags: Any, code: ReasonCode, _more: Any
    ) -> None:
        if code.is_failure:
            self.refusal = code
            client.disconnect()
        else:
            client.subscribe(self._topics, self._qos)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        expiry_s = getattr(message.properties, "MessageExpiryInterval", None)
        self.heard.append(Heard(message.topic, bytes(message.payload), message.retain, expiry_s))

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, code: ReasonCode, _more: Any
    ) -> None:
        self.answers[mid] = code


def in_order(numbers: Sequence[int]) -> list[int]:
    """Each at its first time: some come twice after a loss."""
    return list(dict.fromkeys(numbers))
