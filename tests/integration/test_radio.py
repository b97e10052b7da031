"""The hub's radio, with the stock bleak over a BlueZ of its own, and real pods behind it."""

import asyncio
import dataclasses
import gc
import os
import resource
from pathlib import Path

import pytest
from bleak import BleakAdapter
from dbus_fast.aio import MessageBus
from dbus_fast.constants import BusType
from dbus_fast.message import Message
from dbus_fast.signature import Variant

from hub_under_test import Hub, all_stream, hub_in, known_pods, roster_of
from mock_bluez.world import World, missing, world
from on_the_loop import run, until
from stridehub.commands.provision import Provisioner, Wish
from stridehub.config import HubConfig
from stridehub.kernel.link import Attribute
from stridehub.live import Live
from stridehub.model import KnownPod, LinkState, Placement, PodHealth, Stride
from stridehub.pods import adapter as adapter_module
from stridehub.pods import bluez as bluez_module
from stridehub.pods import gatt as gatt_module
from stridehub.pods import keeper as keeper_module
from stridehub.pods.bluez import BlueZ
from stridehub.pods.link import StreamSettings
from stridehub.pods.measures import FORGET_AT
from stridehub.pods.radio import Radio
from stridehub.pods.radio_source import Memory
from stridehub.record.roster import Roster

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

LONG_SESSION_S = 600.0
USUAL_PACKETS_PER_S = 26


async def is_scanning(adapter: int = 0) -> bool:
    return (await BlueZ().adapters())[adapter].discovering


async def linked(air: World) -> set[tuple[str, str]]:
    """Addresses of adapter and pod, as BlueZ says."""
    adapters = {adapter.name: adapter.address for adapter in await BlueZ().adapters()}
    found = set()
    for name, address in adapters.items():
        backend = await BleakAdapter.get(bluez={"adapter": name})
        for device in await backend.get_connected_devices([Attribute.SERVICE.uuid]):
            found.add((address, device.address))
    return found


@pytest.mark.parametrize(("pods", "speed"), [(5, 20.0), (10, 10.0)])
def test_ten_minutes_of_packets_arrive_all_and_in_order(pods: int, speed: float) -> None:
    async def test() -> None:
        async with world(pods=pods, speed=speed) as air, hub_in(air, most_links=10) as hub:
            await hub.streaming()
            await asyncio.sleep(LONG_SESSION_S / speed)
            for number in range(pods):
                await air.hang_pod(number)
            sent = [stats.sent for stats in await air.stats()]
            await until(lambda: [hub.count(number) for number in range(pods)] == sent)
            assert min(sent) > LONG_SESSION_S * USUAL_PACKETS_PER_S * 0.9
            assert all(hub.heard.of(pod).in_order for pod in hub.pods)

    run(test(), within_s=240.0)


# ---- the usual ----


def test_pods_stream_within_seconds_and_are_described() -> None:
    async def test() -> None:
        async with world(pods=5) as air, hub_in(air) as hub:
            assert await hub.streaming() < 5.0
            await until(lambda: all(hub.health(n).interval_ms is not None for n in range(5)))
            for number in range(5):
                health = hub.health(number)
                assert health.mtu == 247
                assert health.battery_mv == 3900
                assert health.samples_a_packet == 8
                assert health.connects == 1
                assert health.reason is None
                assert health.rssi_dbm is not None
                assert -100 < health.rssi_dbm < 0

    run(test())


def test_nothing_scans_while_all_pods_stream() -> None:
    async def test() -> None:
        async with world(pods=2) as air, hub_in(air) as hub:
            await hub.streaming()
            await asyncio.sleep(0.3)
            assert not await is_scanning()
            await air.pod_off(0)
            await until(lambda: hub.health(0).state is LinkState.MISSING)
            async with asyncio.timeout(3.0):
                while not await is_scanning():
                    await asyncio.sleep(0.05)

    run(test())


