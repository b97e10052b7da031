"""One connection to a broker, from CONNECT until it ends.

paho is driven through its interface for foreign loops: one thread does everything, so that
nothing is locked, nothing queues up in it while the broker is away, and errors keep their reason.
"""

import select
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import LogLevel
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from stridehub.errors import BrokerError
from stridehub.model import Letter
from stridehub.mqtt import reasons
from stridehub.mqtt.answers import Answer, answer_of
from stridehub.mqtt.bell import Bell
from stridehub.mqtt.client import Will, client_for, expiry, limits
from stridehub.mqtt.endpoint import Endpoint
from stridehub.timing import (
    MQTT_CONFIRM_S,
    MQTT_CONNACK_S,
    MQTT_HANG_UP_S,
    MQTT_KEEP_ALIVE_S,
    MQTT_TICK_S,
)

# In flight: enough to keep a link of 100 ms busy with 200 messages a second; what brokers allow.
WINDOW = 20
# What a packet has beside topic and payload, at most: header 5, two lengths 3, mid 2, expiry 5.
_PACKET_EXTRA_BYTES = 15
_NO_V5 = "Unsupported protocol version"


class NoVersion5Error(BrokerError):
    """A broker that refuses version 5, or hangs up on it, as old ones do."""


OnMessage = Callable[[str, bytes, bool], None]  # topic, payload, and whether it is retained
OnAnswer = Callable[[Answer], None]


def packet_bytes(topic: str, payload: bytes) -> int:
    """Of a message on its way, at most."""
    return len(topic.encode()) + len(payload) + _PACKET_EXTRA_BYTES


