"""What a coach can tell the hub: the payloads of stridehub/1/{hub}/cmd/{name}."""

from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from stridehub.coaching.memory import PainLevel
from stridehub.coaching.zones import FASTEST_MPS, SLOWEST_MPS
from stridehub.config import RunnerId
from stridehub.model import CueSide, Side
from stridehub.mqtt.messages import UtcMs, Version
from stridehub.rules import ZoneRules

CommandId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
_Value = Annotated[float, Meta(ge=-1e4, le=1e4)]
_Speed = Annotated[float, Meta(ge=SLOWEST_MPS, le=FASTEST_MPS)]
_Text = Annotated[str, Meta(max_length=500)]
ZoneMetric = Annotated[str, Meta(pattern=f"^({'|'.join(ZoneRules.__struct_fields__)})\\Z")]

# Generous; it is for slips of a finger, such as 30 for 0.30. By the unit a metric's name ends with.
BOUNDS = {"ratio": (-1.0, 2.0), "deg": (-90.0, 180.0), "ms": (50.0, 1000.0), "spm": (50.0, 300.0)}


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`t` is the time by the hub's clock, as its messages tell it; one that is old is refused."""

    name: ClassVar[str]
    v: Version = 1  # of this format
    t: UtcMs
    id: CommandId  # the sender's choice, another one for each command; a repeated one does nothing


class SessionStart(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new session; one under way ends with it."""

    name: ClassVar[str] = "session_start"


class SessionStop(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No strides are kept and nothing buzzes until the next session_start, or start of the hub.

    Packets are kept all the same where the settings say raw = true.
    """

    name: ClassVar[str] = "session_stop"


class SetZone(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of a zone at a pace; it goes on to scale with pace as before."""

    name: ClassVar[str] = "set_zone"
    runner: RunnerId
    metric: ZoneMetric
    low: _Value | None = None  # None: open on that side
    high: _Value | None = None  # neither: as the settings have it
    speed_mps: _Speed | None = None  # at which the bounds hold; None: at the pace of now

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low is not below high")
        least, most = BOUNDS[self.metric.rpartition("_")[2]]
        for bound in (self.low, self.high):
            if bound is not None and not least <= bound <= most:
                raise ValueError(f"{bound:g} is not within {least:g} to {most:g}")


class Mute(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No cues until unmute."""

    name: ClassVar[str] = "mute"
    runner: RunnerId | None = None  # None: all


class Unmute(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cues again."""

    name: ClassVar[str] = "unmute"
    runner: RunnerId | None = None  # None: all


class TestBuzz(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A buzz at once, that is no cue."""

    __test__: ClassVar[bool] = False  # for pytest: no test
    name: ClassVar[str] = "test_buzz"
    runner: RunnerId
    side: CueSide = CueSide.BOTH


class MarkKind(StrEnum):
    PAIN = "pain"
    LAP = "lap"
    NOTE = "note"


class Mark(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to find again in the session. Pain also holds back all cues."""

    name: ClassVar[str] = "mark"
    kind: MarkKind
    runner: RunnerId | None = None  # None: all, which pain cannot be
    level: PainLevel | None = None  # of pain in the calf; 0: it is gone
    side: Side | None = None  # of pain
    text: _Text = ""  # for people

    def __post_init__(self) -> None:
        if self.kind is MarkKind.PAIN and (self.level is None or self.runner is None):
            raise ValueError("pain needs a runner and a level")
        if self.kind is not MarkKind.PAIN and (self.level is not None or self.side is not None):
            raise ValueError("only pain has a level and a side")


COMMANDS: dict[str, type[Command]] = {
    kind.name: kind for kind in (SessionStart, SessionStop, SetZone, Mute, Unmute, TestBuzz, Mark)
}
