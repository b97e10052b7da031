"""The service: real pods, measured until it is told to end."""

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from stridehub.checklist import Item
from stridehub.commands.cells import HEALTH_COLUMNS, health_row
from stridehub.commands.stopping import stop_requested
from stridehub.config import HubConfig, load_hub_config
from stridehub.display import TableView, live_table
from stridehub.live import Live
from stridehub.model import LinkState, PodHealth, Stride
from stridehub.record.roster import Roster
from stridehub.record.snapshot import SNAPSHOT_EVERY_S, remove_snapshot, write_snapshot
from stridehub.timing import TELL_S

log = logging.getLogger(__name__)


def run(config_path: Path | None) -> None:
    """Raises ConfigError, StoreError."""
    config = load_hub_config(config_path)
    asyncio.run(_run(config, Roster(config.database)))


async def _run(config: HubConfig, roster: Roster) -> None:
    strides = Counter[str]()

    def count(stride: Stride) -> None:
        strides[stride.runner] += 1

    hub = Live(config, roster, on_stride=[count], on_checklist=_tell_checklist)
    with stop_requested() as stop, live_table(is_quiet=True) as show:
        async with hub.running() as at_work:
            snapshots = asyncio.create_task(_keep_snapshots(hub, config.runtime))
            stopped = asyncio.create_task(stop.wait())
            try:
                while not stop.is_set() and not at_work.done():
                    show(_view(hub, strides))
                    await asyncio.wait(
                        {at_work, stopped}, timeout=TELL_S, return_when=asyncio.FIRST_COMPLETED
                    )
            finally:
                snapshots.cancel()
                stopped.cancel()
    print(_sum(hub.source.health(), strides))


async def _keep_snapshots(hub: Live, folder: Path) -> None:
    """A folder that cannot be written is told of once; nothing else depends on it."""
    has_told = False
    try:
        while True:
            try:
                await asyncio.to_thread(write_snapshot, folder, hub.source.health())
            except OSError as error:
                if not has_told:
                    log.warning("`stridehub pods` does not see this hub: %s", error)
                has_told = True
            await asyncio.sleep(SNAPSHOT_EVERY_S)
    finally:
        remove_snapshot(folder)


def _tell_checklist(items: Sequence[Item]) -> None:
    if sys.stdout.isatty():
        return  # they stand below the table
    todo = "; ".join(item.text for item in items)
    log.info("%s", f"to do: {todo}" if items else "ready")


def _view(hub: Live, strides: Counter[str]) -> TableView:
    healths = hub.source.health()
    todo = ["ready"] if hub.checklist.is_good else [f"- {i.text}" for i in hub.checklist.items]
    return TableView(
        "stridehub", HEALTH_COLUMNS, [health_row(health) for health in healths],
        "\n".join([*todo, f"{_sum(healths, strides)}   (Ctrl-C ends)"]),
    )  # fmt: skip


def _sum(healths: Sequence[PodHealth], strides: Counter[str]) -> str:
    streaming = sum(health.state is LinkState.STREAMING for health in healths)
    packets = sum(health.packets for health in healths)
    return (
        f"{streaming} of {len(healths)} pods stream, {packets} packets, {strides.total()} strides"
    )
