"""Tells coaches how every runner is, once a second."""

import asyncio
from dataclasses import dataclass, field

from stridehub.broadcast.chronicle import Chronicle
from stridehub.broadcast.cycle import cycle_message
from stridehub.broadcast.explain import explain_message
from stridehub.broadcast.outlet import Outlet
from stridehub.broadcast.summary import summary_of
from stridehub.broadcast.zones import what_moves_zones, zone_message
from stridehub.coaching.coach import Coach
from stridehub.mqtt.topics import Topics
from stridehub.team import Team
from stridehub.timing import EXPLAIN_S, LIVE_EXPIRY_S, TELL_S


@dataclass(slots=True)
class _Told:
    """What the last messages of a runner were made from."""

    cycle_strides: int = 0
    zones: object = None
    explained_strides: int = 0
    explained_s: float = float("-inf")


@dataclass(slots=True)
class RunnerBulletins:
    """Of all runners of a team; they take turns, so that the loop never pauses for long."""

    team: Team
    chronicle: Chronicle
    topics: Topics
    outlet: Outlet
    _told: dict[str, _Told] = field(default_factory=dict, init=False)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            runners = list(self.team.coaches)
            for runner in runners:
                self._tell(runner)
                await self._tell_explanation(runner)
                await asyncio.sleep(TELL_S / len(runners))
            if not runners:
                await asyncio.sleep(TELL_S)

    def _tell(self, runner: str) -> None:
        coach = self.team.coaches[runner]
        told = self._told.setdefault(runner, _Told())
        self._tell_summary(coach)
        self._tell_cycle(runner, told)
        self._tell_zones(coach, told)

    def _tell_summary(self, coach: Coach) -> None:
        runner = coach.profile.runner
        summary = summary_of(
            coach,
            self.team.pipeline.kernels[runner].gait,
            self.team.why_silent(runner) or "watching",
            self.chronicle.news(runner),
            can_buzz=self.team.trouble(runner) is None,
            utc_ms=self.chronicle.utc_ms(),
        )
        topic = self.topics.summary(runner)
        self.outlet.tell(topic, summary, retain=True, expiry_s=LIVE_EXPIRY_S)

    def _tell_cycle(self, runner: str, told: _Told) -> None:
        """After new strides."""
        strides = self.chronicle.news(runner).all_strides
        if strides == told.cycle_strides:
            return
        told.cycle_strides = strides
        cycle = cycle_message(self.team.pipeline.kernels[runner], self.chronicle.utc_ms())
        if cycle is not None:
            topic = self.topics.cycle(runner)
            self.outlet.tell(topic, cycle, retain=True, expiry_s=LIVE_EXPIRY_S)

    def _tell_zones(self, coach: Coach, told: _Told) -> None:
        zones = what_moves_zones(coach)
        if zones == told.zones:
            return
        told.zones = zones
        message = zone_message(coach, self.chronicle.utc_ms())
        self.outlet.tell(self.topics.zone(coach.profile.runner), message, retain=True)

    async def _tell_explanation(self, runner: str) -> None:
        """Now and then: correlations of a whole session take milliseconds, with pauses between."""
        told = self._told[runner]
        now_s = asyncio.get_running_loop().time()
        strides = self.chronicle.news(runner).all_strides
        if strides == told.explained_strides or now_s - told.explained_s < EXPLAIN_S:
            return
        told.explained_strides, told.explained_s = strides, now_s
        message = await explain_message(self.team.coaches[runner], self.chronicle.utc_ms())
        self.outlet.tell(self.topics.explain(runner), message, retain=True)
