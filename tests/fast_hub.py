"""A hub of synthetic runners, at many times their speed, on a broker that is elsewhere.

    python tests/fast_hub.py --port P --state FOLDER [--runners N] [--seconds S] [--speed X]

Prints "begun SESSION" and, when all has been measured and the broker has all of it, "done STRIDES".
SIGTERM ends it early, without "done".
"""

import argparse
import asyncio
import contextlib
import signal
import time

from stridehub.config import HapticsConfig, HubConfig, MqttConfig
from stridehub.pods.played import Pace, Played
from stridehub.pods.simulated import SimulatedSource
from stridehub.synthetic import STANDING_S, synthetic_wearers
from stridehub.uplink import Uplink
from uplinked import NO_PODS, Uplinked

_POLL_S = 0.05


class FastPace(Pace):
    """Hub time runs so many times as fast as a wall clock."""

    def __init__(self, speed: float) -> None:
        self._begun_s = time.monotonic()
        self._speed = speed

    def wait_s(self, hub_s: float) -> float:
        due_s = self._begun_s + (hub_s - STANDING_S) / self._speed
        return max(0.0, due_s - time.monotonic())


async def run(config: HubConfig, runners: int, seconds: float, speed: float) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    hub = Uplinked(config)
    uplink, team = hub.uplink, hub.team
    wearers = synthetic_wearers(runners, 1)
    for wearer in wearers:
        team.add_runner(wearer.profile)
    source = Played(SimulatedSource(wearers), FastPace(speed), until_s=STANDING_S + seconds)
    async with uplink.running(team, NO_PODS):
        print("begun", uplink.chronicle.session, flush=True)
        player = asyncio.create_task(source.run(team.pipeline))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({player, stopped}, return_when=asyncio.FIRST_COMPLETED)
        player.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await player
        team.finish()
        while not stop.is_set() and not await asyncio.to_thread(_is_all_sent, uplink):
            await asyncio.sleep(_POLL_S)
        if not stop.is_set():
            print("done", hub.strides, flush=True)
        stopped.cancel()


def _is_all_sent(uplink: Uplink) -> bool:
    return uplink.store.flush(1.0) and uplink.store.count() == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--runners", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=600.0, help="of running")
    parser.add_argument("--speed", type=float, default=20.0)
    given = parser.parse_args()
    config = HubConfig(
        hub="fast",
        state_dir=given.state,
        mqtt=MqttConfig(host="127.0.0.1", port=given.port, backlog_per_s=2000),
        haptics=HapticsConfig(drivers=("console",)),
    )
    asyncio.run(run(config, given.runners, given.seconds, given.speed))


if __name__ == "__main__":
    main()
