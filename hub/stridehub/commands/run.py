"""The service: real pods, measured until it is told to end."""

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from stridehub.checklist import Item
from stridehub.commands.cells import HEALTH_COLUMNS, health_row
from stridehub.commands.coaching_lines import CueNews, coaching_lines, state_line
from stridehub.commands.stopping import stop_requested
from stridehub.config import HubConfig, load_hub_config
from stridehub.display import TableView, live_table
from stridehub.live import Live
from stridehub.model import LinkState, PodHealth, Stride
from stridehub.record.coach_store import SqliteCoachStore
from stridehub.record.roster import Roster
from stridehub.record.snapshot import (
    SNAPSHOT_EVERY_S,
    refuse_beside_running_hub,
    remove_snapshot,
    write_snapshot,
)
from stridehub.team import check_plans
from stridehub.timing import TELL_S

log = logging.getLogger(__name__)


def run(config_path: Path | None) -> None:
    """Raises ConfigError, HubRunsError, StoreError."""
    config = load_hub_config(config_path)
    check_plans(config)
    refuse_beside_running_hub(config.runtime)
    asyncio.run(_run(config, Roster(config.database)))


async def _run(config: HubConfig, roster: Roster) -> None:
    strides = Counter[str]()

    def count(stride: Stride) -> None:
        strides[stride.runner] += 1

    cues = CueNews()
    hub = Live(
        config,
        roster,
        coaching=SqliteCoachStore(config.database),
        on_stride=[count],
        on_cue=[cues.cue],
        on_follow_up=[cues.follow_up],
        on_checklist=_tell_checklist,
    )
    snapshots = Snapshots(config.runtime, hub)
    with stop_requested() as stop, live_table(is_quiet=True) as show:
        async with hub.running() as at_work:
            stopped = asyncio.create_task(stop.wait())
            try:
                while not stop.is_set() and not at_work.done():
                    show(_view(hub, strides, cues))
                    await snapshots.keep()
                    await asyncio.wait(
                        {at_work, stopped}, timeout=TELL_S, return_when=asyncio.FIRST_COMPLETED
                    )
            finally:
                stopped.cancel()
    snapshots.end()
    print(_sum(hub.source.health(), strides, cues))
    for runner, coach in hub.team.coaches.items():
        print("\n".join([f"{runner}:", *coaching_lines(coach)]))


class Snapshots:
    """What other commands see of the hub. Nothing else depends on them."""

    def __init__(self, folder: Path, hub: Live) -> None:
        self._folder = folder
        self._hub = hub
        self._taken_s = -SNAPSHOT_EVERY_S
        self._has_complained = False

    async def keep(self) -> None:
        """Called more often than one is due."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._taken_s < SNAPSHOT_EVERY_S:
            return
        self._taken_s = now_s
        try:
            await asyncio.to_thread(write_snapshot, self._folder, self._hub.source.health())
        except OSError as error:
            if not self._has_complained:
                log.warning("`stridehub pods` does not see this hub: %s", error)
            self._has_complained = True

    def end(self) -> None:
        with suppress(OSError):
            remove_snapshot(self._folder)


def _tell_checklist(items: Sequence[Item]) -> None:
    if sys.stdout.isatty():
        return  # they stand below the table
    todo = "; ".join(item.text for item in items)
    log.info("%s", f"to do: {todo}" if items else "ready")


def _view(hub: Live, strides: Counter[str], cues: CueNews) -> TableView:
    healths = hub.source.health()
    coaches = [
        state_line(coach, hub.team.conditions(runner)) for runner, coach in hub.team.coaches.items()
    ]
    last = _sum(healths, strides, cues)
    todo = ["ready"] if hub.checklist.is_good else [f"- {i.text}" for i in hub.checklist.items]
    return TableView(
        "stridehub", HEALTH_COLUMNS, [health_row(health) for health in healths],
        "\n".join([*todo, *coaches, *cues.latest, f"{last}   (Ctrl-C ends)"]),
    )  # fmt: skip


def _sum(healths: Sequence[PodHealth], strides: Counter[str], cues: CueNews) -> str:
    streaming = sum(health.state is LinkState.STREAMING for health in healths)
    packets = sum(health.packets for health in healths)
    return (
        f"{streaming} of {len(healths)} pods stream, {packets} packets, {strides.total()} strides,"
        f" {cues.sum}"
    )
