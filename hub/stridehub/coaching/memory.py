"""What is known of a runner from one session to the next, as plain objects."""

from collections.abc import Mapping
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from stridehub.model import CueKind, Side
from stridehub.rules import ZoneRule

# A file may hold anything: what cannot be is refused as it is read.
_Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
_Amount = Annotated[float, Meta(ge=0.0, le=1e9)]
_Value = Annotated[float, Meta(ge=-1e6, le=1e6)]
_Speed = Annotated[float, Meta(gt=0.0, le=20.0)]
_UtcS = Annotated[float, Meta(ge=-1e11, le=1e11)]  # Unix time
PainLevel = Annotated[int, Meta(ge=0, le=10)]


class Baseline(msgspec.Struct, frozen=True):
    """Of one metric and side while nobody interfered."""

    median: _Value
    sd: _Amount
    speed_mps: _Speed | None  # median, at which it was taken
    strides: _Count


Baselines = Mapping[Side, Mapping[str, Baseline]]  # by metric


class SessionLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What one session asked of the calves."""

    started_utc_s: _UtcS
    running_min: _Amount = 0.0
    steps_left: _Count = 0
    steps_right: _Count = 0
    units_left: _Amount = 0.0
    units_right: _Amount = 0.0
    forefoot_steps_left: _Count = 0
    forefoot_steps_right: _Count = 0
    forefoot_min: _Amount = 0.0
    is_strike_known: bool = False  # False: w = 1 for all steps


class Responses(msgspec.Struct, frozen=True):
    """How often a fault came right after a cue, and where the cue was withheld."""

    given: _Count = 0
    given_responded: _Count = 0
    withheld: _Count = 0
    withheld_responded: _Count = 0

    def __post_init__(self) -> None:
        if self.given_responded > self.given or self.withheld_responded > self.withheld:
            raise ValueError("more responses than cues")


class OpenSession(msgspec.Struct, frozen=True, kw_only=True):
    """One that goes on when the hub comes back soon."""

    seen_utc_s: _UtcS  # the end of the last stride
    load: SessionLoad
    plan: str = ""  # its name
    begun_utc_s: _UtcS | None = None  # the first running stride: the plan counts from there
    has_baseline: bool = False  # it is among those that are kept
    kinds_due: tuple[CueKind, ...] = ()  # counted in the schedule already
    turns_utc_s: tuple[_UtcS, ...] = ()  # of cues, given or withheld, that still count
    ignored_cues: _Count = 0  # in a row
    silences: _Count = 0  # since the last cue that was answered
    silent_until_utc_s: _UtcS | None = None
    is_in_pain: bool = False  # any: no cues in this session


class RunnerMemory(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    baselines: Mapping[Side, Mapping[str, Baseline]] = {}
    # In how many it was given, or withheld on purpose: the place in the schedule.
    sessions_cued: Mapping[CueKind, _Count] = {}
    responses: Mapping[CueKind, Responses] = {}
    loads: tuple[SessionLoad, ...] = ()  # of sessions that have ended, oldest first
    session: OpenSession | None = None
    pain: PainLevel | None = None  # of 10: the programme pauses until somebody says it is gone
    has_had_forefoot: bool = False
    zones: Mapping[str, ZoneRule] = {}  # by metric: that a coach has set
    is_muted: bool = False  # a coach wants no cues


class CoachStore(Protocol):
    """Where it is kept. All calls raise StoreError."""

    def load(self, runner: str) -> RunnerMemory:
        """Of a runner never seen: empty."""

    def keep(self, memories: Mapping[str, RunnerMemory]) -> None:
        """On the disk when it returns, all or none."""
