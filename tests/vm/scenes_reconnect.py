"""A pod leaves, its link is lost, or falls silent: it comes back, and the others lose nothing."""

import asyncio
import time

from vm.hub_here import HubHere, hub_here
from vm.stage import Stage

_AWAY_S = 6.0  # longer than the supervision timeout


async def reconnect(stage: Stage) -> None:
    """Each kind of loss hits the first pod; the others lose nothing."""
    await stage.own()
    async with hub_here(stage.machine) as hub:
        await hub.streaming()
        for name, part in (("off_on", _off_on), ("dropped", _dropped), ("silenced", _silenced)):
            with stage.outcome.part(name):
                await part(stage, hub)
            await asyncio.sleep(3.0)
        for address in list(stage.addresses.values())[1:]:
            tally, connects = hub.tallies[address], hub.health(address).connects
            is_well = connects == 1 and not tally.lost and not tally.doubled
            stage.outcome.check(is_well, f"{address}: {connects} connects, {tally.lost} lost")
        stage.outcome.tell(
            connects=[h.connects for h in hub.live.source.health()],
            lost_of_others=[hub.tallies[a].lost for a in list(stage.addresses.values())[1:]],
            trouble=hub.reasons,
        )


async def _off_on(stage: Stage, hub: HubHere) -> None:
    address = stage.addresses[1]
    await stage.pods.tell("off", 1)
    stage.outcome.tell(off_noticed_s=await hub.gone(address))
    await asyncio.sleep(_AWAY_S)
    await stage.pods.tell("on", 1)
    stage.outcome.tell(on_to_stream_s=await hub.streaming([address]))


async def _dropped(stage: Stage, hub: HubHere) -> None:
    address = stage.addresses[1]
    await stage.pods.tell("drop", 1)
    begun_s = time.monotonic()
    await hub.gone(address)
    await hub.streaming([address])
    stage.outcome.tell(drop_to_stream_s=time.monotonic() - begun_s)


async def _silenced(stage: Stage, hub: HubHere) -> None:
    """The hub has to notice by itself."""
    address = stage.addresses[1]
    await stage.pods.tell("silence", 1)
    begun_s = time.monotonic()
    noticed_s = await hub.gone(address)
    stage.outcome.tell(silence_noticed_s=noticed_s)
    stage.outcome.check(noticed_s < 3.5, f"silence noticed after {noticed_s:.1f} s")
    await stage.pods.tell("speak", 1)
    await hub.streaming([address])
    stage.outcome.tell(silence_to_stream_s=time.monotonic() - begun_s)
    told = any("connected but silent" in reason for reason in hub.reasons)
    stage.outcome.check(told, f"the hub says {hub.reasons}")
