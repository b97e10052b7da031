"""Where messages wait until the broker has them, as the publisher sees it."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from stridehub.model import Letter


class Outbox(Protocol):
    """Safe to call from any thread. Raises StoreError."""

    def waiting(self, after: int, most: int) -> Sequence[Letter]:
        """The first ones with a number beyond `after`."""

    def count(self) -> int:
        """All that wait."""

    def confirmed(self, numbers: Iterable[int]) -> None:
        """The broker has them; returns at once, and they are dropped soon."""
