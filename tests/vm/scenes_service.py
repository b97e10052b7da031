"""`stridehub run` as a process: ended by SIGTERM, killed, and begun again."""

import asyncio
import signal
import time

from vm.hub_here import hub_here
from vm.machine import Done
from vm.outcome import until
from vm.stage import LAST_PACKETS, Stage, connected_in_bluez

_SHUTDOWN_S = 3.0
_HANG_UP_S = 10.0
_RUNS_S = 90.0  # a process starts, connects, and has told so in its snapshot


async def service(stage: Stage) -> None:
    """`stridehub run`, ended by SIGTERM, and killed."""
    await stage.own()
    with stage.outcome.part("SIGTERM"):
        await _terminated(stage)
    with stage.outcome.part("kill -9"):
        await _killed(stage)


async def _terminated(stage: Stage) -> None:
    outcome, addresses = stage.outcome, list(stage.addresses.values())
    async with stage.machine.running("run") as command:
        begun_s = time.monotonic()
        await _all_stream(stage)
        outcome.tell(all_stream_after_start_s=time.monotonic() - begun_s)
        begun_s = time.monotonic()
        command.process.send_signal(signal.SIGTERM)
        done = await command.ended()
        ended_s = time.monotonic() - begun_s
        outcome.check(done.code == 0, f"SIGTERM: exit status {done.code}: {done.err[-500:]}")
        outcome.check(ended_s < _SHUTDOWN_S, f"SIGTERM to exit: {ended_s:.2f} s")
        outcome.tell(sigterm_to_exit_s=ended_s, says=done.out.strip())
        left = await connected_in_bluez(addresses)
        while await connected_in_bluez(addresses) and time.monotonic() - begun_s < _HANG_UP_S:
            await asyncio.sleep(0.1)
        outcome.tell(links_left_at_exit=left, sigterm_to_last_link_s=time.monotonic() - begun_s)
        outcome.check(not await connected_in_bluez(addresses), "links stay after SIGTERM")
        outcome.check(not await stage.linked(), "pods have links after SIGTERM")


async def _killed(stage: Stage) -> None:
    """The next hub ends the links that were left. Were one taken over, packets came twice."""
    outcome, addresses = stage.outcome, list(stage.addresses.values())
    async with stage.machine.running("run") as command:
        await _all_stream(stage)
        command.process.kill()
        await command.ended()
    outcome.tell(links_left_by_kill=await connected_in_bluez(addresses))
    async with stage.machine.running("run") as command:
        begun_s = time.monotonic()
        async with asyncio.timeout(_RUNS_S):
            while await stage.linked():
                await asyncio.sleep(0.1)
        outcome.tell(leftovers_end_after_s=time.monotonic() - begun_s)
        sent_before = sum((await stage.sent()).values())
        await _all_stream(stage)
        outcome.tell(all_stream_after_kill_s=time.monotonic() - begun_s)
        await asyncio.sleep(10.0)
        command.process.send_signal(signal.SIGTERM)
        done = await command.ended()
        outcome.check(done.code == 0, f"after kill -9: {done.code}: {done.err[-500:]}")
    sent = sum((await stage.sent()).values()) - sent_before
    outcome.tell(sent_after_kill=sent, received_after_kill=done.packets)
    most_lost = LAST_PACKETS * len(addresses)
    outcome.check(0 <= sent - done.packets <= most_lost, f"{done.packets} of {sent}")
    outcome.check("Traceback" not in done.err, f"`run` logs a traceback: {_after_traceback(done)}")
    async with stage.machine.running("run") as command:
        await _all_stream(stage)
        command.process.kill()
        await command.ended()
    async with hub_here(stage.machine) as hub:
        outcome.tell(streams_here_after_kill_s=await hub.streaming())
        await asyncio.sleep(5.0)
        doubled = [tally.doubled for tally in hub.tallies.values()]
        outcome.tell(doubled=doubled, gaps=[tally.lost for tally in hub.tallies.values()])
        outcome.check(not any(doubled), f"doubled: {doubled}")


def _after_traceback(done: Done) -> str:
    return done.err.partition("Traceback")[2][-500:]


async def _all_stream(stage: Stage) -> None:
    """In the eyes of the hub that runs as a process."""
    count = len(stage.addresses)
    await until(lambda: stage.machine.streaming() == count, "`run` streams", _RUNS_S)
