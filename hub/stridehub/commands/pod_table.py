"""Pods that advertise, as a table."""

from collections.abc import Collection

from stridehub.commands.cells import cell
from stridehub.display import TableView
from stridehub.kernel.wire import VERSION
from stridehub.model import KnownPod
from stridehub.pods.finder import Sightings
from stridehub.pods.radio import Sighting

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
    return [
        *(sighting.address, sighting.name or "-"),
        heard.placement.label if heard.placement else "none yet",
        *(cell(sighting.rssi_dbm), cell(heard.battery_mv, 2, 1e-3), str(VERSION)),
        "pairing" if sighting.is_pairing and not sighting.bonded else _yes(sighting.bonded),
        runner,
    ]


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
