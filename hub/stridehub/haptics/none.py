"""The driver of a runner who is not to feel anything."""

from stridehub.haptics.driver import Buzz, OnEdge
from stridehub.model import CueSide


class NoDriver:
    """A HapticDriver that has no motors, and no trouble: it was chosen, and stands alone."""

    def play(self, cue: Buzz, runner: str, side: CueSide, on_edge: OnEdge) -> bool:
        return False

    def trouble(self, runner: str) -> str | None:
        return None

    def stop_all(self) -> None:
        """Nothing is on."""

    def close(self) -> None:
        """Nothing is on."""
