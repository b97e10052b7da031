"""Lines as a test looks at them, whichever chip they are of."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from rpi_gpio.chip import VARIABLE, Chip

_SITE = Path(__file__).resolve().parent / "site"
_TESTS = Path(__file__).resolve().parent.parent


class Pulse(NamedTuple):
    """A line that was high for a while; PWM counts as high throughout."""

    rise_s: float  # time.monotonic()
    fall_s: float
    percent: float  # of the time that it was high, once the PWM had begun


class Lines(Protocol):
    def pulses(self, line: int, *, is_plain: bool = False) -> list[Pulse]:
        """Those that have ended. `is_plain`: there was no PWM, whose short lows end no pulse."""

    def is_low(self, line: int) -> bool:
        """Now."""

    @property
    def environment(self) -> Mapping[str, str]:
        """For processes that shall use them."""

    @property
    def percent_slack(self) -> float:
        """By which a measured intensity may be wrong."""


class FakeLines:
    """Of a Chip in a folder."""

    percent_slack = 0.0

    def __init__(self, chip: Chip) -> None:
        self.chip = chip

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(_SITE), str(_TESTS), *sys.path])
        return {VARIABLE: str(self.chip.folder), "PYTHONPATH": path}

    def is_low(self, line: int) -> bool:
        return self.chip.percent(line) == 0

    def pulses(self, line: int, *, is_plain: bool = False) -> list[Pulse]:
        found = []
        rise_s: float | None = None
        percent = 0
        for edge in self.chip.edges():
            if edge.line != line:
                continue
            if edge.percent == 0 and rise_s is not None:
                found.append(Pulse(rise_s, edge.time_s, percent))
                rise_s = None
            elif edge.percent and rise_s is None:
                rise_s = edge.time_s
            percent = edge.percent
        return found


@contextmanager
def fake_gpio(folder: Path) -> Iterator[FakeLines]:
    """`import RPi.GPIO` finds the fake, here and in processes with the lines' environment."""
    lines = FakeLines(Chip(folder))
    before = {name: os.environ.get(name) for name in lines.environment}
    _forget_library()
    sys.path.insert(0, str(_SITE))
    os.environ.update(lines.environment)
    try:
        yield lines
    finally:
        sys.path.remove(str(_SITE))
        _forget_library()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _forget_library() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "RPi"]:
        del sys.modules[name]
