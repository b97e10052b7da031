"""Pods stream: how many packets, what is lost, what it costs; by one adapter and by two."""

import asyncio
import os
import time

from vm.hub_here import HubHere, hub_here
from vm.stage import LAST_PACKETS, SECOND_ADAPTER, Stage, bluetoothd, cpu_s

_STREAM_S = 60.0
_FEWEST_PACKETS_PER_S = 25  # 208 Hz, eight samples a packet, is 26; nineteen are 11
_LARGE_BATCH = 19
_FEWEST_LARGE_PER_S = 10.5
_HANG_UP_S = 3.0


async def stream(stage: Stage) -> None:
    await stage.own()
    await _streamed(stage, _FEWEST_PACKETS_PER_S)


async def stream_ten(stage: Stage) -> None:
    """As few packets as there can be: ten pods are much for an emulated machine."""
    stage.machine.with_batch(_LARGE_BATCH)
    await stage.own()
    await _streamed(stage, _FEWEST_LARGE_PER_S)


async def _streamed(stage: Stage, fewest_per_s: float) -> None:
    outcome, daemon = stage.outcome, await bluetoothd()
    sent_before = await stage.sent()
    async with hub_here(stage.machine) as hub:
        outcome.tell(all_stream_after_s=await hub.streaming())
        received = {address: hub.packets(address) for address in stage.addresses.values()}
        used_s = cpu_s(os.getpid()), cpu_s(daemon), time.monotonic()
        await asyncio.sleep(_STREAM_S)
        lasted_s = time.monotonic() - used_s[2]
        outcome.tell(
            hub_cpu_percent=100 * (cpu_s(os.getpid()) - used_s[0]) / lasted_s,
            bluetoothd_cpu_percent=100 * (cpu_s(daemon) - used_s[1]) / lasted_s,
            load=os.getloadavg()[0],
            packets_per_s=[
                (hub.packets(address) - before) / lasted_s for address, before in received.items()
            ],
        )
        _tell_links(stage, hub)
        outcome.check(not hub.told(), f"at the end: {hub.told()}")
    await asyncio.sleep(_HANG_UP_S)
    sent = await stage.sent()
    arrived = {address: tally.packets for address, tally in hub.tallies.items()}
    lost = {address: sent[address] - sent_before[address] - arrived[address] for address in arrived}
    outcome.tell(sent_not_received=list(lost.values()), received=list(arrived.values()))
    outcome.tell(sequence_gaps=[tally.lost for tally in hub.tallies.values()])
    dropped = [told["packets_dropped"] for told in (await stage.stats()).values()]
    outcome.tell(dropped_in_pods=dropped)
    for rate in outcome.figures["packets_per_s"]:
        outcome.check(rate >= fewest_per_s, f"{rate} packets/s")
    outcome.check(not any(tally.doubled for tally in hub.tallies.values()), "doubled packets")
    outcome.check(max(lost.values()) <= LAST_PACKETS, f"sent and not received: {lost}")
    outcome.check(not any(tally.lost for tally in hub.tallies.values()), "gaps in the sequence")


def _tell_links(stage: Stage, hub: HubHere) -> None:
    healths = [hub.health(address) for address in stage.addresses.values()]
    stage.outcome.tell(
        interval_ms=[health.interval_ms for health in healths],
        mtu=[health.mtu for health in healths],
        batch=[health.samples_a_packet for health in healths],
        connects=[health.connects for health in healths],
    )
    stage.outcome.check(all(h.mtu == 247 for h in healths), "not every MTU is 247")
    stage.outcome.check(all(h.connects == 1 for h in healths), "a pod was connected again")


async def two_adapters(stage: Stage) -> None:
    await stage.own()
    spread = [pod.adapter for pod in stage.machine.roster.pods()]
    stage.outcome.tell(pods_of_adapter=[spread.count(adapter) for adapter in sorted(set(spread))])
    stage.outcome.check(len(set(spread)) == 2, f"all pods are {spread[0]}'s")
    async with hub_here(stage.machine) as hub:
        stage.outcome.tell(all_stream_after_s=await hub.streaming())
        await asyncio.sleep(10.0)
        with stage.outcome.part("one adapter gone"):
            await _one_gone(stage, hub)
        stage.outcome.tell(gaps=[tally.lost for tally in hub.tallies.values()])


async def _one_gone(stage: Stage, hub: HubHere) -> None:
    """The pods of the other one do not notice."""
    pods = stage.machine.roster.pods()
    theirs = [pod.address for pod in pods if pod.adapter == SECOND_ADAPTER]
    others = [pod.address for pod in pods if pod.adapter != SECOND_ADAPTER]
    await stage.pods.tell("unplug", 2)
    for address in theirs:
        await hub.gone(address)
    await asyncio.sleep(3.0)
    stage.outcome.tell(problems=list(hub.live.source.problems().values()))
    await stage.pods.tell("plug", 2)
    stage.outcome.tell(second_back_after_s=await hub.streaming(theirs))
    for address in others:
        is_well = hub.health(address).connects == 1 and not hub.tallies[address].lost
        stage.outcome.check(is_well, f"{address} lost packets by the other adapter")
