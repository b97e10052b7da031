"""An order of the coach moves a simulated pin, through the service and all that it is denied."""

import asyncio
import os
import signal
import statistics
import time
from pathlib import Path

from rpi_gpio.process import LEFT, RIGHT
from stridehub.model import KnownPod, Placement
from stridehub.record.roster import Roster
from vm.coach import Coach, kept_login
from vm.outcome import Outcome, until
from vm.sim_lines import SimLines, sim_lines
from vm.units import STATE, Unit, shell

_SETTINGS = Path("/etc/stridehub/stridehub.toml")
_MOTORS = f"""
[haptics]
drivers = ["gpio"]
intensity_percent = 100
[haptics.gpio]
left = {LEFT}
right = {RIGHT}
runner = "r1"
"""
_BOARD = Path("/etc/systemd/system/stridehub.service.d/board.conf")
_BUZZES = 10
_PULSES = 2  # of a test, which is the long pattern
_PATTERN_S = 1.5
_PLAIN_PORT = 1883
_LOW_S = 1.0


async def cue(outcome: Outcome) -> None:
    """No pod and no radio: as a hub whose adapter is gone."""
    hub = Unit("stridehub")
    _with_motors()
    outcome.tell(start_s=hub.do("restart"), ready_s=hub.ready_s, says=hub.status)
    with Coach(kept_login(), port=_PLAIN_PORT) as coach, sim_lines((LEFT, RIGHT)) as lines:
        await coach.subscribed()
        await until(lambda: bool(coach.status), "a status of the hub", 60.0)
        with outcome.part("orders"):
            await _buzzes(outcome, coach, lines)
        with outcome.part("stop"):
            await _ends(outcome, coach, lines, hub, "stop")
        hub.do("start")
        with outcome.part("kill"):
            await _ends(outcome, coach, lines, hub, "kill")
        with outcome.part("once more"):
            await hub.active(0)
            await _buzzes(outcome, coach, lines, "after_kill_", 2)
    log = hub.log()
    Path("cue-hub.log").write_text("\n".join(log))
    outcome.tell(logged=[line for line in log if "gpio" in line.lower()])
    outcome.check("Traceback" not in "\n".join(log), "the hub logs a traceback")


def _with_motors() -> None:
    """At the simulated chip, of a runner whose pod is not there."""
    if "[haptics]" not in _SETTINGS.read_text():
        with _SETTINGS.open("a") as file:
            file.write(_MOTORS)
    _BOARD.parent.mkdir(exist_ok=True)
    _BOARD.write_text("[Service]\nEnvironment=RPI_LGPIO_CHIP=0 RPI_LGPIO_REVISION=c03114\n")
    shell("systemctl daemon-reload")
    pod = KnownPod("F0:D6:16:00:00:01", "shank_l-1", Placement.SHANK_L, "r1", "B8:27:EB:D6:16:01")
    Roster(STATE / "stridehub.sqlite").keep(pod)


async def _buzzes(
    outcome: Outcome, coach: Coach, lines: SimLines, name: str = "", times: int = _BUZZES
) -> None:
    """From the coach's word to the edge."""
    rises_ms, answers_ms = [], []
    for number in range(times):
        side, line = (("left", LEFT), ("right", RIGHT))[number % 2]
        begun_s = time.monotonic()
        ack, took_s = await coach.order("test_buzz", runner="r1", side=side)
        outcome.check(ack["state"] == "done", f"{ack}")
        await asyncio.sleep(_PATTERN_S)
        pulses = [one for one in lines.pulses(line, is_plain=True) if one.rise_s > begun_s]
        outcome.check(len(pulses) == _PULSES, f"{side}: {len(pulses)} pulses")
        if pulses:
            rises_ms.append(1e3 * (pulses[0].rise_s - begun_s))
        answers_ms.append(1e3 * took_s)
    outcome.tell(**{f"{name}order_to_edge_ms": _spread(rises_ms)})
    outcome.tell(**{f"{name}order_to_answer_ms": _spread(answers_ms)})
    outcome.check(lines.is_low(LEFT) and lines.is_low(RIGHT), "a line is high at the end")


def _spread(values: list[float]) -> list[float]:
    return [min(values), statistics.median(values), max(values)]


async def _ends(outcome: Outcome, coach: Coach, lines: SimLines, hub: Unit, way: str) -> None:
    """In the middle of a pulse: both lines are low soon, and stay so."""
    process = hub.process
    begun_s = time.monotonic()
    await coach.order("test_buzz", runner="r1")
    await until(lambda: not (lines.is_low(LEFT) and lines.is_low(RIGHT)), "a pulse", 5.0)
    ended_s = time.monotonic()
    if way == "stop":
        hub.do("stop --no-block")
    else:
        os.kill(process, signal.SIGKILL)
    await asyncio.sleep(_LOW_S)
    high = [one for line in (LEFT, RIGHT) for one in lines.pulses(line, is_plain=True)]
    after = [one.fall_s - ended_s for one in high if one.fall_s > ended_s and one.rise_s > begun_s]
    outcome.tell(**{f"{way}_low_after_ms": [1e3 * took_s for took_s in after]})
    outcome.check(lines.is_low(LEFT) and lines.is_low(RIGHT), f"high after {way}")
    if way == "stop":
        await until(lambda: hub.show("ActiveState") == "inactive", "its end", 30.0)
        outcome.check(hub.show("Result") == "success", f"stop: {hub.show('Result')}")
