"""The hub's way to the broker: a thread that connects, again and again, and sends."""

import logging
import threading
import time
from asyncio import to_thread
from collections.abc import Callable
from dataclasses import dataclass, replace

from stridehub.errors import BrokerError, ConfigError
from stridehub.mqtt.answers import Answer
from stridehub.mqtt.backoff import Backoff
from stridehub.mqtt.bell import Bell
from stridehub.mqtt.client import Will
from stridehub.mqtt.connection import Connection, in_its_version, packet_bytes
from stridehub.mqtt.counts import Counts
from stridehub.mqtt.desk import MAX_COMMAND_BYTES
from stridehub.mqtt.drain import Drain
from stridehub.mqtt.endpoint import Endpoint
from stridehub.mqtt.live_board import LiveBoard, LiveMessage
from stridehub.mqtt.outbox import Outbox
from stridehub.mqtt.topics import Topics
from stridehub.threads import HandOver
from stridehub.timing import (
    MQTT_DRAIN_S,
    MQTT_FIRST_WAIT_S,
    MQTT_LAST_WORD_S,
    MQTT_LONGEST_WAIT_S,
    MQTT_STEADY_S,
    MQTT_TICK_S,
)

log = logging.getLogger(__name__)

_MANY_SHORT_ONES = 3

OnCommand = Callable[[str, bytes | None, bool], None]


@dataclass(frozen=True, slots=True)
class BrokerState:
    """How it stands with the broker."""

    is_connected: bool = False
    protocol: str | None = None  # "5" or "3.1.1", while connected
    trouble: str | None = None  # why not connected, or what does not work; for people


