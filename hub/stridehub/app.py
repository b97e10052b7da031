"""Wires everything: packets in, strides and events to whoever asked for them."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from stridehub.kernel.stride import Findings, StrideKernel
from stridehub.model import GaitEvent, PodInfo, PodStatus, RunnerProfile, Stride
from stridehub.pods.source import Arrival, WornPod

OnStride = Callable[[Stride], None]
OnEvent = Callable[[str, GaitEvent], None]  # the runner's id comes first


class Pipeline:
    """One kernel per runner; subscribers are called in the order given, events before strides."""

    def __init__(
        self, on_event: Sequence[OnEvent] = (), on_stride: Sequence[OnStride] = ()
    ) -> None:
        self._on_event = tuple(on_event)
        self._on_stride = tuple(on_stride)
        self.kernels: dict[str, StrideKernel] = {}

    def add_runner(self, profile: RunnerProfile) -> None:
        """Raises ProfileError."""
        self.kernels[profile.runner] = StrideKernel(profile)

    def add_pod(self, runner: str, info: PodInfo) -> int:
        """The pod's number with this runner. Raises PacketError, PodRefusedError."""
        return self.kernels[runner].add_pod(info)

    def on_packet(self, runner: str, pod: int, packet: bytes, arrival_s: float) -> None:
        """Takes any bytes; what is no packet of this pod is counted by the kernel."""
        self._hand_on(runner, self.kernels[runner].push(pod, packet, arrival_s))

    def finish(self) -> None:
        """No more packets come."""
        for runner, kernel in self.kernels.items():
            self._hand_on(runner, kernel.finish())

    def status(self) -> Iterator[tuple[str, PodStatus]]:
        """Every pod of every runner."""
        for runner, kernel in self.kernels.items():
            for pod in range(len(kernel.pods)):
                yield runner, kernel.status(pod)

    def _hand_on(self, runner: str, findings: Findings) -> None:
        for event in findings.events:
            for tell in self._on_event:
                tell(runner, event)
        for stride in findings.strides:
            for give in self._on_stride:
                give(stride)


class Feed:
    """The pods of a source, plugged into a pipeline that knows their runners."""

    def __init__(self, pipeline: Pipeline, pods: Iterable[WornPod]) -> None:
        self._pipeline = pipeline
        self._ports = [(worn.runner, pipeline.add_pod(worn.runner, worn.info)) for worn in pods]

    def take(self, arrival: Arrival) -> None:
        runner, pod = self._ports[arrival.pod]
        self._pipeline.on_packet(runner, pod, arrival.packet, arrival.arrival_s)


class Pace:
    """Hub time on the wall: it stands at `head_start_s` now, and goes on from there."""

    def __init__(self, head_start_s: float = 0.0) -> None:
        self._zero_s = time.monotonic() - head_start_s

    def wait_s(self, hub_s: float) -> float:
        """Until then, or 0 where it has passed."""
        return max(0.0, self._zero_s + hub_s - time.monotonic())
