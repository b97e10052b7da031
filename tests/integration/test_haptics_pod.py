"""Cues that pods buzz: stock bleak over a BlueZ of its own, and the pods' own firmware."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hub_under_test import Hub, hub_in
from mock_bluez.world import World, missing, world
from on_the_loop import run, until
from stridehub.config import HapticsConfig, HubConfig
from stridehub.haptics import pod
from stridehub.haptics.driver import Buzz
from stridehub.haptics.drivers import Haptics
from stridehub.haptics.patterns import pattern_of
from stridehub.haptics.pod import Motor, PodDriver
from stridehub.kernel.link import SILENCE, HapticPattern
from stridehub.model import CueKind, CueSide, LinkState, Placement

needs_world = pytest.mark.skipif(missing() is not None, reason=missing() or "")

CONFIG = HubConfig(haptics=HapticsConfig(drivers=("gpio", "pod")))
RUNNER = "r1"
EDGE_SLACK_MS = 60.0  # of an emulated motor, whose pod lives in ticks

L, R, BOTH = CueSide.LEFT, CueSide.RIGHT, CueSide.BOTH
ON_AIR = [
    (CueKind.FLICK, BOTH, {Placement.SHANK_L, Placement.SHANK_R}),
    (CueKind.SITTING_BACK, L, {Placement.PELVIS}),
]
ALL_WORN = {Placement.SHANK_L, Placement.SHANK_R, Placement.THIGH_L, Placement.PELVIS}


def buzz(kind: CueKind | None = None, percent: int = 60) -> Buzz:
    return Buzz(pattern_of(kind or CueKind.OVERSTRIDE, percent), kind)


# ---- over the air ----


async def motor_edges(air: World, hub: Hub) -> dict[Placement, list[tuple[int, int]]]:
    """Since the last time: (microseconds of the pod's clock, percent)."""
    stats = await air.stats()
    return {
        pod.placement: [(edge["at_us"], edge["percent"]) for edge in one.motor_edges]
        for pod, one in zip(hub.pods, stats, strict=True)
        if one.motor_edges
    }


@needs_world
def test_each_cue_is_felt_where_it_belongs() -> None:
    async def test() -> None:
        async with world(pods=5) as air, hub_in(air) as hub:
            await hub.streaming()
            haptics = Haptics(CONFIG, motors=hub.source)
            runner = hub.pods[0].runner
            assert haptics.trouble(runner) is None
            for kind, side, places in ON_AIR:
                told: list[float] = []
                begun_s = time.monotonic()
                assert haptics.play(buzz(kind), runner, side, told.append)
                assert told == []  # play() has not waited for the radio
                await until(lambda told=told: bool(told))  # type: ignore[misc]
                assert begun_s < told[0] <= time.monotonic()
                count = 2 * buzz(kind).pattern.pulses * len(places)
                seen = await felt(air, hub, count)
                assert set(seen) == places
                for edges in seen.values():
                    as_planned(edges, buzz(kind).pattern)
                assert len(told) == 1
            haptics.close()

    run(test())


async def felt(air: World, hub: Hub, count: int) -> dict[Placement, list[tuple[int, int]]]:
    """As soon as there are so many edges."""
    seen: dict[Placement, list[tuple[int, int]]] = {}
    while sum(map(len, seen.values())) < count:
        for place, edges in (await motor_edges(air, hub)).items():
            seen[place] = seen.get(place, []) + edges
        await asyncio.sleep(0.02)
    return seen


def as_planned(edges: list[tuple[int, int]], pattern: HapticPattern) -> None:
    assert [percent for _, percent in edges] == [pattern.intensity_percent, 0] * pattern.pulses
    for (rise_us, _), (fall_us, _) in zip(edges[::2], edges[1::2], strict=True):
        assert (fall_us - rise_us) / 1e3 == pytest.approx(pattern.on_ms, abs=EDGE_SLACK_MS)


@needs_world
def test_stop_all_silences_a_pod_that_plays() -> None:
    async def test() -> None:
        async with world(pods=2) as air, hub_in(air) as hub:
            await hub.streaming()
            haptics = Haptics(CONFIG, motors=hub.source)
            runner = hub.pods[0].runner
            told: list[float] = []
            long = Buzz(HapticPattern(100, 1, 1000, 20), CueKind.SITTING_BACK)
            assert Placement.PELVIS in [pod.placement for pod in hub.pods]
            assert haptics.play(long, runner, L, told.append)
            await until(lambda: bool(told))
            await asyncio.sleep(0.1)
            haptics.stop_all()
            (edges,) = (await felt(air, hub, 2)).values()
            (rise_us, _), (fall_us, percent) = edges
            assert percent == 0
            assert fall_us - rise_us < 900_000
            haptics.close()

    run(test())


@needs_world
def test_a_pod_that_is_away_is_trouble_and_no_more() -> None:
    async def test() -> None:
        async with world(pods=2) as air, hub_in(air) as hub:
            await hub.streaming()
            haptics = Haptics(CONFIG, motors=hub.source)
            runner = hub.pods[0].runner
            for number in (0, 1):
                await air.pod_off(number)
                await until(lambda n=number: hub.health(n).state is LinkState.MISSING)  # type: ignore[misc]
            assert "no pod that could buzz" in (haptics.trouble(runner) or "")
            assert not haptics.play(buzz(), runner, BOTH, lambda _: None)
            assert not haptics.play(buzz(), "nobody", BOTH, lambda _: None)
            haptics.stop_all()
            haptics.close()

    run(test())


# ---- without air ----


class Motors:
    """PodMotors that keep what they are told; a place whose write hangs or fails can be chosen."""

    def __init__(self, *places: Placement) -> None:
        self.places = set(places)
        self.told: list[tuple[Placement, HapticPattern]] = []
        self.is_failing = False
        self.go_on = asyncio.Event()
        self.go_on.set()

    def motor(self, runner: str, placement: Placement) -> Motor | None:
        if runner != RUNNER or placement not in self.places:
            return None

        async def write(pattern: HapticPattern) -> None:
            await self.go_on.wait()
            if self.is_failing:
                raise OSError("the link went")
            self.told.append((placement, pattern))

        return write


@pytest.mark.parametrize(
    ("worn", "kind", "side", "places"),
    [
        (ALL_WORN, CueKind.OVERSTRIDE, L, {Placement.SHANK_L}),
        (ALL_WORN, CueKind.HEEL_LIFT, R, {Placement.SHANK_R}),
        (ALL_WORN, CueKind.FLICK, BOTH, {Placement.SHANK_L, Placement.SHANK_R}),
        (ALL_WORN, CueKind.SITTING_BACK, BOTH, {Placement.PELVIS}),
        (ALL_WORN, None, R, {Placement.SHANK_R}),
        ({Placement.THIGH_L}, CueKind.OVERSTRIDE, L, {Placement.THIGH_L}),
        ({Placement.THIGH_L}, CueKind.OVERSTRIDE, R, set()),
        (
            {Placement.SHANK_L, Placement.THIGH_R},
            CueKind.FLICK,
            BOTH,
            {Placement.SHANK_L, Placement.THIGH_R},
        ),
        ({Placement.SHANK_L, Placement.SHANK_R}, CueKind.SITTING_BACK, R, {Placement.SHANK_R}),
        ({Placement.SHANK_L, Placement.PELVIS}, CueKind.SITTING_BACK, BOTH, {Placement.PELVIS}),
        ({Placement.PELVIS, Placement.CHEST}, CueKind.OVERSTRIDE, BOTH, set()),
    ],
)
def test_where_a_pod_is_not_worn_the_next_best_one_buzzes(
    worn: set[Placement], kind: CueKind | None, side: CueSide, places: set[Placement]
) -> None:
    async def test() -> None:
        motors = Motors(*worn)
        driver = PodDriver(motors)
        assert driver.play(buzz(kind), RUNNER, side, lambda _: None) == bool(places)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert {place for place, _ in motors.told} == places

    run(test())


def test_a_write_that_fails_is_told_and_no_edge(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def test() -> None:
        motors = Motors(Placement.SHANK_L)
        motors.is_failing = True
        driver = PodDriver(motors)
        told: list[float] = []
        assert driver.play(buzz(), RUNNER, L, told.append)
        await until(lambda: "the link went" in caplog.text)
        assert told == []
        motors.is_failing = False
        assert driver.play(buzz(), RUNNER, L, told.append)
        await until(lambda: bool(told))

    run(test(), nothing_left=True)


def test_a_write_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod, "CUE_EDGE_S", 0.1)

    async def test() -> None:
        motors = Motors(Placement.SHANK_L)
        motors.go_on.clear()
        driver = PodDriver(motors)
        told: list[float] = []
        assert driver.play(buzz(), RUNNER, L, told.append)
        await asyncio.sleep(0.3)
        motors.go_on.set()
        await asyncio.sleep(0.05)
        assert motors.told == []
        assert told == []

    run(test(), nothing_left=True)


def test_a_new_cue_takes_the_place_of_one_that_waits_for_the_radio() -> None:
    async def test() -> None:
        motors = Motors(Placement.SHANK_L, Placement.SHANK_R)
        motors.go_on.clear()
        driver = PodDriver(motors)
        told: list[int] = []
        for number, (kind, side) in enumerate(
            [(CueKind.OVERSTRIDE, L), (CueKind.FLICK, L), (CueKind.FLICK, R)]
        ):
            assert driver.play(buzz(kind), RUNNER, side, lambda _, n=number: told.append(n))  # type: ignore[misc]
            await asyncio.sleep(0.01)
        motors.go_on.set()
        await until(lambda: bool(told))
        assert sorted(motors.told, key=str) == sorted(
            [(Placement.SHANK_L, SILENCE), (Placement.SHANK_R, buzz(CueKind.FLICK).pattern)],
            key=str,
        )
        assert told == [2]

    run(test(), nothing_left=True)


def test_a_new_cue_elsewhere_silences_the_old_one() -> None:
    async def test() -> None:
        motors = Motors(Placement.SHANK_L, Placement.SHANK_R)
        driver = PodDriver(motors)
        driver.play(buzz(), RUNNER, L, lambda _: None)
        await until(lambda: len(motors.told) == 1)
        driver.play(buzz(), RUNNER, R, lambda _: None)
        await until(lambda: len(motors.told) == 3)
        assert motors.told[0] == (Placement.SHANK_L, buzz().pattern)
        assert set(motors.told[1:]) == {
            (Placement.SHANK_L, SILENCE),
            (Placement.SHANK_R, buzz().pattern),
        }

    run(test(), nothing_left=True)


@pytest.mark.parametrize("end", [PodDriver.stop_all, PodDriver.close])
def test_after_the_end_nothing_that_waited_for_the_radio_is_felt(
    end: Callable[[PodDriver], None],
) -> None:
    """Whichever thread it comes from, and however often."""

    async def test() -> None:
        motors = Motors(Placement.SHANK_L)
        motors.go_on.clear()
        driver = PodDriver(motors)
        driver.play(buzz(), RUNNER, L, lambda _: None)
        await asyncio.sleep(0.01)
        await asyncio.to_thread(end, driver)
        driver.close()
        await asyncio.sleep(0.05)
        motors.go_on.set()
        await until(lambda: bool(motors.told))
        await asyncio.sleep(0.01)
        assert motors.told == [(Placement.SHANK_L, SILENCE)]
        assert not driver.play(buzz(), RUNNER, L, lambda _: None)
        assert driver.trouble(RUNNER) == "closed"

    run(test(), nothing_left=True)


def test_after_the_loop_there_is_nothing_to_stop(tmp_path: Path) -> None:
    async def test() -> PodDriver:
        return PodDriver(Motors())

    asyncio.run(test()).stop_all()
