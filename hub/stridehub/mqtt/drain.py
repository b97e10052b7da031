"""From the outbox to the broker: in order, so many in flight, dropped when the broker has them."""

import logging
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from stridehub.errors import StoreError
from stridehub.model import Letter
from stridehub.mqtt.answers import Answer
from stridehub.mqtt.backoff import Backoff
from stridehub.mqtt.bucket import TokenBucket
from stridehub.mqtt.connection import packet_bytes
from stridehub.mqtt.counts import Counts
from stridehub.mqtt.outbox import Outbox
from stridehub.timing import MQTT_FIRST_WAIT_S, MQTT_LONGEST_WAIT_S, OUTBOX_AGAIN_S

log = logging.getLogger(__name__)

# A stride or cue has 1 to 2 KB. What is far more is none, and may not hold up the others: some
# brokers hang up on one that is too large, again and again, and cannot say why.
MOST_BYTES_OUT = 65536
_READ_AHEAD = 100  # letters of about 1 KB in one look at the disk


class Post(Protocol):
    """As much of a connection as is needed here."""

    @property
    def has_room(self) -> bool: ...

    def send(self, letter: Letter) -> int:
        """Its mid. Raises ValueError for what is no topic."""


@dataclass(slots=True)
class _Sent:
    letter: Letter
    answer: Answer | None = None


class Drain:
    """For one thread, but for wake().

    Only what the broker has of all letters before counts as confirmed: after a loss, or after
    one was refused for now, everything from there on is sent again, in order.
    """

    def __init__(self, outbox: Outbox, per_s: int, counts: Counts) -> None:
        self._outbox = outbox
        self._counts = counts
        self._bucket = TokenBucket(per_s, per_s)
        self._gap_s = 1.0 / per_s
        self._backoff = Backoff(MQTT_FIRST_WAIT_S, MQTT_LONGEST_WAIT_S)
        self._is_careful = False  # one at a time
        self._most_bytes: int | None = None
        self._settled = -1  # number of the last letter that is done with
        self._taken = -1  # number of the last letter that was read
        self._read: deque[Letter] = deque()
        self._flight: deque[_Sent] = deque()
        self._by_mid: dict[int, _Sent] = {}
        self._pause_end_s: float | None = None
        self._may_have_more = True
        self._unread: str | None = None  # why, where it could not be read
        self._refusal: str | None = None  # why, where the first letter was refused for now

    @property
    def trouble(self) -> str | None:
        """In words for people."""
        return self._unread or self._refusal

    def wake(self) -> None:
        """Something is new in the outbox; from any thread."""
        self._may_have_more = True

    def begin(self, most_bytes: int | None) -> None:
        """A new connection, which takes packets of that size; None: it did not say."""
        self._most_bytes = most_bytes
        self._is_careful = False
        self._go_back()

    @property
    def is_done(self) -> bool:
        """Nothing more can be done now."""
        return not self._flight and not self._read and not self._may_have_more

    def pump(self, now_s: float, post: Post) -> float | None:
        """Sends what may be sent. When to come again, in seconds; None: after the next event."""
        while True:
            self.settle(now_s)
            if (pause_s := self._pause_s(now_s)) > 0:
                return pause_s
            if not post.has_room or (self._is_careful and self._flight):
                return None
            if not self._read:
                if not self._may_have_more:
                    return None
                self._refill(now_s)
            elif self._bucket.take(now_s):
                self._send(self._read.popleft(), post)
            else:
                return self._gap_s

    def _pause_s(self, now_s: float) -> float:
        """What is left of it."""
        return 0.0 if self._pause_end_s is None else self._pause_end_s - now_s

    def _refill(self, now_s: float) -> None:
        self._may_have_more = False  # before the look: what comes after it wakes again
        try:
            letters = self._outbox.waiting(self._taken, _READ_AHEAD)
        except StoreError as error:
            self._cannot_read(error, now_s)
            return
        self._unread = None
        if letters:
            self._taken = letters[-1].number
            self._read.extend(letters)
        if len(letters) == _READ_AHEAD:
            self._may_have_more = True

    def _cannot_read(self, error: StoreError, now_s: float) -> None:
        self._counts.unread += 1
        self._may_have_more = True
        self._pause_end_s = now_s + OUTBOX_AGAIN_S
        if self._unread is None:
            log.error("what waits for the broker cannot be read: %s", error)
        self._unread = str(error)

    def _send(self, letter: Letter, post: Post) -> None:
        sent = _Sent(letter)
        self._flight.append(sent)
        sent.answer = self._too_large(packet_bytes(letter.topic, letter.payload))
        if sent.answer is not None:
            return
        try:
            self._by_mid[post.send(letter)] = sent
        except ValueError as error:
            sent.answer = Answer(0, str(error), is_final=True)
        self._counts.sent += 1

    def _too_large(self, bytes_out: int) -> Answer | None:
        """None: it is not. A broker's limit can be raised, so that is no reason to let go of it."""
        if bytes_out > MOST_BYTES_OUT:
            return Answer(0, f"{bytes_out} bytes; {MOST_BYTES_OUT} at most", is_final=True)
        if self._most_bytes is not None and bytes_out > self._most_bytes:
            why = f"{bytes_out} bytes, and it takes {self._most_bytes} at most: raise its limit"
            return Answer(0, why, is_final=False)
        return None

    def take(self, answer: Answer) -> bool:
        """Whether it was about a letter. The next pump() draws the conclusions."""
        sent = self._by_mid.pop(answer.mid, None)
        if sent is not None:
            sent.answer = answer
        return sent is not None

    def settle(self, now_s: float) -> None:
        """Tells the outbox what is done with, without a gap; goes back to what was refused.

        pump() does so, and whoever ends a connection: of what that had still answered.
        """
        settled: list[int] = []
        while self._flight and (answer := self._flight[0].answer) is not None:
            letter = self._flight[0].letter
            if answer.refusal is None:
                self._confirmed()
            elif answer.is_final:
                self._set_aside(letter, answer.refusal)
            else:
                self._refused(letter, answer.refusal, now_s)
                break
            self._flight.popleft()
            self._settled = letter.number
            settled.append(letter.number)
        if settled:
            self._drop(settled)

    def _confirmed(self) -> None:
        self._counts.confirmed += 1
        self._refusal = None
        self._backoff.reset()
        self._is_careful = False

    def _set_aside(self, letter: Letter, why: str) -> None:
        self._counts.set_aside += 1
        log.error(
            "the broker can never take letter %d, %.200s: %s", letter.number, letter.topic, why
        )

    def _refused(self, letter: Letter, why: str, now_s: float) -> None:
        """One at a time from here, and after a while, so that the order stays."""
        self._counts.refused += 1
        if self._refusal is None:
            log.warning("the broker refuses %.200s, and all after it waits: %s", letter.topic, why)
        self._refusal = f"the broker refuses {letter.topic}: {why}"
        self._is_careful = True
        self._go_back()
        self._pause_end_s = now_s + self._backoff.wait_s()

    def _drop(self, numbers: list[int]) -> None:
        try:
            self._outbox.confirmed(numbers)
        except StoreError as error:  # they are sent once more after the next start of the hub
            log.warning("messages that the broker has stay in the outbox: %s", error)

    def _go_back(self) -> None:
        self._taken = self._settled
        self._read.clear()
        self._flight.clear()
        self._by_mid.clear()
        self._pause_end_s = None
        self._may_have_more = True
