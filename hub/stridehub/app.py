"""Wires everything: packets in, strides and events to whoever asked for them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from stridehub.errors import PodRefusedError
from stridehub.kernel.stride import Findings, StrideKernel
from stridehub.kernel.wire import Bytes
from stridehub.model import GaitEvent, PodStatus, RunnerProfile, Stride
from stridehub.pods.source import Arrival, Take, WornPod

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
        self._worn: dict[str, list[WornPod]] = {}  # by runner, in the order of the pods' numbers
        self.now_s = 0.0  # hub time, as far as packets tell
        self._is_over = False

    def add_runner(self, profile: RunnerProfile) -> None:
        """Raises ProfileError."""
        self.kernels[profile.runner] = StrideKernel(profile)
        self._worn[profile.runner] = []

    def add_pod(self, worn: WornPod) -> int:
        """The pod's number with its runner. Raises PacketError, PodRefusedError."""
        number = self.kernels[worn.runner].add_pod(worn.info)
        self._worn[worn.runner].append(worn)
        return number

    def plug(self, worn: WornPod) -> Take:
        """Takes the packets of a pod that is new, or back after a while.

        Another pod at a place that was taken, or the same with other scales or another rate, is
        measured anew, and so are the others of its runner: their alignment is lost. Raises
        PacketError, PodRefusedError, also for a runner that is not known.
        """
        runner = worn.runner
        if runner not in self.kernels:
            raise PodRefusedError(worn.info, f"no runner {runner!r} here")
        number = self._number(worn)
        return lambda packet, arrival_s: self.on_packet(runner, number, packet, arrival_s)

    def _number(self, worn: WornPod) -> int:
        others = self._worn[worn.runner]
        placed = [other.info.placement for other in others]
        if worn.info.placement not in placed:
            return self.add_pod(worn)
        number = placed.index(worn.info.placement)
        if _identity(others[number]) != _identity(worn):
            self._begin_anew(worn.runner, [*others[:number], worn, *others[number + 1 :]])
        return number

    def _begin_anew(self, runner: str, worn: list[WornPod]) -> None:
        old = self.kernels[runner]
        kernel = StrideKernel(old.profile)
        for pod in worn:
            kernel.add_pod(pod.info)
        self._hand_on(runner, old.finish())
        self.kernels[runner], self._worn[runner] = kernel, worn

    def on_packet(self, runner: str, pod: int, packet: Bytes, arrival_s: float) -> None:
        """Takes any bytes; what is no packet of this pod is counted by the kernel."""
        if self._is_over:
            return  # of a pod that is being let go
        self.now_s = max(self.now_s, arrival_s)
        self._hand_on(runner, self.kernels[runner].push(pod, packet, arrival_s))

    def advance(self, now_s: float) -> None:
        """Hub time passes without a packet: no stride waits for a pod that has gone."""
        self.now_s = max(self.now_s, now_s)
        for runner, kernel in self.kernels.items():
            self._hand_on(runner, kernel.advance(now_s))

    def finish(self) -> None:
        """No more packets count."""
        self._is_over = True
        for runner, kernel in self.kernels.items():
            self._hand_on(runner, kernel.finish())

    def status(self) -> Iterator[tuple[str, PodStatus]]:
        """Every pod of every runner."""
        for runner, kernel in self.kernels.items():
            for status in kernel.statuses():
                yield runner, status

    def _hand_on(self, runner: str, findings: Findings) -> None:
        for event in findings.events:
            for tell in self._on_event:
                tell(runner, event)
        for stride in findings.strides:
            for give in self._on_stride:
                give(stride)


def _identity(worn: WornPod) -> WornPod:
    """Without what does not change the meaning of a sample."""
    return replace(worn, info=replace(worn.info, batch=1, firmware=0))


class Feed:
    """The pods of a source that never changes, plugged into a pipeline that knows their runners."""

    def __init__(self, pipeline: Pipeline, pods: Iterable[WornPod]) -> None:
        """Raises PacketError, PodRefusedError."""
        self._pipeline = pipeline
        self._ports = [(worn.runner, pipeline.add_pod(worn)) for worn in pods]

    def take(self, arrival: Arrival) -> None:
        runner, pod = self._ports[arrival.pod]
        self._pipeline.on_packet(runner, pod, arrival.packet, arrival.arrival_s)
