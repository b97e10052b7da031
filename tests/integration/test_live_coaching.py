"""A whole hub: pods over Bluetooth, strides, a cue, a buzz in the pod, and what is remembered."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hub_under_test import all_stream, roster_of
from mock_bluez.world import World, missing, world
from on_the_loop import run, until
from stridehub.coaching.cue import Cue, CueFollowUp, Response, Withheld
from stridehub.config import HapticsConfig, HubConfig, RunnerSettings
from stridehub.haptics.patterns import pattern_of
from stridehub.live import Live
from stridehub.model import CueKind
from stridehub.record.coach_store import SqliteCoachStore

pytestmark = pytest.mark.skipif(missing() is not None, reason=f"{missing()} on this machine")

SPEED = 4.0
STANDING_S = 24.0  # of the runner's time: the hub is there before they run
# Everybody overstrides, and is told so.
STRICT: dict[str, Any] = {
    "zones": {"overstride_ratio": {"value": -1.0}},
    "baseline": {"strides": 10},
    "suppress": {"first_s": 2.0, "speed_change_mps": 9.0},
    "cues": {"kinds": ["overstride"], "least_gap_s": 3.0, "withheld": 0.0},
}


RUNNER = "steady-1"
RUNNERS = (RunnerSettings(runner=RUNNER, height_m=1.78),)  # without a height there is no pace


class Heard:
    def __init__(self) -> None:
        self.cues: list[Cue] = []
        self.answers: list[CueFollowUp] = []


@asynccontextmanager
async def coached(
    air: World, folder: Path, heard: Heard, config: HubConfig | None = None
) -> AsyncIterator[Live]:
    hub = Live(
        config or HubConfig(coaching=STRICT, runners=RUNNERS),
        await roster_of(air, folder),
        coaching=SqliteCoachStore(folder / "hub.sqlite"),
        on_cue=[heard.cues.append],
        on_follow_up=[heard.answers.append],
        clock=lambda: time.monotonic() * SPEED,
    )
    async with hub.running():
        await until(lambda: all_stream(hub.source))
        yield hub


async def motors(air: World) -> dict[str, list[dict[str, Any]]]:
    """What they have done since the last look, by placement."""
    return {stats.placement or "": stats.motor_edges for stats in await air.stats()}


def test_a_cue_is_felt_and_its_answer_remembered(tmp_path: Path) -> None:
    async def test() -> None:
        heard = Heard()
        async with world(pods=5, speed=SPEED, standing_s=STANDING_S) as air:
            async with coached(air, tmp_path, heard) as hub:
                await until(lambda: bool(heard.cues), 30.0)
                cue = heard.cues[0]
                await until(lambda: bool(heard.answers), 30.0)
                haptics = hub.haptics
                assert haptics.trouble(RUNNER) is None
            edges = await motors(air)
        assert "closed" in (haptics.trouble(RUNNER) or "")
        assert cue.kind is CueKind.OVERSTRIDE
        assert not cue.withheld
        assert cue.edge_s is not None
        assert cue.decided_s is not None
        assert cue.latency_ms is not None
        assert cue.foot_strike_s < cue.arrival_s <= cue.decided_s <= cue.edge_s
        assert heard.answers[0].t == cue.t
        assert heard.answers[0].response is not Response.UNKNOWN
        pattern = pattern_of(CueKind.OVERSTRIDE, 70)
        for place in ("shank_l", "shank_r"):
            assert [e["percent"] for e in edges[place][: 2 * pattern.pulses]] == [
                70,
                0,
            ] * pattern.pulses
        assert edges["pelvis"] == []
        memory = SqliteCoachStore(tmp_path / "hub.sqlite").load(cue.runner)
        assert memory.sessions_cued == {CueKind.OVERSTRIDE: 1}
        assert memory.baselines
        assert memory.session is not None
        assert memory.session.load.steps_left > 5

    run(test())


def test_a_hub_that_comes_back_goes_on_with_the_session(tmp_path: Path) -> None:
    """And does not begin to count its cues anew."""

    async def test() -> None:
        heard = Heard()
        async with world(pods=5, speed=SPEED, standing_s=STANDING_S) as air:
            async with coached(air, tmp_path, heard):
                await until(lambda: bool(heard.cues), 30.0)
            before = SqliteCoachStore(tmp_path / "hub.sqlite").load(RUNNER)
            async with coached(air, tmp_path, heard) as hub:
                coach = hub.team.coaches[RUNNER]
                steps = coach.watch.load.steps_left
                await until(lambda: coach.watch.load.steps_left > steps + 3, 30.0)
            after = SqliteCoachStore(tmp_path / "hub.sqlite").load(RUNNER)
        assert len(heard.cues) == 1
        assert after.sessions_cued == before.sessions_cued
        assert before.session is not None
        assert after.session is not None
        assert after.session.load.started_utc_s == before.session.load.started_utc_s
        assert after.session.load.steps_left > before.session.load.steps_left
        assert len(before.session.turns_utc_s) == len(after.session.turns_utc_s) == 1

    run(test())


def test_without_a_motor_the_cue_is_told_as_withheld(tmp_path: Path) -> None:
    async def test() -> None:
        heard = Heard()
        wires = HapticsConfig(drivers=("gpio",))
        config = HubConfig(coaching=STRICT, runners=RUNNERS, haptics=wires)
        async with (
            world(pods=5, speed=SPEED, standing_s=STANDING_S) as air,
            coached(air, tmp_path, heard, config),
        ):
            await until(lambda: bool(heard.cues), 30.0)
            assert all(not edges for edges in (await motors(air)).values())
        assert heard.cues[0].why_withheld is Withheld.NO_MOTOR
        assert heard.cues[0].edge_s is None

    run(test())
