"""The hub on the real BlueZ: one line of JSON for each scenario, and a table of all in the end.

    python -m vm.scenarios [SCENARIO ...]

The exit status is 1 if any fails. Logs of hub and pods are left in a folder for each scenario.
"""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vm.guest import pods_on_air
from vm.machine import Machine
from vm.outcome import Outcome, table
from vm.scenes_bluetooth import bluetooth
from vm.scenes_bonds import bonds
from vm.scenes_provision import provision
from vm.scenes_reconnect import reconnect
from vm.scenes_service import service
from vm.scenes_stream import stream, stream_ten, two_adapters
from vm.scenes_wear import cycles, rival
from vm.stage import FIRST_ADAPTER, Stage, bluetoothd, stage_of

_LONGEST_S = 600.0
_HANG_UP_S = 4.0  # until the last link has ended, and bluetoothd with it, if it does


@dataclass(frozen=True, slots=True)
class Scenario:
    play: Callable[[Stage], Awaitable[None]]
    pods: int = 5
    adapters: int = 1
    most_links: int = 7
    uses: tuple[str, ...] = ()  # adapters that the hub may use; none: all
    kills_bluetoothd: bool = False


SCENARIOS = {
    "provision": Scenario(provision, adapters=2, uses=(FIRST_ADAPTER,)),
    "stream": Scenario(stream),
    "stream_ten": Scenario(stream_ten, pods=10, most_links=10),
    "reconnect": Scenario(reconnect),
    "bonds": Scenario(bonds, pods=2),
    "bluetooth": Scenario(bluetooth, pods=3, kills_bluetoothd=True),
    "rival": Scenario(rival),
    "service": Scenario(service),
    "two_adapters": Scenario(two_adapters, pods=6, adapters=2),
    "cycles": Scenario(cycles, pods=1),
}


async def _played(name: str) -> Outcome:
    scenario, outcome = SCENARIOS[name], Outcome(name)
    begun_s = time.monotonic()
    with outcome.part("broken off"):
        async with (
            asyncio.timeout(_LONGEST_S),
            pods_on_air(scenario.pods, scenario.adapters) as pods,
        ):
            machine = Machine("machine", scenario.uses, scenario.most_links)
            daemon = await bluetoothd()
            await scenario.play(await stage_of(pods, machine, outcome))
            await asyncio.sleep(_HANG_UP_S)
            lives = daemon == await bluetoothd()
            outcome.check(lives or scenario.kills_bluetoothd, "bluetoothd died")
    outcome.took_s = round(time.monotonic() - begun_s, 1)
    return outcome


@contextmanager
def _in_folder_of(name: str) -> Iterator[None]:
    """With the hub's log in it."""
    before = Path.cwd()
    Path(name).mkdir(exist_ok=True)
    os.chdir(name)
    log = logging.FileHandler("hub.log", mode="w")
    log.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(log)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(log)
        log.close()
        os.chdir(before)


def main() -> int:
    logging.getLogger().setLevel(logging.INFO)
    outcomes = []
    for name in sys.argv[1:] or SCENARIOS:
        with _in_folder_of(name):
            outcomes.append(asyncio.run(_played(name)))
        print(outcomes[-1].line(), flush=True)
    print(table(outcomes), flush=True)
    return int(any(outcome.faults for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
