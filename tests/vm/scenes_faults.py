"""What goes wrong while the installed hub runs: it stays up, says so, and recovers."""

import asyncio
import os
import signal
import time
import urllib.request

from vm.field import Field
from vm.kept import sessions
from vm.outcome import until
from vm.units import PATIENCE_S, Unit, shell

PAGE_URL = "http://127.0.0.1:8080/"
_AWAY_S = 20.0
_YEARS = 2
_RETENTION_S = 65.0  # old sessions are looked for every minute


async def no_adapter(field: Field) -> None:
    """At the start; it comes later."""
    outcome, hub = field.outcome, field.hub
    hub.do("stop")
    await field.pods.tell("unplug", 1)
    outcome.tell(start_s=hub.do("start"), ready_s=hub.ready_s)
    outcome.check(hub.is_active, "not active without an adapter")
    outcome.tell(says_so_after_s=await hub.says("adapter"), says=hub.status)
    outcome.tell(coach_hears_after_s=await field.coach.hears("degraded", "adapter"))
    outcome.check(hub.has_logged("(?i)adapter"), "the journal says nothing of an adapter")
    await field.pods.tell("plug", 1)
    await field.well_again()


async def adapter_out(field: Field) -> None:
    """Pulled out while pods stream, and put back."""
    outcome, hub = field.outcome, field.hub
    await field.all_stream()
    process = hub.process
    await field.pods.tell("unplug", 1)
    outcome.tell(says_so_after_s=await hub.says("adapter"), says=hub.status)
    outcome.tell(coach_hears_after_s=await field.coach.hears("degraded", "adapter"))
    outcome.check(hub.has_logged("(?i)adapter"), "the journal says nothing of an adapter")
    await field.pods.tell("plug", 1)
    await field.well_again()
    outcome.check(hub.process == process, "the hub was started anew")


async def broker_away(field: Field) -> None:
    """Stopped for a while: what is measured meanwhile arrives afterwards."""
    outcome, hub, broker = field.outcome, field.hub, Unit("mosquitto")
    await field.all_stream()
    process = hub.process
    broker.do("stop")
    outcome.tell(says_so_after_s=await hub.says("broker|MQTT|connect"), says=hub.status)
    outcome.check(hub.has_logged("(?i)broker|refused"), "the journal says nothing of the broker")
    before = field.coach.strides
    await asyncio.sleep(_AWAY_S)
    outcome.check(hub.is_active, "not active without a broker")
    outcome.check(field.coach.strides == before, "strides came without a broker")
    broker.do("start")
    begun_s = time.monotonic()
    await field.coach.more_strides(1)
    outcome.tell(first_stride_after_s=time.monotonic() - begun_s)
    await field.well_again()
    await until(lambda: field.coach.status.get("backlog") == 0, "no backlog", PATIENCE_S)
    outcome.tell(caught_up_after_s=time.monotonic() - begun_s)
    outcome.check(hub.process == process, "the hub was started anew")


async def clock(field: Field) -> None:
    """Years ahead, as it jumps where a Pi without a clock hears of NTP; and back."""
    outcome, hub = field.outcome, field.hub
    await field.all_stream()
    process, kept = hub.process, sessions()
    for name, jump in (("ahead", f"+{_YEARS} years"), ("back", f"-{_YEARS} years")):
        with outcome.part(name):
            shell(f"date --set='{jump}'")
            outcome.tell(**{f"{name}_says_so_after_s": await hub.says("clock was set")})
            outcome.tell(**{f"{name}_says": hub.status})
            outcome.tell(**{f"{name}_strides_after_s": await field.coach.more_strides(6)})
            ack, _ = await field.coach.order("mark", kind="lap")
            outcome.check(ack["state"] == "done", f"{name}: {ack}")
            await asyncio.sleep(_RETENTION_S)
            outcome.check(hub.process == process, f"{name}: the hub was started anew")
    await field.well_again()
    outcome.tell(sessions_before=kept, sessions_after=sessions())
    outcome.check(sessions() >= kept, "sessions are gone")
    outcome.check(hub.has_logged("clock was set"), "the journal says nothing of the clock")


async def killed(field: Field) -> None:
    """kill -9: systemd starts it again, and it ends the links that were left."""
    await field.all_stream()
    outcome, hub = field.outcome, field.hub
    before, process = hub.restarts, hub.process
    os.kill(process, signal.SIGKILL)
    outcome.tell(ready_again_after_s=await hub.active(process), ready_s=hub.ready_s)
    outcome.check(hub.restarts == before + 1, f"{hub.restarts - before} restarts")
    await field.well_again()


async def stopped(field: Field) -> None:
    """A process that does nothing any more is taken for dead by the watchdog."""
    await field.all_stream()
    outcome, hub = field.outcome, field.hub
    before, process = hub.restarts, hub.process
    os.kill(process, signal.SIGSTOP)
    outcome.tell(watchdog_s=hub.show("WatchdogUSec"))
    outcome.tell(ready_again_after_s=await hub.active(process), ready_s=hub.ready_s)
    outcome.check(hub.restarts == before + 1, f"{hub.restarts - before} restarts")
    outcome.check(hub.has_logged("(?i)watchdog"), "systemd says nothing of a watchdog")
    await field.well_again()


async def dashboard(field: Field) -> None:
    """The page's own process is killed: the hub does not notice."""
    await field.all_stream()
    outcome, page = field.outcome, field.page
    process, hub_process, restarts = page.process, field.hub.process, field.hub.restarts
    outcome.check(page_answers(), "no page")
    os.kill(process, signal.SIGKILL)
    outcome.tell(ready_again_after_s=await page.active(process), ready_s=page.ready_s)
    outcome.check(page_answers(), "no page after it")
    await field.well_again()
    is_same = (field.hub.process, field.hub.restarts) == (hub_process, restarts)
    outcome.check(is_same, "the hub was started anew")


def page_answers() -> bool:
    with urllib.request.urlopen(PAGE_URL, timeout=PATIENCE_S) as answer:
        return bool(answer.status == 200 and b"<html" in answer.read())
