"""The installed hub: one line of JSON for each scene, and a table of all in the end.

    python -m vm.installed SCENE...

In the order of the lists below, whatever the order here: first what wants no pods, then what wants
some, which are made the hub's own first. The exit status is 1 if any fails.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from vm import (
    scenes_cue,
    scenes_faults,
    scenes_install,
    scenes_power,
    scenes_run,
)
from vm.field import Field, field_of
from vm.outcome import Outcome, table

ALONE: dict[str, Callable[[Outcome], Awaitable[None]]] = {
    "install": scenes_install.install,
    "share": scenes_install.share,
    "cue": scenes_cue.cue,
    "after_power_cut": scenes_power.after_power_cut,
}
WITH_PODS: dict[str, Callable[[Field], Awaitable[None]]] = {
    "strides": scenes_run.strides,
    "no_adapter": scenes_faults.no_adapter,
    "adapter_out": scenes_faults.adapter_out,
    "broker_away": scenes_faults.broker_away,
    "clock": scenes_faults.clock,
    "killed": scenes_faults.killed,
    "stopped": scenes_faults.stopped,
    "dashboard": scenes_faults.dashboard,
    "power_cut": scenes_power.power_cut,
}
_LONGEST_S = 1800.0


async def _play(names: Sequence[str]) -> list[Outcome]:
    outcomes = [await _alone(name) for name in ALONE if name in names]
    if wanted := [name for name in WITH_PODS if name in names]:
        outcomes += await _with_pods(wanted)
    return outcomes


async def _alone(name: str) -> Outcome:
    outcome = Outcome(name)
    await _timed(outcome, partial(ALONE[name], outcome))
    return outcome


async def _with_pods(names: Sequence[str]) -> list[Outcome]:
    """None of them where the pods cannot be made the hub's own."""
    outcome = Outcome("provision")
    outcomes = [outcome]
    async with field_of(outcome) as field:
        await _timed(outcome, field.own)
        for name in [] if outcome.faults else names:
            field.outcome = Outcome(name)
            outcomes.append(field.outcome)
            await _timed(field.outcome, partial(_played, field, name))
    return outcomes


async def _played(field: Field, name: str) -> None:
    field.begin()
    try:
        await WITH_PODS[name](field)
    finally:
        field.judge()


async def _timed(outcome: Outcome, play: Callable[[], Awaitable[None]]) -> None:
    begun_s = time.monotonic()
    with outcome.part("broken off"):
        async with asyncio.timeout(_LONGEST_S):
            await play()
    outcome.took_s = round(time.monotonic() - begun_s, 1)
    print(outcome.line(), flush=True)


def main() -> int:
    unknown = set(sys.argv[1:]) - {*ALONE, *WITH_PODS}
    if unknown or len(sys.argv) == 1:
        print(f"scenes: {', '.join([*ALONE, *WITH_PODS])}", file=sys.stderr)
        return 2
    outcomes = asyncio.run(_play(sys.argv[1:]))
    print(table(outcomes), flush=True)
    return int(any(outcome.faults for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
