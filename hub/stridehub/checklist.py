"""What is still missing before a session is good, in words for runner and coach."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from stridehub.model import (
    ENOUGH_CONFIDENCE,
    LinkState,
    Placement,
    PodHealth,
    PodStatus,
)

LOW_BATTERY_MV = 3600  # an hour or two of streaming are left
MUCH_LOSS = 0.02  # of packets; metrics suffer visibly from here on
LOSS_UPDATES = 60  # that loss is looked at over: a minute
_LOSS_KNOWN_FROM = 100  # packets

_SHANKS = (Placement.SHANK_L, Placement.SHANK_R)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do."""

    code: str  # for programs
    subject: str  # a runner, or an adapter's address
    text: str  # for people
    placement: Placement | None = None


@dataclass(frozen=True, slots=True)
class Wearer:
    """A runner and what the kernel knows of the pods."""

    runner: str
    pods: Sequence[PodStatus]
    hints: Sequence[str] = ()  # what looks wrong about where they sit


_Pod = tuple[str, Placement]
_Counts = tuple[int, int]  # packets that came, and that were lost


@dataclass(slots=True)
class Checklist:
    """Tells whoever listens when it has changed; updated once a second."""

    on_change: Callable[[tuple[Item, ...]], None] = lambda items: None
    items: tuple[Item, ...] = field(default=(), init=False)
    _counts: dict[_Pod, deque[_Counts]] = field(default_factory=dict, init=False)

    def update(
        self,
        healths: Sequence[PodHealth],
        wearers: Sequence[Wearer],
        adapter_problems: Mapping[str, str],
    ) -> None:
        items = tuple(self._items(healths, wearers, adapter_problems))
        if items != self.items:
            self.items = items
            self.on_change(items)

    def _items(
        self,
        healths: Sequence[PodHealth],
        wearers: Sequence[Wearer],
        adapter_problems: Mapping[str, str],
    ) -> Iterator[Item]:
        for address, problem in adapter_problems.items():
            yield Item("adapter", address, f"adapter {address}: {problem}")
        if not healths:
            yield Item("no_pods", "", "no pods yet: `stridehub provision` makes one yours")
        for health in healths:
            yield from _of_pod(health)
        for wearer in wearers:
            own = {h.pod.placement for h in healths if h.pod.runner == wearer.runner}
            yield from _of_wearer(wearer, own)
            for status in wearer.pods:
                if status.placement in own:
                    self._count(wearer.runner, status)
                    loss = self.loss(wearer.runner, status.placement)
                    yield from _of_status(wearer, status, loss or 0.0)

    def _count(self, runner: str, status: PodStatus) -> None:
        key = runner, status.placement
        counts = self._counts.setdefault(key, deque(maxlen=LOSS_UPDATES))
        now = (status.packets, status.lost_packets)
        if counts and now < counts[-1]:  # measured anew
            counts.clear()
        counts.append(now)

    def loss(self, runner: str, placement: Placement) -> float | None:
        """Share of the packets of the last minute; None while they are few."""
        counts = self._counts.get((runner, placement))
        if not counts:
            return None
        came, lost = (after - before for after, before in zip(counts[-1], counts[0], strict=True))
        return lost / (came + lost) if came + lost >= _LOSS_KNOWN_FROM else None

    @property
    def is_good(self) -> bool:
        return not self.items


def _of_pod(health: PodHealth) -> Iterator[Item]:
    def item(code: str, text: str) -> Item:
        pod = health.pod
        return Item(code, pod.runner, f"{pod.runner}, {pod.placement.label}: {text}", pod.placement)

    if health.state in (LinkState.WAITING, LinkState.DEGRADED):
        yield item("pod_trouble", health.reason or "not connected")
    elif health.state is LinkState.MISSING:
        yield item("pod_missing", health.reason or "not seen; move it, or charge it")
    elif health.state is LinkState.CONNECTING:
        yield item("pod_connecting", "connecting")
    if health.imu_fault:
        yield item("imu_fault", "its sensor does not answer; switch the pod off and on")
    if health.battery_mv is not None and health.battery_mv < LOW_BATTERY_MV:
        yield item("battery_low", "battery low; charge it")


def _of_wearer(wearer: Wearer, own: Set[Placement]) -> Iterator[Item]:
    for shank in _SHANKS:
        if own and shank not in own:
            text = f"{wearer.runner}: no pod for {shank.label}; strides are seen by the shanks"
            yield Item("shank_missing", wearer.runner, text, shank)
    for hint in wearer.hints:
        yield Item("worn_wrong", wearer.runner, f"{wearer.runner}: {hint}")


def _of_status(wearer: Wearer, status: PodStatus, loss: float) -> Iterator[Item]:
    def item(code: str, text: str) -> Item:
        place = status.placement
        return Item(code, wearer.runner, f"{wearer.runner}, {place.label}: {text}", place)

    if status.packets and not status.has_standing:
        yield item("no_standing", "stand still for some seconds")
    elif status.packets and status.alignment_confidence < ENOUGH_CONFIDENCE:
        yield item("not_aligned", "run some steps, so that the pod finds its axes")
    if loss > MUCH_LOSS:
        yield item(
            "loss", f"more than {MUCH_LOSS:.0%} of its packets are lost; wear the hub closer"
        )
