"""Where commands arrive: each is carried out once or refused, and answered."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from stridehub.errors import StrideHubError
from stridehub.mqtt.bucket import TokenBucket
from stridehub.mqtt.commands import COMMANDS, Command, CommandId
from stridehub.mqtt.messages import Ack, AckState
from stridehub.mqtt.topics import VERSION

log = logging.getLogger(__name__)

MAX_COMMAND_BYTES = 4096  # the largest, a note of 500 characters, takes half of it in UTF-8
# A command takes a second on a bad network; clocks that are set by the hub's differ by less.
STALE_MS = 10_000
# Some coaches with quick fingers. Above it they are told to wait.
COMMANDS_PER_S, COMMANDS_AT_ONCE = 5.0, 20
# Above this they are not even answered: it is no person, and answers cost what commands cost.
ANSWERS_PER_S, ANSWERS_AT_ONCE = 10.0, 40
# More than can be carried out within a minute; one that is older than STALE_MS is refused anyway.
REMEMBERED = 1000
MAX_REASON = 200  # characters: some of them may be the sender's


class Refused(StrideHubError):
    """A command that is not carried out, and why, for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Answered(msgspec.Struct, frozen=True):
    """A command that has had its turn, as it is kept over restarts."""

    ack: Ack
    digest: str  # of the command without its time: a sender that tries again may set it anew


class Outcome(StrEnum):
    """What becomes of a command, as it is counted."""

    DONE = "done"
    REFUSED = "refused"
    REPEATED = "repeated"  # answered as before
    DROPPED = "dropped"  # not even answered: too many


class _Head(msgspec.Struct):
    """What is read first, whatever else is in it, so that the answer can name it."""

    v: Any = None
    id: Any = None


_Readable = TypeVar("_Readable")


class Desk:
    """Pure: it reads no clock and waits for nothing. For one thread.

    `carry_out` returns the id of the session that a session_start began, or raises Refused.
    `answer` and `remember` return at once. `known`: what was remembered before a restart, the
    oldest first; the last minute of it is enough.
    """

    def __init__(
        self,
        carry_out: Callable[[Command], str | None],
        answer: Callable[[Ack], None],
        remember: Callable[[Answered], None],
        clock_ms: Callable[[], int],
        monotonic_s: Callable[[], float],
        known: Iterable[Answered] = (),
    ) -> None:
        self._carry_out = carry_out
        self._answer = answer
        self._remember = remember
        self._clock_ms = clock_ms
        self._monotonic_s = monotonic_s
        self._known = {answered.ack.id: answered for answered in known}
        self._commands = TokenBucket(COMMANDS_PER_S, COMMANDS_AT_ONCE)
        self._answers = TokenBucket(ANSWERS_PER_S, ANSWERS_AT_ONCE)
        self.counted: Counter[Outcome] = Counter()

    def take(self, name: str, payload: bytes | None, retained: bool) -> None:
        """Anything that came on cmd/{name}. None: larger than MAX_COMMAND_BYTES."""
        if not self._answers.take(self._monotonic_s()):
            self.counted[Outcome.DROPPED] += 1
            return
        head = _Head()
        try:
            data = _small(payload)
            head = _read(data, _Head)
            self._decide(_command(name, data, head, retained))
        except Refused as refused:
            self._refuse(name, head, refused.reason)

    def _decide(self, command: Command) -> None:
        """Raises Refused."""
        digest = _digest(command)
        before = self._known.get(command.id)
        if before is not None:
            if before.digest != digest:
                raise Refused("another command has had this id; take a new one")
            self.counted[Outcome.REPEATED] += 1
            self._answer(before.ack)
            return
        self._check_time(command)
        if not self._commands.take(self._monotonic_s()):
            raise Refused(f"too many commands: {COMMANDS_PER_S:g} a second at most; try again")
        ack = self._done(command)
        self._keep(Answered(ack, digest))
        self._tell(ack)

    def _check_time(self, command: Command) -> None:
        """Raises Refused."""
        now_ms = self._clock_ms()
        off_ms = command.t - now_ms
        if abs(off_ms) > STALE_MS:
            where = "in the future" if off_ms > 0 else "old"
            raise Refused(
                f"the command is {abs(off_ms) / 1e3:.1f} s {where}:"
                f" it says t = {command.t}, the hub's time is {now_ms}"
            )

    def _done(self, command: Command) -> Ack:
        """Carries it out; whatever happens, there is an answer."""
        try:
            session = self._carry_out(command)
        except Refused as refused:
            return self._refusal(command.name, command.id, refused.reason)
        except Exception:
            log.exception("command %s failed", command.name)
            return self._refusal(command.name, command.id, "internal error; the hub's log has more")
        return Ack(
            t=self._clock_ms(),
            id=command.id,
            command=command.name,
            state=AckState.DONE,
            session=session,
        )

    def _refuse(self, name: str, head: _Head, reason: str) -> None:
        known_name = name if name in COMMANDS else ""
        self._tell(self._refusal(known_name, _valid_id(head.id), reason))

    def _refusal(self, name: str, command_id: str, reason: str) -> Ack:
        return Ack(
            t=self._clock_ms(),
            id=command_id,
            command=name,
            state=AckState.REFUSED,
            reason=_bounded(reason),
        )

    def _keep(self, answered: Answered) -> None:
        self._known[answered.ack.id] = answered
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        self._remember(answered)

    def _tell(self, ack: Ack) -> None:
        if ack.state is AckState.DONE:
            self.counted[Outcome.DONE] += 1
            log.info("command %s done", ack.command)
        else:
            self.counted[Outcome.REFUSED] += 1
            log.info("command %s refused: %s", ack.command or "of no known name", ack.reason)
        self._answer(ack)


def _small(payload: bytes | None) -> bytes:
    """Raises Refused."""
    if payload is None or len(payload) > MAX_COMMAND_BYTES:
        raise Refused(f"a command has {MAX_COMMAND_BYTES} bytes at most")
    return payload


def _command(name: str, payload: bytes, head: _Head, retained: bool) -> Command:
    """Raises Refused."""
    kind = COMMANDS.get(name)
    if kind is None:
        raise Refused(f"no such command; there are {', '.join(COMMANDS)}")
    if head.v != VERSION:
        raise Refused(f'this hub speaks version {VERSION}: "v": {VERSION}')
    if retained:
        raise Refused("a command is never retained: clear it, and publish it without the flag")
    return _read(payload, kind)


def _read(payload: bytes, kind: type[_Readable]) -> _Readable:
    """Raises Refused."""
    try:
        return msgspec.json.decode(payload, type=kind)
    except (ValueError, RecursionError) as error:  # msgspec's own, bad UTF-8, deep nesting
        what, _, where = str(error).partition(" - at ")  # the place first: the end may be cut off
        raise Refused(f"not understood{where and f' at {where}'}: {what}") from error


def _valid_id(value: object) -> str:
    """ "" for what is none."""
    try:
        return msgspec.convert(value, CommandId)
    except msgspec.ValidationError:
        return ""


def _digest(command: Command) -> str:
    content = msgspec.json.encode(msgspec.structs.replace(command, t=0))
    return hashlib.sha256(command.name.encode() + content).hexdigest()[:32]


def _bounded(reason: str) -> str:
    """In one line, whatever is in it."""
    printable = "".join(char if char.isprintable() else "?" for char in reason[:MAX_REASON])
    return printable if len(reason) <= MAX_REASON else f"{printable[:-1]}…"