def test_rate_and_batch_are_set_as_the_hub_wants_them() -> None:
    async def test() -> None:
        settings = StreamSettings(rate_hz=104, batch=19)
        async with world(pods=1) as air, hub_in(air, settings=settings) as hub:
            await hub.streaming()
            stream = hub.heard.of(hub.pods[0])
            assert (stream.worn.info.rate_mhz, stream.worn.info.batch) == (104_000, 19)
            await until(lambda: len(stream.sizes) > 3)
            assert max(stream.sizes) == 12 + 19 * 12

    run(test())


def test_a_small_mtu_gets_smaller_batches_and_loses_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        async with world(pods=1) as air:
            await air.set_mtu(64)
            async with hub_in(air) as hub:
                await hub.streaming()
                stream = hub.heard.of(hub.pods[0])
                await until(lambda: len(stream.sizes) > 100)
                assert stream.worn.info.batch == (64 - 3 - 12) // 12
                assert max(stream.sizes) <= 64 - 3
                assert stream.missing == 0

    run(test())
    assert "MTU 64 holds 4 samples, not 8" in caplog.text


def test_ending_the_hub_disconnects_all_pods() -> None:
    async def test() -> None:
        async with world(pods=5) as air:
            async with hub_in(air) as hub:
                await hub.streaming()
            assert await air.connected() == []
            assert not await is_scanning()
            states = {stats.state for stats in await air.stats()}
            assert states <= {"ADVERTISING_FAST", "ADVERTISING_SLOW"}

    run(test())


def test_a_hub_that_is_started_again_has_its_pods_again() -> None:
    async def test() -> None:
        async with world(pods=5) as air:
            for _ in range(3):
                async with hub_in(air) as hub:
                    assert await hub.streaming() < 5.0
                    assert all(stream.plugged == 1 for stream in hub.heard.streams.values())

    run(test())


# ---- pods that behave badly ----


def test_a_pod_that_dies_and_boots_streams_again_and_the_others_lose_nothing() -> None:
    async def test() -> None:
        async with world(pods=5) as air, hub_in(air) as hub:
            await hub.streaming()
            await air.pod_off(1)
            await until(lambda: hub.health(1).state is LinkState.MISSING)
            await air.pod_on(1)
            assert await hub.streaming([1]) < 3.0
            assert hub.health(1).connects == 2
            for number in (0, 2, 3, 4):
                assert hub.heard.of(hub.pods[number]).missing == 0
                assert hub.health(number).connects == 1

    run(test())


def test_a_pod_that_returns_with_another_address_type_is_a_stranger_and_harms_nobody() -> None:
    """BlueZ does not even report it until the old one is forgotten, and the bond with it."""

    async def test() -> None:
        async with world(pods=2) as air, hub_in(air) as hub:
            await hub.streaming()
            await air.pod_off(0)
            await until(lambda: hub.health(0).state is LinkState.MISSING)
            await air.pod_on(0, address_type="public")
            await asyncio.sleep(1.0)
            assert hub.health(0).state is LinkState.MISSING
            await BlueZ().forget("hci0", air.addresses[0])
            await hub.told(0, "no bond with each other any more")
            assert hub.heard.of(hub.pods[1]).missing == 0

    run(test())


def test_a_pod_that_falls_silent_is_told_of_and_reconnected() -> None:
    async def test() -> None:
        async with world(pods=2) as air, hub_in(air) as hub:
            await hub.streaming()
            await air.hang_pod(0)
            await hub.told(0, "connected but silent")
            await air.hang_pod(0, hung=False)
            await hub.streaming([0])
            assert hub.health(0).connects > 1
            assert hub.heard.of(hub.pods[1]).missing == 0

    run(test())


def test_a_link_that_dies_without_a_word_is_noticed() -> None:
    """The disconnection is never reported; only the data tell."""

    async def test() -> None:
        async with world(pods=2) as air, hub_in(air) as hub:
            await hub.streaming()
            await air.silence_link(0)
            await hub.told(0, "connected but silent")
            await hub.streaming([0])
            assert hub.heard.of(hub.pods[1]).missing == 0

    run(test())


