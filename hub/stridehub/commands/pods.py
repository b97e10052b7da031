"""The pods of this hub, and how they are."""

import asyncio
from collections.abc import Collection
from pathlib import Path

from stridehub.commands.cells import HEALTH_COLUMNS, cell, health_row
from stridehub.config import HubConfig, load_hub_config
from stridehub.display import TableView, print_table
from stridehub.errors import RadioError
from stridehub.kernel.link import Advertisement
from stridehub.model import KnownPod
from stridehub.pods.bluez import BlueZ
from stridehub.pods.finder import Sightings, usable_adapters, watch
from stridehub.pods.radio import Host, Radio
from stridehub.record.roster import Roster
from stridehub.record.snapshot import read_snapshot

LOOK_S = 3.0  # a pod in its slow state advertises once a second

COLUMNS = (
    ("pod", ""),
    ("name", ""),
    ("address", ""),
    ("adapter", ""),
    ("seen", ""),
    ("battery", "V"),
    ("RSSI", "dBm"),
)


def pods(config_path: Path | None, forget: str | None) -> None:
    """Prints a table: as the running hub sees them, or else as they advertise right now.

    Raises ConfigError, StoreError; RadioError where one is to be forgotten.
    """
    config = load_hub_config(config_path)
    roster = Roster(config.database)
    if forget is not None:
        asyncio.run(_forget(roster, forget, BlueZ()))
    known = roster.pods()
    if not known:
        print("no pods yet; `stridehub provision` makes one yours")
        return
    snapshot = read_snapshot(config.runtime)
    if snapshot is None:
        print_table(asyncio.run(_as_advertised(config, known, Radio(), BlueZ())))
    else:
        rows = [health_row(health) for health in snapshot.pods]
        troubles = [f"{h.pod.address}: {h.reason}" for h in snapshot.pods if h.reason]
        print_table(TableView("as the running hub sees them", HEALTH_COLUMNS, rows, ""))
        print("\n".join(troubles), end="\n" if troubles else "")


async def _forget(roster: Roster, address: str, host: Host) -> None:
    """With its bonds, also of a pod that only Bluetooth remembers."""
    roster.forget(address.upper())
    for adapter in await host.adapters():
        await host.forget(adapter.name, address)


async def _as_advertised(
    config: HubConfig, known: Collection[KnownPod], radio: Radio, host: Host
) -> TableView:
    try:
        adapters = await usable_adapters(host, config.radio.adapters)
        seen = await watch(
            radio,
            adapters,
            LOOK_S,
            until=lambda seen: {pod.address for pod in known} <= {address for _, address in seen},
        )
        footer = ""
    except RadioError as error:
        seen, footer = {}, str(error)
    return TableView("as they advertise", COLUMNS, [_row(pod, seen) for pod in known], footer)


def _row(pod: KnownPod, seen: Sightings) -> list[str]:
    sighting = seen.get((pod.adapter, pod.address))
    heard: Advertisement | None = sighting.advertisement if sighting else None
    return [
        f"{pod.runner} {pod.placement.label}",
        *(pod.name or "-", pod.address, pod.adapter, "yes" if sighting else "no"),
        cell(heard.battery_mv if heard else None, 2, 1e-3),
        cell(sighting.rssi_dbm if sighting else None),
    ]
