"""Finds out how strong a cue has to be for a runner to feel it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stridehub.commands.asking import Ask, asked, is_terminal
from stridehub.commands.stopping import stop_requested
from stridehub.config import DriverName, HubConfig, load_hub_config
from stridehub.errors import MotorError
from stridehub.haptics.driver import Buzz
from stridehub.haptics.drivers import Haptics
from stridehub.haptics.patterns import pattern_of, total_s
from stridehub.kernel.wire import Bytes
from stridehub.model import CueKind, CueSide, LinkState
from stridehub.pods.radio_source import Memory, RadioSource, source_of
from stridehub.pods.source import Take, WornPod
from stridehub.record.roster import Roster
from stridehub.record.snapshot import refuse_beside_running_hub
from stridehub.timing import CUE_EDGE_S

STEPS_PERCENT = (20, 30, 45, 65, 100)  # each felt as about half as strong again
CONNECT_WITHIN_S = 60.0
EDGE_WITHIN_S = CUE_EDGE_S + 1.0
BETWEEN_S = 0.6  # to be felt as two, where nobody answers
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Steps:
    """What is played, and to whom."""

    config: HubConfig
    haptics: Haptics
    runner: str
    side: CueSide

    async def feel(self, percent: int) -> None:
        """Returns when it is over. Raises MotorError."""
        pattern = pattern_of(CueKind.OVERSTRIDE, percent, self.config.haptics)
        loop = asyncio.get_running_loop()
        has_begun = asyncio.Event()

        def begin(_edge_s: float) -> None:
            loop.call_soon_threadsafe(has_begun.set)

        cue = Buzz(pattern, CueKind.OVERSTRIDE)
        if not self.haptics.play(cue, self.runner, self.side, begin):
            raise self._failed("no motor there")
        try:
            async with asyncio.timeout(EDGE_WITHIN_S):
                await has_begun.wait()
        except TimeoutError as error:
            raise self._failed("the motor did not answer") from error
        await asyncio.sleep(total_s(pattern))

    def _failed(self, otherwise: str) -> MotorError:
        return MotorError(self.runner, self.haptics.trouble(self.runner) or otherwise)


def buzz(config_path: Path | None, runner: str, side: CueSide) -> bool:
    """Whether the runner felt something, or nobody was asked.

    Raises ConfigError, HubRunsError, MotorError, NobodyToAskError, StoreError.
    """
    config = load_hub_config(config_path)
    refuse_beside_running_hub(config.runtime)
    ask = input if is_terminal() else None
    return asyncio.run(_until_stopped(config, runner, side, ask))


async def _until_stopped(config: HubConfig, runner: str, side: CueSide, ask: Ask | None) -> bool:
    with stop_requested() as stop:
        test = asyncio.create_task(_test(config, runner, side, ask))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({test, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return test.done() and test.result()
        finally:
            for task in (test, stopped):
                task.cancel()
            await asyncio.wait({test, stopped})


async def _test(config: HubConfig, runner: str, side: CueSide, ask: Ask | None) -> bool:
    async with _motors(config, runner) as haptics:
        felt = await _weakest_felt(Steps(config, haptics, runner, side), ask)
    if ask is None:
        print("nobody was asked: set intensity_percent one step above the weakest that was felt")
        return True
    if felt is None:
        print("nothing was felt: does the motor sit tight, and does it turn at all?")
        return False
    print(f"felt from {felt} % on; running hides some of it, so one step more. In the settings:")
    print(f'\n[[runners]]\nrunner = "{runner}"\nintensity_percent = {_next_step(felt)}')
    return True


def _next_step(percent: int) -> int:
    stronger = (step for step in STEPS_PERCENT if step > percent)
    return next(stronger, STEPS_PERCENT[-1])


async def _weakest_felt(steps: Steps, ask: Ask | None) -> int | None:
    for percent in STEPS_PERCENT:
        print(f"{percent} %", flush=True)
        await steps.feel(percent)
        if ask is None:
            await asyncio.sleep(BETWEEN_S)
        elif (await asked(ask, "felt? [y/N] ")).strip().lower() in ("y", "yes"):
            return percent
    return None


# ---- motors, and pods where they are needed ----


@asynccontextmanager
async def _motors(config: HubConfig, runner: str) -> AsyncIterator[Haptics]:
    """Raises MotorError where there are none for this runner."""
    source = _pods_of(config, runner)
    haptics = Haptics(config, motors=source)
    try:
        async with AsyncExitStack() as connected:
            if source is not None and _wants_pods(haptics, config.drivers(runner), runner):
                await connected.enter_async_context(_streaming(source))
            trouble = haptics.trouble(runner)
            if trouble is not None:
                raise MotorError(runner, trouble)
            try:
                yield haptics
            finally:
                haptics.stop_all()  # while there are links
    finally:
        haptics.close()


def _wants_pods(haptics: Haptics, names: Sequence[DriverName], runner: str) -> bool:
    """No driver that is tried before them can play."""
    ready = haptics.ready(runner)
    return "pod" in names and (ready is None or names.index("pod") < names.index(ready))


class _Nowhere:
    """A PacketSink: the pods stream to be reached, not to be measured."""

    def plug(self, worn: WornPod) -> Take:
        def drop(packet: Bytes, arrival_s: float) -> None:
            pass

        return drop


def _pods_of(config: HubConfig, runner: str) -> RadioSource | None:
    """None: the runner has none, or is not to feel them."""
    if "pod" not in config.drivers(runner):
        return None
    roster = Roster(config.database)
    pods = [pod for pod in roster.pods() if pod.runner == runner]
    return source_of(config.radio, pods, Memory(roster.most_links())) if pods else None


@asynccontextmanager
async def _streaming(source: RadioSource) -> AsyncIterator[None]:
    """All of them, if they come within CONNECT_WITHIN_S, else those that came."""
    life = asyncio.create_task(source.run(_Nowhere()))
    try:
        print(f"connecting to {len(source.health())} pods", flush=True)
        await _until_streaming(source, life)
        yield
    finally:
        life.cancel()
        with suppress(asyncio.CancelledError):
            await life


async def _until_streaming(source: RadioSource, life: "asyncio.Task[None]") -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(CONNECT_WITHIN_S):
            while not all(h.state is LinkState.STREAMING for h in source.health()):
                if life.done():
                    life.result()
                await asyncio.sleep(POLL_S)
