"""Simulated, replayed and radio pods are the same to whoever takes their packets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from bumble_bleak.world import bumble_world
from on_the_loop import run, until
from stridehub.commands.provision import Provisioner, Wish
from stridehub.config import HubConfig
from stridehub.kernel import wire
from stridehub.model import Placement
from stridehub.pods.played import Pace, Played
from stridehub.pods.radio import Radio
from stridehub.pods.radio_source import RadioSource
from stridehub.pods.recording import load_recording
from stridehub.pods.replayed import ReplayedSource
from stridehub.pods.simulated import SimulatedSource
from stridehub.pods.source import PodSource, Take, WornPod
from stridehub.record.roster import Roster
from stridehub.sim.knobs import RunnerKnobs
from stridehub.sim.recording import record
from stridehub.sim.runner import SyntheticRunner
from stridehub.synthetic import synthetic_wearers

SHANKS = (Placement.SHANK_L, Placement.SHANK_R)
ENOUGH = 20  # packets of each pod

Making = Callable[[Path], AbstractAsyncContextManager[PodSource]]


class Taken:
    """What came from each place."""

    def __init__(self) -> None:
        self.packets: dict[tuple[str, Placement], list[tuple[bytes, float]]] = {}

    def plug(self, worn: WornPod) -> Take:
        packets = self.packets.setdefault((worn.runner, worn.info.placement), [])
        return lambda packet, arrival_s: packets.append((bytes(packet), arrival_s))

    @property
    def is_enough(self) -> bool:
        return bool(self.packets) and all(len(p) >= ENOUGH for p in self.packets.values())


@asynccontextmanager
async def simulated(folder: Path) -> AsyncIterator[PodSource]:
    yield Played(SimulatedSource(synthetic_wearers(1, seed=1)), Pace())


@asynccontextmanager
async def replayed(folder: Path) -> AsyncIterator[PodSource]:
    content = record(SyntheticRunner(RunnerKnobs(), SHANKS, seed=1), 3.0)
    np.savez(folder / "run.npz", **{k: v for k, v in content.items() if k[:6] != "truth_"})
    yield Played(ReplayedSource(load_recording(folder / "run.npz")))


@asynccontextmanager
async def radio(folder: Path) -> AsyncIterator[PodSource]:
    async with bumble_world(SHANKS) as air:
        bleak = Radio(air.scanner, air.client)
        roster = Roster(folder / "hub.sqlite")
        provisioner = Provisioner(HubConfig(), roster, bleak, air.host, input)
        for number, place in enumerate(SHANKS):
            await provisioner.run(Wish(air.address(number), place, "r1", "", is_sure=True))
        yield RadioSource(bleak, air.host, roster.pods())


@pytest.mark.parametrize("making", [simulated, replayed, radio])
def test_every_source_plugs_its_pods_and_hands_over_their_packets_in_order(
    making: Making, tmp_path: Path
) -> None:
    async def test() -> None:
        taken = Taken()
        async with making(tmp_path) as source:
            life = asyncio.create_task(source.run(taken))
            await until(lambda: taken.is_enough)
            life.cancel()
            with suppress(asyncio.CancelledError):
                await life
        for (_, placement), packets in taken.packets.items():
            decoded = [wire.decode(packet) for packet, _ in packets]
            assert {packet.placement for packet in decoded} == {placement}
            sequences = [packet.sequence for packet in decoded]
            assert sequences == sorted(set(sequences))
            arrivals_s = [arrival_s for _, arrival_s in packets]
            assert arrivals_s == sorted(arrivals_s)

    run(test())