def test_a_link_that_bluez_neither_uses_nor_ends_is_freed_by_a_power_cycle(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gatt_module, "GATT_S", 1.0)

    async def test() -> None:
        async with world(pods=2) as air, hub_in(air) as hub:
            await hub.streaming()
            await air.silence_link(0, disconnect_hangs=True)
            await until(lambda: "switched off and on" in caplog.text, 60.0)
            await hub.streaming()

    run(test())


def test_garbage_is_counted_by_the_kernel_and_ends_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        async with world(pods=2) as air:
            roster = await roster_of(air, tmp_path)
            hub = Live(HubConfig(), roster)
            async with hub.running():
                await until(lambda: all_stream(hub.source))
                await air.send_garbage(0, packets=50)
                states = {}

                def is_counted() -> bool:
                    states.update({state.placement: state for _, state in hub.pipeline.status()})
                    return sum(state.bad_packets for state in states.values()) == 50

                await until(is_counted)
                bad = sorted(state.bad_packets for state in states.values())
                assert bad == [0, 50]
                assert [health.connects for health in hub.source.health()] == [1, 1]

    run(test())


def test_a_reboot_is_seen_by_the_kernel_and_strides_go_on(tmp_path: Path) -> None:
    async def test() -> None:
        strides: list[Stride] = []
        async with world(pods=5) as air:
            roster = await roster_of(air, tmp_path)
            hub = Live(HubConfig(), roster, on_stride=[strides.append])
            async with hub.running():
                await until(lambda: len(strides) > 3)
                await air.pod_off(3)
                await air.pod_on(3)
                await until(lambda: all_stream(hub.source))
                before = len(strides)
                await until(lambda: len(strides) > before + 6)
                reboots = sorted(status.reboots for _, status in hub.pipeline.status())
                assert reboots == [0, 0, 0, 0, 1]

    run(test())


def test_a_flood_from_one_pod_takes_nothing_from_the_others() -> None:
    async def test() -> None:
        async with world(pods=3) as air, hub_in(air) as hub:
            await hub.streaming()
            await air.flood(0, packets_per_s=1000)
            before = hub.count(0)
            await asyncio.sleep(2.0)
            assert hub.count(0) - before > 1000
            await air.flood(0, packets_per_s=0)
            for number in (1, 2):
                assert hub.heard.of(hub.pods[number]).missing == 0
                assert hub.health(number).connects == 1

    run(test())


def test_a_pod_of_another_version_is_refused_with_advice() -> None:
    async def test() -> None:
        async with world(pods=2) as air:
            await air.speak_version(0, 2)
            async with hub_in(air) as hub:
                await hub.streaming([1])
                await hub.told(0, "another version of the protocol; update pod or hub")
                assert hub.health(0).connects == 0

    run(test())


def test_a_broken_sensor_is_told_of_and_does_not_cost_the_link() -> None:
    async def test() -> None:
        async with world(pods=1) as air, hub_in(air) as hub:
            await hub.streaming()
            await air.break_imu(0)
            await until(lambda: hub.health(0).imu_fault)
            await asyncio.sleep(3.0)
            assert hub.health(0).state is LinkState.STREAMING

    run(test())


def test_a_pod_that_was_given_another_place_is_followed() -> None:
    async def test() -> None:
        changed: list[KnownPod] = []
        async with world(pods=2) as air:
            pods = await known_pods(air)
            wrong = [dataclasses.replace(pods[0], runner="someone"), pods[1]]
            memory = Memory(on_pod_changed=changed.append)
            async with hub_in(air, wrong, memory=memory) as hub:
                await until(lambda: hub.heard.count(pods[0]) > 0)
                assert changed == [pods[0]]

    run(test())


# ---- BlueZ that behaves badly ----


