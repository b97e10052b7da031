"""Pods become a hub's own: real pairing on Bumble's simulated air."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bumble_bleak.world import World, bumble_world
from on_the_loop import run
from stridehub.commands import provision as provision_module
from stridehub.commands.asking import Ask
from stridehub.commands.provision import Provisioner, Wish
from stridehub.config import HubConfig, RadioConfig
from stridehub.errors import NobodyToAskError, PodLinkError, RadioError
from stridehub.live import Live
from stridehub.model import KnownPod, LinkState, Placement
from stridehub.pods.radio import Radio
from stridehub.record.roster import Roster
from virtual_pod.drive import Body, DrivenPod, Motion
from virtual_pod.pod import Light, VirtualPod

SURE = Wish(placement=Placement.SHANK_L, runner="r7", name="L07", is_sure=True)


@pytest.fixture(autouse=True)
def short_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision_module, "LOOK_S", 0.3)


def nobody(question: str) -> str:
    raise AssertionError(f"asked: {question}")


def answers(*given: str) -> tuple[Ask, list[str]]:
    """Each is given once, in order; what was asked is in the list."""
    left, asked = list(given), []

    def answer(question: str) -> str:
        asked.append(question)
        return left.pop(0)

    return answer, asked


def unset_pod() -> Body:
    """As it leaves its maker."""
    motion: Sequence[Motion] = ()
    return Body(motion, [DrivenPod(VirtualPod(), Placement.SHANK_L)])


def provisioner(
    air: World, folder: Path, ask: Ask = nobody, config: HubConfig | None = None
) -> Provisioner:
    roster = Roster(folder / "hub.sqlite")
    radio = Radio(air.scanner, air.client)
    return Provisioner(config or HubConfig(), roster, radio, air.host, ask)


def kept(folder: Path) -> list[KnownPod]:
    return Roster(folder / "hub.sqlite").pods()


def test_a_new_pod_is_bonded_told_its_purpose_and_remembered(tmp_path: Path) -> None:
    async def test() -> None:
        async with bumble_world([unset_pod()]) as air:
            pod = await provisioner(air, tmp_path).run(SURE)
            assert pod == KnownPod(
                air.address(0), "L07", Placement.SHANK_L, "r7", air.centrals[0].address
            )
            config = air.pods[0].pod.config()
            assert (config.placement, config.name, config.runner) == (
                Placement.SHANK_L, "L07", "r7",
            )  # fmt: skip
            assert kept(tmp_path) == [pod]
            assert not air.pods[0].device.connections
            assert air.pods[0].pod.wishes.light is not Light.IDENTIFY
            assert air.pods[0].pod.take_motor_edges()[0].percent > 0

    run(test(), nothing_left=True)


def test_what_is_not_told_is_asked(tmp_path: Path) -> None:
    async def test() -> None:
        async with bumble_world([unset_pod()]) as air:
            ask, asked = answers("", "y", "thigh_r", "r9")
            pod = await provisioner(air, tmp_path, ask).run(Wish())
            assert (pod.placement, pod.runner, pod.name) == (Placement.THIGH_R, "r9", "")
            assert len(asked) == 4
            assert "blinks" in asked[1]

    run(test(), nothing_left=True)


def test_a_pod_that_is_not_the_one_meant_is_left_as_it_was(tmp_path: Path) -> None:
    async def test() -> None:
        async with bumble_world([unset_pod()]) as air:
            ask, _ = answers("", "n")
            with pytest.raises(PodLinkError, match="not the one meant"):
                await provisioner(air, tmp_path, ask).run(Wish())
            assert air.pods[0].pod.config().placement is None
            assert kept(tmp_path) == []

    run(test(), nothing_left=True)


def test_outside_its_window_a_stranger_is_told_to_double_tap(tmp_path: Path) -> None:
    async def test() -> None:
        async with bumble_world([unset_pod()]) as air:
            air.pods[0].pod.boot()
            with pytest.raises(PodLinkError, match="double-tap it"):
                await provisioner(air, tmp_path).run(SURE)
            air.pods[0].pod.tap()
            await provisioner(air, tmp_path).run(SURE)

    run(test(), nothing_left=True)


def test_a_pod_of_ours_is_given_another_place_without_pairing_again(tmp_path: Path) -> None:
    async def test() -> None:
        async with bumble_world([unset_pod()]) as air:
            await provisioner(air, tmp_path).run(SURE)
            air.pods[0].pod.boot()
            wish = Wish(pod="L07", placement=Placement.PELVIS, runner="r7", is_sure=True)
            pod = await provisioner(air, tmp_path).run(wish)
            assert (pod.placement, pod.name) == (Placement.PELVIS, "L07")
            assert kept(tmp_path) == [pod]

    run(test(), nothing_left=True)


def test_an_answer_that_names_no_pod_is_asked_for_again(tmp_path: Path) -> None:
    async def test() -> None:
        async with bumble_world([unset_pod(), unset_pod()]) as air:
            ask, asked = answers("L7", air.address(1), "y", "shank_l", "r7")
            pod = await provisioner(air, tmp_path, ask).run(Wish())
            assert pod.address == air.address(1)
            assert asked[0] == asked[1]

    run(test(), nothing_left=True)


def test_the_end_of_the_input_is_told_as_such(tmp_path: Path) -> None:
    def end(question: str) -> str:
        raise EOFError

    async def test() -> None:
        async with bumble_world([unset_pod()]) as air:
            with pytest.raises(NobodyToAskError, match="blinks"):
                await provisioner(air, tmp_path, end).run(Wish(pod=air.address(0)))
            assert kept(tmp_path) == []

    run(test(), nothing_left=True)


def test_a_pod_takes_the_place_of_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def test() -> None:
        async with bumble_world([unset_pod(), unset_pod()]) as air:
            for number in range(2):
                wish = Wish(air.address(number), Placement.SHANK_L, "r7", f"L{number}", True)
                await provisioner(air, tmp_path).run(wish)
            assert [pod.name for pod in kept(tmp_path)] == ["L1"]

    run(test(), nothing_left=True)
    assert "L0 was there before" in capsys.readouterr().out


def test_an_adapter_takes_no_more_pods_than_it_holds(tmp_path: Path) -> None:
    config = HubConfig(radio=RadioConfig(most_links=1))

    async def test() -> None:
        async with bumble_world([unset_pod(), unset_pod()], adapters=1) as air:
            wishes = [
                Wish(air.address(number), place, "r7", "", True)
                for number, place in enumerate((Placement.SHANK_L, Placement.SHANK_R))
            ]
            await provisioner(air, tmp_path, config=config).run(wishes[0])
            with pytest.raises(RadioError, match="add a USB adapter"):
                await provisioner(air, tmp_path, config=config).run(wishes[1])

    run(test(), nothing_left=True)


def test_pods_are_spread_over_adapters(tmp_path: Path) -> None:
    async def test() -> None:
        places = (Placement.SHANK_L, Placement.SHANK_R, Placement.THIGH_L, Placement.THIGH_R)
        async with bumble_world([unset_pod() for _ in places], adapters=2) as air:
            for number, place in enumerate(places):
                wish = Wish(air.address(number), place, "r7", "", True)
                await provisioner(air, tmp_path).run(wish)
            adapters = [pod.adapter for pod in kept(tmp_path)]
            assert sorted(adapters) == sorted(2 * [c.address for c in air.centrals])

    run(test(), nothing_left=True)


@pytest.mark.parametrize("runner", ["two words", "x" * 25, "é"])
def test_a_runner_that_no_pod_can_hold_is_refused(tmp_path: Path, runner: str) -> None:
    async def test() -> None:
        async with bumble_world([unset_pod()]) as air:
            wish = Wish(placement=Placement.SHANK_L, runner=runner, is_sure=True)
            with pytest.raises(PodLinkError):
                await provisioner(air, tmp_path).run(wish)
            assert kept(tmp_path) == []

    run(test(), nothing_left=True)


def test_provisioned_pods_stream_and_survive_a_lost_link(tmp_path: Path) -> None:
    """From the box to strides' packets, over real pairing, ATT and encryption."""

    async def test() -> None:
        places = (Placement.SHANK_L, Placement.SHANK_R)
        async with bumble_world(places) as air:
            for number, place in enumerate(places):
                wish = Wish(air.address(number), place, "r7", "", True)
                await provisioner(air, tmp_path).run(wish)
            roster = Roster(tmp_path / "hub.sqlite")
            hub = Live(HubConfig(), roster, radio=Radio(air.scanner, air.client), host=air.host)
            async with hub.running():
                await streaming(hub)
                before = [health.packets for health in hub.source.health()]
                air.drop(0)
                await asyncio.sleep(0.1)
                await streaming(hub)
                for _ in range(200):
                    await asyncio.sleep(0.01)
                for health, packets in zip(hub.source.health(), before, strict=True):
                    assert health.packets > packets
                    assert health.mtu == 247
                connects = sorted(health.connects for health in hub.source.health())
                assert connects == [1, 2]
                for _, status in hub.pipeline.status():
                    assert status.bad_packets == 0

    async def streaming(hub: Live) -> None:
        while not all(h.state is LinkState.STREAMING and h.packets for h in hub.source.health()):
            await asyncio.sleep(0.01)

    run(test(), nothing_left=True)
