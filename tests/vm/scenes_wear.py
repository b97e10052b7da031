"""A hub that lasts: links lost again and again, and another program that is in its way."""

import asyncio
import gc
import os

from vm.hub_here import hub_here
from vm.stage import Stage, bluetoothd, descriptors, resident_kb, shell

_CYCLES = 30
_FIRST = 6  # when everything has been used once
_MORE_KB = 1500
_LONG_S = 30.0
_HANG_UP_S = 3.0


async def cycles(stage: Stage) -> None:
    """A link lost and made again, again and again: what the hub holds does not grow."""
    await stage.own()
    address, daemon = stage.addresses[1], await bluetoothd()
    outcome = stage.outcome
    async with hub_here(stage.machine) as hub:
        await hub.streaming()
        held = []
        back_s = []
        for _ in range(_CYCLES):
            await stage.pods.tell("drop", 1)
            await hub.gone(address)
            back_s.append(await hub.streaming([address], _LONG_S))
            await asyncio.sleep(0.5)
            held.append(await _held(daemon))
    outcome.tell(back_after_s=[min(back_s), sum(back_s) / len(back_s), max(back_s)])
    outcome.tell(connects=hub.health(address).connects)
    for name, most_more in (("tasks", 0), ("fds", 0), ("kb", _MORE_KB), ("bluetoothd_fds", 0)):
        first, last = held[_FIRST - 1][name], held[-1][name]
        outcome.tell(**{name: [held[0][name], first, last]})
        outcome.check(last <= first + most_more, f"{name} grew from {first} to {last}")


async def _held(daemon: int) -> dict[str, int]:
    gc.collect()
    own = os.getpid()
    return {
        "tasks": len(asyncio.all_tasks()),
        "fds": descriptors(own),
        "kb": resident_kb(own),
        "bluetoothd_fds": descriptors(daemon),
    }


async def rival(stage: Stage) -> None:
    """Another program scans all the time."""
    await stage.own()
    async with hub_here(stage.machine) as hub:
        stage.outcome.tell(alone_s=await hub.streaming())
    await asyncio.sleep(_HANG_UP_S)
    scanning = await asyncio.create_subprocess_exec(
        "bluetoothctl", "--timeout", "120", "scan", "on", stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await asyncio.sleep(3.0)
        stage.outcome.tell(rival_scans=await _is_scanning())
        stage.outcome.check(await _is_scanning(), "the rival does not scan")
        async with hub_here(stage.machine) as hub:
            stage.outcome.tell(with_rival_s=await hub.streaming())
            await asyncio.sleep(15.0)
            stage.outcome.tell(
                gaps=[tally.lost for tally in hub.tallies.values()],
                connects=[h.connects for h in hub.live.source.health()],
                trouble=hub.reasons,
            )
            await stage.pods.tell("drop", 1)
            await hub.gone(stage.addresses[1])
            stage.outcome.tell(back_with_rival_s=await hub.streaming())
    finally:
        scanning.terminate()
        await scanning.wait()


async def _is_scanning() -> bool:
    return "Discovering: yes" in await shell("bluetoothctl show")
