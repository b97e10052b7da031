"""How many links an adapter holds: three to seven, and it says so only by refusing one more."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stridehub.pods.backoff import Failure
from stridehub.pods.failures import LinkEndedError

REFUSALS_BELIEVED = 2  # in a row, at the same number of links: others may use the adapter, too
# Not all adapters say why they refuse. Where a pod that is heard cannot be connected again and
# again while so many are, that is a likely reason.
SUSPECT_LINKS = 3
SUSPECT_TRIES = 3


class Slots:
    """Of one adapter."""

    def __init__(self, most: int, measured: int | None, on_measured: Callable[[int], None]) -> None:
        """`most` is what the configuration allows, `measured` what was found out before.

        `on_measured` hears of what is found out from now on.
        """
        self.linked: set[str] = set()  # addresses of the pods whose links stand
        self._most = most
        self._measured = measured
        self._on_measured = on_measured
        self._reserved = 0
        self._refusals = 0
        self._refused_at = 0

    @contextmanager
    def reserve(self) -> Iterator[None]:
        """Raises LinkEndedError beyond what the configuration allows; the rest is tried out."""
        if self._reserved >= self._most:
            reason = f"{self._most} links of the adapter are in use, as many as are allowed"
            raise LinkEndedError(Failure.NO_SLOT, f"{reason}; {Failure.NO_SLOT.value.advice}")
        self._reserved += 1
        try:
            yield
        finally:
            self._reserved -= 1

    def joined(self, address: str) -> None:
        """A link stands: the adapter holds as many at least."""
        self.linked.add(address)
        self._refusals = 0
        if self._measured is not None and len(self.linked) > self._measured:
            self._measure()

    def left(self, address: str) -> None:
        self.linked.discard(address)

    def refused(self) -> None:
        """The adapter said that it holds no more."""
        held = len(self.linked)
        self._refusals = self._refusals + 1 if held == self._refused_at else 1
        self._refused_at = held
        if self._refusals >= REFUSALS_BELIEVED and held and held != self._measured:
            self._measure()

    def _measure(self) -> None:
        self._measured = len(self.linked)
        self._on_measured(self._measured)

    def may_be_full(self, failure: Failure, tries: int) -> bool:
        """After the `tries`th failure in a row to connect one more."""
        is_mute = failure in (Failure.TIMED_OUT, Failure.ABORTED)
        return is_mute and tries >= SUSPECT_TRIES and len(self.linked) >= SUSPECT_LINKS
