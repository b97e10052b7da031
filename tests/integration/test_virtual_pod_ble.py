"""A virtual pod on the air: what a central sees of it, and what it is refused."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from bumble import att
from bumble.controller import Controller
from bumble.core import AdvertisingData, ProtocolError
from bumble.device import Advertisement, Connection, Device, DeviceConfiguration, Peer
from bumble.gatt_client import CharacteristicProxy
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.pairing import PairingConfig
from bumble.transport.common import AsyncPipeSink, PacketParser, StreamPacketSink

from on_the_loop import run, until
from stridehub.kernel import link, wire
from stridehub.kernel.link import Attribute, LinkResult, Opcode, PodCondition, PodState
from stridehub.model import Placement
from stridehub.sim.knobs import RunnerKnobs
from stridehub.sim.runner import SyntheticRunner
from virtual_pod.ble import DEFAULT_ADDRESS, BlePod
from virtual_pod.crystal import Crystal
from virtual_pod.drive import Body, DrivenPod, runner_motion
from virtual_pod.pod import Radio, VirtualPod

HUB, STRANGER = "F1:00:00:00:00:01", "F2:00:00:00:00:02"
START = link.encode_control(link.Control(Opcode.START))
BATTERY_LEVEL, FIRMWARE_REVISION = "2a19", "2a26"


def host_on(air: LocalLink, name: str) -> Host:
    controller = Controller(name, link=air)
    return Host(controller, AsyncPipeSink(controller))


class Hub:
    """A central that bonds without asking anybody."""

    def __init__(self, air: LocalLink, address: str, *, sc: bool, bonding: bool) -> None:
        config = DeviceConfiguration(name="hub", address=Address(address))
        self.device = Device(config=config, host=host_on(air, "hub"))
        self.device.pairing_config_factory = lambda _: PairingConfig(
            sc=sc,
            mitm=False,
            bonding=bonding,
            identity_address_type=PairingConfig.AddressType.RANDOM,
        )
        self._characteristics: dict[str, CharacteristicProxy[bytes]] = {}

    async def see(self) -> Advertisement:
        """The next advertisement."""
        seen: asyncio.Future[Advertisement] = asyncio.get_running_loop().create_future()
        self.device.once(self.device.EVENT_ADVERTISEMENT, seen.set_result)
        await self.device.start_scanning()
        advertisement = await seen
        await self.device.stop_scanning()
        return advertisement

    async def connect(self) -> Connection:
        connection = await self.device.connect(Address(DEFAULT_ADDRESS))
        self.gone = asyncio.Event()
        connection.on(connection.EVENT_DISCONNECTION, lambda _: self.gone.set())
        return connection

    async def explore(self, connection: Connection) -> None:
        """Asks for the usual MTU, and finds all characteristics."""
        peer = Peer(connection)
        await peer.request_mtu(247)
        await self._find(peer)

    async def discover(self, connection: Connection) -> Peer:
        """Finds all characteristics; the MTU stays as it is."""
        peer = Peer(connection)
        await self._find(peer)
        return peer

    async def _find(self, peer: Peer) -> None:
        await peer.discover_all()
        self._characteristics = {
            found.uuid.to_hex_str("-").lower(): found
            for service in peer.services
            for found in service.characteristics
        }

    async def pair(self) -> Connection:
        """Connected, explored, bonded."""
        connection = await self.connect()
        await self.explore(connection)
        await connection.pair()
        return connection

    def the(self, attribute: Attribute | str) -> CharacteristicProxy[bytes]:
        return self._characteristics[attribute if isinstance(attribute, str) else attribute.uuid]

    async def read(self, attribute: Attribute | str) -> bytes:
        return await self.the(attribute).read_value()

    async def write(self, attribute: Attribute, record: bytes) -> None:
        await self.the(attribute).write_value(record, with_response=True)

    async def command(self, attribute: Attribute, record: bytes) -> None:
        await self.the(attribute).write_value(record, with_response=False)

    async def subscribe(self, attribute: Attribute) -> "asyncio.Queue[bytes]":
        notified: asyncio.Queue[bytes] = asyncio.Queue()
        await self.the(attribute).subscribe(notified.put_nowait)
        return notified


class Air:
    """A pod that advertises, and whoever else is there."""

    def __init__(self, link_: LocalLink, ble: BlePod) -> None:
        self._link = link_
        self.ble = ble
        self.pod = ble.pod

    async def hub(self, address: str = HUB, *, sc: bool = True, bonding: bool = True) -> Hub:
        hub = Hub(self._link, address, sc=sc, bonding=bonding)
        await hub.device.power_on()
        return hub


@asynccontextmanager
async def on_air(pod: VirtualPod | None = None, speed: float = 1.0) -> AsyncIterator[Air]:
    place = Placement.SHANK_L
    pod = pod or VirtualPod(place, name="L07", runner="r7", crystal=Crystal(30.0, 2**32 - 10**6))
    motion = runner_motion(SyntheticRunner(RunnerKnobs(), [place], seed=1))
    air = LocalLink()
    body = Body(motion, [DrivenPod(pod, place, imu_rate_error_ratio=0.02)])
    ble = BlePod(host_on(air, "pod"), body, speed=speed)
    await ble.start()
    try:
        yield Air(air, ble)
    finally:
        await ble.stop()


async def refusal(request: Coroutine[Any, Any, Any]) -> int:
    """The ATT error that answers it."""
    with pytest.raises(att.ATT_Error) as error:
        await request
    return error.value.error_code


# ---- what all may see ----


def test_a_scan_sees_placement_and_battery() -> None:
    async def test() -> None:
        async with on_air() as air:
            air.pod.set_battery(3892)
            hub = await air.hub()
            while True:
                seen = dict((await hub.see()).data.ad_structures)
                maker = seen[AdvertisingData.Type.MANUFACTURER_SPECIFIC_DATA]
                record = link.decode_advertisement(maker[2:])
                if record.battery_mv is not None:
                    break
            assert maker[:2] == b"\xff\xff"
            assert record == link.Advertisement(Placement.SHANK_L, 3892, PodCondition.PAIRING)
            uuid = seen[AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS]
            assert uuid == bytes.fromhex(Attribute.SERVICE.uuid.replace("-", ""))[::-1]
            assert sum(2 + len(part) for part in seen.values()) <= 31

    run(test())


@pytest.mark.parametrize(("name", "told"), [("L07", b"\x04\x09L07"), ("", b"\x09\x09pod-0001")])
def test_the_scan_response_is_the_name(name: str, told: bytes) -> None:
    async def test() -> None:
        async with on_air(VirtualPod(Placement.SHANK_L, name=name)) as air:
            await until(lambda: air.ble.device.is_advertising)
            assert air.ble.device.scan_response_data == told

    run(test())


def test_a_stranger_reads_info_and_standard_services_only() -> None:
    async def test() -> None:
        async with on_air() as air:
            hub = await air.hub()
            await hub.explore(await hub.connect())
            info = wire.decode_info(await hub.read(Attribute.INFO))
            assert info.placement == Placement.SHANK_L
            assert info.acc_nm_s2_per_lsb == 4785645
            assert await hub.read(FIRMWARE_REVISION) == b"1.0"
            assert await refusal(hub.read(BATTERY_LEVEL)) == LinkResult.UNKNOWN
            air.pod.set_battery(4200)
            assert await hub.read(BATTERY_LEVEL) == bytes([100])
            for attribute in (Attribute.CONFIG, Attribute.STATUS):
                assert await refusal(hub.read(attribute)) == LinkResult.NOT_ENCRYPTED
            for attribute in (Attribute.CONTROL, Attribute.CONFIG):
                assert await refusal(hub.write(attribute, START)) == LinkResult.NOT_ENCRYPTED
            for attribute in (Attribute.SAMPLES, Attribute.TIME, Attribute.STATUS):
                assert await refusal(hub.subscribe(attribute)) == LinkResult.NOT_ENCRYPTED
            buzz = link.encode_haptic(link.HapticPattern(60, 1, 100, 100))
            await hub.command(Attribute.HAPTIC, buzz)
            await hub.read(Attribute.INFO)
            assert air.pod.take_motor_edges() == []

    run(test())


# ---- pairing ----


def test_in_the_pairing_window_a_hub_bonds() -> None:
    async def test() -> None:
        async with on_air() as air:
            hub = await air.hub()
            connection = await hub.pair()
            assert connection.is_encrypted
            await until(lambda: bool(air.pod.status().conditions & PodCondition.BONDED))
            status = link.decode_status(await hub.read(Attribute.STATUS))
            assert status.state == PodState.CONNECTED

    run(test())


def test_outside_the_pairing_window_only_a_tap_opens_the_pod() -> None:
    async def test() -> None:
        async with on_air(VirtualPod(Placement.SHANK_L, power_on=False)) as air:
            hub = await air.hub()
            connection = await hub.connect()
            with pytest.raises(ProtocolError, match="PAIRING_NOT_SUPPORTED"):
                await connection.pair()
            assert not connection.is_encrypted
            air.pod.tap()
            await connection.pair()
            assert connection.is_encrypted

    run(test())


@pytest.mark.parametrize(("sc", "bonding"), [(False, True), (True, False)])
def test_pairing_that_is_not_secure_or_leaves_no_bond_is_refused(sc: bool, bonding: bool) -> None:
    async def test() -> None:
        async with on_air() as air:
            hub = await air.hub(sc=sc, bonding=bonding)
            connection = await hub.connect()
            with pytest.raises(ProtocolError, match="AUTHENTICATION_REQUIREMENTS"):
                await connection.pair()
            assert not connection.is_encrypted

    run(test())


def test_a_bonded_hub_comes_back_and_a_stranger_does_not_come_in() -> None:
    async def test() -> None:
        async with on_air() as air:
            hub, stranger = await air.hub(), await air.hub(STRANGER)
            connection = await hub.pair()
            await connection.disconnect()
            air.pod.boot()
            assert not air.pod.wishes.pairing
            await stranger.connect()
            await stranger.gone.wait()
            connection = await hub.connect()
            await hub.explore(connection)
            await connection.encrypt()
            assert link.decode_config(await hub.read(Attribute.CONFIG)).name == "L07"
            assert air.pod.status().conditions == PodCondition.BONDED

    run(test())


def test_a_central_that_does_not_encrypt_has_to_go() -> None:
    async def test() -> None:
        async with on_air(speed=20.0) as air:
            hub = await air.hub()
            await hub.connect()
            await hub.gone.wait()
            await until(lambda: air.ble.device.is_advertising)

    run(test())


def test_a_further_central_is_turned_away() -> None:
    async def test() -> None:
        async with on_air() as air:
            hub, further = await air.hub(), await air.hub(STRANGER)
            await hub.pair()
            await air.ble.device.start_advertising()
            await further.connect()
            await further.gone.wait()
            status = link.decode_status(await hub.read(Attribute.STATUS))
            assert status.centrals_refused == 1
            assert not hub.gone.is_set()

    run(test())


# ---- what a bonded hub does ----


def test_refusals_are_att_errors_with_the_codes_of_the_core() -> None:
    async def test() -> None:
        async with on_air(VirtualPod()) as air:
            hub = await air.hub()
            await hub.pair()
            write = hub.write
            assert await refusal(hub.read(Attribute.INFO)) == LinkResult.NO_PLACE
            assert await refusal(write(Attribute.CONTROL, START)) == LinkResult.NOT_SUBSCRIBED
            assert await refusal(write(Attribute.CONTROL, b"\x13\x09")) == LinkResult.BAD_OPCODE
            assert await refusal(write(Attribute.CONTROL, b"\x23\x01")) == LinkResult.BAD_VERSION
            await hub.subscribe(Attribute.SAMPLES)
            assert await refusal(write(Attribute.CONTROL, START)) == LinkResult.NO_PLACE
            air.pod.fill_flash()
            config = link.encode_config(link.PodConfig(Placement.FOOT_R, "R1", "r1"))
            assert await refusal(write(Attribute.CONFIG, config)) == LinkResult.NOT_KEPT
            air.pod.fill_flash(full=False)
            await write(Attribute.CONFIG, config)
            assert await hub.read(Attribute.CONFIG) == config
            assert await refusal(hub.read(Attribute.SAMPLES)) == att.ErrorCode.READ_NOT_PERMITTED
            assert await refusal(write(Attribute.STATUS, b"")) == att.ErrorCode.WRITE_NOT_PERMITTED
            status = link.decode_status(await hub.read(Attribute.STATUS))
            assert (status.writes_refused, status.settings_lost) == (5, 1)

    run(test())


def test_samples_stream_without_a_gap_until_they_are_stopped() -> None:
    async def test() -> None:
        async with on_air() as air:
            hub = await air.hub()
            await hub.pair()
            notified = await hub.subscribe(Attribute.SAMPLES)
            await hub.write(Attribute.CONTROL, START)
            packets = [wire.decode(await notified.get()) for _ in range(40)]
            assert [packet.sequence for packet in packets] == list(range(40))
            assert {packet.placement for packet in packets} == {Placement.SHANK_L}
            steps = [b.pod_clock_us - a.pod_clock_us for a, b in pairwise(packets[1:])]
            due_us = 8e6 / (208 * 1.02)
            assert [step % 2**32 for step in steps] == pytest.approx([due_us] * 38, abs=5)
            await hub.write(Attribute.CONTROL, link.encode_control(link.Control(Opcode.STOP)))
            assert not air.pod.wishes.imu_streams
            await hub.the(Attribute.SAMPLES).unsubscribe()
            assert await refusal(hub.write(Attribute.CONTROL, START)) == LinkResult.NOT_SUBSCRIBED

    run(test())


def test_a_buzz_moves_the_motor_at_once() -> None:
    async def test() -> None:
        async with on_air() as air:
            hub = await air.hub()
            await hub.pair()
            before_us = air.pod.now_us
            buzz = link.encode_haptic(link.HapticPattern(75, 2, 50, 100))
            await hub.command(Attribute.HAPTIC, buzz)
            await hub.read(Attribute.STATUS)
            after_us = air.pod.now_us
            await until(lambda: air.pod.now_us > after_us + 300_000)
            edges = air.pod.take_motor_edges()
            assert before_us <= edges[0].at_us <= after_us
            played = [(edge.at_us - edges[0].at_us, edge.percent) for edge in edges]
            assert played[:2] == [(0, 75), (50_000, 0)]
            assert [percent for _, percent in played[2:]] == [75, 0]

    run(test())


def test_a_disconnection_cuts_motor_and_stream_and_the_pod_advertises() -> None:
    async def test() -> None:
        async with on_air() as air:
            hub = await air.hub()
            connection = await hub.pair()
            await hub.subscribe(Attribute.SAMPLES)
            await hub.write(Attribute.CONTROL, START)
            buzz = link.encode_haptic(link.HapticPattern(75, 10, 100, 1000))
            await hub.command(Attribute.HAPTIC, buzz)
            await until(lambda: air.pod.motor.percent == 75)
            await connection.disconnect()
            await until(lambda: air.pod.wishes.radio == Radio.FAST)
            assert air.pod.motor.percent == 0
            assert not air.pod.wishes.imu_streams
            await until(lambda: air.ble.device.is_advertising)
            air.pod.take_motor_edges()
        air.pod.wait(20.0)
        assert air.pod.take_motor_edges() == []
        assert air.pod.take_packets() == []

    run(test())


def test_times_are_answered_and_changes_of_status_told() -> None:
    async def test() -> None:
        async with on_air(speed=2.0) as air:
            hub = await air.hub()
            await hub.pair()
            replies = await hub.subscribe(Attribute.TIME)
            before_us = air.pod.now_us
            await hub.command(Attribute.TIME, link.encode_time_request(12345))
            reply = link.decode_time_reply(await replies.get())
            assert reply.t1 == 12345
            assert (reply.t3_us - reply.t2_us) % 2**32 <= air.pod.now_us - before_us
            told = await hub.subscribe(Attribute.STATUS)
            assert link.decode_status(await told.get()).state == PodState.CONNECTED
            air.pod.set_battery(3400)
            while link.decode_status(await told.get()).battery_mv != 3400:
                pass

    run(test())


def test_status_is_not_cut_but_waits_for_an_mtu_that_holds_it() -> None:
    async def test() -> None:
        async with on_air(speed=5.0) as air:
            hub = await air.hub()
            connection = await hub.connect()
            peer = await hub.discover(connection)
            await connection.pair()
            told = await hub.subscribe(Attribute.STATUS)
            begin_us = air.pod.now_us
            await until(lambda: air.pod.now_us > begin_us + 2_500_000)
            assert told.empty()
            await peer.request_mtu(33)
            assert link.decode_status(await told.get()).state == PodState.CONNECTED

    run(test())


def test_a_refused_write_request_is_answered_even_where_a_command_would_do() -> None:
    async def test() -> None:
        async with on_air() as air:
            hub = await air.hub()
            await hub.pair()
            for attribute in (Attribute.HAPTIC, Attribute.TIME):
                assert await refusal(hub.write(attribute, b"\x10")) == LinkResult.BAD_TYPE
            buzz = link.encode_haptic(link.HapticPattern(75, 2, 50, 100))
            await hub.write(Attribute.HAPTIC, buzz)
            assert air.pod.take_motor_edges()[0].percent == 75

    run(test())


def test_a_refused_command_is_counted_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with on_air() as air:
            hub = await air.hub()
            await hub.pair()
            await hub.command(Attribute.HAPTIC, b"\x10")
            await hub.command(Attribute.TIME, b"\x10")
            status = link.decode_status(await hub.read(Attribute.STATUS))
            assert status.writes_refused == 2

    run(test())
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_pod_ends_when_its_controller_goes() -> None:
    async def test() -> None:
        async with on_air() as air:
            gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            life = asyncio.create_task(air.ble.run(controller_gone=gone))
            await asyncio.sleep(0.05)
            assert not life.done()
            gone.set_result(None)
            with pytest.raises(ConnectionError, match="controller is gone"):
                await life

    run(test())


def test_the_command_ends_with_a_word_when_its_controller_goes(root: Path) -> None:
    async def test() -> None:
        air = LocalLink()
        lines: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            lines.append(writer)
            source = PacketParser(
                Controller("pod", host_sink=StreamPacketSink(writer.transport), link=air)
            )
            while data := await reader.read(1024):
                source.feed_data(data)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "virtual_pod", "ble", f"tcp-client:127.0.0.1:{port}"),
            cwd=root / "firmware" / "virtual",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert (await process.stdout.readline()).startswith(b"advertising as")
        lines[0].close()
        _, complaint = await process.communicate()
        assert process.returncode == 1
        assert complaint == b"virtual_pod: the controller is gone\n"
        server.close()

    run(test())


def test_an_empty_pod_sends_its_hub_away_and_falls_silent() -> None:
    async def test() -> None:
        async with on_air() as air:
            hub = await air.hub()
            await hub.pair()
            air.pod.set_battery(3200)
            air.pod.set_battery(3200)  # twice in a row, to be believed
            await hub.gone.wait()
            await until(lambda: air.pod.status().state == PodState.EMPTY)
            assert air.pod.wishes.sleep_to_end
            assert not air.ble.device.is_advertising

    run(test())
