"""A hub's way to its coaches: what happens is kept, published, and answered to."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from stridehub.broadcast.chronicle import Chronicle
from stridehub.broadcast.clock_watch import ClockWatch
from stridehub.broadcast.hub_bulletins import HubBulletins, HubView, offline
from stridehub.broadcast.meta import meta_message
from stridehub.broadcast.orders import Orders
from stridehub.broadcast.outlet import Outlet
from stridehub.broadcast.runner_bulletins import RunnerBulletins
from stridehub.coaching.session import RESUME_S
from stridehub.config import HubConfig
from stridehub.errors import StoreError
from stridehub.mqtt.desk import Answered, Desk
from stridehub.mqtt.endpoint import Endpoint
from stridehub.mqtt.messages import HubState
from stridehub.mqtt.publisher import BrokerState, Publisher
from stridehub.mqtt.topics import Topics
from stridehub.record import entries
from stridehub.record.reading import Reading
from stridehub.record.store import Store
from stridehub.rules import Layer
from stridehub.team import Team
from stridehub.threads import onto
from stridehub.timing import KEEP_S, LAST_WRITE_S
from stridehub.wall_clock import WallClock

# Of answers to commands, over a restart: far older ones are refused as stale.
_REMEMBER_MS = 60_000

_encode = msgspec.json.encode


Remember = Callable[[], Awaitable[None]]


async def _at_once() -> None:
    """Nothing is remembered."""


def _a_moment_ago(path: Path, now_s: float) -> str | None:
    """The session that a hub, which is back soon, goes on from."""
    try:
        latest = Reading(path).latest
        return latest(round((now_s - RESUME_S) * 1e3), round((now_s + RESUME_S) * 1e3))
    except StoreError:  # damaged: told by who mends it
        return None


class Uplink:
    """Subscribe `chronicle` to a team, then run it around that team's work."""

    def __init__(self, config: HubConfig, find: Callable[[], Endpoint]) -> None:
        """`find`: where the broker is; asked before each try to reach it. Raises StoreError."""
        self.topics = Topics(config.name)
        self.wall_clock = WallClock()
        before = _a_moment_ago(config.sessions, self.wall_clock.utc_s())
        self.store = Store(config.sessions, config.record, on_written=lambda: self._wake())
        self.chronicle = Chronicle(
            self.store, self.topics, continues=before, utc_ms=self.wall_clock.utc_ms
        )
        self.broker = BrokerState(trouble="not connected yet")
        self._config = config
        self._find = find
        self._wake: Callable[[], None] = lambda: None
        self._reasons: Callable[[], Iterable[str]] = tuple  # of the bulletins
        self.parts: Sequence[asyncio.Task[None]] = ()  # of what runs: none of them ends before
        self._answers: set[asyncio.Task[None]] = set()  # that wait for the disk

    @asynccontextmanager
    async def running(
        self, team: Team, view: HubView, remember: Remember = _at_once
    ) -> AsyncIterator[asyncio.Task[None]]:
        """Coaches are told until the block ends; what is yielded ends before only by a fault.

        `remember` returns when all that coaches remember is on the disk: no command that changed
        it is answered before.
        """

        def keep() -> None:
            self._keep_runners(team, view)

        orders = Orders(team, self.chronicle, keep)
        clock = ClockWatch(self.wall_clock, self.chronicle, team, orders)
        publisher = self._publisher(orders, remember)
        publisher.start()
        self._wake = publisher.wake
        outlet = Outlet(publisher)
        hub = HubBulletins(
            team,
            self.chronicle,
            self.topics,
            outlet,
            view,
            self.store,
            lambda: self.broker,
            lambda: clock.news,
        )
        self._reasons = hub.reasons
        layers = (Layer("hub", self._config.coaching),)
        meta = meta_message(layers, self.chronicle.utc_ms())
        outlet.tell(self.topics.meta, meta, retain=True)
        task = asyncio.create_task(self._tell(team, hub, outlet, clock))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait({task, *self._answers}, timeout=LAST_WRITE_S)
            keep()
            self.chronicle.end_session()
            await asyncio.to_thread(self.store.flush, LAST_WRITE_S)
            await publisher.stop(_encode(hub.status(HubState.OFFLINE)))
            await asyncio.to_thread(self.store.close, LAST_WRITE_S)
        with suppress(asyncio.CancelledError):
            task.result()

    def wrong(self) -> Iterator[str]:
        """What is wrong at the hub now, for people: also what no broker can be told."""
        broker = self.broker
        if not broker.is_connected and broker.trouble is not None:
            yield f"broker: {broker.trouble}"
        yield from self._reasons()

    def _publisher(self, orders: Orders, remember: Remember) -> Publisher:
        loop = asyncio.get_running_loop()

        def after_remembering(call: Callable[[], None]) -> None:
            async def then() -> None:
                await remember()
                call()

            task = loop.create_task(then())
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

        desk = Desk(
            orders.carry_out,
            lambda ack: after_remembering(lambda: publisher.say(self.topics.ack, _encode(ack))),
            lambda answered: after_remembering(lambda: self._remember(answered)),
            self.chronicle.utc_ms,
            time.monotonic,
            self._known(),
        )
        publisher = Publisher(
            self._find,
            self.topics,
            self.store,
            will=lambda: _encode(offline(self.chronicle.utc_ms())),
            on_command=desk.take,
            on_state=self._on_broker,
            hand_over=onto(loop),
            backlog_per_s=self._config.mqtt.backlog_per_s,
        )
        return publisher

    def _on_broker(self, state: BrokerState) -> None:
        self.broker = state

    async def _tell(self, team: Team, hub: HubBulletins, outlet: Outlet, clock: ClockWatch) -> None:
        runners = RunnerBulletins(team, self.chronicle, self.topics, outlet)
        async with asyncio.TaskGroup() as group:
            self.parts = [
                group.create_task(runners.run(), name="summaries"),
                group.create_task(hub.run(), name="status"),
                group.create_task(self._look_after_session(team, hub.view), name="session"),
                group.create_task(clock.run(), name="clock"),
            ]

    async def _look_after_session(self, team: Team, view: HubView) -> None:
        while True:
            await asyncio.sleep(KEEP_S)
            self._keep_runners(team, view)
            self._go_on_after_a_cut()

    def _keep_runners(self, team: Team, view: HubView) -> None:
        """What is known of them by now, into the session."""
        pods = [health.pod for health in view.pods()]
        for runner, coach in team.coaches.items():
            self.chronicle.keep_runner(coach, tuple(pod for pod in pods if pod.runner == runner))

    def _go_on_after_a_cut(self) -> None:
        """A session of which something is missing is published no further; the next one is, once
        the store has room again.
        """
        session, store = self.chronicle.session, self.store
        if session is not None and store.trouble is None and store.is_cut(session):
            self.chronicle.begin_session(session)

    # ---- answers to commands ----

    def _remember(self, answered: Answered) -> None:
        self.store.put(
            entries.Answered(t_ms=answered.ack.t, id=answered.ack.id, ack=_encode(answered))
        )

    def _known(self) -> Iterator[Answered]:
        """From before a restart. A store that cannot be read is told of elsewhere."""
        try:
            kept = self.store.answered(self.chronicle.utc_ms() - _REMEMBER_MS)
        except StoreError:
            return
        for answer in kept.values():
            with suppress(msgspec.DecodeError):
                yield msgspec.json.decode(answer, type=Answered)
