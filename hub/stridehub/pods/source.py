"""What every source of packets has in common, be it a radio, a recording or a simulation."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from stridehub.kernel.wire import Bytes
from stridehub.model import PodInfo

Take = Callable[[Bytes, float], None]  # a packet, and the hub time of its arrival in seconds


@dataclass(frozen=True, slots=True)
class WornPod:
    """A pod, and who wears it."""

    runner: str
    info: PodInfo
    address: str = ""  # tells pods apart that sit at one place, one after the other


class PacketSink(Protocol):
    """Where packets go."""

    def plug(self, worn: WornPod) -> Take:
        """What takes the pod's packets from now on; a pod that was here before goes on.

        Raises PodRefusedError.
        """


class PodSource(Protocol):
    """Pods that come, go and send packets."""

    async def run(self, sink: PacketSink) -> None:
        """Plugs every pod into the sink and hands it its packets, until they end."""


class Arrival(NamedTuple):
    """A packet as it reached the hub."""

    pod: int  # its place in the source's pods
    packet: bytes
    arrival_s: float  # hub time


class PacketSource(Protocol):
    """Iterates over the packets of its pods in the order of their arrival."""

    @property
    def pods(self) -> Sequence[WornPod]: ...

    def __iter__(self) -> Iterator[Arrival]: ...
