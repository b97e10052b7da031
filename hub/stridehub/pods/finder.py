"""Pods around, whoever's they are: for commands that look at the air for a while."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress

from stridehub.errors import RadioError
from stridehub.pods.failures import RADIO_ERRORS, reason_of
from stridehub.pods.radio import Host, HostAdapter, Radio, Sighting

Sightings = dict[tuple[str, str], Sighting]  # by address of adapter and pod


async def usable_adapters(host: Host, allowed: Sequence[str] = ()) -> list[HostAdapter]:
    """Those that are there, switched on, and allowed. Raises RadioError where there is none."""
    wanted = {address.upper() for address in allowed}
    there = await host.adapters()
    usable = [a for a in there if a.powered and (not wanted or a.address.upper() in wanted)]
    if usable:
        return usable
    if not there:
        raise RadioError("Bluetooth", "this machine has no adapter; plug one in")
    raise RadioError(
        "Bluetooth",
        "no adapter is switched on (`bluetoothctl power on`, `rfkill unblock bluetooth`)"
        if not wanted
        else "none of the adapters in the configuration is there and switched on",
    )


async def watch(
    radio: Radio,
    adapters: Sequence[HostAdapter],
    seconds: float,
    on_change: Callable[[Sightings], None] = lambda sightings: None,
    until: Callable[[Sightings], bool] = lambda sightings: False,
) -> Sightings:
    """Scans with all adapters for so long, or until what is seen is enough.

    Raises RadioError where none of them can.
    """
    seen: Sightings = {}
    enough = asyncio.Event()

    def listener(adapter: HostAdapter) -> Callable[[Sighting], None]:
        def heard(sighting: Sighting) -> None:
            seen[adapter.address, sighting.address] = sighting
            on_change(seen)
            if until(seen):
                enough.set()

        return heard

    try:
        await _listen(radio, adapters, listener, enough, seconds)
    except RADIO_ERRORS as error:
        raise RadioError("scan", reason_of(error)) from error
    return seen


async def _listen(
    radio: Radio,
    adapters: Sequence[HostAdapter],
    listener: Callable[[HostAdapter], Callable[[Sighting], None]],
    enough: asyncio.Event,
    seconds: float,
) -> None:
    """One adapter that cannot does not stop the others. Raises any of RADIO_ERRORS."""
    async with AsyncExitStack() as scans:
        failed: list[Exception] = []
        for adapter in adapters:
            try:
                await scans.enter_async_context(radio.listening(adapter.name, listener(adapter)))
            except RADIO_ERRORS as error:
                failed.append(error)
        if len(failed) == len(adapters):
            raise failed[0]
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await enough.wait()