class Publisher:
    """start() and stop() it; everything else may be called from any thread, and never waits."""

    def __init__(
        self,
        find: Callable[[], Endpoint],
        topics: Topics,
        outbox: Outbox,
        *,
        will: Callable[[], bytes],
        on_command: OnCommand,
        on_state: Callable[[BrokerState], None] = lambda state: None,
        hand_over: HandOver,
        backlog_per_s: int = 200,
    ) -> None:
        """`find` is asked before each try, in the publisher's thread, and so is `will`, for the
        payload of the last one. `on_command` gets the command's name, its payload, None where
        that is larger than MAX_COMMAND_BYTES, and whether it is retained. `hand_over` makes
        calls where `on_command` and `on_state` are wanted.
        """
        self.state = BrokerState(trouble="not connected yet")
        self._find = find
        self._topics = topics
        self._will = will
        self._on_command = on_command
        self._on_state = on_state
        self._hand_over = hand_over
        self._counts = Counts()
        self._board = LiveBoard(self._counts)
        self._drain = Drain(outbox, backlog_per_s, self._counts)
        self._backoff = Backoff(MQTT_FIRST_WAIT_S, MQTT_LONGEST_WAIT_S)
        self._short_ones = 0  # connections in a row
        self._subscription: int | None = None  # its mid, until it is answered
        self._deaf: str | None = None  # why commands do not come
        self._left_out: str | None = None  # the first live message that was too large
        self._goodbye: bytes | None = None
        self._is_ending = threading.Event()
        self._bell = Bell()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def stop(self, goodbye: bytes) -> None:
        """Sends what it can within a second or so, then `goodbye` as status, and disconnects."""
        self._goodbye = goodbye
        self._is_ending.set()
        self._bell.ring()
        await to_thread(self._thread.join, MQTT_DRAIN_S + MQTT_LAST_WORD_S)

    @property
    def counts(self) -> Counts:
        """As of now."""
        return replace(self._counts)

    # ---- from any thread ----

    def live(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        """QoS 0, now or never; of what is retained the last is sent with each new connection."""
        expires_s = None if expiry_s is None else time.monotonic() + expiry_s
        self._board.put(LiveMessage(topic, payload, 0, retain, expires_s))
        self._bell.ring()

    def say(self, topic: str, payload: bytes) -> None:
        """QoS 1 as long as the connection lasts: for answers."""
        self._board.put_answer(LiveMessage(topic, payload, 1))
        self._bell.ring()

    def wake(self) -> None:
        """Something is new in the outbox."""
        self._drain.wake()
        self._bell.ring()

    # ---- in the publisher's thread ----

    def _run(self) -> None:
        while not self._is_ending.is_set():
            try:
                self._use(self._connect())
            except (BrokerError, ConfigError) as error:
                self._lost(error)
            except Exception as error:  # what a broker sends can be anything
                log.exception("the connection to the broker failed")
                self._lost(error)
            self._is_ending.wait(self._backoff.wait_s())
        self._bell.close()

    def _connect(self) -> Connection:
        """Raises BrokerError, ConfigError."""
        endpoint = self._find()
        return in_its_version(endpoint, lambda v5: self._opened(endpoint, v5=v5))

    def _opened(self, endpoint: Endpoint, *, v5: bool) -> Connection:
        return Connection(
            endpoint,
            f"stridehub-{self._topics.hub}{endpoint.alias}",
            Will(self._topics.status, self._will()),
            v5=v5,
            on_message=self._received,
            on_answer=self._answered,
        )

    def _use(self, connection: Connection) -> None:
        """Raises BrokerError."""
        steady_s = time.monotonic() + MQTT_STEADY_S
        self._short_ones += 1
        try:
            self._begin(connection)
            while not self._is_ending.is_set():
                self._turn(connection)
                if time.monotonic() > steady_s:
                    self._backoff.reset()
                    self._short_ones = 0
            self._end(connection)
        except BrokerError as error:
            raise self._likely(error) from error
        finally:
            self._board.close()
            connection.drop()
            self._drain.settle(time.monotonic())

    def _likely(self, error: BrokerError) -> BrokerError:
        """Brokers end the older of two connections with the same name, not all of them say so."""
        if self._short_ones < _MANY_SHORT_ONES:
            return error
        advice = f"again and again: is another hub called {self._topics.hub!r} there?"
        return BrokerError(error.broker, f"{error.reason}; {advice}")

    def _begin(self, connection: Connection) -> None:
        self._counts.connects += 1
        self._deaf = self._left_out = None
        self._subscription = connection.subscribe(self._topics.commands)
        self._drain.begin(connection.most_bytes)
        self._board.open()
        self._tell_connected(connection)

    def _turn(self, connection: Connection) -> None:
        """Raises BrokerError."""
        self._send_live(connection)
        wait_s = self._drain.pump(time.monotonic(), connection)
        connection.turn(MQTT_TICK_S if wait_s is None else wait_s, self._bell)
        self._tell_connected(connection)

    def _send_live(self, connection: Connection) -> None:
        while not connection.is_clogged:
            message = self._board.take(with_answers=connection.has_room)
            if message is None:
                return
            if self._is_too_large(message, connection.most_bytes):
                self._counts.dropped += 1
                continue
            connection.publish(
                message.topic,
                message.payload,
                qos=message.qos,
                retain=message.retain,
                expiry_s=message.expiry_s(time.monotonic()),
            )
            self._counts.live += 1

    def _is_too_large(self, message: LiveMessage, most_bytes: int | None) -> bool:
        """Brokers hang up on what is."""
        bytes_out = packet_bytes(message.topic, message.payload)
        if most_bytes is None or bytes_out <= most_bytes:
            return False
        self._left_out = self._left_out or (
            f"{message.topic} is left out: {bytes_out} bytes, and the broker takes {most_bytes} "
            "at most: raise its limit"
        )
        return True

    # ---- the end ----

    def _end(self, connection: Connection) -> None:
        """Raises BrokerError."""
        end_s = time.monotonic() + MQTT_DRAIN_S
        while not self._drain.is_done and time.monotonic() < end_s:
            self._turn(connection)
        if not connection.is_v5:  # nothing expires there
            for topic in self._board.expiring():
                connection.publish(topic, b"", qos=1, retain=True)
        if self._goodbye is not None:
            connection.publish(self._topics.status, self._goodbye, qos=1, retain=True)
        end_s = time.monotonic() + MQTT_LAST_WORD_S
        while not connection.is_answered and time.monotonic() < end_s:
            connection.turn(end_s - time.monotonic(), self._bell)
        connection.close()

    # ---- what the connection tells ----

    def _received(self, topic: str, payload: bytes, retained: bool) -> None:
        name = topic.rpartition("/")[2]
        small = payload if len(payload) <= MAX_COMMAND_BYTES else None
        self._hand_over(lambda: self._on_command(name, small, retained))

    def _answered(self, answer: Answer) -> None:
        if answer.mid == self._subscription:
            self._subscription = None
            if answer.refusal is not None:
                self._deaf = f"no commands from the broker: {answer.refusal}"
                log.warning("%s", self._deaf)
        else:
            self._drain.take(answer)

    def _tell_connected(self, connection: Connection) -> None:
        protocol = "5" if connection.is_v5 else "3.1.1"
        self._tell(BrokerState(True, protocol, self._drain.trouble or self._deaf or self._left_out))

    def _lost(self, error: Exception) -> None:
        if not self._is_ending.is_set():
            self._tell(BrokerState(trouble=str(error)))

    def _tell(self, state: BrokerState) -> None:
        before, self.state = self.state, state
        if state == before:
            return
        if state.trouble is not None and state.trouble != before.trouble:
            log.warning("broker: %s", state.trouble)
        elif state.is_connected != before.is_connected:
            log.info("broker: connected, MQTT %s", state.protocol)
        self._hand_over(lambda: self._on_state(state))
