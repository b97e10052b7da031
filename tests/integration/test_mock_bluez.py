"""The mock of BlueZ and the pods on its air, by stock bleak: that each does what it says."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("bleak")
pytest.importorskip("dbus_fast")

from bleak import BleakClient, BleakScanner
from bleak.args.bluez import BlueZNotifyArgs
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDBusError, BleakError, BleakGATTProtocolError
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from mock_bluez.addresses import CENTRAL
from mock_bluez.world import World, missing, world
from stridehub.kernel import link, wire
from stridehub.kernel.link import Attribute, Opcode, PodCondition
from stridehub.synthetic import PODS

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

_COMPANY = 0xFFFF
_SCAN_TICK_S = 0.1
_PATIENCE_S = 5.0
_OTHER_CENTRAL = "B8:27:EB:00:00:02"
_HCI0 = "/org/bluez/hci0"
_ADAPTER = "org.bluez.Adapter1"
_DEVICE = "org.bluez.Device1"
_BY_SOCKET = BlueZNotifyArgs(use_start_notify=False)

Test = Callable[[World], Coroutine[Any, Any, None]]


def run(test: Test, **settings: Any) -> None:
    """A test in an event loop and a world of its own."""

    async def within() -> None:
        async with asyncio.timeout(30), world(**{"scan_tick_s": _SCAN_TICK_S, **settings}) as made:
            await test(made)

    asyncio.run(within())


async def scan(seconds: float = 3 * _SCAN_TICK_S) -> dict[str, tuple[BLEDevice, AdvertisementData]]:
    """What is heard, by address."""
    heard = {}

    def hear(device: BLEDevice, advertisement: AdvertisementData) -> None:
        heard[device.address] = (device, advertisement)

    async with BleakScanner(hear, service_uuids=[Attribute.SERVICE.uuid]):
        await asyncio.sleep(seconds)
    return heard


async def find(address: str) -> BLEDevice:
    device = await BleakScanner.find_device_by_address(address, timeout=_PATIENCE_S)
    assert device is not None
    return device


@asynccontextmanager
async def connected(made: World, pod: int = 0) -> AsyncIterator[BleakClient]:
    async with BleakClient(await find(made.addresses[pod])) as client:
        yield client


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.01)


async def until_true(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while not await holds():
            await asyncio.sleep(0.02)


async def control(client: BleakClient, opcode: Opcode) -> None:
    record = link.encode_control(link.Control(opcode))
    await client.write_gatt_char(Attribute.CONTROL.uuid, record, response=True)


async def start(
    client: BleakClient, packets: list[bytes], how: BlueZNotifyArgs = _BY_SOCKET
) -> None:
    """The stream, into a list."""

    def take(_characteristic: object, packet: bytearray) -> None:
        packets.append(bytes(packet))

    await client.start_notify(Attribute.SAMPLES.uuid, take, bluez=how)
    await control(client, Opcode.START)


def gaps(packets: list[bytes]) -> int:
    numbers = [wire.decode(packet).sequence for packet in packets]
    return sum((after - before) % 2**16 != 1 for before, after in pairwise(numbers))


async def call(
    bus: MessageBus, path: str, interface: str, member: str, signature: str = "", *body: Any
) -> Message:
    reply = await bus.call(
        Message(
            destination="org.bluez",
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
    )
    assert reply is not None
    return reply


@asynccontextmanager
async def client_bus() -> AsyncIterator[MessageBus]:
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        yield bus
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


async def set_power(bus: MessageBus, on: bool) -> None:
    reply = await call(
        bus,
        _HCI0,
        "org.freedesktop.DBus.Properties",
        "Set",
        "ssv",
        _ADAPTER,
        "Powered",
        Variant("b", on),
    )
    assert reply.message_type == MessageType.METHOD_RETURN


async def register_agent(bus: MessageBus) -> None:
    reply = await call(
        bus,
        "/org/bluez",
        "org.bluez.AgentManager1",
        "RegisterAgent",
        "os",
        "/test/agent",
        "NoInputNoOutput",
    )
    assert reply.message_type == MessageType.METHOD_RETURN


def device_path(made: World, pod: int = 0) -> str:
    return f"{_HCI0}/dev_{made.addresses[pod].replace(':', '_')}"


# ---- what works ----


def test_a_scan_sees_placement_and_battery_of_every_pod() -> None:
    async def test(made: World) -> None:
        heard = await scan()
        adverts = {
            address: link.decode_advertisement(advert.manufacturer_data[_COMPANY])
            for address, (_, advert) in heard.items()
        }
        assert [adverts[address].placement for address in made.addresses] == list(PODS)
        assert {advert.battery_mv for advert in adverts.values()} == {3900}
        assert all(-60 <= advert.rssi <= -50 for _, advert in heard.values())

    run(test)


def test_adverts_go_on_and_those_of_a_connected_pod_do_not() -> None:
    async def test(made: World) -> None:
        heard: list[str] = []
        device = await find(made.addresses[0])
        async with BleakClient(device), BleakScanner(lambda d, _: heard.append(d.address)):
            await asyncio.sleep(6 * _SCAN_TICK_S)
        assert heard.count(made.addresses[1]) >= 3
        assert made.addresses[0] not in heard

    run(test, pods=2)


def test_pairing_then_reading_then_a_stream() -> None:
    async def test(made: World) -> None:
        packets: list[bytes] = []
        async with client_bus() as bus, connected(made) as client:
            await register_agent(bus)
            with pytest.raises(BleakDBusError, match="Not paired"):
                await client.read_gatt_char(Attribute.CONFIG.uuid)
            await client.pair()
            config = link.decode_config(await client.read_gatt_char(Attribute.CONFIG.uuid))
            info = wire.decode_info(await client.read_gatt_char(Attribute.INFO.uuid))
            await start(client, packets)
            await until(lambda: len(packets) >= 5)
        assert (config.placement, info.rate_mhz) == (PODS[0], 208_000)
        assert await made.bonds() == [(CENTRAL, made.addresses[0])]
        assert (await made.stats())[0].bonds == [CENTRAL]

    run(test, pods=1, bonded=False)


def test_five_pods_stream_without_a_gap_at_the_normal_rate() -> None:
    async def test(made: World) -> None:
        streams: list[list[bytes]] = [[] for _ in made.addresses]
        clients = [BleakClient(device) for device, _ in (await scan()).values()]
        for client, packets in zip(clients, streams, strict=True):
            await client.connect()
            await start(client, packets)
        before = [len(packets) for packets in streams]
        await asyncio.sleep(5.0)
        for packets, count in zip(streams, before, strict=True):
            assert len(packets) - count == pytest.approx(5.0 * 208 / 8, abs=8)
            assert gaps(packets) == 0
        for client in clients:
            await client.disconnect()

    run(test)


@pytest.mark.parametrize("use_start_notify", [True, False])
def test_both_ways_of_subscribing(use_start_notify: bool) -> None:
    async def test(made: World) -> None:
        packets: list[bytes] = []
        async with connected(made) as client:
            samples = client.services.get_characteristic(Attribute.SAMPLES.uuid)
            assert samples is not None
            assert samples.max_write_without_response_size == 244
            await start(client, packets, BlueZNotifyArgs(use_start_notify=use_start_notify))
            await until(lambda: len(packets) >= 3)
            await client.stop_notify(Attribute.SAMPLES.uuid)
            await until_true(lambda: has_state(made, "CONNECTED"))
        assert gaps(packets) == 0

    run(test, pods=1)


async def has_state(made: World, state: str) -> bool:
    return (await made.stats())[0].state == state


def test_time_is_answered_and_a_buzz_is_felt() -> None:
    async def test(made: World) -> None:
        replies: list[bytes] = []
        async with connected(made) as client:
            await client.start_notify(
                Attribute.TIME.uuid, lambda _, reply: replies.append(bytes(reply)), bluez=_BY_SOCKET
            )
            request = link.encode_time_request(7)
            await client.write_gatt_char(Attribute.TIME.uuid, request, response=False)
            pattern = link.encode_haptic(link.HapticPattern(60, 1, 80, 100))
            await client.write_gatt_char(Attribute.HAPTIC.uuid, pattern, response=False)
            await until(lambda: len(replies) == 1)
            await asyncio.sleep(0.15)
        assert link.decode_time_reply(replies[0]).t1 == 7
        assert [edge["percent"] for edge in (await made.stats())[0].motor_edges] == [60, 0]

    run(test, pods=1)


def test_a_second_connection_works() -> None:
    async def test(made: World) -> None:
        for _ in range(3):
            packets: list[bytes] = []
            async with connected(made) as client:
                await start(client, packets)
                await until(lambda heard=packets: len(heard) >= 2)  # type: ignore[misc]
            assert not client.is_connected

    run(test, pods=1)


def test_a_refusal_carries_the_pods_own_att_error() -> None:
    async def test(made: World) -> None:
        async with connected(made) as client:
            with pytest.raises(BleakGATTProtocolError) as refusal:
                await control(client, Opcode.START)
        assert int(refusal.value.code) == link.LinkResult.NOT_SUBSCRIBED

    run(test, pods=1)


def test_the_mtu_is_what_the_mock_is_told() -> None:
    async def test(made: World) -> None:
        await made.set_mtu(23)
        async with connected(made) as client:
            with pytest.raises(BleakGATTProtocolError) as refusal:
                await start(client, [])
        assert int(refusal.value.code) == link.LinkResult.SMALL_MTU

    run(test, pods=1)


def test_two_adapters_know_pods_by_themselves() -> None:
    async def test(made: World) -> None:
        device = await BleakScanner.find_device_by_address(
            made.addresses[0], bluez={"adapter": "hci1"}
        )
        assert device is not None
        async with BleakClient(device):
            stats = await made.stats()
        assert device.details["path"].startswith("/org/bluez/hci1/")
        assert stats[0].bonds == [CENTRAL, _OTHER_CENTRAL]

    run(test, pods=1, centrals=(CENTRAL, _OTHER_CENTRAL))


# ---- pairing ----


def test_nobody_pairs_without_an_agent() -> None:
    async def test(made: World) -> None:
        async with connected(made) as client:
            with pytest.raises(BleakDBusError, match="AuthenticationFailed"):
                await client.pair()

    run(test, pods=1, bonded=False)


def test_nobody_pairs_outside_the_window() -> None:
    async def test(made: World) -> None:
        async with client_bus() as bus:
            await register_agent(bus)
            await made.skip_time(61.0)
            await until_true(lambda: is_pairable(made, False))
            async with connected(made) as client:
                with pytest.raises(BleakDBusError, match="AuthenticationFailed"):
                    await client.pair()
                await made.tap(0)
                await until_true(lambda: is_pairable(made, True))
                await client.pair()

    run(test, pods=1, bonded=False)


async def is_pairable(made: World, expected: bool) -> bool:
    return bool(await made.pairable()) == expected


def test_removing_a_device_forgets_the_bond() -> None:
    async def test(made: World) -> None:
        async with connected(made) as client:
            await client.unpair()
        assert await made.bonds() == []
        async with connected(made) as client:
            with pytest.raises(BleakDBusError, match="Not paired"):
                await client.read_gatt_char(Attribute.CONFIG.uuid)

    run(test, pods=1)


# ---- what breaks: pods ----


def test_a_pod_that_dies_disconnects_and_boots_anew() -> None:
    async def test(made: World) -> None:
        gone = asyncio.Event()
        device = await find(made.addresses[0])
        client = BleakClient(device, lambda _: gone.set())
        await client.connect()
        await made.pod_off(0)
        async with asyncio.timeout(_PATIENCE_S):
            await gone.wait()
        assert await scan() == {}
        await client.disconnect()
        await made.pod_on(0)
        packets: list[bytes] = []
        async with connected(made) as client:
            await start(client, packets)
            await until(lambda: len(packets) >= 2)
        assert wire.decode(packets[0]).sequence == 0
        assert wire.decode(packets[0]).pod_clock_us < 5_000_000

    run(test, pods=1)


def test_a_wiped_pod_knows_neither_its_place_nor_its_hub() -> None:
    async def test(made: World) -> None:
        await made.pod_off(0)
        await made.pod_on(0, wiped=True)
        async with connected(made) as client:
            with pytest.raises(BleakDBusError, match="Not paired"):
                await client.read_gatt_char(Attribute.CONFIG.uuid)
            with pytest.raises(BleakGATTProtocolError) as refusal:
                await client.read_gatt_char(Attribute.INFO.uuid)
        assert int(refusal.value.code) == link.LinkResult.NO_PLACE

    run(test, pods=1)


def test_a_pod_that_hangs_up() -> None:
    async def test(made: World) -> None:
        async with connected(made) as client:
            await made.hang_up(0)
            await until(lambda: not client.is_connected)

    run(test, pods=1)


def test_a_pod_that_hangs_sends_and_answers_nothing() -> None:
    async def test(made: World) -> None:
        packets: list[bytes] = []
        async with connected(made) as client:
            await start(client, packets)
            await made.hang_pod(0)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await client.read_gatt_char(Attribute.CONFIG.uuid)
            count = len(packets)
            await asyncio.sleep(0.3)
            assert len(packets) == count
            await made.hang_pod(0, False)
            await until(lambda: len(packets) > count)

    run(test, pods=1)


def test_garbage_and_swallowed_packets_and_a_flood() -> None:
    async def test(made: World) -> None:
        packets: list[bytes] = []
        async with connected(made) as client:
            await start(client, packets)
            await until(lambda: len(packets) >= 2)
            await made.swallow(0, 3)
            count = len(packets)
            await until(lambda: len(packets) >= count + 5)
            lost = sum(
                (after - before) % 2**16 - 1
                for before, after in pairwise(wire.decode(p).sequence for p in packets)
            )
            await made.flood(0, 500.0)
            count = len(packets)
            await asyncio.sleep(0.5)
            flooded = len(packets) - count
            await made.flood(0, 0.0)
            await made.send_garbage(0, 20)
            await until(lambda: any(len(packet) % 12 for packet in packets))
        assert lost == 3
        assert flooded > 200

    run(test, pods=1)


def test_a_pod_of_another_version_says_so_everywhere() -> None:
    async def test(made: World) -> None:
        await made.speak_version(0, 2)
        await asyncio.sleep(0.1)
        packets: list[bytes] = []
        async with connected(made) as client:
            config = await client.read_gatt_char(Attribute.CONFIG.uuid)
            await start(client, packets)
            await until(lambda: len(packets) >= 1)
        advert = (await scan())[made.addresses[0]][1].manufacturer_data[_COMPANY]
        assert [advert[0] >> 4, config[0] >> 4, packets[0][0] >> 4] == [2, 2, 2]

    run(test, pods=1)


def test_battery_and_imu() -> None:
    async def test(made: World) -> None:
        await made.set_battery(0, 3500)
        await made.break_imu(0)
        async with connected(made) as client:
            await start(client, [])
            await until_true(lambda: has_condition(made, PodCondition.IMU_FAULT))
            status = link.decode_status(await client.read_gatt_char(Attribute.STATUS.uuid))
        assert status.battery_mv == 3500
        assert PodCondition.LOW_BATTERY in status.conditions

    run(test, pods=1, speed=4.0)


async def has_condition(made: World, condition: PodCondition) -> bool:
    return condition in PodCondition((await made.stats())[0].conditions)


def test_a_pod_with_another_address_type_is_not_found_until_it_is_forgotten() -> None:
    async def test(made: World) -> None:
        await made.set_connect_patience(0.2)
        device = await find(made.addresses[0])
        await made.pod_off(0)
        await made.pod_on(0, address_type="public")
        assert await scan() == {}
        await BleakClient(device).unpair()
        assert (await find(made.addresses[0])).details["props"]["AddressType"] == "public"

    run(test, pods=1)


# ---- what breaks: BlueZ ----


def test_calls_fail_as_told_and_so_many() -> None:
    async def test(made: World) -> None:
        device = await find(made.addresses[0])
        await made.fail("Connect", 2, "org.bluez.Error.InProgress", "In Progress")
        for _ in range(2):
            with pytest.raises(BleakDBusError, match="InProgress"):
                await BleakClient(device).connect()
        await made.fail("StartDiscovery", error="org.bluez.Error.NotReady", message="Not Ready")
        with pytest.raises(BleakDBusError, match="NotReady"):
            await scan()
        await made.fail("AcquireNotify", error="com.example.Odd", message="odd")
        async with BleakClient(device) as client:
            with pytest.raises(BleakDBusError, match="odd"):
                await start(client, [])
            await start(client, [])

    run(test, pods=1)


def test_a_connect_hangs_for_as_long_as_told() -> None:
    async def test(made: World) -> None:
        device = await find(made.addresses[0])
        await made.hang("Connect", 1.0)
        with pytest.raises(TimeoutError):
            await BleakClient(device, timeout=0.3).connect()
        await asyncio.sleep(1.0)
        assert await made.connected() == []
        async with BleakClient(device):
            pass

    run(test, pods=1)


def test_a_link_goes() -> None:
    async def test(made: World) -> None:
        packets: list[bytes] = []
        async with connected(made) as client:
            await start(client, packets)
            await made.drop_link(0)
            await until(lambda: not client.is_connected)
        async with connected(made):
            pass

    run(test, pods=1)


@pytest.mark.parametrize("disconnect_hangs", [True, False])
def test_a_link_dies_silently(disconnect_hangs: bool) -> None:
    async def test(made: World) -> None:
        packets: list[bytes] = []
        client = BleakClient(await find(made.addresses[0]))
        await client.connect()
        await start(client, packets)
        await until(lambda: len(packets) >= 2)
        await made.silence_link(0, disconnect_hangs)
        await asyncio.sleep(0.05)
        count = len(packets)
        await asyncio.sleep(0.3)
        assert len(packets) == count
        assert client.is_connected
        if disconnect_hangs:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await client.disconnect()
        else:
            await client.disconnect()
            async with connected(made):
                pass

    run(test, pods=1)


def test_a_deaf_adapter_hears_again_after_its_power_was_off() -> None:
    async def test(made: World) -> None:
        await made.deafen()
        assert await scan() == {}
        async with client_bus() as bus:
            await set_power(bus, False)
            await set_power(bus, True)
        assert len(await scan()) == 1

    run(test, pods=1)


def test_power_off_disconnects() -> None:
    async def test(made: World) -> None:
        async with connected(made) as client, client_bus() as bus:
            await set_power(bus, False)
            await until(lambda: not client.is_connected)
            with pytest.raises(BleakError):
                await scan()
            await set_power(bus, True)

    run(test, pods=1)


def test_an_adapter_goes_and_comes_back_with_its_bonds() -> None:
    async def test(made: World) -> None:
        async with connected(made) as client:
            await made.remove_adapter()
            await until(lambda: not client.is_connected)
        with pytest.raises(BleakError):
            await scan()
        await made.add_adapter()
        await asyncio.sleep(0.1)
        async with connected(made) as client:
            await client.read_gatt_char(Attribute.CONFIG.uuid)

    run(test, pods=1)


def test_an_adapter_has_so_many_links_and_no_more() -> None:
    async def test(made: World) -> None:
        await made.limit_links(1)
        async with connected(made, 0), client_bus() as bus:
            await find(made.addresses[1])
            reply = await call(bus, device_path(made, 1), _DEVICE, "Connect")
        assert reply.error_name == "org.bluez.Error.Failed"
        assert reply.body == ["le-connection-concurrent-connection-limit"]

    run(test, pods=2)


def test_stale_services_lack_characteristics_until_the_device_is_removed() -> None:
    async def test(made: World) -> None:
        await made.make_stale(0)
        async with connected(made) as client:
            service = client.services.get_service(Attribute.SERVICE.uuid)
            assert service is not None
            assert service.characteristics == []
            await client.unpair()
        async with connected(made) as client:
            assert client.services.get_characteristic(Attribute.SAMPLES.uuid) is not None

    run(test, pods=1)


def test_a_discovery_that_does_not_stop_well() -> None:
    async def test(made: World) -> None:
        await made.fail("StopDiscovery", error="org.bluez.Error.Failed", message="odd")
        with pytest.raises(BleakDBusError, match="odd"):
            await scan()
        assert len(await scan()) == 1

    run(test, pods=1)


# ---- what breaks: the bus ----


def test_bluez_takes_leave_and_comes_back_with_its_bonds() -> None:
    async def test(made: World) -> None:
        async with connected(made) as client:
            await made.stop_bluez()
            await until(lambda: not client.is_connected)
        await made.start_bluez()
        async with connected(made) as client:
            await client.read_gatt_char(Attribute.CONFIG.uuid)

    run(test, pods=1)


def test_bluez_vanishes_and_bleak_does_not_notice() -> None:
    async def test(made: World) -> None:
        client = BleakClient(await find(made.addresses[0]))
        await client.connect()
        await made.kill_bluez()
        await made.start_bluez()
        assert client.is_connected
        assert await made.connected() == []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.disconnect()

    run(test, pods=1)


def test_the_bus_dies_and_everything_comes_back() -> None:
    async def test(made: World) -> None:
        gone = asyncio.Event()
        client = BleakClient(await find(made.addresses[0]), lambda _: gone.set())
        await client.connect()
        await made.kill_bus()
        async with asyncio.timeout(_PATIENCE_S):
            await gone.wait()
        await client.disconnect()
        await made.start_bus()
        packets: list[bytes] = []
        async with connected(made) as client:
            await start(client, packets)
            await until(lambda: len(packets) >= 2)

    run(test, pods=2)


# ---- afterwards ----


def test_nothing_is_left_of_a_world_in_which_a_test_fails() -> None:
    pids: list[int] = []
    before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")

    async def test(made: World) -> None:
        pids.extend([made.bluez.pid, made.pods.pid, made.daemon_pid])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(test, pods=1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") == before
