"""Every payload that the hub publishes, as JSON. None: not known, or does not apply.

Times in seconds are of the hub's own clock, which begins anywhere and never jumps. Docstrings and
comments beside fields are published: python docs/asyncapi.py makes pages and schemas of them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from stridehub.coaching.cue import Response, Withheld
from stridehub.coaching.load import CapSource, LoadUnit
from stridehub.coaching.strike import StrikeClass
from stridehub.coaching.zones import Position, Zone
from stridehub.model import CueKind, CueSide, Gait, LinkState, Side, Stride
from stridehub.rules import ZoneRule

UtcMs = Annotated[int, Meta(ge=0, le=2**53, description="UTC milliseconds, by the hub's clock")]
Version = Literal[1]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What all have in common."""

    v: Version = 1  # of this format
    t: UtcMs  # when it was made


class InSequence(Message, frozen=True, kw_only=True):
    """Duplicates are possible, gaps are not."""

    session: str  # the session's id
    seq: int = 0  # from 0, of this topic and session; given as the message is kept


# ---- in sequence ----


class StrideMessage(Stride, frozen=True, kw_only=True):
    """A stride, in sequence: duplicates are possible, gaps are not."""

    v: Version = 1
    t: UtcMs
    session: str
    seq: int = 0


class CueMessage(InSequence, frozen=True, kw_only=True):
    """A cue, given or withheld."""

    runner: str
    due_s: float  # tells the runner's cues apart; what `--cues` calls t
    kind: CueKind
    side: CueSide  # where it buzzes
    metric: str  # that is outside its zone
    value: float  # the median that made it due
    zone: Zone
    withheld: bool
    why_withheld: Withheld | None
    latency_ms: float | None  # from the foot strike to the motor's edge
    fault_side: Side  # whose median it was
    foot_strike_s: float  # when that foot landed
    arrival_s: float  # of the packet that told of it
    decided_s: float | None  # that it is given or withheld
    edge_s: float | None  # when the motor was switched on


class CueResponseMessage(InSequence, frozen=True, kw_only=True):
    """What came of the cue with the same runner and due_s, on the same topic."""

    runner: str
    due_s: float
    kind: CueKind
    side: CueSide
    metric: str
    withheld: bool
    why_withheld: Withheld | None
    response: Response
    change: float | None  # of the metric, after minus before
    side_effects: Mapping[str, float]  # other metrics that changed, after minus before


class AlertLevel(StrEnum):
    NOTICE = "notice"  # good to know
    WARNING = "warning"  # something works less well
    ERROR = "error"  # something is lost unless somebody acts


class Alert(InSequence, frozen=True, kw_only=True):
    """Something that somebody should know of."""

    level: AlertLevel
    code: str  # for programs
    subject: str  # a runner, a pod, an adapter, or ""
    text: str  # for people


# ---- of the hub, retained ----


