"""Where scenes of the installed hub play: services, pods on the air, and a coach who listens."""

import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from vm.coach import Coach, kept_login
from vm.guest import pods_on_air
from vm.outcome import Outcome, until
from vm.pods_remote import PodsRemote
from vm.units import PATIENCE_S, PROGRAM, Unit, shell, streaming

PODS = 5
_MORE_STRIDES = 4  # some 10 a minute come on a busy host


@dataclass
class Field:
    pods: PodsRemote
    hub: Unit
    page: Unit
    coach: Coach
    outcome: Outcome  # of the scene that is played

    async def own(self) -> None:
        """Pods become the hub's own by its command line, as root; then the hub is started."""
        self.hub.do("stop")
        took_s = []
        stats = await self.pods.tell("stats")
        for number, told in stats.items():
            begun_s = time.monotonic()
            await self.pods.tell("tap", int(number))  # which opens its pairing window
            shell(f"{PROGRAM} provision --pod {told['address']} --yes")
            took_s.append(time.monotonic() - begun_s)
        self.outcome.tell(provision_s=took_s)
        self.outcome.tell(start_s=self.hub.do("start"), ready_s=self.hub.ready_s)
        self.outcome.tell(all_stream_after_s=await self.all_stream())
        self.outcome.tell(first_strides_after_s=await self.coach.more_strides(_MORE_STRIDES))

    async def all_stream(self, within_s: float = PATIENCE_S) -> float:
        """Waits for it; for how long. Raises LateError."""
        return await until(lambda: streaming() == PODS, "all pods stream", within_s)

    async def well_again(self) -> None:
        """All stream, strides come, and the coach is told that all is well. Raises LateError."""
        begun_s = time.monotonic()
        await self.all_stream()
        self.outcome.tell(all_stream_after_s=time.monotonic() - begun_s)
        await self.coach.more_strides(_MORE_STRIDES)
        self.outcome.tell(strides_again_after_s=time.monotonic() - begun_s)
        await self.coach.hears("online")
        self.outcome.tell(status_at_the_end=self.hub.status)

    def begin(self) -> None:
        self.hub.forget()
        self.page.forget()
        self._faults_before = self.coach.judge.faults

    def judge(self) -> None:
        """What holds at the end of every scene. The logs go to the report."""
        outcome = self.outcome
        for unit in (self.hub, self.page):
            log = unit.log()
            Path(f"{outcome.scenario}-{unit.name}.log").write_text("\n".join(log) + "\n")
            outcome.check(unit.is_active, f"{unit.name} is not active at the end")
            outcome.check("Traceback" not in "\n".join(log), f"{unit.name} logs a traceback")
        outcome.tell(strides=self.coach.strides, alerts=len(self.coach.alerts))
        outcome.check(not self.coach.missing, f"missing: {self.coach.missing}")
        faults = self.coach.judge.faults - self._faults_before
        outcome.check(
            not faults, f"{faults} odd messages: {self.coach.judge.report()['first_faults']}"
        )


@asynccontextmanager
async def field_of(outcome: Outcome) -> AsyncIterator[Field]:
    """The hub is stopped at the end: nothing of its pods is left."""
    hub, page = Unit("stridehub"), Unit("stridehub-dashboard")
    subprocess.run(["systemctl", "stop", hub.name], check=True)
    with Coach(kept_login()) as coach:
        await coach.subscribed()
        if coach.refusal is not None:
            raise ConnectionError(f"the coach is refused: {coach.refusal}")
        async with pods_on_air(PODS) as pods:
            yield Field(pods, hub, page, coach, outcome)
            hub.do("stop")