@pytest.mark.parametrize("method", ["StartDiscovery", "Connect", "AcquireNotify"])
def test_an_adapter_that_another_program_uses_is_tried_again(method: str) -> None:
    async def test() -> None:
        async with world(pods=2) as air:
            await air.fail(method, 3, "org.bluez.Error.InProgress", "Operation already in progress")
            async with hub_in(air) as hub:
                await hub.streaming()

    run(test())


def test_a_connection_that_hangs_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_module, "CONNECT_S", 1.0)

    async def test() -> None:
        async with world(pods=3) as air:
            await air.hang("Connect", 30.0)
            async with hub_in(air) as hub:
                await until(lambda: sum(_streams(health) for health in hub.source.health()) == 2)
                await hub.streaming()

    run(test())


def _streams(health: PodHealth) -> bool:
    return health.state is LinkState.STREAMING


def test_an_adapter_that_is_pulled_out_and_put_back_has_its_pods_again() -> None:
    async def test() -> None:
        async with world(pods=3) as air, hub_in(air) as hub:
            await hub.streaming()
            await air.remove_adapter()
            await until(lambda: "not there" in "".join(hub.source.problems().values()))
            await air.add_adapter()
            await hub.streaming()
            assert hub.source.problems() == {}

    run(test())


def test_an_adapter_that_someone_switches_off_is_switched_on_again() -> None:
    async def test() -> None:
        async with world(pods=2) as air, hub_in(air) as hub:
            await hub.streaming()
            off = ("org.bluez.Adapter1", "Powered", Variant("b", False))
            properties = "org.freedesktop.DBus.Properties"
            await ask_bluez("/org/bluez/hci0", properties, "Set", "ssv", *off)
            await until(lambda: not any(_streams(health) for health in hub.source.health()))
            await hub.streaming()

    run(test())


def test_dbus_that_is_killed_and_comes_back_has_its_pods_again() -> None:
    async def test() -> None:
        async with world(pods=3) as air, hub_in(air) as hub:
            await hub.streaming()
            await air.kill_bus()
            await until(lambda: not any(_streams(health) for health in hub.source.health()))
            await until(lambda: hub.source.problems() != {})
            await air.start_bus()
            await hub.streaming()
            assert hub.source.problems() == {}

    run(test())


def test_bluez_that_is_killed_and_comes_back_has_its_pods_again() -> None:
    async def test() -> None:
        async with world(pods=3) as air, hub_in(air) as hub:
            await hub.streaming()
            await air.kill_bluez()
            await until(lambda: not any(_streams(health) for health in hub.source.health()))
            await air.start_bluez()
            await hub.streaming()

    run(test())


def test_an_adapter_that_has_gone_deaf_is_switched_off_and_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(adapter_module, "DEAF_S", 1.0)
    monkeypatch.setattr(adapter_module, "SCAN_WINDOW_S", 0.5)

    async def test() -> None:
        async with world(pods=2) as air:
            await air.deafen()
            async with hub_in(air) as hub:
                await hub.streaming()

    run(test())
    assert "is switched off and on: no pod was heard for long" in caplog.text


def test_a_pod_that_answers_nothing_for_long_is_degraded_and_costs_the_others_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gatt_module, "GATT_S", 0.5)

    async def test() -> None:
        async with world(pods=3) as air, hub_in(air) as hub:
            await hub.streaming()
            await air.hang_pod(0)
            await until(lambda: hub.health(0).state is LinkState.DEGRADED, 60.0)
            for number in (1, 2):
                assert hub.health(number).connects == 1
                assert hub.heard.of(hub.pods[number]).missing == 0

    run(test())
    assert "switched off and on" not in caplog.text


def test_where_no_pod_can_be_connected_the_adapter_is_switched_off_and_on_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeper_module, "CONNECT_S", 0.5)
    monkeypatch.setattr(keeper_module, "DEGRADED_PAUSE_S", 0.5)
    monkeypatch.setattr(adapter_module, "POWER_CYCLE_EVERY_S", 0.0)

    async def test() -> None:
        async with world(pods=1) as air:
            await air.hang("Connect", 60.0, times=8)
            async with hub_in(air) as hub:
                await until(lambda: hub.health(0).state is LinkState.DEGRADED)
                assert "no answer" in (hub.health(0).reason or "")
                await hub.streaming()

    run(test())
    assert caplog.text.count("is switched off and on") == 1


