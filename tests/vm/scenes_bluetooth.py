"""Bluetooth of the machine fails, and comes back: so do all pods, by themselves."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from stridehub.model import LinkState
from vm.hub_here import HubHere, hub_here
from vm.outcome import LateError, until
from vm.stage import Stage, bluetoothd, shell

_AWAY_S = 6.0
_NOTICED_S = 15.0

Deed = Callable[[Stage], Awaitable[None]]


async def bluetooth(stage: Stage) -> None:
    """Adapter and daemon go; the adapter alone is brought back by someone."""
    await stage.own()
    async with hub_here(stage.machine) as hub:
        await hub.streaming()
        for name, harm, repair in (
            ("unplugged", _unplug, _plug),
            ("restarted", _restart, None),
            ("killed", _kill, None),
            ("powered_off", _power_off, None),
        ):
            with stage.outcome.part(name):
                await _through(stage, hub, name, harm, repair)
            await asyncio.sleep(5.0)


async def _through(stage: Stage, hub: HubHere, name: str, harm: Deed, repair: Deed | None) -> None:
    """Without a repair the hub, or the machine, has to mend it."""
    outcome, before = stage.outcome, len(hub.reasons)
    daemon, begun_s = await bluetoothd(), time.monotonic()
    await harm(stage)
    noticed = await asyncio.gather(*(_noticed(hub, a) for a in stage.addresses.values()))
    outcome.tell(**{f"{name}_noticed": f"{sum(noticed)} of {len(noticed)}"})
    if repair is not None:
        await repair(stage)
        begun_s = time.monotonic()
    try:
        await hub.streaming()
    finally:
        outcome.tell(
            **{
                f"{name}_to_stream_s": time.monotonic() - begun_s,
                f"{name}_log": sorted(set(hub.reasons[before:])),
                f"{name}_not_streaming": hub.told(),
                f"{name}_bluetoothd_lives": daemon == await bluetoothd(),
            }
        )


async def _noticed(hub: HubHere, address: str) -> bool:
    """A pod may be back before anybody has looked: its connections tell."""
    connects = hub.health(address).connects

    def is_noticed() -> bool:
        health = hub.health(address)
        return health.state is not LinkState.STREAMING or health.connects > connects

    with suppress(LateError):
        await until(is_noticed, "the hub notices", _NOTICED_S)
        return True
    return False


async def _unplug(stage: Stage) -> None:
    await stage.pods.tell("unplug", 1)


async def _plug(stage: Stage) -> None:
    await asyncio.sleep(_AWAY_S)
    await stage.pods.tell("plug", 1)


async def _restart(stage: Stage) -> None:
    await shell("systemctl restart bluetooth")


async def _kill(stage: Stage) -> None:
    """systemd or D-Bus has to start it again."""
    await shell(f"kill -9 {await bluetoothd()}")


async def _power_off(stage: Stage) -> None:
    await shell("bluetoothctl power off")
