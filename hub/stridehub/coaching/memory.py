"""What is known of a runner from one session to the next, as plain objects."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from stridehub.model import CueKind, Side


class Baseline(msgspec.Struct, frozen=True):
    """Of one metric and side while nobody interfered."""

    median: float
    sd: float
    speed_mps: float | None  # median, at which it was taken
    strides: int


Baselines = Mapping[Side, Mapping[str, Baseline]]  # by metric


class SessionLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What one session asked of the calves."""

    started_utc_s: float  # Unix time
    running_min: float = 0.0
    steps_left: int = 0
    steps_right: int = 0
    units_left: float = 0.0
    units_right: float = 0.0
    forefoot_steps_left: int = 0
    forefoot_steps_right: int = 0
    forefoot_min: float = 0.0
    is_strike_known: bool = False  # False: w = 1 for all steps


class Responses(msgspec.Struct, frozen=True):
    """How often a fault came right after a cue, and where the cue was withheld."""

    given: int = 0
    given_responded: int = 0
    withheld: int = 0
    withheld_responded: int = 0


class OpenSession(msgspec.Struct, frozen=True, kw_only=True):
    """One that goes on when the hub comes back soon."""

    seen_utc_s: float  # when this was written
    load: SessionLoad
    begun_utc_s: float | None = None  # the first stride: the plan counts from there
    kinds_due: tuple[CueKind, ...] = ()  # counted in the schedule already
    turns_utc_s: tuple[float, ...] = ()  # of cues, given or withheld, that still count
    ignored_cues: int = 0  # in a row
    silences: int = 0  # since the last cue that was answered
    silent_until_utc_s: float | None = None
    is_in_pain: bool = False  # any: no cues in this session


class RunnerMemory(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    baselines: Mapping[Side, Mapping[str, Baseline]] = {}
    sessions_cued: Mapping[CueKind, int] = {}  # in how many it was due: the place in the schedule
    responses: Mapping[CueKind, Responses] = {}
    loads: tuple[SessionLoad, ...] = ()  # of sessions that have ended, oldest first
    session: OpenSession | None = None
    pain: int | None = None  # of 10: the programme pauses until somebody says it is gone
    has_had_forefoot: bool = False


class CoachStore(Protocol):
    """Where it is kept. All calls raise StoreError."""

    def load(self, runner: str) -> RunnerMemory:
        """Of a runner never seen: empty."""

    def keep(self, memories: Mapping[str, RunnerMemory]) -> None:
        """On the disk when it returns, all or none."""
