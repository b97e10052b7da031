"""Many pods on one UDP socket of this machine, for hubs under load. Frames: udp_frames.py.

In real time, or some multiple of it, pods send as their packets get ready. At full speed time
stands still until every pod streams, and again while none does; else it goes on in steps of 50 ms,
each as soon as the hubs have echoed what came before.

Nothing is lost between the sockets: what a hub is too slow for waits in the pods, which drop their
oldest packets after 2 s. A hub that echoes nothing for 4 s has lost its pods.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import cast

from stridehub.kernel.link import Attribute, LinkResult
from virtual_pod.drive import Body, DrivenPod
from virtual_pod.pod import READABLE, USUAL_MTU, WRITABLE, Radio, ReadRefusedError
from virtual_pod.status_news import StatusNews
from virtual_pod.udp_frames import REQUESTS, Frame, Kind, decode_frame, encode_frame
from virtual_pod.udp_line import Line

HOST = "127.0.0.1"
Address = tuple[str, int]

_STEP_S = 0.05
_TICK_S = 0.01  # of the wall clock
_AHEAD_S = 0.6  # one body's motion is worked out a tick, so that no tick is long
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

    def next_news(self, time_s: float) -> tuple[Attribute, bytes] | None:
        """What the pod has to send now; None: nothing more."""
        reply = self.pod.take_time_reply()
        if reply is not None and Attribute.TIME in self.subscribed:
            return Attribute.TIME, reply
        packet = self.pod.take_packet()
        if packet is not None:
            return Attribute.SAMPLES, packet
        if Attribute.STATUS in self.subscribed:
            record = self.status_news.take(self.pod, time_s)
            if record is not None:
                return Attribute.STATUS, record
        return None


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
        self._lines: dict[Address, Line] = {}  # to every hub that has a pod
        self._steps = 0
        self._first = 0  # seat to be served next
        self._begun = False
        self._heard = asyncio.Event()  # a datagram

    async def open(self, port: int = 0) -> Address:
        """Where it listens; port 0 is any free one. Raises OSError."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(HOST, port))
        return self.address

    @property
    def address(self) -> Address:
        """Where it listens."""
        address: Address = self._transport.get_extra_info("sockname")
        return address

    @property
    def hubs(self) -> frozenset[Address]:
        """That have a pod."""
        return frozenset(self._lines)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def error_received(self, exc: Exception) -> None:
        """A hub that has closed its socket is told by no one else."""

    async def run(self, seconds: float) -> None:
        """Until so much true time has passed, or a cancellation."""
        if self._speed > 0.0:
            self._zero_s = asyncio.get_running_loop().time()
        while self._now_s() < seconds:
            if self._speed > 0.0:
                await self._go_on(self._now_s())
                self._feel_ahead()
                await asyncio.sleep(_TICK_S)
            elif self._time_stands_still():
                self._serve_all()
                await self._listen()
            else:
                await self._go_on(min(self._time_s + _STEP_S, seconds))
                await self._settle()

    def close(self) -> None:
        """Tells the hubs, and frees the socket."""
        for seat in self.seats:
            self._let_go(seat)
        self._transport.close()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        frame = decode_frame(data)
        if frame is None:
            return
        if frame.kind == Kind.ECHO:
            self._take_echo(frame, addr)
        elif frame.kind in REQUESTS and frame.pod < len(self.seats):
            self._take_request(frame, addr)
        self._heard.set()

    def _take_echo(self, frame: Frame, hub: Address) -> None:
        if hub in self._lines:
            self._lines[hub].take_echo(frame.tag)
            self._serve(hub)

    def _take_request(self, frame: Frame, hub: Address) -> None:
        seat = self.seats[frame.pod]
        seat.body.run_until(self._now_s())
        payload = seat.answer(frame, hub)
        self._know_hubs()
        if payload is not None:
            self._send(hub, Frame(Kind.ANSWER, seat.number, frame.attribute, frame.tag), payload)
        self._tell(seat)

    def _know_hubs(self) -> None:
        hubs = {seat.hub for seat in self.seats if seat.hub is not None}
        now_s = asyncio.get_running_loop().time()
        self._lines = {hub: self._lines.get(hub) or Line(now_s) for hub in hubs}

    def _now_s(self) -> float:
        if self._zero_s is not None:
            passed_s = asyncio.get_running_loop().time() - self._zero_s
            self._time_s = max(self._time_s, passed_s * self._speed)
        return self._time_s

    def _time_stands_still(self) -> bool:
        """At full speed."""
        streaming = [seat.pod.wishes.imu_streams for seat in self.seats]
        self._begun = self._begun or all(streaming)
        return not (self._begun and any(streaming))

    async def _go_on(self, time_s: float) -> None:
        self._time_s = max(self._time_s, time_s)
        for body in self._bodies:
            body.run_until(self._time_s)
            await asyncio.sleep(0)
        self._serve_all()

    async def _settle(self) -> None:
        """Until the hubs have echoed all, but for those that are gone."""
        while any(line.in_flight for line in self._lines.values()):
            self._serve_all()
            await self._listen()

    async def _listen(self) -> None:
        """Until a datagram comes, or for a tick."""
        self._heard.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_TICK_S):
                await self._heard.wait()

    def _feel_ahead(self) -> None:
        for body in self._bodies:
            if body.feel_ahead(self._time_s + _AHEAD_S):
                return

    def _serve_all(self) -> None:
        for hub in sorted(self._lines):
            self._serve(hub)

    def _serve(self, hub: Address) -> None:
        """Sends a hub what there is room for, and asks it for an echo when it is time."""
        seats = self._seats_of(hub)
        for seat in seats:
            self._tell(seat)
        line = self._lines.get(hub)
        now_s = asyncio.get_running_loop().time()
        if line is None or not line.is_step_due(now_s, at_once=self._speed == 0.0):
            return
        if line.is_out_of_tries:
            for seat in seats:
                self._let_go(seat)
            return
        self._steps = self._steps % 0xFFFF + 1
        self._send(hub, Frame(Kind.STEP, tag=line.next_step(self._steps, now_s)))

    def _seats_of(self, hub: Address) -> list[Seat]:
        """Beginning with another one every time, so that all get their share of the room."""
        self._first = (self._first + 1) % len(self.seats)
        seats = self.seats[self._first :] + self.seats[: self._first]
        return [seat for seat in seats if seat.hub == hub]

    def _tell(self, seat: Seat) -> None:
        if seat.hub is None:
            return
        line = self._lines[seat.hub]
        while line.has_room and (news := seat.next_news(self._time_s)) is not None:
            attribute, record = news
            line.count()
            self._send(seat.hub, Frame(Kind.NOTIFY, seat.number, attribute), record)
        if seat.pod.wishes.disconnect:
            self._let_go(seat)

    def _let_go(self, seat: Seat) -> None:
        if seat.hub is not None:
            self._send(seat.hub, Frame(Kind.GONE, seat.number))
            seat.disconnect()
            self._know_hubs()

    def _send(self, hub: Address, frame: Frame, payload: bytes = b"") -> None:
        time_us = round(self._time_s * 1e6)
        whole = Frame(frame.kind, frame.pod, frame.attribute, frame.tag, time_us, payload)
        self._transport.sendto(encode_frame(whole), hub)
