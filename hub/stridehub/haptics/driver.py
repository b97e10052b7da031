"""What every way to make a runner feel something has in common."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from stridehub.kernel.link import HapticPattern
from stridehub.model import CueKind, CueSide

OnEdge = Callable[[float], None]  # time.monotonic() of the first rising edge; from any thread


@dataclass(frozen=True, slots=True)
class Buzz:
    """A pattern, and what it stands for."""

    pattern: HapticPattern
    kind: CueKind | None = None  # None: a test


class HapticDriver(Protocol):
    """Motors that are off when nothing plays, whatever happens."""

    def play(self, cue: Buzz, runner: str, side: CueSide, on_edge: OnEdge) -> bool:
        """Returns at once. False: the runner will feel nothing, now or later.

        A cue that comes while another plays replaces it.
        """

    def trouble(self, runner: str) -> str | None:
        """Why this runner cannot be made to feel anything now; None where nothing is known of."""

    def stop_all(self) -> None:
        """Every motor off, and whatever waits forgotten; when it returns, where that can be."""

    def close(self) -> None:
        """As stop_all, and nothing plays afterwards. Safe to call twice."""
