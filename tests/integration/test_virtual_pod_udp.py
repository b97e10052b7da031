"""Many virtual pods on one socket: what a hub under load talks to."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from on_the_loop import PATIENCE_S, run
from stridehub.kernel import link, wire
from stridehub.kernel.link import Attribute, LinkResult, Opcode, PodState
from stridehub.model import Placement
from virtual_pod import udp_hub
from virtual_pod.__main__ import main
from virtual_pod.drive import team
from virtual_pod.pod import ReadRefusedError
from virtual_pod.udp import HOST, UdpPods
from virtual_pod.udp_frames import REQUESTS, Frame, Kind, decode_frame, encode_frame
from virtual_pod.udp_hub import UdpHub
from virtual_pod.udp_line import MOST_IN_FLIGHT, Line

START = link.encode_control(link.Control(Opcode.START))
STOP = link.encode_control(link.Control(Opcode.STOP))
Address = tuple[str, int]


class Listener:
    """A hub, and all it was told."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[Frame] = asyncio.Queue()
        self.heard: list[Frame] = []
        self.hub = UdpHub(self._hear)

    @property
    def address(self) -> Address:
        return self.hub.address

    def _hear(self, frame: Frame) -> None:
        self.heard.append(frame)
        self.frames.put_nowait(frame)

    def packets(self, pod: int) -> list[wire.Packet]:
        return [
            wire.decode(frame.payload)
            for frame in self.heard
            if frame.attribute == Attribute.SAMPLES and frame.pod == pod
        ]

    async def next(self, kind: Kind, attribute: Attribute | None = None) -> Frame:
        while True:
            frame = await self.frames.get()
            if (frame.kind, frame.attribute) == (kind, attribute):
                return frame


class Bare(asyncio.DatagramProtocol):
    """A socket that keeps what it hears to itself."""

    def __init__(self, heard: list[bytes]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._heard.append(data)


async def bare(pods: Address, heard: list[bytes]) -> asyncio.DatagramTransport:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: Bare(heard), remote_addr=pods)
    return transport


async def among(
    count: int, test: Callable[..., Coroutine[None, None, None]], hubs: int = 1, speed: float = 1.0
) -> None:
    """Runs the test with pods, and hubs that know where they are."""
    pods = UdpPods(team(count, seed=count), speed)
    at = await pods.open()
    with closing(pods), ExitStack() as still_open:
        listeners = [Listener() for _ in range(hubs)]
        for listener in listeners:
            await listener.hub.open(at)
            still_open.enter_context(closing(listener.hub))
        await test(pods, *listeners)


def test_frames_come_back_as_they_were() -> None:
    frame = Frame(Kind.NOTIFY, 39, Attribute.SAMPLES, 0xFFFF, 2**40, b"abc")
    assert decode_frame(encode_frame(frame)) == frame
    assert decode_frame(encode_frame(Frame(Kind.STEP))) == Frame(Kind.STEP)
    assert decode_frame(encode_frame(frame)[:13]) is None
    assert decode_frame(b"\0\0\0\x07" + bytes(10)) is None
    assert decode_frame(b"\0\0\x63\x01" + bytes(10)) is None


def test_forty_pods_at_full_speed_lose_nothing() -> None:
    seconds = 5.0

    async def test(pods: UdpPods, listener: Listener) -> None:
        await listener.hub.connect_all(range(40))
        life = asyncio.create_task(pods.run(seconds))
        for pod in range(40):
            assert await listener.hub.write(pod, Attribute.CONTROL, START) == LinkResult.OK
        await life
        for pod in range(40):
            packets = listener.packets(pod)
            assert [packet.sequence for packet in packets] == list(range(len(packets)))
            assert len(packets) * 8 / 208 == pytest.approx(seconds, rel=0.05)
            assert {packet.dropped for packet in packets} == {0}
            steps = [(b.pod_clock_us - a.pod_clock_us) % 2**32 for a, b in pairwise(packets)]
            assert steps[1:] == pytest.approx([8e6 / 208] * len(steps[1:]), rel=0.03)
        times = [frame.time_us for frame in listener.heard]
        assert times == sorted(times)
        assert times[-1] == seconds * 1e6

    run(among(40, test, speed=0.0))


