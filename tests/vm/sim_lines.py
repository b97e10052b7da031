"""The kernel's simulated lines, sampled by a process of their own.

    python -m vm.sim_lines FILE LINE...

appends a row for every change: time.monotonic(), line, level. No program can watch the edges of a
line that another one drives; a simulated line's level stands in sysfs.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rpi_gpio.lines import Pulse

_SYSFS = Path("/run/vmrig-gpio")
_SAMPLE_S = 0.0001
# Longer than a PWM is low where its thread waits for an emulated processor, shorter than the pauses
# between pulses.
_PWM_GAP_S = 0.06
_ENVIRONMENT = {"RPI_LGPIO_CHIP": "0", "RPI_LGPIO_REVISION": "c03114"}  # a Pi 4B


class _Change(NamedTuple):
    time_s: float
    line: int
    level: int


class SimLines:
    """As rpi_gpio.lines.Lines."""

    percent_slack = 25.0  # of a PWM by a thread that waits for an emulated processor

    def __init__(self, record: Path) -> None:
        self._record = record

    @property
    def environment(self) -> dict[str, str]:
        return {**_ENVIRONMENT, "PYTHONPATH": os.pathsep.join(sys.path)}

    def is_low(self, line: int) -> bool:
        return (_SYSFS / f"sim_gpio{line}" / "value").read_text().strip() == "0"

    def pull(self, line: int, way: str) -> None:
        """Where the line goes when nobody has it: "pull-up" or "pull-down"."""
        (_SYSFS / f"sim_gpio{line}" / "pull").write_text(way)

    def changes(self, line: int) -> list[_Change]:
        rows = (row.split() for row in self._record.read_text().splitlines())
        found = [_Change(float(at), int(which), int(level)) for at, which, level in rows]
        return [change for change in found if change.line == line]

    def pulses(self, line: int, *, is_plain: bool = False) -> list[Pulse]:
        gap_s = 0.0 if is_plain else _PWM_GAP_S
        found = []
        train: list[_Change] = []
        for change in self.changes(line):
            if train and change.level and change.time_s - train[-1].time_s > gap_s:
                found.append(_pulse(train))
                train = []
            if train or change.level:
                train.append(change)
        if train and not train[-1].level and time.monotonic() - train[-1].time_s > gap_s:
            found.append(_pulse(train))
        return found


def _pulse(train: Sequence[_Change]) -> Pulse:
    """The share of time high is that of whole periods, from the first low to the last."""
    lows = [change for change in train if not change.level]
    highs = [change for change in train if change.level]
    percent = 100.0
    if len(lows) > 1:
        high_s = sum(
            low.time_s - high.time_s for high, low in zip(highs[1:], lows[1:], strict=True)
        )
        percent = 100 * high_s / (lows[-1].time_s - lows[0].time_s)
    return Pulse(train[0].time_s, train[-1].time_s, percent)


@contextmanager
def sim_lines(lines: Sequence[int]) -> Iterator[SimLines]:
    """The library finds the simulated chip, here and in processes with the lines' environment."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "changes"
        command = [sys.executable, "-m", "vm.sim_lines", str(record), *map(str, lines)]
        recorder = subprocess.Popen(command)
        try:
            while not record.exists():
                time.sleep(0.01)
            os.environ.update(_ENVIRONMENT)
            yield SimLines(record)
        finally:
            recorder.kill()
            recorder.wait()


def _sample(record: Path, lines: Sequence[int]) -> None:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))  # what it measures has to wait
    values = {line: os.open(_SYSFS / f"sim_gpio{line}" / "value", os.O_RDONLY) for line in lines}
    levels = dict.fromkeys(lines, b"0")
    with record.open("w", buffering=1) as file:
        while True:
            for line, value in values.items():
                level = os.pread(value, 1, 0)
                if level != levels[line]:
                    levels[line] = level
                    print(time.monotonic(), line, level.decode(), file=file)
            time.sleep(_SAMPLE_S)


if __name__ == "__main__":
    _sample(Path(sys.argv[1]), [int(line) for line in sys.argv[2:]])
