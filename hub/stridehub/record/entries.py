"""What a session consists of, as the store takes it."""

from typing import Protocol

import msgspec

from stridehub.coaching.cue import Cue, CueFollowUp
from stridehub.coaching.memory import Baselines, SessionLoad
from stridehub.model import KnownPod, RunnerProfile, Side, Stride


class InSequence(Protocol):
    """A struct of msgspec with these fields."""

    @property
    def session(self) -> str: ...
    @property
    def seq(self) -> int: ...


class Posting(msgspec.Struct, frozen=True):
    """Published once the entry is kept; the store gives it its seq."""

    topic: str
    message: InSequence


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    t_ms: int  # UTC, by the hub's clock, which may jump: nothing is ordered by it
    posting: Posting | None = None


class OfSession(Entry, frozen=True, kw_only=True):
    session: str


class SessionBegun(OfSession, frozen=True, kw_only=True):
    hub: str
    version: str  # of the software
    continues: str | None = None  # an earlier session that this one goes on from


class SessionEnded(OfSession, frozen=True, kw_only=True):
    pass


class RunnerInSession(OfSession, frozen=True, kw_only=True):
    """Replaces what was kept of the runner in this session."""

    profile: RunnerProfile
    plan: str  # its name
    pods: tuple[KnownPod, ...] = ()  # that are worn
    baselines: Baselines = {}
    load: SessionLoad | None = None


class StrideEntry(OfSession, frozen=True, kw_only=True):
    stride: Stride


class CueEntry(OfSession, frozen=True, kw_only=True):
    cue: Cue


class FollowUpEntry(OfSession, frozen=True, kw_only=True):
    follow_up: CueFollowUp


class MarkEntry(OfSession, frozen=True, kw_only=True):
    runner: str | None  # None: all
    kind: str
    level: int | None  # of pain
    side: Side | None
    text: str
    command: str  # its id


class AlertEntry(OfSession, frozen=True, kw_only=True):
    level: str
    code: str  # for programs
    subject: str
    text: str  # for people


class ClockSet(Entry, frozen=True, kw_only=True):
    """All entries before, since the store was opened, tell the time too early by this much."""

    by_ms: int


class Answered(Entry, frozen=True, kw_only=True):
    """A command that must get the same answer again."""

    id: str
    ack: bytes  # JSON


class Missing(OfSession, frozen=True, kw_only=True):
    """Entries of the session that were lost at this place, for want of memory."""

    count: int
