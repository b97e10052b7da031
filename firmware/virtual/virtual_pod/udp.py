"""Many pods on one UDP socket of this machine, for hubs under load. Frames: udp_frames.py.

In real time, or some multiple of it, pods send as their packets get ready. At full speed time
stands still until every pod streams; then it goes on in steps of 50 ms, each as soon as the hubs
have echoed what came before, so that nothing is lost between the sockets.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from stridehub.kernel.link import Attribute, LinkResult
from virtual_pod.drive import Body, DrivenPod
from virtual_pod.pod import READABLE, USUAL_MTU, WRITABLE, Radio, ReadRefusedError
from virtual_pod.status_news import StatusNews
from virtual_pod.udp_frames import Frame, Kind, decode_frame, encode_frame

HOST = "127.0.0.1"
Address = tuple[str, int]

_STEP_S = 0.05
_TICK_S = 0.01  # of the wall clock
_AHEAD_S = 0.6  # one body's motion is worked out a tick, so that no tick is long
_MOST_IN_FLIGHT = 64  # frames to one hub; a socket's usual buffer holds four times as many
_ECHO_S, _ECHO_TRIES = 0.5, 40
_NOTIFIED = frozenset({Attribute.SAMPLES, Attribute.TIME, Attribute.STATUS})


class Seat:
    """A pod, and the hub that has it."""

    def __init__(self, number: int, body: Body, driven: DrivenPod) -> None:
        self.number = number
        self.body = body
        self.pod = driven.pod
        self.hub: Address | None = None
        self.subscribed: set[Attribute] = set()
        self.status_news = StatusNews()

    def answer(self, frame: Frame, hub: Address) -> bytes | None:
        """The payload that answers it; None: not answered."""
        if frame.kind == Kind.CONNECT:
            return self._connect(hub)
        if hub != self.hub:
            return bytes([LinkResult.NOT_ENCRYPTED])
        match frame.kind, frame.attribute:
            case Kind.DISCONNECT, _:
                self.disconnect()
                return bytes([LinkResult.OK])
            case Kind.SUBSCRIBE, attribute if attribute in _NOTIFIED and len(frame.payload) == 1:
                self._subscribe(attribute, bool(frame.payload[0]))
                return bytes([LinkResult.OK])
            case Kind.READ, attribute if attribute in READABLE:
                return self._read(attribute)
            case Kind.WRITE, attribute if attribute in WRITABLE:
                return bytes([self.pod.write(attribute, frame.payload)])
        return None

    def _connect(self, hub: Address) -> bytes:
        if self.hub not in (None, hub):
            self.pod.further_central()
            return bytes([LinkResult.BUSY])
        if self.hub is not None:
            self.disconnect()
        if self.pod.wishes.radio == Radio.OFF:
            return bytes([LinkResult.BUSY])
        self.hub = hub
        self.pod.connect()
        self.pod.set_bonded()
        self.pod.encrypt()
        self.pod.set_mtu(USUAL_MTU)
        return bytes([LinkResult.OK])

    def disconnect(self) -> None:
        self.hub = None
        self.subscribed.clear()
        self.status_news = StatusNews()
        self.pod.disconnect()

    def _subscribe(self, attribute: Attribute, subscribed: bool) -> None:
        if subscribed:
            self.subscribed.add(attribute)
        else:
            self.subscribed.discard(attribute)
        if attribute == Attribute.SAMPLES:
            self.pod.subscribe(subscribed=subscribed)

    def _read(self, attribute: Attribute) -> bytes:
        try:
            return bytes([LinkResult.OK]) + self.pod.read(attribute)
        except ReadRefusedError as refusal:
            return bytes([refusal.result])

    def news(self, time_s: float) -> Iterator[tuple[Attribute, bytes]]:
        """What the pod has to send now."""
        reply = self.pod.take_time_reply()
        if reply is not None and Attribute.TIME in self.subscribed:
            yield Attribute.TIME, reply
        for packet in self.pod.take_packets():
            yield Attribute.SAMPLES, packet
        if Attribute.STATUS in self.subscribed:
            record = self.status_news.take(self.pod, time_s)
            if record is not None:
                yield Attribute.STATUS, record


class UdpPods(asyncio.DatagramProtocol):
    """Pods are numbered as the bodies wear them, body after body."""

    def __init__(self, bodies: Iterable[Body], speed: float = 1.0) -> None:
        """`speed` is true time over the wall clock's; 0: as fast as hubs take it."""
        self._bodies = tuple(bodies)
        worn = [(body, driven) for body in self._bodies for driven in body.pods]
        self.seats = tuple(Seat(number, *both) for number, both in enumerate(worn))
        self._speed = speed
        self._time_s = 0.0
        self._zero_s: float | None = None  # of the event loop's clock; None: time stands still
        self._in_flight: dict[Address, int] = {}  # frames since the last echo
        self._echoes: dict[Address, asyncio.Future[None]] = {}
        self._step = 0
        self._all_stream = asyncio.Event()

    async def open(self, port: int = 0) -> Address:
        """Where it listens; port 0 is any free one. Raises OSError."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, port))
        address: Address = self._transport.get_extra_info("sockname")
        return address

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def error_received(self, exc: Exception) -> None:
        """A hub that has closed its socket is told by no one else."""

    async def run(self, seconds: float) -> None:
        """Until so much true time has passed, or a cancellation."""
        if self._speed == 0.0:
            await self._all_stream.wait()
            while self._time_s < seconds:
                await self._go_on(min(self._time_s + _STEP_S, seconds))
                await self._settle(self._hubs(), most_in_flight=0)
        else:
            self._zero_s = asyncio.get_running_loop().time()
            while self._now_s() < seconds:
                await self._go_on(self._now_s())
                self._feel_ahead()
                await asyncio.sleep(_TICK_S)

    def close(self) -> None:
        """Tells the hubs, and frees the socket."""
        for seat in self.seats:
            self._let_go(seat)
        self._transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        frame = decode_frame(data)
        if frame is None or frame.pod >= len(self.seats):
            return
        if frame.kind == Kind.ECHO:
            self._take_echo(frame, addr)
            return
        seat = self.seats[frame.pod]
        seat.body.run_until(self._now_s())
        payload = seat.answer(frame, addr)
        if payload is not None:
            self._send(addr, Frame(Kind.ANSWER, seat.number, frame.attribute, frame.tag), payload)
        self._tell(seat)
        if all(other.pod.wishes.imu_streams for other in self.seats):
            self._all_stream.set()

    def _now_s(self) -> float:
        if self._zero_s is not None:
            passed_s = asyncio.get_running_loop().time() - self._zero_s
            self._time_s = max(self._time_s, passed_s * self._speed)
        return self._time_s

    async def _go_on(self, time_s: float) -> None:
        self._time_s = max(self._time_s, time_s)
        for body in self._bodies:
            body.run_until(self._time_s)
        for seat in self.seats:
            self._tell(seat)
            if self._speed == 0.0 and seat.hub is not None:
                await self._settle([seat.hub], _MOST_IN_FLIGHT)

    def _feel_ahead(self) -> None:
        for body in self._bodies:
            if body.feel_ahead(self._time_s + _AHEAD_S):
                return

    def _tell(self, seat: Seat) -> None:
        if seat.hub is None:
            return
        for attribute, record in seat.news(self._time_s):
            self._send(seat.hub, Frame(Kind.NOTIFY, seat.number, attribute), record)
        if seat.pod.wishes.disconnect:
            self._let_go(seat)

    def _let_go(self, seat: Seat) -> None:
        if seat.hub is not None:
            self._send(seat.hub, Frame(Kind.GONE, seat.number))
            seat.disconnect()

    def _send(self, hub: Address, frame: Frame, payload: bytes = b"") -> None:
        time_us = round(self._time_s * 1e6)
        whole = Frame(frame.kind, frame.pod, frame.attribute, frame.tag, time_us, payload)
        self._transport.sendto(encode_frame(whole), hub)
        self._in_flight[hub] = self._in_flight.get(hub, 0) + 1

    def _hubs(self) -> list[Address]:
        return sorted({seat.hub for seat in self.seats if seat.hub is not None})

    async def _settle(self, hubs: Sequence[Address], most_in_flight: int) -> None:
        """Waits for hubs that have more before them than this."""
        for hub in hubs:
            if self._in_flight.get(hub, 0) > most_in_flight and not await self._echoed(hub):
                self._forget(hub)

    async def _echoed(self, hub: Address) -> bool:
        """Whether the hub answers at all."""
        self._step = self._step % 0xFFFF + 1
        for _ in range(_ECHO_TRIES):
            echo = self._echoes[hub] = asyncio.get_running_loop().create_future()
            self._send(hub, Frame(Kind.STEP, tag=self._step))
            done, _pending = await asyncio.wait([echo], timeout=_ECHO_S)
            if done:
                self._in_flight[hub] = 0
                return True
        return False

    def _take_echo(self, frame: Frame, hub: Address) -> None:
        echo = self._echoes.get(hub)
        if echo is not None and frame.tag == self._step and not echo.done():
            echo.set_result(None)

    def _forget(self, hub: Address) -> None:
        for seat in self.seats:
            if seat.hub == hub:
                seat.disconnect()
