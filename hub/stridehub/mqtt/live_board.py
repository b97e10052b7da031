"""Live messages: only the newest of a topic matters, and none waits behind a backlog."""

import math
import threading
import time
from collections import deque
from dataclasses import dataclass

from stridehub.mqtt.counts import Counts

MOST_ANSWERS = 100  # that wait to be sent; more than the desk gives in a while


@dataclass(frozen=True, slots=True)
class LiveMessage:
    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    expires_s: float | None = None  # monotonic

    def expiry_s(self, now_s: float) -> int | None:
        """What is left, as brokers count it."""
        return None if self.expires_s is None else max(1, math.ceil(self.expires_s - now_s))


class LiveBoard:
    """What is said goes up from any thread, and is taken down by the one with the connection."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._lock = threading.Lock()
        self._is_open = False
        self._due: dict[str, LiveMessage] = {}  # by topic
        self._answers: deque[LiveMessage] = deque()
        self._retained: dict[str, LiveMessage] = {}  # by topic: for the next connection

    def put(self, message: LiveMessage) -> None:
        """The newest of its topic. Without a connection what is not retained is dropped."""
        with self._lock:
            if message.retain:
                self._retained[message.topic] = message
            if self._is_open:
                self._counts.overtaken += message.topic in self._due
                self._due[message.topic] = message
            elif not message.retain:
                self._counts.dropped += 1

    def put_answer(self, message: LiveMessage) -> None:
        """One among others of its topic."""
        with self._lock:
            if self._is_open and len(self._answers) < MOST_ANSWERS:
                self._answers.append(message)
            else:
                self._counts.dropped += 1

    def open(self) -> None:
        """A connection: everything retained that has not expired is due."""
        now_s = time.monotonic()
        with self._lock:
            self._is_open = True
            self._due = {
                topic: message
                for topic, message in self._retained.items()
                if message.expires_s is None or message.expires_s > now_s
            }

    def close(self) -> None:
        with self._lock:
            self._is_open = False
            self._counts.dropped += len(self._answers)
            self._due.clear()
            self._answers.clear()

    def take(self, *, with_answers: bool) -> LiveMessage | None:
        """The next to be sent."""
        with self._lock:
            if with_answers and self._answers:
                return self._answers.popleft()
            if self._due:
                return self._due.pop(next(iter(self._due)))
            return None

    def expiring(self) -> list[str]:
        """Topics of what is retained with an expiry."""
        with self._lock:
            return [topic for topic, it in self._retained.items() if it.expires_s is not None]
