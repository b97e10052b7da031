"""Pods that advertise around here."""

import asyncio
import sys
import time
from collections.abc import Collection
from pathlib import Path

from stridehub.commands.pod_table import pod_table
from stridehub.config import HubConfig, load_hub_config
from stridehub.display import TableView, live_table, print_table
from stridehub.model import KnownPod
from stridehub.pods.bluez import BlueZ
from stridehub.pods.finder import Sightings, usable_adapters, watch
from stridehub.pods.radio import Host, HostAdapter, Radio
from stridehub.record.roster import Roster
from stridehub.record.snapshot import refuse_beside_running_hub

_REDRAW_S = 0.2  # at most so often


def scan(config_path: Path | None, seconds: float) -> None:
    """Prints a table. Raises ConfigError, HubRunsError, RadioError, StoreError."""
    config = load_hub_config(config_path)
    refuse_beside_running_hub(config.runtime)
    known = Roster(config.database).pods()
    result = asyncio.run(look_around(config, Radio(), BlueZ(), seconds, known))
    if not sys.stdout.isatty():
        print_table(result)


async def look_around(
    config: HubConfig, radio: Radio, host: Host, seconds: float, known: Collection[KnownPod]
) -> TableView:
    """Draws what is seen while it looks. Raises RadioError."""
    adapters = await usable_adapters(host, config.radio.adapters)
    title = _title(adapters)
    end_s = time.monotonic() + seconds
    drawn_s = 0.0
    with live_table(is_quiet=True) as show:

        def draw(seen: Sightings) -> None:
            nonlocal drawn_s
            now_s = time.monotonic()
            if now_s - drawn_s >= _REDRAW_S:
                drawn_s = now_s
                show(pod_table(title, seen, known, f"{max(0.0, end_s - now_s):.0f} s left"))

        draw({})
        seen = await watch(radio, adapters, seconds, draw)
        result = pod_table(title, seen, known, _sum(seen))
        show(result)
    return result


def _title(adapters: Collection[HostAdapter]) -> str:
    rivals = [adapter.name for adapter in adapters if adapter.discovering]
    note = f" (another program scans with {', '.join(rivals)})" if rivals else ""
    return f"pods seen by {', '.join(adapter.address for adapter in adapters)}{note}"


def _sum(seen: Sightings) -> str:
    pods = {address for _, address in seen}
    return (
        f"{len(pods)} pods" if pods else "no pod; move one, or hold it to its charger, to wake it"
    )
