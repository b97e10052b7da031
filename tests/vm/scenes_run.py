"""The installed hub at work: strides over the real BlueZ to a coach with TLS, and orders back."""

import asyncio
import time

from vm.field import Field
from vm.stage import cpu_s, resident_kb
from vm.units import doctor

_LASTS_S = 60.0
_MOST_KB = 80 * 1024


async def strides(field: Field) -> None:
    outcome, hub, coach = field.outcome, field.hub, field.coach
    await field.all_stream()
    process = hub.process
    before = coach.strides, cpu_s(process), time.monotonic()
    await asyncio.sleep(_LASTS_S)
    lasted_s = time.monotonic() - before[2]
    outcome.tell(
        strides_a_minute=60 * (coach.strides - before[0]) / lasted_s,
        hub_cpu_percent=100 * (cpu_s(process) - before[1]) / lasted_s,
        hub_rss_mb=resident_kb(process) / 1024,
        page_rss_mb=resident_kb(field.page.process) / 1024,
        runs_as=hub.show("User"),
        says=hub.status,
        hears=sorted(coach.judge.kinds),
        cues=coach.judge.kinds["CueMessage"],
    )
    outcome.check(coach.strides > before[0], "no strides")
    outcome.check(resident_kb(process) <= _MOST_KB, "more than 80 MB")
    starts = {min(one.seen) for one in coach.judge.received.values()}
    outcome.check(starts == {0}, f"sequences begin with {starts}")
    with outcome.part("orders"):
        await _orders(field)
    with outcome.part("doctor"):
        told = doctor()
        outcome.tell(doctor_fails=told["fail"], doctor_warns=told["warn"])
        outcome.check(not told["fail"], f"doctor: {told['fail']}")


async def _orders(field: Field) -> None:
    outcome, coach = field.outcome, field.coach
    ack, took_s = await coach.order("mark", kind="lap")
    outcome.tell(lap_answered_after_s=took_s)
    outcome.check(ack["state"] == "done", f"lap: {ack}")
    ack, _ = await coach.order("mute", runner="nobody")
    outcome.check(ack["state"] == "refused", f"mute of nobody: {ack}")
    stats = await field.pods.tell("stats")
    shanks = [number for number, told in stats.items() if told["place"].startswith("shank")]
    begun_s = time.monotonic()
    buzzing = asyncio.create_task(_buzzing(field, shanks))
    ack, took_s = await coach.order("test_buzz", runner="r1")
    outcome.tell(buzz_answered_after_s=took_s)
    outcome.check(ack["state"] == "done", f"test_buzz: {ack}")
    outcome.tell(pods_buzz_after_s=await buzzing - begun_s)


async def _buzzing(field: Field, shanks: list[str]) -> float:
    """When both buzzed. Raises TimeoutError."""
    felt: set[str] = set()
    async with asyncio.timeout(30.0):
        while len(felt) < len(shanks):
            stats = await field.pods.tell("stats")
            felt |= {number for number in shanks if stats[number]["motor_percent"]}
            await asyncio.sleep(0.02)
    return time.monotonic()
