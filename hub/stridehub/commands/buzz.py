"""Finds out how strong a cue has to be for a runner to feel it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from stridehub.commands.asking import Ask, asked
from stridehub.commands.stopping import stop_requested
from stridehub.config import HubConfig, load_hub_config
from stridehub.errors import MotorError
from stridehub.haptics.driver import Buzz
from stridehub.haptics.drivers import Haptics
from stridehub.haptics.patterns import pattern_of, total_s
from stridehub.kernel.wire import Bytes
from stridehub.model import CueKind, CueSide, KnownPod, LinkState
from stridehub.pods.bluez import BlueZ
from stridehub.pods.link import StreamSettings
from stridehub.pods.radio import Radio
from stridehub.pods.radio_source import Memory, RadioSource
from stridehub.pods.source import Take, WornPod
from stridehub.record.roster import Roster
from stridehub.record.snapshot import refuse_beside_running_hub

STEPS_PERCENT = (20, 30, 45, 65, 100)  # each felt as about half as strong again
CONNECT_WITHIN_S = 60.0
EDGE_WITHIN_S = 6.0  # a write to a pod fails after 5 s
BETWEEN_S = 0.6  # to be felt as two, where nobody answers
POLL_S = 0.1


def buzz(config_path: Path | None, runner: str, side: CueSide) -> bool:
    """Whether the runner felt something, or nobody was asked.

    Raises ConfigError, HubRunsError, MotorError, NobodyToAskError, StoreError.
    """
    config = load_hub_config(config_path)
    refuse_beside_running_hub(config.runtime)
    ask = input if sys.stdin.isatty() else None
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
        felt = await _weakest_felt(haptics, runner, side, ask)
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


async def _weakest_felt(
    haptics: Haptics, runner: str, side: CueSide, ask: Ask | None
) -> int | None:
    for percent in STEPS_PERCENT:
        print(f"{percent} %", flush=True)
        await _feel(haptics, runner, side, percent)
        if ask is None:
            await asyncio.sleep(BETWEEN_S)
        elif (await asked(ask, "felt? [y/N] ")).strip().lower() in ("y", "yes"):
            return percent
    return None


async def _feel(haptics: Haptics, runner: str, side: CueSide, percent: int) -> None:
    """Returns when it is over."""
    pattern = pattern_of(CueKind.OVERSTRIDE, percent)
    loop = asyncio.get_running_loop()
    has_begun = asyncio.Event()

    def begin(_edge_s: float) -> None:
        loop.call_soon_threadsafe(has_begun.set)

    if not haptics.play(Buzz(pattern, CueKind.OVERSTRIDE), runner, side, begin):
        raise MotorError(runner, haptics.trouble(runner) or "no motor there")
    try:
        await asyncio.wait_for(has_begun.wait(), EDGE_WITHIN_S)
    except TimeoutError as error:
        raise MotorError(runner, haptics.trouble(runner) or "the motor did not answer") from error
    await asyncio.sleep(total_s(pattern))


# ---- motors, and pods where they are needed ----


@asynccontextmanager
async def _motors(config: HubConfig, runner: str) -> AsyncIterator[Haptics]:
    """Raises MotorError where there are none for this runner."""
    drivers = config.drivers(runner)
    haptics = Haptics(config)
    trouble = haptics.trouble(runner)
    if "pod" not in drivers or (trouble is None and drivers[0] != "pod"):
        try:
            if trouble is not None:
                raise MotorError(runner, trouble)
            yield haptics
        finally:
            haptics.close()
        return
    haptics.close()
    async with _pods_of(config, runner) as source:
        haptics = Haptics(config, motors=source)
        try:
            trouble = haptics.trouble(runner)
            if trouble is not None:
                raise MotorError(runner, trouble)
            yield haptics
        finally:
            haptics.close()


class _Nowhere:
    """A PacketSink: the pods stream to be reached, not to be measured."""

    def plug(self, worn: WornPod) -> Take:
        def drop(packet: Bytes, arrival_s: float) -> None:
            pass

        return drop


@asynccontextmanager
async def _pods_of(config: HubConfig, runner: str) -> AsyncIterator[RadioSource]:
    """All of them, if they come within CONNECT_WITHIN_S, else those that came."""
    roster = Roster(config.database)
    pods = [pod for pod in roster.pods() if pod.runner == runner]
    if not pods:
        raise MotorError(runner, "no motors on pins, and no pods; `stridehub provision` makes one")
    source = _source(config, roster, pods)
    life = asyncio.create_task(source.run(_Nowhere()))
    try:
        print(f"connecting to {len(pods)} pods", flush=True)
        await _until_streaming(source, life)
        yield source
    finally:
        life.cancel()
        with suppress(asyncio.CancelledError):
            await life


def _source(config: HubConfig, roster: Roster, pods: Collection[KnownPod]) -> RadioSource:
    return RadioSource(
        Radio(),
        BlueZ(),
        pods,
        StreamSettings(config.radio.rate_hz, config.radio.batch),
        adapters=config.radio.adapters,
        most_links=config.radio.most_links,
        memory=Memory(roster.most_links()),
    )


async def _until_streaming(source: RadioSource, life: "asyncio.Task[None]") -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(CONNECT_WITHIN_S):
            while not all(h.state is LinkState.STREAMING for h in source.health()):
                if life.done():
                    life.result()
                await asyncio.sleep(POLL_S)
