"""A pod, or the hub, loses its bond: what the hub says, and the way back by provisioning."""

import asyncio

from stridehub.model import LinkState
from stridehub.pods.bluez import BlueZ
from vm.hub_here import HubHere, hub_here
from vm.machine import Done
from vm.stage import Stage

_OFTEN_S = 25.0  # several tries in vain


async def bonds(stage: Stage) -> None:
    """Of two pods, the first one loses its bond, then the hub its own of the second one."""
    await stage.own()
    with stage.outcome.part("pod forgot"):
        await _pod_forgot(stage)
    with stage.outcome.part("hub forgot"):
        await _hub_forgot(stage)
    with stage.outcome.part("pod forgot, hub at work"):
        await _provisioned_meanwhile(stage)


async def _pod_forgot(stage: Stage) -> None:
    address = stage.addresses[1]
    async with hub_here(stage.machine) as hub:
        await hub.streaming()
        await stage.pods.tell("forget", 1)
        await hub.gone(address)
        await asyncio.sleep(_OFTEN_S)
        _tell_why(stage, hub, address, "pod_forgot")
        _check_other(stage, hub, stage.addresses[2])
    await _recovered(stage, 1, "pod_forgot")


async def _hub_forgot(stage: Stage) -> None:
    """The pod's pairing window is shut meanwhile: nobody is near it."""
    address = stage.addresses[2]
    async with hub_here(stage.machine) as hub:
        await hub.streaming()
        await BlueZ().forget("hci0", address)
        await stage.pods.tell("reset", 2)
        await hub.gone(address)
        await asyncio.sleep(_OFTEN_S)
        _tell_why(stage, hub, address, "hub_forgot")
        _check_other(stage, hub, stage.addresses[1])
    await stage.pods.tell("tap", 2)
    await _recovered(stage, 2, "hub_forgot")


def _tell_why(stage: Stage, hub: HubHere, address: str, prefix: str) -> None:
    """What the hub says while it tries in vain has to tell someone what to do."""
    health = hub.health(address)
    stage.outcome.tell(
        **{
            f"{prefix}_reason": health.reason,
            f"{prefix}_state": health.state.value,
            f"{prefix}_log": sorted(set(hub.reasons)),
            f"{prefix}_checklist": [item.text for item in hub.live.checklist.items],
        }
    )
    reason = health.reason or ""
    is_advised = "double-tap" in reason and "stridehub provision" in reason
    stage.outcome.check(is_advised, f"{prefix}: the hub says {health.reason}")
    stage.outcome.check(health.state is not LinkState.STREAMING, f"{prefix}: it streams")


def _check_other(stage: Stage, hub: HubHere, address: str) -> None:
    is_well = hub.health(address).connects == 1 and not hub.tallies[address].lost
    stage.outcome.check(is_well, f"{address} lost packets by the other pod")


async def _recovered(stage: Stage, pod: int, prefix: str) -> None:
    """By provisioning it again, as advised; the pairing window is open."""
    address = stage.addresses[pod]
    done = await _provisioned(stage, pod, prefix)
    if done.code:  # what follows needs it
        await BlueZ().forget("hci0", address)
        await stage.pods.tell("tap", pod)
        await stage.own([pod])
    async with hub_here(stage.machine) as hub:
        stage.outcome.tell(**{f"{prefix}_streams_again_s": await hub.streaming()})


async def _provisioned(stage: Stage, pod: int, prefix: str) -> Done:
    done = await stage.machine.do("provision", "--pod", stage.addresses[pod], "--yes")
    stage.outcome.tell(**{f"{prefix}_provision": (done.out + done.err).strip()})
    stage.outcome.check(done.code == 0, f"{prefix}: {done.err.strip()}")
    return done


async def _provisioned_meanwhile(stage: Stage) -> None:
    """The hub tells to provision: someone does, and does not think of ending the hub before."""
    address = stage.addresses[1]
    async with hub_here(stage.machine) as hub:
        await hub.streaming()
        await stage.pods.tell("forget", 1)
        await hub.gone(address)
        await asyncio.sleep(5.0)
        await stage.pods.tell("tap", 1)
        await _provisioned(stage, 1, "meanwhile")
        stage.outcome.tell(meanwhile_streams_again_s=await hub.streaming([address]))
        _check_other(stage, hub, stage.addresses[2])
