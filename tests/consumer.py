"""Somebody who reads all that hubs publish, and judges it: is a message missing, odd, or late?"""

import json
import math
import queue
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import TracebackType
from typing import Any, NamedTuple, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from wire import WireError, check

EVERYTHING = "stridehub/1/#"
MOST_TOLD = 20  # faults, or missing numbers of a sequence
KEPT_S = 3600  # by the broker, for one who was cut off
CONNECTED_S = 30.0


class Arrival(NamedTuple):
    """A message as it came. A retained one, as published, may have waited at the broker."""

    topic: str
    payload: bytes
    qos: int
    is_retained: bool
    utc_ms: float


@dataclass(slots=True)
class Received:
    """What came of one topic and session. What is missing at its end, nobody can know."""

    seen: set[int] = field(default_factory=set)
    newest: int = -1
    duplicates: int = 0
    out_of_order: int = 0  # that came for the first time after a later one had

    def add(self, seq: int) -> bool:
        """Whether it came for the first time."""
        if seq in self.seen:
            self.duplicates += 1
            return False
        self.seen.add(seq)
        self.out_of_order += seq < self.newest
        self.newest = max(self.newest, seq)
        return True

    @property
    def missing(self) -> int:
        return self.newest + 1 - len(self.seen)

    def report(self) -> dict[str, Any]:
        gaps = (seq for seq in range(self.newest) if seq not in self.seen)
        return {
            "received": len(self.seen),
            "newest": self.newest,
            "missing": self.missing,
            "first_missing": list(islice(gaps, MOST_TOLD)),
            "duplicates": self.duplicates,
            "out_of_order": self.out_of_order,
        }


class Judge:
    """Takes messages in the order of arrival. `since_utc_ms`: when the consumer subscribed."""

    def __init__(self, since_utc_ms: float = 0.0) -> None:
        self._since_utc_ms = since_utc_ms
        self.received: defaultdict[tuple[str, str], Received] = defaultdict(Received)
        self.kinds: Counter[str] = Counter()
        self.cleared = 0  # retained messages that were taken back
        self.bad_commands = 0  # what others send to hubs is no fault of theirs
        self.faults = 0
        self._told_faults: list[str] = []
        self._latencies_ms: defaultdict[str, list[float]] = defaultdict(list)

    def take(self, arrival: Arrival) -> None:
        if arrival.is_retained and not arrival.payload:
            self.cleared += 1
            return
        try:
            kind = check(
                arrival.topic, arrival.payload, qos=arrival.qos, retain=arrival.is_retained
            )
        except WireError as error:
            self._blame(arrival.topic, error)
            return
        self.kinds[kind] += 1
        message = json.loads(arrival.payload)
        is_first = True
        if "seq" in message:
            is_first = self.received[arrival.topic, message["session"]].add(message["seq"])
        has_waited = arrival.is_retained and message["t"] < self._since_utc_ms
        if is_first and not has_waited:
            self._latencies_ms[kind].append(arrival.utc_ms - message["t"])

    def _blame(self, topic: str, error: WireError) -> None:
        if "/cmd/" in topic:
            self.bad_commands += 1
            return
        self.faults += 1
        if len(self._told_faults) < MOST_TOLD:
            self._told_faults.append(str(error))

    @property
    def in_sequence(self) -> int:
        """Messages that are numbered, each once."""
        return sum(len(received.seen) for received in self.received.values())

    @property
    def missing(self) -> int:
        return sum(received.missing for received in self.received.values())

    @property
    def is_good(self) -> bool:
        in_order = not any(received.out_of_order for received in self.received.values())
        return in_order and not self.missing and not self.faults

    def report(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "is_good": self.is_good,
            "in_sequence": self.in_sequence,
            "missing": self.missing,
            "duplicates": sum(received.duplicates for received in self.received.values()),
            "out_of_order": sum(received.out_of_order for received in self.received.values()),
            "faults": self.faults,
            "first_faults": self._told_faults,
            "bad_commands": self.bad_commands,
            "cleared": self.cleared,
            "kinds": dict(self.kinds),
            "latency_ms": {
                kind: percentiles(values) for kind, values in self._latencies_ms.items()
            },
            "sequences": [
                {"topic": topic, "session": session, **received.report()}
                for (topic, session), received in self.received.items()
            ],
        }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """By nearest rank, of one value at least."""
    ranked = sorted(values)
    return {
        name: round(ranked[math.ceil(share * len(ranked)) - 1], 1)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
    }


def utc_ms() -> float:
    return time.time_ns() / 1e6


class Consumer:
    """Connected while in a `with` block. A `client_id` makes the broker keep what it misses.

    One of its own for each judge: to judge sequences one has to see them from their beginning.
    """

    def __init__(
        self,
        port: int,
        host: str = "127.0.0.1",
        *,
        client_id: str = "",
        user: str = "",
        password: str = "",
        topics: str = EVERYTHING,
    ) -> None:
        self.judge = Judge(utc_ms())
        self._arrivals: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._host, self._port, self._topics = host, port, topics
        self._client_id, self._user, self._password = client_id, user, password
        self._client: mqtt.Client | None = None

    def __enter__(self) -> Self:
        """Once it is subscribed. Raises ConnectionError, OSError."""
        client = self._new_client()
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = KEPT_S if self._client_id else 0
        client.connect(
            self._host, self._port, clean_start=not self._client_id, properties=properties
        )
        client.loop_start()
        self._client = client
        try:
            answer = self._ready.get(timeout=CONNECTED_S)
        except queue.Empty:
            answer = "no answer"
        if not answer.startswith("Granted"):
            self.__exit__(None, None, None)
            raise ConnectionError(f"{self._host}:{self._port}: {answer}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def _new_client(self) -> mqtt.Client:
        """paho leaves sockets open where one is used twice."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, self._client_id, protocol=mqtt.MQTTv5)
        if self._user:
            client.username_pw_set(self._user, self._password)
        client.reconnect_delay_set(max_delay=1)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda _c, _d, _m, codes, _p: self._ready.put(str(codes[0]))
        client.on_message = lambda _c, _d, message: self._on_message(message)
        return client

    def judge_for(self, seconds: float) -> Judge:
        """What has come, and what comes."""
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0.0:
            try:
                self.judge.take(self._arrivals.get(timeout=left_s))
            except queue.Empty:
                break
        return self.judge_now()

    def judge_now(self) -> Judge:
        """What has come so far."""
        for _ in range(self._arrivals.qsize()):
            self.judge.take(self._arrivals.get())
        return self.judge

    def _on_connect(
        self,
        client: mqtt.Client,
        data: object,
        flags: mqtt.ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if code.is_failure:
            self._ready.put(str(code))
            return
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        client.subscribe(self._topics, options=options)

    def _on_message(self, message: mqtt.MQTTMessage) -> None:
        """In the network's thread, so that judging does not count as latency."""
        self._arrivals.put(
            Arrival(
                topic=message.topic,
                payload=bytes(message.payload),
                qos=message.qos,
                is_retained=message.retain,
                utc_ms=utc_ms(),
            )
        )