class Connection:
    """For one thread. What comes in is told within turn()."""

    def __init__(
        self,
        endpoint: Endpoint,
        client_id: str,
        will: Will | None,
        *,
        v5: bool,
        on_message: OnMessage,
        on_answer: OnAnswer,
    ) -> None:
        """Blocks until the broker has taken the hub in. Raises BrokerError."""
        self.is_v5 = v5
        self._window = WINDOW
        self.most_bytes: int | None = None  # of a packet to the broker; None: it did not say
        self._endpoint = endpoint
        self._on_message = on_message
        self._on_answer = on_answer
        self._asked: dict[int, float] = {}  # when, by mid: QoS 1 without an answer
        self._subscriptions: dict[int, float] = {}  # likewise
        self._welcome: ReasonCode | None = None
        self._end: str | None = None
        self._log: str | None = None
        self._poll = select.poll()
        self._client = client_for(endpoint, client_id, will, v5=v5)
        self._listen()
        self._open()

    def _listen(self) -> None:
        client = self._client
        client.on_log = self._logged
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._published
        client.on_subscribe = self._subscribed
        client.on_message = self._received

    def _open(self) -> None:
        endpoint, client = self._endpoint, self._client
        try:
            if self.is_v5:
                client.connect(
                    endpoint.host,
                    endpoint.port,
                    MQTT_KEEP_ALIVE_S,
                    clean_start=True,
                    properties=limits(),
                )
            else:
                client.connect(endpoint.host, endpoint.port, MQTT_KEEP_ALIVE_S)
        except (OSError, ValueError) as error:  # a certificate's name, or a host's that is none
            reason = reasons.of_error(error, over_tls=endpoint.tls is not None)
            raise BrokerError(endpoint, reason) from error
        self._await_welcome()
        client.on_log = None  # costs a line of text for each packet

    def _await_welcome(self) -> None:
        end_s = time.monotonic() + MQTT_CONNACK_S
        while self._welcome is None:
            if time.monotonic() > end_s:
                self._unanswered()
            self._turn(MQTT_TICK_S)
            if self._welcome is None and self._end is not None:
                self._hung_up()
        if self._welcome.is_failure:
            kind = NoVersion5Error if self._refuses_v5(self._welcome) else BrokerError
            raise kind(self._endpoint, f"refused: {reasons.of_code(self._welcome)}")

    def _unanswered(self) -> None:
        """Raises BrokerError.

        Some old brokers wait for more where they do not understand version 5. Unlike one that
        hangs they notice that nothing more comes.
        """
        stream: Any = self._client.socket()
        with suppress(OSError):
            stream.shutdown(socket.SHUT_WR)
        end_s = time.monotonic() + MQTT_HANG_UP_S
        while self._end is None and time.monotonic() < end_s:
            self._turn(MQTT_TICK_S)
        is_alive = self._end is not None
        self.drop()
        kind = NoVersion5Error if self.is_v5 and is_alive else BrokerError
        raise kind(self._endpoint, "connected, and no answer")

    def _hung_up(self) -> None:
        """Raises BrokerError."""
        reason = reasons.of_hang_up(self._log, over_tls=self._endpoint.tls is not None)
        raise (NoVersion5Error if self.is_v5 else BrokerError)(self._endpoint, reason)

    def _refuses_v5(self, code: ReasonCode) -> bool:
        return self.is_v5 and code.getName() == _NO_V5

    # ---- at work ----

    def turn(self, wait_s: float, bell: Bell) -> None:
        """Waits for the broker, for the bell to ring, or for so long at most; hushes the bell.

        Raises BrokerError when the connection has ended.
        """
        self._poll.register(bell, select.POLLIN)
        self._turn(wait_s)
        bell.hush()
        if self._end is None and self._is_overdue():
            self._end = f"it does not confirm what it was sent, for {MQTT_CONFIRM_S:.0f} s"
        if self._end is not None:
            raise BrokerError(self._endpoint, self._end)

    def _is_overdue(self) -> bool:
        since_s = time.monotonic() - MQTT_CONFIRM_S
        return any(
            asked_s < since_s for asked_s in (*self._asked.values(), *self._subscriptions.values())
        )

    def _turn(self, wait_s: float) -> None:
        client = self._client
        stream: Any = client.socket()
        if stream is None:
            self._end = self._end or "the connection ended"
            return
        self._poll.register(stream, select.POLLIN | (select.POLLOUT if client.want_write() else 0))
        unread = isinstance(stream, ssl.SSLSocket) and stream.pending() > 0
        wait_s = 0.0 if unread else max(0.0, min(wait_s, MQTT_TICK_S))
        events = dict(self._poll.poll(wait_s * 1e3))
        if unread or events.get(stream.fileno(), 0) & ~select.POLLOUT:
            client.loop_read()
        if client.want_write():
            client.loop_write()
        client.loop_misc()
        if client.socket() is None:
            self._end = self._end or "the connection ended"

    @property
    def is_clogged(self) -> bool:
        """The network does not take what it has got already."""
        return self._client.want_write()

    @property
    def has_room(self) -> bool:
        """For one more of QoS 1 in flight."""
        return len(self._asked) < self._window

    @property
    def is_answered(self) -> bool:
        """Nothing of QoS 1 is in flight."""
        return not self._asked

    @property
    def certificate(self) -> Mapping[str, object] | None:
        """The broker's, verified, as Python's ssl has it; None without TLS."""
        stream: Any = self._client.socket()
        return stream.getpeercert() if isinstance(stream, ssl.SSLSocket) else None

    def publish(
        self, topic: str, payload: bytes, *, qos: int, retain: bool, expiry_s: int | None = None
    ) -> int:
        """Its mid. Without version 5 nothing expires. Raises ValueError for what is no topic."""
        properties = expiry(expiry_s) if self.is_v5 and expiry_s is not None else None
        info = self._client.publish(topic, payload, qos, retain, properties)
        if qos:
            self._asked[info.mid] = time.monotonic()
        return info.mid

    def send(self, letter: Letter) -> int:
        """Its mid. Raises ValueError for what is no topic."""
        return self.publish(letter.topic, letter.payload, qos=1, retain=False)

    def subscribe(self, topics: str) -> int:
        """With QoS 1, and without what is retained where version 5 has a say in it. Its mid."""
        if self.is_v5:
            options = SubscribeOptions(
                qos=1,
                retainAsPublished=True,
                retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND,
            )
            _, mid = self._client.subscribe(topics, options=options)
        else:
            _, mid = self._client.subscribe(topics, qos=1)
        mid = mid or 0
        self._subscriptions[mid] = time.monotonic()
        return mid

    def close(self) -> None:
        """As agreed with the broker: no last will."""
        self._client.disconnect()

    def drop(self) -> None:
        """Without a word: the broker publishes the last will."""
        stream = self._client.socket()
        if stream is not None:
            stream.close()

    # ---- what paho tells, within turn() ----

    def _connected(
        self,
        _client: Client,
        _data: Any,
        _flags: ConnectFlags,
        code: ReasonCode,
        more: Properties | None,
    ) -> None:
        self._welcome = code
        self.most_bytes = getattr(more, "MaximumPacketSize", None)
        self._window = min(WINDOW, getattr(more, "ReceiveMaximum", WINDOW))

    def _disconnected(
        self, _client: Client, _data: Any, flags: DisconnectFlags, code: ReasonCode, _more: Any
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._end = f"ended by the broker: {reasons.of_code(code)}"
        else:
            self._end = "the connection was lost"

    def _published(
        self, _client: Client, _data: Any, mid: int, code: ReasonCode, _more: Properties
    ) -> None:
        if self._asked.pop(mid, None) is not None:  # else of QoS 0: sent
            self._on_answer(answer_of(mid, code))

    def _subscribed(
        self, _client: Client, _data: Any, mid: int, codes: list[ReasonCode], _more: Any
    ) -> None:
        self._subscriptions.pop(mid, None)
        self._on_answer(answer_of(mid, codes[0]))

    def _received(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        self._on_message(topic, bytes(message.payload), message.retain)

    def _logged(self, _client: Client, _data: Any, level: int, line: str) -> None:
        if level == LogLevel.MQTT_LOG_ERR:
            self._log = line


def in_its_version(endpoint: Endpoint, connect: Callable[[bool], Connection]) -> Connection:
    """`connect` with MQTT 5 (True), unless the broker is known to speak none, or refuses it.

    Raises BrokerError.
    """
    if endpoint.speaks_v5 is not False:
        try:
            return connect(True)
        except NoVersion5Error:
            if endpoint.speaks_v5:
                raise
    return connect(False)