def test_what_a_hub_asks_is_answered_as_a_pod_answers() -> None:
    async def test(_: UdpPods, listener: Listener) -> None:
        hub = listener.hub
        assert await hub.write(0, Attribute.CONTROL, START) == LinkResult.NOT_ENCRYPTED
        assert await hub.connect(0) == LinkResult.OK
        assert await hub.write(0, Attribute.CONTROL, START) == LinkResult.NOT_SUBSCRIBED
        assert await hub.write(0, Attribute.CONTROL, b"") == LinkResult.BAD_LENGTH
        info = wire.decode_info(await hub.read(0, Attribute.INFO))
        assert (info.placement, info.rate_mhz) == (Placement.PELVIS, 208_000)
        config = link.decode_config(await hub.read(0, Attribute.CONFIG))
        assert (config.placement, config.name) == (Placement.PELVIS, "pelvis")
        empty = link.encode_config(link.PodConfig(None, "", ""))
        assert await hub.write(0, Attribute.CONFIG, empty) == LinkResult.OK
        with pytest.raises(ReadRefusedError) as refusal:
            await hub.read(0, Attribute.INFO)
        assert refusal.value.result == LinkResult.NO_PLACE
        status = link.decode_status(await hub.read(0, Attribute.STATUS))
        assert (status.state, status.writes_refused) == (PodState.CONNECTED, 2)
        assert await hub.disconnect(0) == LinkResult.OK
        assert await hub.disconnect(0) == LinkResult.NOT_ENCRYPTED

    run(among(2, test))


def test_a_pod_belongs_to_one_hub() -> None:
    async def test(_: UdpPods, one: Listener, other: Listener) -> None:
        assert await one.hub.connect(0) == LinkResult.OK
        assert await other.hub.connect(0) == LinkResult.BUSY
        assert await other.hub.write(0, Attribute.CONTROL, STOP) == LinkResult.NOT_ENCRYPTED
        status = link.decode_status(await one.hub.read(0, Attribute.STATUS))
        assert status.centrals_refused == 1
        assert await one.hub.disconnect(0) == LinkResult.OK
        assert await other.hub.connect(0) == LinkResult.OK

    run(among(1, test, hubs=2))


def test_times_status_and_a_goodbye_are_notified() -> None:
    async def test(pods: UdpPods, listener: Listener) -> None:
        hub = listener.hub
        life = asyncio.create_task(pods.run(1e6))
        assert await hub.connect(0) == LinkResult.OK
        for attribute in (Attribute.TIME, Attribute.STATUS):
            assert await hub.subscribe(0, attribute) == LinkResult.OK
        request = link.encode_time_request(2**63)
        assert await hub.write(0, Attribute.TIME, request) == LinkResult.OK
        reply = link.decode_time_reply((await listener.next(Kind.NOTIFY, Attribute.TIME)).payload)
        assert reply.t1 == 2**63
        pods.seats[0].pod.set_battery(3400)
        while True:
            told = await listener.next(Kind.NOTIFY, Attribute.STATUS)
            if link.decode_status(told.payload).battery_mv == 3400:
                break
        pods.seats[0].pod.set_battery(3200)
        pods.seats[0].pod.set_battery(3200)  # twice in a row, to be believed
        await listener.next(Kind.GONE)
        assert await hub.connect(0) == LinkResult.BUSY
        life.cancel()

    run(among(1, test, speed=5.0))


# ---- hubs that stop, vanish or dawdle ----


async def more_packets(listener: Listener, pod: int, count: int) -> None:
    due = len(listener.packets(pod)) + count
    while len(listener.packets(pod)) < due:
        await asyncio.sleep(0.005)


def test_at_full_speed_time_stands_still_while_no_pod_streams() -> None:
    async def test(pods: UdpPods, one: Listener, other: Listener) -> None:
        life = asyncio.create_task(pods.run(float("inf")))
        await one.hub.connect_all([0])
        for _ in range(2):
            assert await one.hub.write(0, Attribute.CONTROL, START) == LinkResult.OK
            await more_packets(one, 0, 50)
            assert await one.hub.write(0, Attribute.CONTROL, STOP) == LinkResult.OK
            stopped_us = pods.seats[0].pod.now_us
            await asyncio.sleep(0.1)
            assert pods.seats[0].pod.now_us - stopped_us <= 50_001  # the step that had begun
        assert await one.hub.disconnect(0) == LinkResult.OK
        await other.hub.connect_all([0])
        assert await other.hub.write(0, Attribute.CONTROL, START) == LinkResult.OK
        await more_packets(other, 0, 50)
        life.cancel()
        await asyncio.wait([life])

    run(among(1, test, hubs=2, speed=0.0))


