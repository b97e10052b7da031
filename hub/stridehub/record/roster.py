"""The pods of this hub, and what is known of its adapters, kept in SQLite."""

from pathlib import Path

from stridehub.errors import StoreError, UnknownPlacementError
from stridehub.model import KnownPod, Placement
from stridehub.record.database import Database

TABLES = (
    """CREATE TABLE IF NOT EXISTS pods (
        address TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        placement TEXT NOT NULL,
        runner TEXT NOT NULL,
        adapter TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS adapters (
        address TEXT PRIMARY KEY,
        most_links INTEGER NOT NULL
    ) STRICT""",
)


class Roster:
    """What is written is on the disk when the call returns. All calls raise StoreError."""

    def __init__(self, path: Path) -> None:
        """Empty where there is no such file; the first write makes it, with its folder."""
        self._database = Database(path, TABLES)

    def pods(self) -> list[KnownPod]:
        """By runner and placement."""
        rows = self._database.read(
            "pods", "SELECT address, name, placement, runner, adapter FROM pods"
        )
        try:
            pods = [
                KnownPod(address, name, Placement.from_label(placement), runner, adapter)
                for address, name, placement, runner, adapter in rows
            ]
        except UnknownPlacementError as error:
            raise StoreError(self._database.path, str(error)) from error
        return sorted(pods, key=lambda pod: (pod.runner, pod.placement))

    def keep(self, pod: KnownPod) -> None:
        """Replaces what was known of the pod."""
        row = (pod.address, pod.name, pod.placement.label, pod.runner, pod.adapter)
        with self._database.writing() as database:
            database.execute("INSERT OR REPLACE INTO pods VALUES (?, ?, ?, ?, ?)", row)

    def forget(self, address: str) -> None:
        """Also where it is not known."""
        with self._database.writing() as database:
            database.execute("DELETE FROM pods WHERE address = ?", (address,))

    def most_links(self) -> dict[str, int]:
        """Of adapters that have refused one more, by address."""
        return dict(self._database.read("adapters", "SELECT address, most_links FROM adapters"))

    def keep_most_links(self, adapter: str, links: int) -> None:
        with self._database.writing() as database:
            database.execute("INSERT OR REPLACE INTO adapters VALUES (?, ?)", (adapter, links))
