"""Many virtual pods on one socket: what a hub under load talks to."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path

import pytest

from stridehub.kernel import link, wire
from stridehub.kernel.link import Attribute, LinkResult, Opcode, PodState
from stridehub.model import Placement
from virtual_pod.drive import team
from virtual_pod.pod import ReadRefusedError
from virtual_pod.udp import UdpPods
from virtual_pod.udp_frames import Frame, Kind, decode_frame, encode_frame
from virtual_pod.udp_hub import UdpHub

START = link.encode_control(link.Control(Opcode.START))
STOP = link.encode_control(link.Control(Opcode.STOP))
PATIENCE_S = 120.0  # of a test on a loaded machine


def run(test: Coroutine[None, None, None]) -> None:
    async def in_time() -> None:
        await asyncio.wait_for(test, PATIENCE_S)

    asyncio.run(in_time())


class Listener:
    """A hub, and all it was told."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[Frame] = asyncio.Queue()
        self.heard: list[Frame] = []
        self.hub = UdpHub(self._hear)

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


def test_the_command_serves_pods_until_its_time_is_over(root: Path) -> None:
    async def test(at: tuple[str, int]) -> None:
        listener = Listener()
        await listener.hub.open(at)
        with closing(listener.hub):
            await listener.hub.connect_all([0, 1])
            for pod in (0, 1):
                assert await listener.hub.write(pod, Attribute.CONTROL, START) == LinkResult.OK
            await listener.next(Kind.GONE)
        for pod in (0, 1):
            assert len(listener.packets(pod)) == pytest.approx(3.0 * 26, rel=0.05)

    command = [sys.executable, "-m", "virtual_pod", "udp", "--pods", "2", "--speed", "0"]
    with subprocess.Popen(
        [*command, "--seconds", "3"],
        cwd=root / "firmware" / "virtual",
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            words = process.stdout.readline().split()
            host, port = words[-1].split(":")
            run(test((host, int(port))))
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
