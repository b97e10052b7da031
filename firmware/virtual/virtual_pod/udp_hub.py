"""The hub's end of pods on a UDP socket."""

import asyncio
from collections.abc import Callable, Iterable
from typing import cast

from stridehub.kernel.link import Attribute, LinkResult
from virtual_pod.pod import ReadRefusedError
from virtual_pod.udp_frames import Frame, Kind, decode_frame, encode_frame

Address = tuple[str, int]
_PATIENCE_S = 30.0


class UdpHub(asyncio.DatagramProtocol):
    """`on_notification` is called with every NOTIFY and GONE frame, in order."""

    def __init__(self, on_notification: Callable[[Frame], None]) -> None:
        self._on_notification = on_notification
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._tag = 0

    async def open(self, pods: Address) -> None:
        """`pods` is where they listen. Raises OSError."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, remote_addr=pods)

    @property
    def address(self) -> Address:
        """Its own."""
        address: Address = self._transport.get_extra_info("sockname")
        return address

    @property
    def asking(self) -> int:
        """Requests that wait for an answer."""
        return len(self._waiting)

    def close(self) -> None:
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        frame = decode_frame(data)
        if frame is None:
            return
        if frame.kind == Kind.STEP:
            self._transport.sendto(encode_frame(Frame(Kind.ECHO, tag=frame.tag)))
        elif frame.kind == Kind.ANSWER:
            self._take_answer(frame)
        else:
            self._on_notification(frame)

    def error_received(self, exc: Exception) -> None:
        """Whoever waits for an answer finds that none comes."""

    def _take_answer(self, frame: Frame) -> None:
        answer = self._waiting.pop(frame.tag, None)
        if answer is not None and not answer.done():
            answer.set_result(frame.payload)

    async def ask(
        self, kind: Kind, pod: int, attribute: Attribute | None = None, payload: bytes = b""
    ) -> bytes:
        """The answer's payload. Raises TimeoutError where none comes."""
        self._tag = self._tag % 0xFFFF + 1
        tag = self._tag
        answer = self._waiting[tag] = asyncio.get_running_loop().create_future()
        frame = Frame(kind, pod, attribute, tag, payload=payload)
        self._transport.sendto(encode_frame(frame))
        try:
            return await asyncio.wait_for(answer, _PATIENCE_S)
        finally:
            self._waiting.pop(tag, None)

    async def connect(self, pod: int) -> LinkResult:
        return LinkResult((await self.ask(Kind.CONNECT, pod))[0])

    async def disconnect(self, pod: int) -> LinkResult:
        return LinkResult((await self.ask(Kind.DISCONNECT, pod))[0])

    async def subscribe(
        self, pod: int, attribute: Attribute, *, subscribed: bool = True
    ) -> LinkResult:
        payload = bytes([subscribed])
        return LinkResult((await self.ask(Kind.SUBSCRIBE, pod, attribute, payload))[0])

    async def write(self, pod: int, attribute: Attribute, record: bytes) -> LinkResult:
        return LinkResult((await self.ask(Kind.WRITE, pod, attribute, record))[0])

    async def read(self, pod: int, attribute: Attribute) -> bytes:
        """Raises ReadRefusedError."""
        payload = await self.ask(Kind.READ, pod, attribute)
        if payload[0] != LinkResult.OK:
            raise ReadRefusedError(attribute, LinkResult(payload[0]))
        return payload[1:]

    async def connect_all(self, pods: Iterable[int]) -> None:
        """Connects and subscribes to samples. Raises ConnectionError where a pod refuses."""
        for pod in pods:
            for result in (await self.connect(pod), await self.subscribe(pod, Attribute.SAMPLES)):
                if result != LinkResult.OK:
                    raise ConnectionError(f"pod {pod}: {result.label}")
