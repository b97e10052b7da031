"""Room for raw recordings: the oldest ones go, and the card is never filled."""

import logging
import math
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from stridehub.config import RecordConfig

log = logging.getLogger(__name__)

SUFFIX = ".mcap"
# A clock that jumps ahead makes all old at once, and nobody leaves a hub alone for so long.
LONGEST_PAUSE_DAYS = 366
_DAY_S = 86400.0
_MB = 1e6
_FULL_SHARE = 0.98  # of all that is kept: the rest is for the end of the file
_MARGIN_MB = 20.0  # some minutes of a few runners: recording shall not stop and start all the time


def tidy(folder: Path, limits: RecordConfig, writing: Path | None = None) -> int:
    """Deletes what is too old or too much, oldest first; never the one that is being written.

    How many went.
    """
    kept = sorted(_recordings(folder))
    oldest_s = _oldest_s([changed_s for changed_s, _, path in kept if path != writing], limits)
    left_bytes = sum(size for _, size, _ in kept)
    gone = 0
    for changed_s, size, path in kept:
        if changed_s >= oldest_s and left_bytes <= limits.keep_raw_mb * _MB:
            break
        if path != writing and _is_deleted(path):
            left_bytes -= size
            gone += 1
    return gone


def _oldest_s(changed_s: Sequence[float], limits: RecordConfig) -> float:
    """What may stay, Unix time; of a clock that cannot be right, anything."""
    now_s = time.time()
    newest_s = max(changed_s, default=now_s)
    if not now_s - LONGEST_PAUSE_DAYS * _DAY_S <= newest_s <= now_s:
        return -math.inf
    return now_s - limits.keep_raw_days * _DAY_S


def _recordings(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """When each was last written (Unix time), its bytes, its path."""
    for path in folder.glob(f"*{SUFFIX}"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        yield status.st_mtime, status.st_size, path


def _is_deleted(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s could not be deleted: %s", path, error)
        return False
    log.info("%s: deleted, to make room", path.name)
    return True


def is_too_much(size_bytes: int, limits: RecordConfig) -> bool:
    """For a single recording: there would be no room left for it, and no other to delete."""
    return size_bytes > _FULL_SHARE * limits.keep_raw_mb * _MB


def free_mb(folder: Path) -> float:
    """Of the card. Raises OSError."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize / _MB


def has_room(folder: Path, limits: RecordConfig, *, is_recording: bool) -> bool:
    """Whether to go on, or to begin again. Raises OSError."""
    wanted_mb = limits.free_mb if is_recording else limits.free_mb + _MARGIN_MB
    return free_mb(folder) >= wanted_mb
