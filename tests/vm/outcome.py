"""What came of a scenario: checks that failed, figures, one line of JSON and one of a table."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_POLL_S = 0.05


class LateError(Exception):
    """Something did not come about in time."""


@dataclass
class Outcome:
    """Goes on after a check that failed, and after a part that broke off."""

    scenario: str
    faults: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    took_s: float = 0.0

    def check(self, is_so: bool, what: str) -> None:
        if not is_so:
            self.faults.append(what)

    def tell(self, **figures: Any) -> None:
        self.figures |= {name: _rounded(value) for name, value in figures.items()}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """An error ends the part, not the scenario."""
        try:
            yield
        except Exception as error:
            self.faults.append(f"{name}: {type(error).__name__}: {error}")

    def line(self) -> str:
        told = {"scenario": self.scenario, "passed": not self.faults, "took_s": self.took_s}
        return json.dumps(told | {"figures": self.figures, "faults": self.faults})


def table(outcomes: Iterable[Outcome]) -> str:
    lines = []
    for outcome in outcomes:
        verdict = "FAILED" if outcome.faults else "passed"
        lines.append(f"{outcome.scenario:<12} {verdict} {outcome.took_s:6.1f} s")
        lines += [f"    {name:<28} {_shown(value)}" for name, value in outcome.figures.items()]
        lines += [f"    ! {fault}" for fault in outcome.faults]
    return "\n".join(lines)


async def until(is_so: Callable[[], bool], what: str, within_s: float) -> float:
    """For how long it took, in seconds. Raises LateError."""
    begun_s = time.monotonic()
    while not is_so():
        if time.monotonic() - begun_s > within_s:
            raise LateError(f"{what}: not within {within_s:g} s")
        await asyncio.sleep(_POLL_S)
    return time.monotonic() - begun_s


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return value


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