@pytest.mark.parametrize("speed", [1.0, 0.0])
def test_a_hub_that_vanishes_loses_its_pods_and_no_one_else_does(speed: float) -> None:
    async def test(pods: UdpPods, one: Listener, other: Listener) -> None:
        life = asyncio.create_task(pods.run(float("inf")))
        await one.hub.connect_all([0])
        await other.hub.connect_all([1])
        for pod, listener in enumerate((one, other)):
            assert await listener.hub.write(pod, Attribute.CONTROL, START) == LinkResult.OK
        await more_packets(one, 0, 10)
        one.hub.close()
        begin_s = time.monotonic()
        while await other.hub.connect(0) == LinkResult.BUSY:
            await asyncio.sleep(0.1)
        assert time.monotonic() - begin_s > 3.0
        await more_packets(other, 1, 10)
        assert await other.hub.disconnect(0) == LinkResult.OK
        packets = other.packets(1)
        assert [packet.sequence for packet in packets] == list(range(len(packets)))
        assert {packet.dropped for packet in packets} == {0}
        assert not any(frame.kind == Kind.GONE for frame in other.heard)
        life.cancel()

    run(among(2, test, hubs=2, speed=speed))


def test_a_hub_that_is_busy_finds_its_packets_in_the_pods(root: Path) -> None:
    pods = range(20)

    async def test(at: Address) -> None:
        listener = Listener()
        await listener.hub.open(at)
        with closing(listener.hub):
            await listener.hub.connect_all(pods)
            for pod in pods:
                assert await listener.hub.write(pod, Attribute.CONTROL, START) == LinkResult.OK
            await more_packets(listener, 0, 3)
            time.sleep(1.2)
            await more_packets(listener, 0, 60)
        for pod in pods:
            packets = listener.packets(pod)
            assert [packet.sequence for packet in packets] == list(range(len(packets)))
            assert {packet.dropped for packet in packets} == {0}

    with served(root, "--pods", str(len(pods))) as (at, _):
        run(test(at))


def test_pods_that_wait_for_a_slow_hub_drop_their_oldest_packets() -> None:
    async def test(pods: UdpPods, _: Listener) -> None:
        heard: list[bytes] = []
        mute = await bare(pods.address, heard)
        mute.sendto(encode_frame(Frame(Kind.CONNECT)))
        mute.sendto(encode_frame(Frame(Kind.SUBSCRIBE, 0, Attribute.SAMPLES, payload=b"\1")))
        mute.sendto(encode_frame(Frame(Kind.WRITE, 0, Attribute.CONTROL, payload=START)))
        life = asyncio.create_task(pods.run(float("inf")))
        while pods.seats[0].pod.status().packets_dropped < 10:
            await asyncio.sleep(0.005)
        sent = [frame for frame in map(decode_frame, heard) if frame is not None]
        assert sum(frame.kind == Kind.NOTIFY for frame in sent) == MOST_IN_FLIGHT
        life.cancel()
        mute.close()

    run(among(1, test, speed=10.0))


def test_a_line_is_full_until_the_hub_echoes_a_step() -> None:
    line = Line(0.0)
    for _ in range(MOST_IN_FLIGHT):
        assert line.has_room
        line.count()
    assert not line.has_room
    assert line.is_step_due(0.0, at_once=False)
    assert line.next_step(7, 0.0) == 7
    assert not line.is_step_due(0.1, at_once=True)
    line.count()
    line.take_echo(6)
    assert line.in_flight == MOST_IN_FLIGHT + 1
    line.take_echo(7)
    assert line.in_flight == 1
    assert line.is_step_due(0.1, at_once=True)
    assert not line.is_step_due(0.1, at_once=False)
    assert line.is_step_due(1.0, at_once=False)


def test_a_line_is_dead_when_no_try_is_echoed() -> None:
    line, now_s = Line(0.0), 100.0  # a machine that stood still
    assert line.next_step(1, now_s) == 1
    while not line.is_out_of_tries:
        now_s += 0.5
        assert line.is_step_due(now_s, at_once=False)
        assert line.next_step(2, now_s) == 1
    assert now_s + 0.5 == 104.0
    line.take_echo(1)
    assert not line.is_out_of_tries


def test_a_hub_forgets_what_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(_: UdpPods, listener: Listener) -> None:
        monkeypatch.setattr(udp_hub, "_PATIENCE_S", 0.01)
        for _try in range(3):
            with pytest.raises(TimeoutError):
                await listener.hub.ask(Kind.CONNECT, 1)
        assert listener.hub.asking == 0

    run(among(1, test))


# ---- what is no request ----


