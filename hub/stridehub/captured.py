"""A hub's own recording, told to a pipeline once more: the same calls in the same order."""

import asyncio
from collections.abc import Callable

from stridehub.errors import PacketError, PodRefusedError, RecordingError
from stridehub.pods.played import Pace
from stridehub.pods.source import PacketSink, Take, WornPod
from stridehub.record.raw_file import Clock, Lost, Plug
from stridehub.record.raw_reader import RawPacket, RawRecording


class CapturedSource:
    """A PodSource."""

    def __init__(
        self,
        recording: RawRecording,
        on_clock: Callable[[float], None],
        pace: Pace | None = None,
    ) -> None:
        """`on_clock` hears when the hub was told of that hub time; without a pace all is played as
        fast as it goes.
        """
        self._recording = recording
        self._on_clock = on_clock
        self._pace = pace
        self._takes: dict[int, Take] = {}
        self.lost_packets = 0  # received by the hub, and not recorded

    async def run(self, sink: PacketSink) -> None:
        """Raises RecordingError."""
        for item in self._recording.items():
            if isinstance(item, RawPacket):
                await self._reached(item.arrival_s)
                take = self._takes.get(item.channel) or self._plug(sink, item.channel)
                take(item.packet, item.arrival_s)
            elif isinstance(item, Clock):
                await self._reached(item.now_s)
                self._on_clock(item.now_s)
                await asyncio.sleep(0)  # Ctrl-C is heard
            elif isinstance(item, Plug):
                self._plug(sink, item.channel)
            elif isinstance(item, Lost):
                self.lost_packets += item.packets

    async def _reached(self, hub_s: float) -> None:
        if self._pace is not None:
            await asyncio.sleep(self._pace.wait_s(hub_s))

    def _plug(self, sink: PacketSink, channel: int) -> Take:
        """Also for a pod whose plugging stood in a damaged part."""
        pod = self._recording.pods[channel]
        try:
            take = sink.plug(WornPod(pod.runner, pod.info, pod.address))
        except (PacketError, PodRefusedError) as error:
            raise RecordingError(self._recording.path, str(error)) from error
        self._takes[channel] = take
        return take
