"""A cue, given or withheld, and what came of it: as published and kept."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from stridehub.coaching.zones import Zone
from stridehub.model import CueKind, CueSide, Side


class Withheld(StrEnum):
    """Why a cue that was due was not given."""

    CONTROL = "control"  # at random, to compare
    SCHEDULE = "schedule"  # cues fade over the sessions
    NO_MOTOR = "no_motor"  # nothing could be felt


class Response(StrEnum):
    RESPONDED = "responded"
    NO_CHANGE = "no_change"
    WORSE = "worse"
    UNKNOWN = "unknown"  # the runner stopped, or too little was seen


class Cue(msgspec.Struct, frozen=True, kw_only=True):
    """Times are hub seconds. None: does not apply, or not known."""

    t: float  # when it was due, and a foot landed
    runner: str
    kind: CueKind
    side: CueSide  # where it buzzes
    metric: str
    value: float  # the median that made it due
    zone: Zone
    withheld: bool
    latency_ms: float | None = None  # from foot strike to edge
    why_withheld: Withheld | None = None
    fault_side: Side  # whose median it was
    foot_strike_s: float
    arrival_s: float  # of the packet that told of the foot strike
    decided_s: float | None = None
    edge_s: float | None = None  # when the motor was switched on


class CueFollowUp(msgspec.Struct, frozen=True, kw_only=True):
    """Of the cue with the same runner and t."""

    t: float
    runner: str
    kind: CueKind
    side: CueSide
    metric: str
    withheld: bool
    why_withheld: Withheld | None = None
    response: Response
    change: float | None = None  # of the metric, after minus before
    side_effects: Mapping[str, float] = {}  # other metrics that changed, after minus before
