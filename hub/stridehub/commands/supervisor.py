"""Keeps programs up beside the hub: started again when they end, and missed meanwhile."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Protocol

from stridehub.errors import StrideHubError
from stridehub.mqtt.backoff import Backoff
from stridehub.timing import CHILD_FIRST_WAIT_S, CHILD_LONGEST_WAIT_S, CHILD_STEADY_S

log = logging.getLogger(__name__)


class Child(Protocol):
    def running(self) -> AbstractAsyncContextManager[None]:
        """It is there when the block begins. Raises StrideHubError, OSError."""

    async def watch(self) -> None:
        """Within that block. Raises StrideHubError when it has ended."""


class Supervisor:
    """While running(). `failure` is why the child is not there now."""

    def __init__(
        self,
        child: Child,
        *,
        on_up: Callable[[], None] = lambda: None,
        after: "Supervisor | None" = None,
    ) -> None:
        """`after`: whose first try comes first, whatever comes of it."""
        self.failure: StrideHubError | OSError | None = None
        self._child = child
        self._on_up = on_up
        self._after = after
        self._tried = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Waits for nothing."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    async def first_try(self) -> None:
        """Waits for it. Raises what it raised."""
        await self._tried.wait()
        if self.failure is not None:
            raise self.failure

    async def _keep(self) -> None:
        if self._after is not None:
            await self._after._tried.wait()
        backoff = Backoff(CHILD_FIRST_WAIT_S, CHILD_LONGEST_WAIT_S)
        while True:
            try:
                async with self._child.running():
                    self._is(None)
                    self._on_up()
                    await self._watch(backoff)
            except (StrideHubError, OSError) as error:
                self._is(error)
            await asyncio.sleep(backoff.wait_s())

    async def _watch(self, backoff: Backoff) -> None:
        steady = asyncio.get_running_loop().call_later(CHILD_STEADY_S, backoff.reset)
        try:
            await self._child.watch()
        finally:
            steady.cancel()

    def _is(self, failure: StrideHubError | OSError | None) -> None:
        """Each failure is told once, also when many tries end with it."""
        if failure is not None and str(failure) != str(self.failure):
            log.warning("%s", failure)
        self.failure = failure
        self._tried.set()
