"""The hub's databases, looked over without being written to."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.doctor.finding import Finding, Says
from stridehub.record.health import FILE_ERRORS, is_damage
from stridehub.record.opening import open_to_read
from stridehub.record.snapshot import read_snapshot
from stridehub.timing import STORE_CHECK_S

_STEPS_A_LOOK = 1000  # of SQLite's machine: a tenth of a millisecond


def look_over(case: Case, says: Says) -> Iterator[Finding]:
    """A running hub has looked itself, and is not to be held up."""
    is_in_use = read_snapshot(case.config.runtime) is not None
    for path in (case.config.database, case.config.sessions):
        if not path.exists():
            continue
        size = f"{path.name}, {path.stat().st_size / 1e6:.1f} MB"
        if is_in_use:
            yield says.ok(f"{size}: in use by the hub, which looked it over as it began")
        else:
            yield _looked_over(path, size, says)


def _looked_over(path: Path, size: str, says: Says) -> Finding:
    try:
        fault = fault_of(path, STORE_CHECK_S)
    except TimeoutError:
        return says.ok(f"{size}: no fault in what {STORE_CHECK_S:.0f} s were enough for")
    except FILE_ERRORS as error:
        return says.warn(f"{path}: cannot be looked over: {error}", Advice.LOOK_BY_HAND)
    return says.ok(f"{size}: sound") if fault is None else _damaged(path, fault, says)


def _damaged(path: Path, fault: str, says: Says) -> Finding:
    return says.fail(f"{path} is damaged: {fault}", Advice.LET_MEND)


def fault_of(path: Path, within_s: float) -> str | None:
    """None for a good one. Raises TimeoutError; sqlite3.Error for what is not the file's fault."""
    end_s = time.monotonic() + within_s
    try:
        with closing(open_to_read(path)) as database:
            database.set_progress_handler(lambda: time.monotonic() > end_s, _STEPS_A_LOOK)
            (result,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except FILE_ERRORS as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise TimeoutError from error
        if not is_damage(error):
            raise
        return str(error)
    return None if result == "ok" else " ".join(str(result).split())
