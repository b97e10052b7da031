"""One Bluetooth adapter: a gate that one scan or one connection passes at a time."""

import asyncio
import logging
import math
from contextlib import suppress

from stridehub.errors import RadioError
from stridehub.pods.backoff import Backoff, Failure
from stridehub.pods.failures import RADIO_ERRORS, LinkEndedError, failure_of, reason_of
from stridehub.pods.radio import Host, Radio, Sighting
from stridehub.pods.slots import Slots
from stridehub.timing import (
    ADAPTER_POLL_S,
    DBUS_S,
    DEAF_S,
    FOREIGN_LINK_WINDOWS,
    LONG_MISSING_S,
    POWER_CYCLE_BUSY_EVERY_S,
    POWER_CYCLE_EVERY_S,
    SCAN_GRACE_S,
    SCAN_LONG_PAUSE_S,
    SCAN_PAUSE_S,
    SCAN_WINDOW_S,
)

log = logging.getLogger(__name__)


class Adapter:
    """Looks for pods while any is missing, and stays off the air otherwise."""

    def __init__(
        self,
        radio: Radio,
        host: Host,
        address: str,
        slots: Slots,
        backoff: Backoff,
        *,
        is_allowed: bool = True,
    ) -> None:
        """One that is not allowed by the configuration is never there."""
        self.address = address
        self.slots = slots
        self.gate = asyncio.Lock()
        self.problem: str | None = None  # why it does not work, for a person
        self._radio = radio
        self._host = host
        self._is_allowed = is_allowed
        self._backoff = backoff
        self._loop = asyncio.get_running_loop()
        self._name: str | None = None
        self._wanted: dict[str, asyncio.Future[Sighting]] = {}
        self._someone_wanted = asyncio.Event()
        self._new_want = asyncio.Event()
        self._wanted_since_s = 0.0
        self._listening_since_s = 0.0  # with someone wanted, and hearing nobody at all
        self._deaf_for_s = DEAF_S  # until something is done about it
        self._windows = 0  # since then
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
        if not self._someone_wanted.is_set():
            self._listening_since_s = self._wanted_since_s
            self._windows = 0
        self._someone_wanted.set()
        self._new_want.set()
        try:
            return await wanted
        finally:
            self._wanted.pop(address, None)

    async def forget(self, address: str) -> None:
        """Raises RadioError, LinkEndedError while the adapter is not there."""
        log.warning("%s is removed from Bluetooth's memory", address)
        await self._host.forget(self.name, address)

    async def power_cycle(self, why: str, *, is_stuck: bool) -> bool:
        """Unless it was done a moment ago, or other pods stream and the link is not even stuck.

        Whether it was done. Raises as `forget` does.
        """
        others = bool(self.slots.linked)
        now_s = self._loop.time()
        pause_s = POWER_CYCLE_BUSY_EVERY_S if others else POWER_CYCLE_EVERY_S
        if (others and not is_stuck) or now_s - self._cycled_s < pause_s:
            return False
        self._cycled_s = now_s
        log.warning("adapter %s is switched off and on: %s", self.address, why)
        async with self.gate:
            await self._host.power_cycle(self.name)
        return True

    # ---- its own life ----

    async def run(self) -> None:
        """Scans whenever a pod is missing; what goes wrong is told in `problem`, and retried."""
        while True:
            await self._someone_wanted.wait()
            try:
                if self._name is None:
                    self._name = await self._locate()
                await self._window()
                await self._end_foreign_links()
                await self._open_its_ears()
            except RADIO_ERRORS as error:
                await self._recover(error)
            else:
                self._tell(None)
                self._backoff.reset()
                await self._pause()

    async def _locate(self) -> str:
        if not self._is_allowed:
            raise LinkEndedError(
                Failure.ADAPTER_GONE, "pods are bonded with it; the configuration leaves it out"
            )
        for adapter in await self._host.adapters():
            if adapter.address.upper() == self.address.upper():
                if not adapter.powered:
                    with suppress(RadioError):  # BlueZ may be at it; the scan will tell
                        await self._host.power_on(adapter.name)
                return adapter.name
        raise LinkEndedError(Failure.ADAPTER_GONE)

    async def _recover(self, error: BaseException) -> None:
        """It may come back under another name."""
        self._name = None
        self._listening_since_s = self._loop.time()
        failure = failure_of(error)
        if failure is Failure.TIMED_OUT:  # no pod is meant
            failure = Failure.BUSY_ADAPTER
            self._tell(failure.value.told)
        else:
            self._tell(reason_of(error))
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
            self._listening_since_s = self._loop.time()
            wanted = self._wanted.pop(sighting.address, None)
            if wanted is not None and not wanted.done():
                wanted.set_result(sighting)
                found.set()

        async with (
            self.gate,
            asyncio.timeout(SCAN_WINDOW_S + 2 * DBUS_S),
            self._radio.listening(self.name, heard),
        ):
            with suppress(TimeoutError):
                async with asyncio.timeout(SCAN_WINDOW_S):
                    await found.wait()
            if found.is_set() and self._wanted:
                await asyncio.sleep(SCAN_GRACE_S)
        if not self._wanted:
            self._someone_wanted.clear()

    async def _end_foreign_links(self) -> None:
        """A pod that someone else on this machine has, or a try of ours left, is never seen."""
        self._windows += 1
        if not self._wanted or self._windows % FOREIGN_LINK_WINDOWS:
            return
        if stuck := await self._host.hang_up(self.name, tuple(self._wanted)):
            why = f"BlueZ does not end the link to {', '.join(stuck)}"
            await self.power_cycle(why, is_stuck=True)

    async def _open_its_ears(self) -> None:
        """Scanning can stop without a word. More and more rarely: pods may just be far away."""
        deaf_s = self._loop.time() - self._listening_since_s
        if deaf_s < DEAF_S:
            self._deaf_for_s = DEAF_S
        elif (
            self._wanted
            and deaf_s > self._deaf_for_s
            and await self.power_cycle("no pod was heard for long", is_stuck=False)
        ):
            self._deaf_for_s *= 2

    async def _pause(self) -> None:
        """While others stream; one that is lost meanwhile need not wait so long."""
        if not self.slots.linked:
            return
        is_long = self._loop.time() - self._wanted_since_s > LONG_MISSING_S
        self._new_want.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(SCAN_LONG_PAUSE_S if is_long else SCAN_PAUSE_S):
                await self._new_want.wait()
