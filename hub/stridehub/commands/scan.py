"""Pods that advertise around here."""

import asyncio
import sys
import time
from collections.abc import Collection
from pathlib import Path

from stridehub.commands.cells import cell
from stridehub.config import HubConfig, load_hub_config
from stridehub.display import TableView, live_table, print_table
from stridehub.kernel.link import PodCondition
from stridehub.model import KnownPod
from stridehub.pods.bluez import BlueZ
from stridehub.pods.finder import Sightings, usable_adapters, watch
from stridehub.pods.radio import Host, HostAdapter, Radio, Sighting
from stridehub.record.roster import Roster

COLUMNS = (
    ("address", ""),
    ("name", ""),
    ("placement", ""),
    ("RSSI", "dBm"),
    ("battery", "V"),
    ("version", ""),
    ("bonded", ""),
    ("runner", ""),
)
VERSION = "1"  # of the protocol, where a pod's record can be read at all
_REDRAW_S = 0.2  # at most so often


def scan(config_path: Path | None, seconds: float) -> None:
    """Prints a table. Raises ConfigError, RadioError, StoreError."""
    config = load_hub_config(config_path)
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


def pod_table(title: str, seen: Sightings, known: Collection[KnownPod], footer: str) -> TableView:
    """A row for each pod; by the adapter that hears it best, or holds its bond."""
    runners = {pod.address: pod.runner for pod in known}
    best: dict[str, Sighting] = {}
    for sighting in seen.values():
        other = best.get(sighting.address)
        if other is None or (sighting.bonded, sighting.rssi_dbm) > (other.bonded, other.rssi_dbm):
            best[sighting.address] = sighting
    rows = [_row(sighting, runners.get(address, "-")) for address, sighting in sorted(best.items())]
    return TableView(title, COLUMNS, rows, footer)


def _row(sighting: Sighting, runner: str) -> list[str]:
    heard = sighting.advertisement
    if heard is None:
        return [
            *(sighting.address, sighting.name or "-", "?", cell(sighting.rssi_dbm), "-"),
            *(sighting.problem or "?", _yes(sighting.bonded), runner),
        ]
    is_pairing = bool(heard.conditions & PodCondition.PAIRING)
    return [
        *(sighting.address, sighting.name or "-"),
        heard.placement.label if heard.placement else "none yet",
        *(cell(sighting.rssi_dbm), cell(heard.battery_mv, 2, 1e-3), VERSION),
        "pairing" if is_pairing and not sighting.bonded else _yes(sighting.bonded),
        runner,
    ]


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