class HubState(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"
    DEGRADED = "degraded"


class Status(Message, frozen=True, kw_only=True):
    """Every 5 s, and when it changes. The last will says offline, with t of the connection."""

    state: HubState
    reasons: tuple[str, ...] = ()  # why degraded, for people
    version: str  # of the software
    session: str | None = None  # None: none is under way, nothing is kept
    runners: tuple[str, ...] = ()
    backlog: int = 0  # messages that the broker has not confirmed
    lost: int = 0  # messages that could not be kept, since the hub started


class MetricMeaning(msgspec.Struct, frozen=True, kw_only=True):
    """How to show a metric."""

    name: str  # as in a stride
    title: str  # for people
    unit: str  # "" where it has none
    decimals: int  # that are worth showing
    zone_source: str | None  # where its zone comes from; None: it has none


class NumberMeaning(msgspec.Struct, frozen=True, kw_only=True):
    """One of the coach's numbers."""

    path: str  # as in the settings, such as "cues.least_gap_s"
    value: Any
    unit: str
    source: str  # of the number; [D]: a default of this project


class HubMeta(Message, frozen=True, kw_only=True):
    """What the numbers mean."""

    version: str
    metrics: tuple[MetricMeaning, ...]
    numbers: tuple[NumberMeaning, ...]  # that the coach goes by


class ChecklistItem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do."""

    code: str  # for programs
    subject: str  # a runner, or an adapter's address
    text: str  # for people
    placement: str | None  # such as "thigh_l"


class ChecklistMessage(Message, frozen=True, kw_only=True):
    """What is still missing before the session is good; nothing: ready."""

    items: tuple[ChecklistItem, ...]


class PodHealthMessage(Message, frozen=True, kw_only=True):
    """Every 5 s, of every pod; not retained."""

    name: str  # as it advertises
    placement: str  # such as "thigh_l"
    runner: str
    state: LinkState
    reason: str | None  # why it does not stream, and what to do
    battery_mv: int | None
    battery_pct: int | None  # an estimate, from the voltage
    rssi_dbm: int | None  # of the last advertisement
    loss_pct: float | None  # of the packets of the last minute
    age_ms: float | None  # of the newest packet


# ---- of a runner ----


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of the last 10 strides of a side, and its zone at the pace of the moment."""

    median: float | None
    sd: float | None
    position: Position | None
    is_amber: bool  # outside by so little that it is no fault yet
    low: float | None  # of the zone; None: open on that side, or no zone
    high: float | None


class BalanceReading(msgspec.Struct, frozen=True, kw_only=True):
    """Contact time, left of both; 50 is even."""

    left_pct: float
    position: Position  # above: longer on the left foot
    is_amber: bool


class LoadReading(msgspec.Struct, frozen=True, kw_only=True):
    """Of the calves, this session. `share` of the nearest limit; 1 and more: enough."""

    units_left: float
    units_right: float
    steps_left: int
    steps_right: int
    running_min: float
    is_strike_known: bool  # False: every step weighed as one on the heel
    share: float | None  # None: there is no limit
    used: float | None  # of that limit
    cap: float | None
    unit: LoadUnit | None  # of both
    source: CapSource | None  # where the limit comes from
    is_reached: bool
    advice: tuple[str, ...]  # for people


class DriftReading(msgspec.Struct, frozen=True, kw_only=True):
    """Whether form fades."""

    is_fading: bool
    metrics: tuple[str, ...]  # that have drifted for long enough
    text: str  # for people


class LastCue(msgspec.Struct, frozen=True, kw_only=True):
    """The last one, and what came of it so far."""

    t: UtcMs
    kind: CueKind
    side: CueSide
    withheld: bool
    response: Response | None


class Summary(Message, frozen=True, kw_only=True):
    """Every second, retained with an expiry of a minute."""

    runner: str
    session: str | None
    gait: Gait
    stride_t: UtcMs | None  # of the newest stride
    strides_left: int  # of the session
    strides_right: int
    speed_mps: float | None
    metrics: Mapping[str, Mapping[Side, Reading]]  # by name; a side is absent where unknown
    stride_time_cv_pct: float | None  # of the last 10 strides of both sides, the larger
    balance: BalanceReading | None
    is_over_leaning: bool | None
    strike: Mapping[Side, StrikeClass]  # an outcome
    drift: DriftReading | None
    load: LoadReading
    plan: str  # its name
    coach: str  # what the coach is at, or why nothing buzzes
    drill: tuple[str, ...]  # of the drill under way, in words
    is_muted: bool
    cue: LastCue | None
    can_buzz: bool  # a motor of this runner's is there, as far as is known


class SideCycle(msgspec.Struct, frozen=True, kw_only=True):
    """Mean of the last strides, initial contact to the next: 50 points, evenly spaced in time."""

    strides: int  # that are in the mean
    toe_off_share: float  # of the stride's time
    thigh_deg: tuple[float, ...] | None  # None: no thigh pod
    shank_deg: tuple[float, ...]


class Cycle(Message, frozen=True, kw_only=True):
    """How the legs move, once a second while there is news; retained with an expiry of a minute."""

    runner: str
    sides: Mapping[Side, SideCycle]
    thigh_of_leg: float  # length of the thigh, of hip to ankle


class ZoneInForce(msgspec.Struct, frozen=True, kw_only=True):
    """As a rule, and as of now."""

    rule: ZoneRule  # scales with pace
    now: Mapping[Side, Zone]  # at speed_mps, with the runner's own baseline


class ZoneMessage(Message, frozen=True, kw_only=True):
    """Zones in force, retained; anew when somebody sets one, or the pace changes them."""

    runner: str
    speed_mps: float | None
    zones: Mapping[str, ZoneInForce]  # by metric


class AssociationReading(msgspec.Struct, frozen=True, kw_only=True):
    """An outcome and a metric upstream of it on one side: together, not because."""

    side: Side
    outcome: str
    metric: str
    outcome_median: float | None  # of the last strides
    metric_median: float | None
    rho: float | None  # Spearman's rank correlation
    low: float | None  # of the interval it may lie in
    high: float | None
    strides: int  # that it is from
    is_clear: bool  # not zero, and large enough to be told
    text: str  # for people


class Explain(Message, frozen=True, kw_only=True):
    """Foot strike and overstride beside what is upstream of them; every 30 s, retained."""

    runner: str
    strike: Mapping[Side, StrikeClass]
    associations: tuple[AssociationReading, ...]


# ---- answers ----


class AckState(StrEnum):
    DONE = "done"
    REFUSED = "refused"


class Ack(Message, frozen=True, kw_only=True):
    """The answer to a command. The same again for a repeated one."""

    id: str  # of the command; "" where it could not be read
    command: str  # its name; "" where there is no such command
    state: AckState
    reason: str | None = None  # why refused, for people
    session: str | None = None  # that a session_start began
