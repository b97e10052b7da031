"""The driver of screens and logs: a cue is something to be seen."""

import time
from collections.abc import Callable

from stridehub.haptics.driver import Buzz, OnEdge
from stridehub.model import CueSide

Show = Callable[[Buzz, str, CueSide], None]  # the cue, the runner, where


class ConsoleDriver:
    """A HapticDriver that shows cues to a function."""

    def __init__(self, show: Show) -> None:
        """`show` is called within play(), and has to be quick."""
        self._show: Show | None = show

    def play(self, cue: Buzz, runner: str, side: CueSide, on_edge: OnEdge) -> bool:
        """The edge is the moment before it is shown; `on_edge` is called within play(), too."""
        if self._show is None:
            return False
        edge_s = time.monotonic()
        self._show(cue, runner, side)
        on_edge(edge_s)
        return True

    def trouble(self, runner: str) -> str | None:
        return "closed" if self._show is None else None

    def stop_all(self) -> None:
        """Nothing goes on."""

    def close(self) -> None:
        self._show = None
