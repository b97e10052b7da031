"""Hours of a session with everything that goes wrong in them: `python tests/bench/soak.py`.

Five pods over the stock bleak and a BlueZ of their own live an hour at six times the speed, hub
time with them, while pods die, hang, lose their links (told or untold), BlueZ refuses, hangs and is
killed, and the adapter is pulled out. Prints, for every ten minutes of session, what
was lost, how often pods were reconnected, and what the hub holds. Fails if in the end not all pods
stream, or tasks, files or memory have grown.
"""

import argparse
import asyncio
import gc
import logging
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "firmware" / "virtual")]

from hub_under_test import all_stream, roster_of  # noqa: E402
from mock_bluez.world import World, missing, world  # noqa: E402
from on_the_loop import until  # noqa: E402
from stridehub.config import HubConfig  # noqa: E402
from stridehub.live import Live  # noqa: E402
from stridehub.model import Stride  # noqa: E402

REPORTS = 6
QUIET_S = (3.0, 12.0)  # of true time between two faults
RECOVERY_S = 120.0  # of true time, at most, in the end
SETTLE_S = 10.0
MORE_TASKS, MORE_FILES, MORE_KB = 3, 3, 30_000

IN_PROGRESS = "org.bluez.Error.InProgress"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--hours", type=float, default=1.0, help="of the session")
    parser.add_argument("--speed", type=float, default=6.0, help="session time over true time")
    parser.add_argument("--pods", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    if (lacking := missing()) is not None:
        sys.exit(f"{lacking} on this machine")
    logging.basicConfig(level=logging.ERROR)
    if not asyncio.run(soak(chosen.hours, chosen.speed, chosen.pods, chosen.seed)):
        sys.exit("failed: see above")


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a process of ours holds."""

    tasks: int
    files: int
    rss_kb: int

    @classmethod
    def now(cls) -> "Holdings":
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        page_kb = os.sysconf("SC_PAGE_SIZE") // 1024
        return cls(len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")), pages * page_kb)


class Mishaps:
    """One after the other, at random times."""

    def __init__(self, air: World, seed: int) -> None:
        self._air = air
        self._random = random.Random(seed)
        self.count: Counter[str] = Counter()
        self._kinds: dict[str, tuple[int, Callable[[int], Awaitable[None]]]] = {
            "link lost": (8, air.drop_link),
            "link lost, untold": (3, air.silence_link),
            "pod hangs up": (3, air.hang_up),
            "pod boots": (4, self._boot),
            "pod hangs": (3, self._hang),
            "garbage": (3, lambda pod: air.send_garbage(pod, packets=20)),
            "packets lost in the air": (4, lambda pod: air.swallow(pod, packets=20)),
            "flood": (2, self._flood),
            "adapter in use": (3, self._refuse),
            "connection hangs": (2, lambda pod: air.hang("Connect", 20.0)),
            "adapter pulled out": (1, self._unplug),
            "BlueZ killed": (1, self._kill),
        }

    async def run(self) -> None:
        names = list(self._kinds)
        weights = [weight for weight, _ in self._kinds.values()]
        while True:
            await asyncio.sleep(self._random.uniform(*QUIET_S))
            (name,) = self._random.choices(names, weights)
            pod = self._random.randrange(len(self._air.addresses))
            self.count[name] += 1
            await self._kinds[name][1](pod)

    async def _boot(self, pod: int) -> None:
        await self._air.pod_off(pod)
        await asyncio.sleep(self._random.uniform(0.5, 5.0))
        await self._air.pod_on(pod, wait=False)

    async def _hang(self, pod: int) -> None:
        await self._air.hang_pod(pod)
        await asyncio.sleep(self._random.uniform(1.0, 8.0))
        await self._air.hang_pod(pod, hung=False)

    async def _flood(self, pod: int) -> None:
        await self._air.flood(pod, 500)
        await asyncio.sleep(1.0)
        await self._air.flood(pod, 0)

    async def _refuse(self, pod: int) -> None:
        await self._air.fail("StartDiscovery", 2, IN_PROGRESS, "Operation already in progress")
        await self._air.fail("Connect", 2, IN_PROGRESS, "Operation already in progress")
        await self._air.drop_link(pod)

    async def _unplug(self, pod: int) -> None:
        await self._air.remove_adapter()
        await asyncio.sleep(self._random.uniform(1.0, 5.0))
        await self._air.add_adapter()

    async def _kill(self, pod: int) -> None:
        await self._air.kill_bluez()
        await self._air.start_bluez()


async def soak(hours: float, speed: float, pods: int, seed: int) -> bool:
    async with world(pods=pods, speed=speed) as air:
        with TemporaryDirectory() as folder:
            roster = await roster_of(air, Path(folder))
            strides: Counter[str] = Counter()

            def count(stride: Stride) -> None:
                strides[stride.runner] += 1

            hub = Live(
                HubConfig(), roster, on_stride=[count], clock=lambda: time.monotonic() * speed
            )
            async with hub.running():
                await until(lambda: all_stream(hub.source))
                return await watched(air, hub, strides, hours * 3600 / speed, speed, seed)


async def watched(
    air: World, hub: Live, strides: Counter[str], seconds: float, speed: float, seed: int
) -> bool:
    mishaps = Mishaps(air, seed)
    trouble = asyncio.create_task(mishaps.run())
    before = Holdings.now()
    for report in range(REPORTS):
        await asyncio.wait({trouble}, timeout=seconds / REPORTS)
        if trouble.done():
            trouble.result()
        if report == 0:
            before = Holdings.now()
        tell((report + 1) * seconds * speed / REPORTS, hub, strides, mishaps)
    trouble.cancel()
    await asyncio.wait({trouble})
    return await recovered(air, hub, before)


def tell(session_s: float, hub: Live, strides: Counter[str], mishaps: Mishaps) -> None:
    held = Holdings.now()
    healths = hub.source.health()
    print(
        f"{session_s / 60:3.0f} min: {sum(mishaps.count.values())} mishaps,"
        f" {sum(h.connects for h in healths)} connections,"
        f" {sum(h.packets for h in healths)} packets,"
        f" {sum(s.lost_packets for _, s in hub.pipeline.status())} lost on the way,"
        f" {strides.total()} strides; {held.tasks} tasks, {held.files} files,"
        f" {held.rss_kb / 1024:.0f} MiB",
        flush=True,
    )


async def recovered(air: World, hub: Live, before: Holdings) -> bool:
    """Nothing is broken any more: all pods come back, and a while of streaming loses nothing."""
    for pod in range(len(air.addresses)):
        await air.flood(pod, 0)
        await air.swallow(pod, packets=0)
        await air.hang_pod(pod, hung=False)
        await air.pod_on(pod, wait=False)
    await air.clear_faults()
    took_s = await until(lambda: all_stream(hub.source), RECOVERY_S)
    await asyncio.sleep(SETTLE_S)  # a pod that hung tells only now how much it has missed
    await until(lambda: all_stream(hub.source), RECOVERY_S)
    lost_before = await lost_by_the_hub(air, hub)
    await asyncio.sleep(10.0)
    lost = await lost_by_the_hub(air, hub) - lost_before
    after = Holdings.now()
    print(f"all stream again after {took_s:.1f} s, {lost} lost in 10 s after that; {after}")
    return (
        lost == 0
        and after.tasks <= before.tasks + MORE_TASKS
        and after.files <= before.files + MORE_FILES
        and after.rss_kb <= before.rss_kb + MORE_KB
    )


async def lost_by_the_hub(air: World, hub: Live) -> int:
    """What pods themselves dropped, for want of time on this machine, is not the hub's loss."""
    dropped = sum(stats.packets_dropped for stats in await air.stats())
    return sum(status.lost_packets for _, status in hub.pipeline.status()) - dropped


if __name__ == "__main__":
    main()
