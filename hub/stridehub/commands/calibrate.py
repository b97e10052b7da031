"""Tells a runner to stand, then to run, and says when the pods know how they sit."""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path

from stridehub.commands.cells import cell
from stridehub.commands.stopping import stop_requested
from stridehub.config import HubConfig, load_hub_config
from stridehub.display import TableView, live_table
from stridehub.errors import RadioError
from stridehub.live import Live
from stridehub.model import ENOUGH_CONFIDENCE, KnownPod, LinkState, PodStatus, Stride
from stridehub.record.roster import Roster
from stridehub.record.snapshot import refuse_beside_running_hub
from stridehub.timing import TELL_S

CONNECT_WITHIN_S = 60.0
STAND_WITHIN_S = 30.0
RUN_WITHIN_S = 120.0
STAND_S = 5.0  # quiet enough for the gyroscopes' zero and the direction of gravity
ENOUGH_STRIDES = 20  # of both sides together: ten seconds of running

COLUMNS = (("pod", ""), ("link", ""), ("stood", ""), ("quality", "%"), ("lost", ""), ("", ""))
BAR_CELLS = 20


def calibrate(config_path: Path | None, runner: str | None) -> bool:
    """Whether all is good. Raises ConfigError, HubRunsError, RadioError, StoreError."""
    config = load_hub_config(config_path)
    refuse_beside_running_hub(config.runtime)
    roster = Roster(config.database)
    pods = _worn_by(runner, roster.pods())
    return asyncio.run(_calibrate(config, roster, pods))


def _worn_by(runner: str | None, pods: Collection[KnownPod]) -> list[KnownPod]:
    runners = sorted({pod.runner for pod in pods})
    if runner is None and len(runners) == 1:
        runner = runners[0]
    worn = [pod for pod in pods if pod.runner == runner]
    if not worn:
        known = ", ".join(runners) or "none; `stridehub provision` makes one"
        raise RadioError(runner or "which runner?", f"--runner is one with pods: {known}")
    return worn


async def _calibrate(config: HubConfig, roster: Roster, pods: Collection[KnownPod]) -> bool:
    with stop_requested() as stop, live_table() as show:
        calibration = Calibration(config, roster, pods, show)
        async with calibration.hub.running() as at_work:
            steps = asyncio.create_task(calibration.steps())
            stopped = asyncio.create_task(stop.wait())
            ends = {at_work, steps, stopped}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            is_through = steps.done() and steps.result()
            for task in (steps, stopped):
                task.cancel()
            todo = calibration.hub.check()
    for item in todo:
        print(f"- {item.text}")
    if is_through and not todo:
        print("good: all pods know how they sit")
        return True
    if not todo:
        print("not finished: stand, then run, until it says that all is good")
    return False


class Calibration:
    """One runner's pods."""

    def __init__(
        self,
        config: HubConfig,
        roster: Roster,
        pods: Collection[KnownPod],
        show: Callable[[TableView], None],
    ) -> None:
        self._strides = 0
        self.hub = Live(config, roster, pods=pods, on_stride=[self._count])
        self._runner = next(iter(pods)).runner
        self._show = show

    def _count(self, stride: Stride) -> None:
        self._strides += 1

    async def steps(self) -> bool:
        """Each until it is done, or has lasted too long; whether all were done."""
        if not await self._until(self._all_stream, CONNECT_WITHIN_S, "connecting"):
            return False
        kernel = self.hub.pipeline.kernels[self._runner]
        kernel.expect_standing(self.hub.now_s + STAND_WITHIN_S)
        at_least_s = self.hub.now_s + STAND_S
        has_stood = await self._until(
            lambda: self.hub.now_s >= at_least_s and self._all_stood(),
            STAND_WITHIN_S,
            "STAND still, arms hanging",
        )
        has_run = await self._until(
            self._all_aligned, RUN_WITHIN_S, "now RUN, straight ahead, easily"
        )
        return has_stood and has_run

    async def _until(self, is_done: Callable[[], bool], within_s: float, text: str) -> bool:
        end_s = asyncio.get_running_loop().time() + within_s
        while not is_done() and asyncio.get_running_loop().time() < end_s:
            self._show(self._view(text))
            await asyncio.sleep(TELL_S / 2)
        self._show(self._view(text))
        return is_done()

    def _all_stream(self) -> bool:
        return all(h.state is LinkState.STREAMING for h in self.hub.source.health())

    def _statuses(self) -> list[PodStatus]:
        return [status for _, status in self.hub.pipeline.status()]

    def _all_stood(self) -> bool:
        return all(status.has_standing for status in self._statuses())

    def _all_aligned(self) -> bool:
        aligned = all(s.alignment_confidence >= ENOUGH_CONFIDENCE for s in self._statuses())
        return aligned and self._strides >= ENOUGH_STRIDES

    def _view(self, text: str) -> TableView:
        statuses = {status.placement: status for status in self._statuses()}
        rows = []
        for health in self.hub.source.health():
            status = statuses.get(health.pod.placement)
            quality = status.alignment_confidence if status else 0.0
            filled = round(quality * BAR_CELLS)
            rows.append(
                [
                    health.pod.placement.label,
                    health.state.value,
                    "yes" if status and status.has_standing else "no",
                    cell(quality, 0, 100),
                    str(status.lost_packets if status else 0),
                    "█" * filled + "·" * (BAR_CELLS - filled),
                ]
            )
        todo = [f"- {item.text}" for item in self.hub.checklist.items]
        footer = "\n".join([f"{text}   ({self._strides} strides; Ctrl-C ends)", *todo])
        return TableView(f"calibration of {self._runner}", COLUMNS, rows, footer)
