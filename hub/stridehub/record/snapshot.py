"""The pods as the running hub sees them, for other commands on this machine."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from stridehub.errors import HubRunsError
from stridehub.model import PodHealth

SNAPSHOT_EVERY_S = 5.0
FRESH_S = 3 * SNAPSHOT_EVERY_S  # an older one is of a hub that runs no more


class Snapshot(msgspec.Struct, frozen=True):
    """Written whole, or not at all."""

    taken_s: float  # Unix time
    pid: int  # of the hub
    pods: Sequence[PodHealth]


def _path(folder: Path) -> Path:
    return folder / "pods.json"


def write_snapshot(folder: Path, pods: Sequence[PodHealth]) -> None:
    """Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(msgspec.json.encode(Snapshot(time.time(), os.getpid(), pods)))
    part.replace(path)


def remove_snapshot(folder: Path) -> None:
    _path(folder).unlink(missing_ok=True)


def read_snapshot(folder: Path) -> Snapshot | None:
    """None where no hub runs; what is no snapshot, or of a hub that was killed, is none."""
    try:
        snapshot = msgspec.json.decode(_path(folder).read_bytes(), type=Snapshot)
    except (OSError, ValueError, RecursionError):
        return None
    is_fresh = abs(time.time() - snapshot.taken_s) < FRESH_S
    return snapshot if is_fresh and Path("/proc", str(snapshot.pid)).exists() else None


def refuse_beside_running_hub(folder: Path) -> None:
    """Raises HubRunsError: two programs at one adapter abort each other's scans and connections."""
    if read_snapshot(folder) is not None:
        raise HubRunsError
