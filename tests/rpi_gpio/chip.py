"""A gpiochip that is a folder: its lines, who has them, and every edge, across processes.

A line stays at its level when the process that has it dies, as on Raspberry Pi's own kernels.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

VARIABLE = "FAKE_GPIOCHIP"  # its folder, for the fake of RPi.GPIO; without it this is no Pi
LINES = 54
_POLL_S = 0.002


class LevelEdge(NamedTuple):
    """A line that changed."""

    time_s: float  # time.monotonic(), which all processes share
    line: int
    percent: int  # of the time that it is high


class Chip:
    """As the kernel sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._edges = folder / "edges"

    # ---- faults ----

    def forbid(self) -> None:
        """Opening it is not permitted any more."""
        (self.folder / "forbidden").touch()

    def breaks(self) -> None:
        """From now on every write fails."""
        (self.folder / "broken").touch()

    @contextmanager
    def stuck(self, line: int) -> Iterator[None]:
        """Whoever sets this line high hangs within the call, with the line high."""
        mark = self.folder / f"stuck{line}"
        mark.touch()
        try:
            yield
        finally:
            mark.unlink()

    @property
    def may_be_opened(self) -> bool:
        return self.folder.is_dir() and not (self.folder / "forbidden").exists()

    # ---- lines ----

    def claim(self, line: int) -> int | None:
        """A descriptor that has it until it is closed; None: another one has."""
        descriptor = os.open(self.folder / f"line{line}", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def set(self, line: int, percent: int) -> None:
        """Raises OSError where the chip is broken."""
        if (self.folder / "broken").exists():
            raise OSError("broken")
        if percent != self.percent(line):
            self._append(LevelEdge(time.monotonic(), line, percent))
        while percent and (self.folder / f"stuck{line}").exists():
            time.sleep(_POLL_S)

    def _append(self, edge: LevelEdge) -> None:
        with self._edges.open("a") as file:
            file.write(" ".join(map(str, edge)) + "\n")

    def percent(self, line: int) -> int:
        """Now."""
        return next((e.percent for e in reversed(self.edges()) if e.line == line), 0)

    def edges(self) -> list[LevelEdge]:
        """All so far."""
        if not self._edges.exists():
            return []
        rows = (row.split() for row in self._edges.read_text().splitlines())
        return [LevelEdge(float(at), int(line), int(percent)) for at, line, percent in rows]
