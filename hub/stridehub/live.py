"""A hub at work: pods, kernels, coaches and checklist in one task group, on one loop."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from stridehub.app import OnEvent, OnStride, Pipeline
from stridehub.checklist import Checklist, Item, Wearer
from stridehub.coaching.memory import CoachStore, RunnerMemory
from stridehub.config import HapticsConfig, HubConfig
from stridehub.errors import ConfigError, ProfileError, StoreError
from stridehub.haptics.drivers import Haptics
from stridehub.kernel.stride import StrideKernel
from stridehub.model import KnownPod
from stridehub.pods.radio import Host, Radio
from stridehub.pods.radio_source import Memory, source_of
from stridehub.pods.source import PacketSink
from stridehub.record.roster import Roster
from stridehub.team import Clocks, OnCue, OnFollowUp, Team
from stridehub.threads import onto
from stridehub.timing import ADVANCE_S, KEEP_S, LAST_WRITE_S, SHUTDOWN_S, TELL_S
from stridehub.wearing import Motion, hints

if TYPE_CHECKING:  # it loads what only few hubs need
    from stridehub.record.raw import RawRecorder

log = logging.getLogger(__name__)

_NOTHING_BUZZES = HubConfig(haptics=HapticsConfig(drivers=("none",)))


class Live:
    """Everything between the air and whoever asked for strides."""

    def __init__(
        self,
        config: HubConfig,
        roster: Roster,
        *,
        pods: Iterable[KnownPod] | None = None,
        coaching: CoachStore | None = None,
        recorder: "RawRecorder | None" = None,
        on_event: Sequence[OnEvent] = (),
        on_stride: Sequence[OnStride] = (),
        on_cue: Sequence[OnCue] = (),
        on_follow_up: Sequence[OnFollowUp] = (),
        on_checklist: Callable[[tuple[Item, ...]], None] = lambda items: None,
        radio: Radio | None = None,
        host: Host | None = None,
        clock: Callable[[], float] = time.monotonic,
        utc_s: Callable[[], float] = time.time,
    ) -> None:
        """Within a running event loop. `pods`: those that matter; all of the roster by default.
        Without `coaching` nothing buzzes, and nothing is remembered of a runner. `utc_s`: of the
        clock by which the hub's sessions are dated.

        Raises ConfigError, StoreError.
        """
        known = roster.pods() if pods is None else list(pods)
        self.checklist = Checklist(on_checklist)
        self._config = config
        self._roster = roster
        self._clock = clock
        self._writes: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None  # while it runs
        self.parts: Sequence[asyncio.Task[None]] = ()  # of it: none of them ends before
        self.advanced_s = -math.inf  # by the loop's clock: when hub time last passed
        self._end_s = 0.0  # by the loop's clock: nothing is waited for any longer
        self._store = coaching
        self._recorder = recorder
        self._not_kept: set[str] = set()
        self.source = source_of(
            config.radio,
            known,
            Memory(roster.most_links(), self._changed, self._full),
            radio=radio,
            host=host,
            clock=clock,
        )
        self.haptics = Haptics(config if coaching else _NOTHING_BUZZES, motors=self.source)
        self.team = Team(
            config,
            self.haptics,
            on_event=on_event,
            on_stride=on_stride,
            on_cue=on_cue,
            on_follow_up=on_follow_up,
            clocks=Clocks(clock, utc_s),
            hand_over=onto(asyncio.get_running_loop()),
        )
        self.sink: PacketSink = self.team.pipeline
        if recorder is not None:
            self.sink = recorder.wrap(self.team.pipeline)
        for pod in known:
            self._know(pod.runner)

    @property
    def pipeline(self) -> Pipeline:
        return self.team.pipeline

    def _know(self, runner: str) -> None:
        if runner not in self.team.coaches:
            memory = self._remembered(runner)
            may_cue = runner not in self._not_kept
            profile = self._config.profile(runner)
            self.team.add_runner(profile, memory, may_cue=may_cue)
            if self._recorder is not None:
                self._recorder.add_runner(profile)

    def _remembered(self, runner: str) -> RunnerMemory | None:
        """What cannot be read stays as it is on the disk, for somebody to look at."""
        if self._store is None:
            return None
        try:
            return self._store.load(runner)
        except StoreError as error:
            log.error("%s is measured, and not coached: %s", runner, error)
            self._not_kept.add(runner)
            return None

    def _changed(self, pod: KnownPod) -> None:
        try:
            self._know(pod.runner)
        except (ConfigError, ProfileError) as error:
            log.error("nobody can wear %s: %s", pod.name, error)
        self._keep("the pod's new settings", lambda: self._roster.keep(pod))

    def _full(self, adapter: str, links: int) -> None:
        self._keep("what the adapter holds", lambda: self._roster.keep_most_links(adapter, links))

    def _keep(self, what: str, write: Callable[[], None]) -> None:
        """In a thread: the radio does not wait for a disk. One that fails ends no session."""

        async def keep() -> None:
            try:
                async with self._writing:  # in order
                    await asyncio.to_thread(write)
            except StoreError as error:
                log.warning("%s could not be kept: %s", what, error)

        task = asyncio.create_task(keep())
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    @property
    def now_s(self) -> float:
        """Hub time."""
        return self._clock()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """Runs until the block ends; what is yielded ends before only by raising a fault."""
        task = self._task = asyncio.create_task(self._run())
        try:
            yield task
        finally:
            self.end()
            left_s = max(0.0, self._end_s - asyncio.get_running_loop().time())
            ended, _ = await asyncio.wait({task, *self._writes}, timeout=left_s)
            self.haptics.close()
            self._remember()
            if self._writes:
                await asyncio.wait(self._writes, timeout=LAST_WRITE_S)
        if task in ended:
            with suppress(asyncio.CancelledError):
                task.result()

    def end(self) -> None:
        """Everything that was measured has been told; pods are let go, which takes a while."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self.team.finish()
            self._end_s = asyncio.get_running_loop().time() + SHUTDOWN_S

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self.parts = [
                group.create_task(self.source.run(self.sink), name="pods"),
                group.create_task(self._advance(), name="strides"),
                group.create_task(self._check(), name="checklist"),
                group.create_task(self._keep_remembering(), name="memory"),
            ]

    async def _advance(self) -> None:
        while True:
            await asyncio.sleep(ADVANCE_S)
            now_s = self._clock()
            self.team.advance(now_s)
            self.haptics.beat()
            self.advanced_s = asyncio.get_running_loop().time()
            if self._recorder is not None:
                self._recorder.advanced(now_s)

    async def _keep_remembering(self) -> None:
        while True:
            await asyncio.sleep(KEEP_S)
            self._remember()

    async def remember(self) -> None:
        """Returns when all that coaches remember is on the disk, or has failed to get there."""
        self._remember()
        if self._writes:
            await asyncio.wait(set(self._writes))

    def _remember(self) -> None:
        store = self._store
        memories = {
            runner: memory
            for runner, memory in self.team.to_keep().items()
            if runner not in self._not_kept
        }
        if store is not None and memories:
            self._keep("what the coach remembers", lambda: store.keep(memories))

    async def _check(self) -> None:
        while True:
            self.check()
            await asyncio.sleep(TELL_S)

    def check(self) -> tuple[Item, ...]:
        """The checklist as of now."""
        self.checklist.update(
            self.source.health(),
            [wearer(runner, kernel) for runner, kernel in self.pipeline.kernels.items()],
            self.source.problems(),
        )
        return self.checklist.items


def wearer(runner: str, kernel: StrideKernel) -> Wearer:
    """As the checklist sees a runner."""
    statuses = list(kernel.statuses())
    motions = {
        status.placement: Motion(*kernel.series(number), status.alignment_confidence)
        for number, status in enumerate(statuses)
    }
    return Wearer(runner, statuses, hints(motions))
