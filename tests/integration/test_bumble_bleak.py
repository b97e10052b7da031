"""The tests' own Bluetooth: what bleak sees of pods on Bumble's simulated air."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_16
from bleak_retry_connector import BleakConnectionError, establish_connection

from bumble_bleak.backend import WISHED_MTU
from bumble_bleak.world import SHANKS_AND_PELVIS, World, bumble_world
from on_the_loop import run, until
from stridehub.errors import RadioError
from stridehub.kernel import link, wire
from stridehub.kernel.link import Attribute, LinkResult, Opcode, PodCondition
from stridehub.model import Placement
from stridehub.pods.radio import Host

COMPANY_ID = 0xFFFF
CLIENT_CONFIGURATION = normalize_uuid_16(0x2902)
START = link.encode_control(link.Control(Opcode.START))
ONE = (Placement.SHANK_L,)


async def found(world: World, number: int = 0) -> BLEDevice:
    address = world.address(number)
    device = await BleakScanner.find_device_by_address(address, backend=world.scanner)
    assert device is not None
    return device


def client(world: World, number: int = 0, **options: Any) -> BleakClient:
    return BleakClient(world.address(number), backend=world.client, **options)


@asynccontextmanager
async def bonded(
    pods: Sequence[Placement] = SHANKS_AND_PELVIS[:1], speed: float = 1.0
) -> AsyncIterator[tuple[World, list[BleakClient]]]:
    async with bumble_world(pods, speed) as world:
        clients = [client(world, number, pair=True) for number in range(len(pods))]
        await asyncio.gather(*(one.connect() for one in clients))
        yield world, clients


async def refusal(request: Coroutine[Any, Any, Any]) -> int:
    """The ATT error that answers it."""
    with pytest.raises(BleakGATTProtocolError) as error:
        await request
    return error.value.code


async def config_of(one: BleakClient) -> link.PodConfig:
    return link.decode_config(bytes(await one.read_gatt_char(Attribute.CONFIG.uuid)))


async def write(one: BleakClient, attribute: Attribute, record: bytes) -> None:
    await one.write_gatt_char(attribute.uuid, record, response=True)


async def samples_of(one: BleakClient) -> "asyncio.Queue[bytes]":
    """Subscribes and starts."""
    notified: asyncio.Queue[bytes] = asyncio.Queue()

    def take(_: BleakGATTCharacteristic, packet: bytearray) -> None:
        notified.put_nowait(bytes(packet))

    await one.start_notify(Attribute.SAMPLES.uuid, take)
    await write(one, Attribute.CONTROL, START)
    return notified


# ---- scanning ----


def test_a_scan_for_the_service_finds_record_and_name_of_all_pods() -> None:
    async def test() -> None:
        async with bumble_world() as world:
            seen: dict[str, AdvertisementData] = {}

            def take(device: BLEDevice, advertised: AdvertisementData) -> None:
                assert device.name == advertised.local_name
                seen[device.address] = advertised

            service = [Attribute.SERVICE.uuid]
            async with BleakScanner(take, service, backend=world.scanner):
                await until(lambda: len(seen) == len(world.pods))
            for number, placement in enumerate(SHANKS_AND_PELVIS):
                advertised = seen[world.address(number)]
                record = link.decode_advertisement(advertised.manufacturer_data[COMPANY_ID])
                assert record == link.Advertisement(placement, 3900, PodCondition.PAIRING)
                assert advertised.local_name == placement.label
                assert advertised.service_uuids == service

    run(test(), nothing_left=True)


def test_a_scan_for_another_service_finds_nothing() -> None:
    async def test() -> None:
        async with bumble_world(ONE) as world:
            other = BleakScanner(service_uuids=["180f"], backend=world.scanner)
            async with other, BleakScanner(backend=world.scanner) as all_services:
                await until(lambda: bool(all_services.discovered_devices))
            assert not other.discovered_devices

    run(test(), nothing_left=True)


# ---- pairing ----


def test_without_a_bond_a_pod_tells_info_only() -> None:
    async def test() -> None:
        async with bumble_world(ONE) as world, client(world) as stranger:
            info = wire.decode_info(bytes(await stranger.read_gatt_char(Attribute.INFO.uuid)))
            assert info.placement == Placement.SHANK_L
            config = stranger.read_gatt_char(Attribute.CONFIG.uuid)
            assert await refusal(config) == LinkResult.NOT_ENCRYPTED

            def take(_: BleakGATTCharacteristic, _packet: bytearray) -> None:
                raise AssertionError

            subscription = stranger.start_notify(Attribute.SAMPLES.uuid, take)
            assert await refusal(subscription) == LinkResult.NOT_ENCRYPTED

    run(test(), nothing_left=True)


def test_in_the_pairing_window_a_client_bonds() -> None:
    async def test() -> None:
        async with bonded() as (world, [one]):
            assert await config_of(one) == link.PodConfig(Placement.PELVIS, "pelvis", "r1")
            assert one.mtu_size == WISHED_MTU
            control = one.services.get_characteristic(Attribute.CONTROL.uuid)
            assert control is not None
            assert control.max_write_without_response_size == WISHED_MTU - 3
            assert control.properties == ["write"]
            samples = one.services.get_characteristic(Attribute.SAMPLES.uuid)
            assert samples is not None
            subscription = samples.get_descriptor(CLIENT_CONFIGURATION)
            assert subscription is not None
            assert await one.read_gatt_descriptor(subscription) == bytes(2)
            assert world.pods[0].pod.status().conditions & PodCondition.BONDED

    run(test(), nothing_left=True)


def test_outside_the_pairing_window_a_client_is_refused() -> None:
    async def test() -> None:
        async with bumble_world(ONE) as world:
            world.pods[0].pod.boot()
            stranger = client(world, pair=True)
            with pytest.raises(BleakError, match=r"AuthenticationFailed.*PAIRING_NOT_SUPPORTED"):
                await stranger.connect()
            assert not stranger.is_connected
            world.pods[0].pod.tap()
            await stranger.connect()
            assert (await config_of(stranger)).name == "shank_l"

    run(test(), nothing_left=True)


def test_a_bond_is_enough_to_come_back_and_gone_when_unpaired() -> None:
    async def test() -> None:
        async with bonded() as (world, [one]):
            await one.disconnect()
            world.pods[0].pod.boot()
            assert (await found(world)).details["props"]["Bonded"]
            again = client(world)
            await again.connect()
            assert (await config_of(again)).name == "pelvis"
            await again.unpair()
            assert not again.is_connected
            assert not (await found(world)).details["props"]["Bonded"]
            await again.connect()
            config = again.read_gatt_char(Attribute.CONFIG.uuid)
            assert await refusal(config) == LinkResult.NOT_ENCRYPTED

    run(test(), nothing_left=True)


def test_a_pod_that_has_lost_its_bonds_is_disconnected() -> None:
    async def test() -> None:
        async with bonded() as (world, [one]):
            await one.disconnect()
            bonds = world.pods[0].device.keystore
            assert bonds is not None
            await bonds.delete_all()
            with pytest.raises(BleakError, match="device disconnected"):
                await one.connect()
            assert not one.is_connected

    run(test(), nothing_left=True)


def test_a_pod_that_knows_another_hub_turns_a_stranger_away() -> None:
    async def test() -> None:
        async with bumble_world(ONE, adapters=2) as world:
            async with client(world, pair=True):
                pass
            world.pods[0].pod.boot()
            ended: list[BleakClient] = []
            stranger = client(
                world, disconnected_callback=ended.append, pair=True, bluez={"adapter": "hci1"}
            )
            with pytest.raises(BleakError, match="device disconnected"):
                await stranger.connect()
            assert ended == [stranger]

    run(test(), nothing_left=True)


# ---- what a bonded client does ----


def test_pods_stream_without_a_gap() -> None:
    async def test() -> None:
        async with bonded(SHANKS_AND_PELVIS) as (_, clients):
            for notified in [await samples_of(one) for one in clients]:
                packets = [wire.decode(await notified.get()) for _ in range(60)]
                assert [packet.sequence for packet in packets] == list(range(60))
                assert packets[-1].dropped == 0

    run(test(), nothing_left=True)


def test_refusals_keep_the_codes_of_the_pod() -> None:
    async def test() -> None:
        async with bonded() as (world, [one]):
            for record, code in (
                (START, LinkResult.NOT_SUBSCRIBED),
                (b"\x23\x01", LinkResult.BAD_VERSION),
                (b"\x14\x01", LinkResult.BAD_TYPE),
                (b"\x13\x01\x01", LinkResult.BAD_LENGTH),
                (b"\x13\x09", LinkResult.BAD_OPCODE),
                (b"\x13\x04\x00", LinkResult.OUT_OF_RANGE),
            ):
                assert await refusal(write(one, Attribute.CONTROL, record)) == code
            world.pods[0].pod.fill_flash()
            config = link.encode_config(link.PodConfig(Placement.CHEST, "C1", "r1"))
            assert await refusal(write(one, Attribute.CONFIG, config)) == LinkResult.NOT_KEPT
            world.pods[0].pod.fill_flash(full=False)
            await samples_of(one)
            assert await refusal(write(one, Attribute.CONFIG, config)) == LinkResult.BUSY

    run(test(), nothing_left=True)


def test_a_stopped_subscription_ends_the_stream() -> None:
    async def test() -> None:
        async with bonded() as (world, [one]):
            notified = await samples_of(one)
            await notified.get()
            await one.stop_notify(Attribute.SAMPLES.uuid)
            assert not world.pods[0].pod.wishes.imu_streams
            assert await refusal(write(one, Attribute.CONTROL, START)) == LinkResult.NOT_SUBSCRIBED

    run(test(), nothing_left=True)


# ---- links that end ----


def test_a_lost_link_is_told_once_and_the_pod_comes_back() -> None:
    async def test() -> None:
        async with bumble_world(ONE) as world:
            ended: list[BleakClient] = []
            one = client(world, disconnected_callback=ended.append, pair=True)
            await one.connect()
            world.drop(0)
            await until(lambda: bool(ended))
            assert not one.is_connected
            with pytest.raises(BleakError):
                await config_of(one)
            await one.connect()
            assert await config_of(one)
            assert ended == [one]
            await one.disconnect()
            assert ended == [one, one]

    run(test(), nothing_left=True)


def test_a_request_under_way_fails_with_the_link() -> None:
    async def test() -> None:
        async with bonded() as (world, [one]):
            world.silence(0)
            requests = [asyncio.create_task(config_of(one)) for _ in range(2)]
            await asyncio.sleep(0.05)
            world.drop(0)
            for request in requests:
                with pytest.raises(BleakError, match="Not connected"):
                    await request

    run(test(), nothing_left=True)


def test_a_silent_pod_answers_late_and_has_dropped_what_did_not_fit() -> None:
    async def test() -> None:
        async with bonded(speed=5.0) as (world, [one]):
            notified = await samples_of(one)
            last = wire.decode(await notified.get())
            world.silence(0)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(config_of(one), 0.8)
            while not notified.empty():
                last = wire.decode(notified.get_nowait())
            assert one.is_connected
            world.restore(0)
            info = await one.read_gatt_char(Attribute.INFO.uuid)
            assert wire.decode_info(bytes(info)).placement == Placement.PELVIS
            missed = 0
            while not missed:
                packet = wire.decode(await notified.get())
                missed, last = packet.sequence - last.sequence - 1, packet
            assert missed == last.dropped

    run(test(), nothing_left=True)


def test_a_pod_that_is_off_does_not_hold_up_others() -> None:
    async def test() -> None:
        async with bumble_world(SHANKS_AND_PELVIS[:2]) as world:
            world.off(0)
            absent, present = (client(world, number, pair=True) for number in (0, 1))
            waiting = asyncio.create_task(absent.connect())
            await asyncio.sleep(0.05)
            await present.connect()
            with pytest.raises(TimeoutError):
                await client(world, timeout=0.2).connect()
            assert not waiting.done()
            world.on(0)
            await waiting
            assert (await config_of(absent)).name == "pelvis"

    run(test(), nothing_left=True)


# ---- what hubs put between ----


def test_the_host_forgets_and_hangs_up() -> None:
    async def test() -> None:
        async with bonded() as (world, [one]):
            host: Host = world.host
            (adapter,) = await host.adapters()
            assert (adapter.name, adapter.powered, adapter.discovering) == ("hci0", True, False)
            await host.hang_up(adapter.name, [world.address(0)])
            assert not one.is_connected
            assert (await found(world)).details["props"]["Bonded"]
            await host.forget(adapter.name, world.address(0))
            assert not (await found(world)).details["props"]["Bonded"]
            async with host.pairing(adapter.name, world.address(0)):
                await one.connect()
            await host.power_cycle(adapter.name)
            assert not one.is_connected
            with pytest.raises(RadioError):
                await host.power_cycle("hci1")

    run(test(), nothing_left=True)


def test_the_retry_connector_takes_it_for_no_bluez() -> None:
    async def test() -> None:
        async with bumble_world(ONE) as world:
            device = await found(world)

            async def establish() -> BleakClient:
                return await establish_connection(
                    BleakClient, device, "pod", max_attempts=2, pair=True, backend=world.client
                )

            world.pods[0].pod.boot()
            with pytest.raises(BleakConnectionError, match="after 2 attempt"):
                await establish()
            world.pods[0].pod.tap()
            one = await establish()
            assert (await config_of(one)).name == "shank_l"
            await one.disconnect()

    run(test(), nothing_left=True)