def test_a_pod_that_another_program_has_connected_is_freed_and_streams(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A connected pod does not advertise: it would be looked for in vain."""
    monkeypatch.setattr(adapter_module, "SCAN_WINDOW_S", 0.5)

    async def test() -> None:
        async with world(pods=2) as air, hub_in(air) as hub:
            await hub.streaming()
            await lose_to_another_program(air, hub)
            await hub.streaming([0])

    run(test())


def test_a_foreign_link_that_does_not_end_is_freed_by_a_power_cycle(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(adapter_module, "SCAN_WINDOW_S", 0.5)
    monkeypatch.setattr(bluez_module, "DBUS_S", 1.0)

    async def test() -> None:
        async with world(pods=2) as air, hub_in(air) as hub:
            await hub.streaming()
            await lose_to_another_program(air, hub)
            await air.hang("Disconnect", 60.0, times=1)
            await until(lambda: "is switched off and on: BlueZ does not end" in caplog.text)
            await hub.streaming()

    run(test())


async def lose_to_another_program(air: World, hub: Hub) -> None:
    """The first pod, which connects it as bluetoothctl does before the hub hears it."""
    await air.pod_off(0)
    await until(lambda: hub.health(0).state is LinkState.MISSING)
    busy = "org.bluez.Error.InProgress"
    await air.fail("StartDiscovery", 100, busy, "Operation already in progress")
    await until(lambda: hub.source.problems() != {})
    await air.pod_on(0)
    device = f"/org/bluez/hci0/dev_{air.addresses[0].replace(':', '_')}"
    await ask_bluez(device, "org.bluez.Device1", "Connect")
    assert air.addresses[0] in await air.connected()
    await air.clear_faults()


async def ask_bluez(
    path: str, interface: str, member: str, signature: str = "", *body: object
) -> None:
    """As some other program would."""
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    await bus.call(
        Message(
            destination="org.bluez",
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
    )
    bus.disconnect()


def test_a_hub_that_ends_in_the_middle_of_a_power_cycle_leaves_the_power_on() -> None:
    async def test() -> None:
        async with world(pods=1):
            cycle = asyncio.create_task(BlueZ().power_cycle("hci0"))
            await asyncio.sleep(0.5)
            assert not (await BlueZ().adapters())[0].powered
            cycle.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cycle
            assert (await BlueZ().adapters())[0].powered

    run(test())


def test_a_bond_that_this_side_has_lost_is_told_of_without_a_connection() -> None:
    async def test() -> None:
        async with world(pods=2) as air, hub_in(air) as hub:
            await hub.streaming()
            await BlueZ().forget("hci0", air.addresses[0])
            await hub.told(0, "no bond with each other any more; double-tap the pod")
            assert hub.health(0).connects == 1
            assert hub.heard.of(hub.pods[1]).missing == 0

    run(test())


def test_a_pod_that_has_lost_its_bond_is_provisioned_anew(tmp_path: Path) -> None:
    async def test() -> None:
        async with world(pods=1) as air:
            await air.pod_off(0)
            await air.pod_on(0, wiped=True)
            wish = Wish(air.addresses[0], Placement.SHANK_L, "r7", "L07", is_sure=True)
            roster = Roster(tmp_path / "hub.sqlite")
            pod = await Provisioner(HubConfig(), roster, Radio(), BlueZ(), ask=input).run(wish)
            async with hub_in(air, [pod]) as hub:
                await hub.streaming()

    run(test())


def test_an_adapter_that_is_full_says_so_and_it_is_remembered() -> None:
    async def test() -> None:
        told: dict[str, int] = {}
        async with world(pods=5) as air:
            await air.limit_links(3)
            memory = Memory(on_full=told.__setitem__)
            async with hub_in(air, memory=memory) as hub:
                await until(lambda: sum(_streams(h) for h in hub.source.health()) == 3)
                full = [number for number in range(5) if not _streams(hub.health(number))]
                for number in full:
                    await hub.told(number, "add a USB adapter")
                assert told == {air.centrals[0]: 3}
                assert all(h.connects == 1 for h in hub.source.health() if _streams(h))

    run(test())


def test_an_adapter_that_may_be_full_is_suspected_and_tried_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper_module, "CONNECT_S", 0.5)

    async def test() -> None:
        told: dict[str, int] = {}
        async with world(pods=4) as air:
            await air.pod_off(3)
            async with hub_in(air, memory=Memory(on_full=told.__setitem__)) as hub:
                await hub.streaming(range(3))
                await air.hang("Connect", 30.0, times=3)
                await air.pod_on(3)
                await hub.told(3, "add a USB adapter")
                await hub.streaming()
            assert told == {}

    run(test())


def test_pods_are_reached_by_the_adapter_that_holds_their_bond() -> None:
    async def test() -> None:
        centrals = ["B8:27:EB:00:00:01", "B8:27:EB:00:00:02"]
        async with world(pods=6, centrals=centrals) as air, hub_in(air) as hub:
            await hub.streaming()
            assert {(pod.adapter, pod.address) for pod in hub.pods} == await linked(air)

    run(test())


def test_services_that_bluez_remembers_wrongly_are_forgotten_with_the_bond() -> None:
    async def test() -> None:
        async with world(pods=2) as air, hub_in(air) as hub:
            await hub.streaming()
            await air.make_stale(0)
            await air.drop_link(0)
            await hub.told(0, "other services than before")
            await hub.told(0, "no bond with each other any more; double-tap the pod")
            assert hub.health(0).connects == 1 + FORGET_AT
            assert [pod for _, pod in await air.bonds()] == [air.addresses[1]]
            assert hub.heard.of(hub.pods[1]).missing == 0

    run(test())


def test_two_pods_for_one_place_are_not_mixed(tmp_path: Path) -> None:
    async def test() -> None:
        async with world(pods=2) as air:
            first = (await known_pods(air))[0]
            wish = Wish(air.addresses[1], first.placement, first.runner, "twin", is_sure=True)
            roster = Roster(tmp_path / "hub.sqlite")
            await Provisioner(HubConfig(), roster, Radio(), BlueZ(), ask=input).run(wish)
            async with hub_in(air) as hub:
                await until(lambda: sum(_streams(h) for h in hub.source.health()) == 1)
                waiting = next(n for n in range(2) if not _streams(hub.health(n)))
                await hub.told(waiting, "sits there too; provision one of them anew")
                (stream,) = hub.heard.streams.values()
                assert stream.missing == 0

    run(test())


# ---- for hours ----


def test_two_hundred_reconnections_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks, file descriptors and memory are as they were."""
    monkeypatch.setattr(keeper_module, "STEADY_S", 0.0)
    monkeypatch.setattr(adapter_module, "SCAN_PAUSE_S", 0.1)

    async def test() -> None:
        async with world(pods=4) as air, hub_in(air) as hub:
            await hub.streaming()

            async def reconnect(times: int) -> None:
                for _ in range(times):
                    before = [health.connects for health in hub.source.health()]
                    for number in range(4):
                        await air.drop_link(number)
                    while any(
                        health.connects == connects
                        for health, connects in zip(hub.source.health(), before, strict=True)
                    ):
                        await asyncio.sleep(0.01)
                    await hub.streaming()

            def held() -> tuple[int, int]:
                return len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))

            await reconnect(5)
            gc.collect()
            before, rss_kb = held(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            await reconnect(45)
            gc.collect()
            tasks, files = held()
            assert tasks <= before[0] + 2
            assert files <= before[1] + 2
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - rss_kb < 20_000

    run(test())
