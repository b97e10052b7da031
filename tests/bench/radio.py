"""What the radio costs a hub: ten pods over the stock bleak and a BlueZ of their own.

`python tests/bench/radio.py [--pods 10] [--seconds 60] [--returns 20]` prints the hub's share of a
core (all of its process: bleak, kernel, strides), how long a stride takes from the arrival of its
last packet, what was lost, and how fast a pod that comes back streams again. BlueZ and the pods
run in processes of their own and are not counted.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "firmware" / "virtual")]

from hub_under_test import all_stream, roster_of  # noqa: E402
from mock_bluez.world import World, missing, world  # noqa: E402
from on_the_loop import until  # noqa: E402
from stridehub.app import Pipeline  # noqa: E402
from stridehub.config import HubConfig, RadioConfig  # noqa: E402
from stridehub.kernel.wire import Bytes  # noqa: E402
from stridehub.live import Live  # noqa: E402
from stridehub.model import Stride  # noqa: E402

LAG_TICK_S = 0.01
SETTLE_S = 10.0  # runners stand first; then strides come


class Meter:
    """Of strides, and of the loop's own lateness."""

    def __init__(self) -> None:
        self._arrival_s: float | None = None  # of the packet that is being taken
        self.stride_s: list[float] = []
        self.lag_s: list[float] = []

    def around(self, pipeline: Pipeline) -> None:
        """Knows from now on which packet a stride comes of."""
        take = pipeline.on_packet

        def timed(runner: str, pod: int, packet: Bytes, arrival_s: float) -> None:
            self._arrival_s = arrival_s
            take(runner, pod, packet, arrival_s)
            self._arrival_s = None

        pipeline.on_packet = timed  # type: ignore[method-assign]

    def on_stride(self, stride: Stride) -> None:
        """Those that time alone sets free come of no packet."""
        if self._arrival_s is not None:
            self.stride_s.append(time.monotonic() - self._arrival_s)

    async def watch_loop(self) -> None:
        while True:
            begun_s = time.monotonic()
            await asyncio.sleep(LAG_TICK_S)
            self.lag_s.append(time.monotonic() - begun_s - LAG_TICK_S)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pods", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--returns", type=int, default=20, help="times that a pod comes back")
    chosen = parser.parse_args(arguments)
    if (lacking := missing()) is not None:
        sys.exit(f"{lacking} on this machine")
    asyncio.run(measure(chosen.pods, chosen.seconds, chosen.returns))


async def measure(pods: int, seconds: float, returns: int) -> None:
    async with world(pods=pods) as air:
        with TemporaryDirectory() as folder:
            roster = await roster_of(air, Path(folder))
            meter = Meter()
            config = HubConfig(radio=RadioConfig(most_links=20))
            hub = Live(config, roster, on_stride=[meter.on_stride])
            meter.around(hub.pipeline)
            async with hub.running():
                await until(lambda: all_stream(hub.source))
                await asyncio.sleep(SETTLE_S)
                await steady(air, hub, meter, seconds)
                await coming_back(air, hub, returns)


async def steady(air: World, hub: Live, meter: Meter, seconds: float) -> None:
    watch = asyncio.create_task(meter.watch_loop())
    meter.stride_s.clear()
    before = packets(hub)
    cpu_s, begun_s = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    cpu_s, took_s = time.process_time() - cpu_s, time.monotonic() - begun_s
    watch.cancel()
    lost = sum(status.lost_packets for _, status in hub.pipeline.status())
    print(f"{len(hub.source.health())} pods, {took_s:.0f} s, {len(meter.stride_s)} strides")
    print(f"  notifications         {(packets(hub) - before) / took_s:.0f}/s, {lost} lost")
    print(f"  hub                   {cpu_s / took_s:.1%} of a core")
    print(f"  arrival to stride     {spread(meter.stride_s)} ms")
    print(f"  lateness of the loop  {spread(meter.lag_s)} ms")


def packets(hub: Live) -> int:
    return sum(health.packets for health in hub.source.health())


def spread(values_s: Sequence[float]) -> str:
    if not values_s:
        return "-"
    p50, p99 = np.percentile(np.asarray(values_s) * 1e3, [50, 99])
    return f"p50 {p50:.2f}, p99 {p99:.2f}, most {max(values_s) * 1e3:.2f}"


async def coming_back(air: World, hub: Live, returns: int) -> None:
    """Each time another pod; the time counts from its first advertisement."""
    took_s = []
    for number in range(returns):
        pod = number % len(air.addresses)
        await air.pod_off(pod)
        await until(lambda: not all_stream(hub.source))
        await asyncio.sleep(1.0)
        await air.pod_on(pod)
        took_s.append(await until(lambda: all_stream(hub.source)))
    if took_s:
        print(f"  pod back to stream    median {median(took_s):.2f} s, most {max(took_s):.2f} s")


if __name__ == "__main__":
    main()
