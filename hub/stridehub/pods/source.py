"""What every source of packets has in common."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from stridehub.model import PodInfo


@dataclass(frozen=True, slots=True)
class WornPod:
    """A pod, and who wears it."""

    runner: str
    info: PodInfo


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