def test_what_is_no_request_is_not_answered_and_strangers_are_not_remembered() -> None:
    request = Frame(Kind.READ, 0, Attribute.INFO, 9)

    async def test(pods: UdpPods, listener: Listener) -> None:
        heard: list[bytes] = []
        stranger = await bare(pods.address, heard)
        with closing(stranger):
            for kind in set(Kind) - REQUESTS:
                for pod in (0, 1, 0xFFFF):
                    stranger.sendto(encode_frame(Frame(kind, pod, Attribute.SAMPLES, 1)))
            for datagram in (b"", b"\0", bytes(14), b"\xff" * 14, b"\0\0\3\x07" + bytes(5000)):
                stranger.sendto(datagram)
            stranger.sendto(encode_frame(Frame(Kind.CONNECT, 0xFFFF)))
            stranger.sendto(encode_frame(request))
            while not heard:
                await asyncio.sleep(0.005)
            await listener.hub.connect(0)
            answer = Frame(Kind.ANSWER, 0, Attribute.INFO, 9, payload=b"\x0f")
            assert heard == [encode_frame(answer)]
        assert pods.hubs == {listener.address}
        assert (
            await listener.hub.write(0, Attribute.CONFIG, b"\x15" * 5000) == LinkResult.BAD_LENGTH
        )
        assert await listener.hub.disconnect(0) == LinkResult.OK
        assert pods.hubs == set()

    run(among(1, test))


# ---- the command ----


@contextmanager
def served(root: Path, *arguments: str) -> Iterator[tuple[Address, subprocess.Popen[str]]]:
    """Pods of a process of their own."""
    with subprocess.Popen(
        [sys.executable, "-m", "virtual_pod", "udp", *arguments],
        cwd=root / "firmware" / "virtual",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            host, port = process.stdout.readline().split()[-1].split(":")
            yield (host, int(port)), process
        finally:
            process.kill()


def test_the_command_serves_pods_until_its_time_is_over(root: Path) -> None:
    async def test(at: Address) -> None:
        listener = Listener()
        await listener.hub.open(at)
        with closing(listener.hub):
            await listener.hub.connect_all([0, 1])
            for pod in (0, 1):
                assert await listener.hub.write(pod, Attribute.CONTROL, START) == LinkResult.OK
            await listener.next(Kind.GONE)
        for pod in (0, 1):
            assert len(listener.packets(pod)) == pytest.approx(3.0 * 26, rel=0.05)

    with served(root, "--pods", "2", "--speed", "0", "--seconds", "3") as (at, process):
        run(test(at))
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("streams", [False, True])
def test_the_command_ends_at_the_first_interrupt(root: Path, streams: bool) -> None:
    async def test(at: Address) -> None:
        listener = Listener()
        await listener.hub.open(at)
        with closing(listener.hub):
            await listener.hub.connect_all([0])
            assert await listener.hub.write(0, Attribute.CONTROL, START) == LinkResult.OK
            await more_packets(listener, 0, 10)
            if not streams:
                assert await listener.hub.disconnect(0) == LinkResult.OK

    with served(root, "--pods", "1", "--speed", "0") as (at, process):
        run(test(at))
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, complaint) == (0, "")


UDP, BLE = ["udp"], ["ble", "no-transport"]


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        *[(UDP, "--pods", value) for value in ("0", "-1", "65537", "many")],
        *[(UDP, "--port", value) for value in ("-1", "65536", "x")],
        *[(UDP, "--speed", value) for value in ("-1", "nan", "inf", "x")],
        *[(UDP, "--seconds", value) for value in ("0", "-1", "nan", "x")],
        *[(UDP, "--seed", value) for value in ("-1", "x")],
        *[(BLE, "--placement", value) for value in ("", "knee")],
        *[(BLE, "--worn-at", value) for value in ("", "knee")],
        *[(BLE, "--name", value) for value in ("x" * 21, "\n")],
        *[(BLE, "--battery-mv", value) for value in ("-1", "65536", "x")],
        *[(BLE, "--address", value) for value in ("F0", "00:D6:16:00:00:01", "F0:D6:16:00:00:0Z")],
        (BLE, "--seconds", "nan"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(
    capsys: pytest.CaptureFixture[str], command: list[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as end:
        main([*command, f"{option}={value}"])
    assert end.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"error: argument {option}: " in printed.err.splitlines()[-1]


def test_a_link_that_does_not_open_is_told_in_one_line() -> None:
    async def test(pods: UdpPods, _: Listener) -> None:
        taken = str(pods.address[1])
        commands = [
            ["udp", "--port", taken],
            ["ble", "no-transport"],
            ["ble", f"tcp-client:{HOST}:1"],
            ["ble", "tcp-client:nonsense"],
        ]
        for command in commands:
            with pytest.raises(SystemExit) as end:
                await asyncio.to_thread(main, command)
            assert isinstance(end.value.code, str)  # printed to stderr; the status is 1
            assert end.value.code.startswith("virtual_pod: ")
            assert "\n" not in end.value.code

    run(among(1, test))
