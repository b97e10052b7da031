"""One Bluetooth adapter: a gate that one scan or one connection passes at a time."""

import asyncio
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from stridehub.pods.backoff import Backoff, Failure
from stridehub.pods.failures import RADIO_ERRORS, LinkEndedError, failure_of, reason_of
from stridehub.pods.radio import Host, Radio, Sighting
from stridehub.timing import (
    ADAPTER_POLL_S,
    DBUS_S,
    DEAF_S,
    LONG_MISSING_S,
    POWER_CYCLE_BUSY_EVERY_S,
    POWER_CYCLE_EVERY_S,
    SCAN_GRACE_S,
    SCAN_LONG_PAUSE_S,
    SCAN_PAUSE_S,
    SCAN_WINDOW_S,
)

log = logging.getLogger(__name__)

# Adapters hold three to seven links, and not all say so when they refuse one more. Where a pod that
# is heard cannot be connected again and again while so many are, that is the likely reason.
SUSPECT_LINKS = 3
SUSPECT_TRIES = 3


class Adapter:
    """Looks for pods while any is missing, and stays off the air otherwise."""

    def __init__(
        self,
        radio: Radio,
        host: Host,
        address: str,
        most_links: int,
        backoff: Backoff,
        *,
        is_allowed: bool = True,
        on_full: Callable[[int], None] = lambda links: None,
    ) -> None:
        """`most_links` is what it is known to hold; `on_full` hears when it proves to be less.

        One that is not allowed by the configuration is never there.
        """
        self.address = address
        self.gate = asyncio.Lock()
        self.problem: str | None = None  # why it does not work, for a person
        self.most_links = most_links
        self._radio = radio
        self._host = host
        self._on_full = on_full
        self._is_allowed = is_allowed
        self._backoff = backoff
        self._loop = asyncio.get_running_loop()
        self._name: str | None = None
        self._wanted: dict[str, asyncio.Future[Sighting]] = {}
        self._someone_wanted = asyncio.Event()
        self._wanted_since_s = 0.0
        self._linked: set[str] = set()
        self._heard_s = self._loop.time()  # any pod
        self._deaf_for_s = DEAF_S  # until something is done about it
        self._cycled_s = -math.inf

    # ---- for pods ----

    @property
    def name(self) -> str:
        """Such as "hci0". Raises LinkEndedError while the adapter is not there."""
        if self._name is None:
            raise LinkEndedError(Failure.ADAPTER_GONE)
        return self._name

    async def find(self, address: str) -> Sighting:
        """Waits until the pod is seen."""
        wanted: asyncio.Future[Sighting] = self._loop.create_future()
        self._wanted[address] = wanted
        self._wanted_since_s = self._loop.time()
        self._someone_wanted.set()
        try:
            return await wanted
        finally:
            self._wanted.pop(address, None)

    @contextmanager
    def slot(self, address: str) -> Iterator[None]:
        """One of the links it holds. Raises LinkEndedError when there is none left."""
        if len(self._linked) >= self.most_links:
            raise LinkEndedError(Failure.NO_SLOT, self._full())
        self._linked.add(address)
        try:
            yield
        finally:
            self._linked.discard(address)

    def refused_one(self, failure: Failure, tries: int) -> Failure:
        """A connection failed for the `tries`th time in a row: for lack of a slot?

        Only where the adapter itself said so, it is believed from now on.
        """
        others = len(self._linked)
        if failure is Failure.NO_SLOT and 0 < others < self.most_links:
            self.most_links = others
            log.warning("adapter %s: %s", self.address, self._full())
            self._on_full(others)
        is_suspect = failure in (Failure.TIMED_OUT, Failure.ABORTED) and tries >= SUSPECT_TRIES
        return Failure.NO_SLOT if is_suspect and others >= SUSPECT_LINKS else failure

    def _full(self) -> str:
        return f"the adapter holds {self.most_links} links; {Failure.NO_SLOT.value.advice}"

    async def forget(self, address: str) -> None:
        """Raises RadioError."""
        log.warning("%s is removed from Bluetooth's memory", address)
        await self._host.forget(self.name, address)

    async def power_cycle(self, why: str, *, is_stuck: bool) -> None:
        """Unless it was done a moment ago, or other pods stream and the link is not even stuck.

        Raises RadioError.
        """
        if self._linked and not is_stuck:
            return
        now_s = self._loop.time()
        pause_s = POWER_CYCLE_BUSY_EVERY_S if self._linked else POWER_CYCLE_EVERY_S
        if now_s - self._cycled_s < pause_s:
            return
        self._cycled_s = now_s
        log.warning("adapter %s is switched off and on: %s", self.address, why)
        async with self.gate:
            await self._host.power_cycle(self.name)

    # ---- its own life ----

    async def run(self) -> None:
        """Scans whenever a pod is missing; what goes wrong is told in `problem`, and retried."""
        while True:
            await self._someone_wanted.wait()
            try:
                if self._name is None:
                    self._name = await self._locate()
                await self._window()
                await self._open_its_ears()
            except RADIO_ERRORS as error:
                await self._recover(error)
            else:
                self._tell(None)
                self._backoff.reset()
                await asyncio.sleep(self._pause_s())

    async def _locate(self) -> str:
        if not self._is_allowed:
            raise LinkEndedError(
                Failure.ADAPTER_GONE, "pods are bonded with it; the configuration leaves it out"
            )
        for adapter in await self._host.adapters():
            if adapter.address.upper() == self.address.upper():
                if not adapter.powered:
                    await self._host.power_cycle(adapter.name)
                return adapter.name
        raise LinkEndedError(Failure.ADAPTER_GONE)

    async def _recover(self, error: BaseException) -> None:
        """It may come back under another name."""
        self._name = None
        self._tell(reason_of(error))
        failure = failure_of(error)
        wait_s = self._backoff.wait_s(failure)
        await asyncio.sleep(
            max(wait_s, ADAPTER_POLL_S) if failure is Failure.ADAPTER_GONE else wait_s
        )

    def _tell(self, problem: str | None) -> None:
        if problem != self.problem:
            self.problem = problem
            log.warning("adapter %s: %s", self.address, problem or "works again")

    async def _window(self) -> None:
        found = asyncio.Event()

        def heard(sighting: Sighting) -> None:
            self._heard_s = self._loop.time()
            wanted = self._wanted.pop(sighting.address, None)
            if wanted is not None and not wanted.done():
                wanted.set_result(sighting)
                found.set()

        async with (
            self.gate,
            asyncio.timeout(SCAN_WINDOW_S + 2 * DBUS_S),
            self._radio.scanner(self.name, heard),
        ):
            with suppress(TimeoutError):
                await asyncio.wait_for(found.wait(), SCAN_WINDOW_S)
            if found.is_set() and self._wanted:
                await asyncio.sleep(SCAN_GRACE_S)
        if not self._wanted:
            self._someone_wanted.clear()

    async def _open_its_ears(self) -> None:
        """Scanning can stop without a word. More and more rarely: pods may just be far away."""
        now_s = self._loop.time()
        if now_s - self._heard_s < DEAF_S:
            self._deaf_for_s = DEAF_S
        elif self._wanted and now_s - self._heard_s > self._deaf_for_s:
            self._deaf_for_s *= 2
            await self.power_cycle("no pod was heard for long", is_stuck=False)

    def _pause_s(self) -> float:
        if not self._linked:
            return 0.0
        is_long = self._loop.time() - self._wanted_since_s > LONG_MISSING_S
        return SCAN_LONG_PAUSE_S if is_long else SCAN_PAUSE_S
