"""Synthetic runners who feel their coach's cues, session after session."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from stridehub.app import Feed
from stridehub.coaching.coach import Coach
from stridehub.coaching.cue import Cue, CueFollowUp
from stridehub.coaching.memory import RunnerMemory
from stridehub.coaching.zones import Position
from stridehub.config import HapticsConfig, HubConfig
from stridehub.haptics.console import ConsoleDriver
from stridehub.haptics.driver import Buzz
from stridehub.model import CueSide, Stride
from stridehub.pods.simulated import SimulatedSource
from stridehub.synthetic import Style, SyntheticWearer
from stridehub.team import Clocks, Team

_DAY_S = 86400.0


@dataclass
class Session:
    """What became of it."""

    cues: list[Cue] = field(default_factory=list)
    answers: list[CueFollowUp] = field(default_factory=list)
    strides: list[tuple[Stride, dict[str, Position]]] = field(default_factory=list)
    memory: RunnerMemory = field(default_factory=RunnerMemory)

    @property
    def given(self) -> list[Cue]:
        return [cue for cue in self.cues if not cue.withheld]

    def in_zone(self, metric: str, from_s: float, to_s: float) -> float:
        """Share of the strides that ended in between."""
        positions = [
            where[metric]
            for stride, where in self.strides
            if metric in where and from_s <= stride.next_ic < to_s
        ]
        return sum(p is Position.IN for p in positions) / len(positions)


class _Days(Clocks):
    """Sessions a day apart."""

    def __init__(self, day: int) -> None:
        super().__init__()
        self._day = day
        self.team: Team | None = None

    def hub_s(self, monotonic_s: float) -> float:
        return self.team.pipeline.now_s if self.team else 0.0

    def utc_s(self) -> float:
        return self._day * _DAY_S + self.hub_s(0.0)


def _positions(coach: Coach, stride: Stride) -> dict[str, Position]:
    """Of this very stride."""
    reader = coach.reader(stride.side)
    found = {}
    for metric in ("overstride_ratio", "kickback_deg"):
        value, zone = getattr(stride, metric), reader.zone(metric)
        if value is not None and zone is not None:
            found[metric] = zone.position(value)
    return found


def session(
    style: Style,
    seconds: float,
    *,
    seed: int = 1,
    day: int = 0,
    memory: RunnerMemory | None = None,
    coaching: dict[str, Any] | None = None,
) -> Session:
    """One runner through pods, kernel and coach, who feels the cues given."""
    wearer = SyntheticWearer(style.name, style, seed)
    happened = Session()
    clocks = _Days(day)

    def feel(cue: Buzz, runner: str, side: CueSide) -> None:
        assert cue.kind is not None
        wearer.cue(cue.kind, side, team.pipeline.now_s)

    def take(stride: Stride) -> None:
        where = _positions(team.coaches[stride.runner], stride) if stride.is_running else {}
        happened.strides.append((stride, where))

    team = Team(
        HubConfig(coaching=coaching or {}, haptics=HapticsConfig(drivers=("console",))),
        ConsoleDriver(feel),
        on_stride=[take],
        on_cue=[happened.cues.append],
        on_follow_up=[happened.answers.append],
        clocks=clocks,
        seed=seed,
    )
    clocks.team = team
    team.add_runner(wearer.profile, memory)
    source = SimulatedSource([wearer])
    feed = Feed(team.pipeline, source.pods)
    for arrival in source:
        if arrival.arrival_s >= seconds:
            break
        feed.take(arrival)
    team.finish()
    happened.memory = msgspec.convert(msgspec.to_builtins(team.to_keep()[style.name]), RunnerMemory)
    return happened


def sessions(style: Style, seconds: float, count: int, seed: int = 1) -> Sequence[Session]:
    """One a day; the coach remembers."""
    done: list[Session] = []
    for day in range(count):
        before = done[-1].memory if done else None
        done.append(session(style, seconds, seed=seed + day, day=day, memory=before))
    return done
