"""The power is cut while strides come, and comes back: what was kept, and when the hub is ready."""

import asyncio
import json
import os
from pathlib import Path

from vm.coach import Coach, kept_login
from vm.field import Field
from vm.kept import SESSIONS, is_sound, newest_strides, sessions
from vm.outcome import Outcome, until
from vm.units import PATIENCE_S, PROGRAM, STATE, Unit, shell

_BEFORE = Path("/opt/vm/before-power-cut.json")
_MAY_BE_LOST_S = 3.0  # a power cut costs 2 s, and a moment on this machine


async def power_cut(field: Field) -> None:
    """Of this very machine: nothing comes back from here. See after_power_cut."""
    await field.all_stream()
    await field.coach.more_strides(6)
    received = {
        session: received.newest
        for (topic, session), received in field.coach.judge.received.items()
        if topic.endswith("/stride")
    }
    with _BEFORE.open("w") as file:
        json.dump({"newest": received, "sessions": sessions()}, file)
        file.flush()
        os.fsync(file.fileno())
    await asyncio.sleep(_MAY_BE_LOST_S)
    await field.coach.more_strides(2)
    Path("/proc/sysrq-trigger").write_text("b")


async def after_power_cut(outcome: Outcome) -> None:
    """Nobody has done anything since."""
    before = json.loads(_BEFORE.read_text())
    hub, page = Unit("stridehub"), Unit("stridehub-dashboard")
    await until(lambda: hub.is_active and page.is_active, "hub and page are ready", PATIENCE_S)
    outcome.tell(
        kernel_to_ready_s=int(hub.show("ActiveEnterTimestampMonotonic")) / 1e6,
        kernel_to_start_s=int(hub.show("ExecMainStartTimestampMonotonic")) / 1e6,
        ready_s=hub.ready_s,
        page_ready_s=page.ready_s,
        restarts=hub.restarts,
        says=hub.status,
    )
    outcome.check(hub.restarts == 0, "it was started more than once")
    for path in (SESSIONS, STATE / "stridehub.sqlite"):
        outcome.check(is_sound(path), f"{path} is damaged")
    kept = newest_strides()
    for session, newest in before["newest"].items():
        outcome.check(
            kept.get(session, -1) >= newest, f"{session}: {kept.get(session)} of {newest}"
        )
    outcome.tell(
        newest_3_s_before=list(before["newest"].values()),
        newest_kept=[kept.get(session) for session in before["newest"]],
    )
    outcome.check(sessions() >= before["sessions"], "sessions are gone")
    pods = shell(f"{PROGRAM} pods")
    outcome.check(pods.count("missing") == 5, f"pods: {pods}")
    with Coach(kept_login()) as coach:
        await coach.subscribed()
        outcome.check(coach.refusal is None, f"the coach is refused: {coach.refusal}")
        await until(lambda: bool(coach.status), "a status of the hub", PATIENCE_S)
        outcome.tell(status=coach.status.get("state"), reasons=coach.status.get("reasons"))
