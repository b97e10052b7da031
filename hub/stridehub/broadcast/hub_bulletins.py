"""Tells coaches how the hub is, and its pods."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from stridehub import __version__
from stridehub.broadcast.alarms import Alarm, Alarms
from stridehub.broadcast.chronicle import Chronicle
from stridehub.broadcast.outlet import Outlet
from stridehub.broadcast.pods import checklist_message, health_message, pod_id
from stridehub.checklist import Item
from stridehub.model import LinkState, PodHealth
from stridehub.mqtt.messages import AlertLevel, HubState, Status
from stridehub.mqtt.publisher import BrokerState
from stridehub.mqtt.topics import Topics
from stridehub.record.health import Notice
from stridehub.team import Team
from stridehub.timing import STATUS_S, TELL_S


@dataclass(frozen=True, slots=True)
class HubView:
    """What a hub knows besides its runners; each is asked when it is told."""

    pods: Callable[[], Sequence[PodHealth]]
    loss: Callable[[PodHealth], float | None]  # share of the packets of the last minute
    checklist: Callable[[], Sequence[Item]]
    troubles: Callable[[], Iterable[Alarm]]  # of radio and recording


class StoreState(Protocol):
    """How it stands with what is kept."""

    @property
    def trouble(self) -> str | None: ...

    @property
    def lost(self) -> int: ...

    @property
    def notices(self) -> Sequence[Notice]: ...

    def count(self) -> int:
        """Messages that the broker has not confirmed."""


def mending(notice: Notice) -> Alarm:
    """Of what was done about a damaged database."""
    return Alarm(AlertLevel.WARNING, "mended", notice.path.name, str(notice))


def offline(utc_ms: int) -> Status:
    """What the broker says of a hub that went without a word."""
    return Status(t=utc_ms, state=HubState.OFFLINE, version=__version__)


@dataclass(slots=True)
class HubBulletins:
    team: Team
    chronicle: Chronicle
    topics: Topics
    outlet: Outlet
    view: HubView
    store: StoreState
    broker: Callable[[], BrokerState]
    clock: Callable[[], str | None] = lambda: None  # that somebody has set it, for a while
    _alarms: Alarms = field(default_factory=Alarms, init=False)
    _told: object = field(default=None, init=False)  # what the last status was made from
    _told_s: float = field(default=float("-inf"), init=False)
    _checklist: Sequence[Item] | None = field(default=None, init=False)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._tell(asyncio.get_running_loop().time())
            await asyncio.sleep(TELL_S)

    def _tell(self, now_s: float) -> None:
        troubles = list(self._troubles())
        mended = map(mending, self.store.notices)
        for alarm in self._alarms.new([*troubles, *mended, *self._of_runners()], now_s):
            self.chronicle.alert(alarm)
        reasons = tuple(trouble.text for trouble in troubles)
        what = reasons, self.chronicle.session, tuple(self.team.coaches)
        if what != self._told or now_s - self._told_s >= STATUS_S:
            self._told, self._told_s = what, now_s
            status = self.status(HubState.DEGRADED if reasons else HubState.ONLINE, reasons)
            self.outlet.tell(self.topics.status, status, retain=True)
            self._tell_pods()
        self._tell_checklist()

    def reasons(self) -> Iterator[str]:
        """Why the hub is degraded; none while it is online."""
        return (trouble.text for trouble in self._troubles())

    def status(self, state: HubState, reasons: tuple[str, ...] = ()) -> Status:
        return Status(
            t=self.chronicle.utc_ms(),
            state=state,
            reasons=reasons,
            version=__version__,
            session=self.chronicle.session,
            runners=tuple(self.team.coaches),
            backlog=self.store.count(),
            lost=self.store.lost,
        )

    def _tell_pods(self) -> None:
        for health in self.view.pods():
            message = health_message(health, self.view.loss(health), self.chronicle.utc_ms())
            self.outlet.tell(self.topics.health(pod_id(health)), message)

    def _tell_checklist(self) -> None:
        """When it has changed."""
        items = self.view.checklist()
        if items != self._checklist:
            self._checklist = items
            message = checklist_message(items, self.chronicle.utc_ms())
            self.outlet.tell(self.topics.checklist, message, retain=True)

    def _troubles(self) -> Iterator[Alarm]:
        """Why the hub is degraded."""
        if self.store.trouble is not None:
            text = f"the store of sessions: {self.store.trouble}"
            yield Alarm(AlertLevel.ERROR, "store", "", text)
        broker = self.broker()
        if broker.is_connected and broker.trouble is not None:
            yield Alarm(AlertLevel.WARNING, "broker", "", broker.trouble)
        clock = self.clock()
        if clock is not None:
            yield Alarm(AlertLevel.WARNING, "clock", "", clock)
        yield from self.view.troubles()
        for health in self.view.pods():
            if health.state is LinkState.DEGRADED:
                pod = health.pod
                text = f"{pod.runner}, {pod.placement.label}: {health.reason or 'not reached'}"
                yield Alarm(AlertLevel.WARNING, "pod_degraded", pod_id(health), text)

    def _of_runners(self) -> Iterator[Alarm]:
        for runner, coach in self.team.coaches.items():
            fading = coach.watch.fading.state
            if fading is not None and fading.is_fading:
                text = f"{runner}: {fading.text}"
                yield Alarm(AlertLevel.NOTICE, "form_fading", runner, text)
            if coach.watch.is_enough:
                text = f"{runner}: {' '.join(coach.watch.guard.advice)}"
                yield Alarm(AlertLevel.WARNING, "calf_load", runner, text)
