"""A coach at the installed hub's broker, over TLS: reads all, judges it, gives orders."""

import json
import queue
import ssl
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from consumer import Arrival, Judge, utc_ms
from stridehub.config import HubConfig
from stridehub.mqtt.topics import Topics
from vm.outcome import until

CA = "/etc/mosquitto/certs/stridehub-ca.crt"
_KEPT = Path("/opt/vm/coach-login")  # from the scene that installs to those after it
_TLS_PORT = 8883
_EVERYTHING = "stridehub/1/#"
_SESSION_S = 3600  # the broker keeps what it misses
_ANSWER_S = 60.0


class Login(NamedTuple):
    user: str
    password: str


def keep_login(login: Login) -> None:
    _KEPT.write_text(json.dumps(login))
    _KEPT.chmod(0o600)


def kept_login() -> Login:
    return Login(*json.loads(_KEPT.read_text()))


class Coach:
    """Connected while in a `with` block, and again by itself. What it missed comes late."""

    def __init__(self, login: Login, name: str = "coach", *, port: int = _TLS_PORT) -> None:
        """Without TLS at any other port."""
        self.judge = Judge()
        self.topics = Topics(HubConfig().name)
        self.newest: dict[str, Any] = {}  # payload by topic
        self.alerts: list[dict[str, Any]] = []
        self.refusal: str | None = None
        self._port = port
        self._arrivals: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self._acks: dict[str, dict[str, Any]] = {}
        self._is_subscribed = False
        self._ordered = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, name, protocol=mqtt.MQTTv5)
        self._client.username_pw_set(*login)
        if port == _TLS_PORT:
            self._client.tls_set(CA, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self._client.reconnect_delay_set(1, 2)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: setattr(self, "_is_subscribed", True)
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = _SESSION_S
        self._client.connect("localhost", self._port, clean_start=False, properties=properties)
        self._client.loop_start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    async def subscribed(self) -> None:
        """Or refused, see `refusal`. Raises LateError."""
        await until(lambda: self._is_subscribed or self.refusal is not None, "an answer", _ANSWER_S)

    # ---- what has come ----

    @property
    def strides(self) -> int:
        return self._counted()["StrideMessage"]

    def _counted(self) -> Counter[str]:
        self._take()
        return self.judge.kinds

    @property
    def missing(self) -> dict[str, int]:
        """Numbers that are not there between the first and the last of a sequence, by topic."""
        self._take()
        missing: Counter[str] = Counter()
        for (topic, _), received in self.judge.received.items():
            missing[topic] += received.newest - min(received.seen) + 1 - len(received.seen)
        return {topic: count for topic, count in missing.items() if count}

    @property
    def status(self) -> dict[str, Any]:
        self._take()
        found: dict[str, Any] = self.newest.get(self.topics.status, {})
        return found

    def status_says(self, state: str, word: str = "") -> bool:
        status = self.status
        return status.get("state") == state and word in " ".join(status.get("reasons", ()))

    async def hears(self, state: str, word: str = "", within_s: float = 120.0) -> float:
        """Waits for such a status of the hub; for how long. Raises LateError."""
        what = f"status {state} {word}"
        return await until(lambda: self.status_says(state, word), what, within_s)

    async def more_strides(self, count: int, within_s: float = 120.0) -> float:
        """Waits for so many that are new; for how long. Raises LateError."""
        wanted = self.strides + count
        return await until(lambda: self.strides >= wanted, f"{count} more strides", within_s)

    def _take(self) -> None:
        for _ in range(self._arrivals.qsize()):
            arrival = self._arrivals.get()
            if arrival.topic == self.topics.doctor:
                continue  # whether the broker takes anything: no news to anybody
            self.judge.take(arrival)
            if not arrival.payload:
                continue
            payload = json.loads(arrival.payload)
            self.newest[arrival.topic] = payload
            if arrival.topic == self.topics.alert:
                self.alerts.append(payload)
            if arrival.topic == self.topics.ack:
                self._acks[payload["id"]] = payload

    # ---- orders ----

    async def order(self, name: str, **fields: Any) -> tuple[dict[str, Any], float]:
        """The hub's answer, and after how many seconds. Raises LateError."""
        self._ordered += 1
        number = f"vm-{time.monotonic_ns()}-{self._ordered}"
        payload = {"v": 1, "t": round(utc_ms()), "id": number, **fields}
        self._client.publish(self.topics.command(name), json.dumps(payload), 1)

        def is_answered() -> bool:
            self._take()
            return number in self._acks

        took_s = await until(is_answered, f"an answer to {name}", _ANSWER_S)
        return self._acks[number], took_s

    # ---- in paho's thread ----

    def _on_connect(
        self, client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _more: Any
    ) -> None:
        if code.is_failure:
            self.refusal = str(code)
            return
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        client.subscribe(_EVERYTHING, options=options)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        arrival = Arrival(
            message.topic, bytes(message.payload), message.qos, message.retain, utc_ms()
        )
        self._arrivals.put(arrival)
