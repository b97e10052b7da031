"""Tells systemd how the work is, and that it goes on, for as long as it does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from stridehub.service.notify import Notifier
from stridehub.timing import TELL_S

# Three words may be late or lost.
_WATCHDOG_SHARE = 0.25
_SOON_S = 0.05  # somebody waits for READY

log = logging.getLogger(__name__)

WhyIll = Callable[[], str | None]


class Health:
    """The loop's own task: where the loop hangs, nothing is said."""

    def __init__(
        self,
        notifier: Notifier,
        status: Callable[[], str],
        why_ill: WhyIll = lambda: None,
    ) -> None:
        """`status`: for people. `why_ill`: None while all goes on; as long as it is something else
        the watchdog is not fed, and before the first None nobody is told that the service is ready.
        """
        self._notifier = notifier
        self._status = status
        self._why_ill = why_ill
        self._ill: str | None = None  # as it was logged
        self._is_ready = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """Until the block ends, which systemd is told. What is yielded ends before by a fault."""
        task = asyncio.create_task(self._run())
        try:
            yield task
        finally:
            self._notifier.stopping()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        watchdog_s = self._notifier.watchdog_s
        pause_s = TELL_S if watchdog_s is None else min(TELL_S, watchdog_s * _WATCHDOG_SHARE)
        while True:
            self._tell()
            await asyncio.sleep(pause_s if self._is_ready else _SOON_S)

    def _tell(self) -> None:
        ill = self._why_ill()
        if not self._is_ready:
            if ill is not None:
                return
            self._is_ready = True
            self._notifier.ready()
        if ill is None:
            self._notifier.watchdog()
        elif self._ill is None:
            log.error("%s; the watchdog is not fed", ill)
        self._ill = ill
        self._notifier.status(ill or self._status())
