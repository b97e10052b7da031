"""The page beside a hub, in a process that no buzz waits for and that ends with the hub."""

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from urllib.parse import urlsplit

import msgspec

from stridehub.dashboard.settings import PageSettings
from stridehub.errors import PageError
from stridehub.timing import PAGE_STARTS_S

log = logging.getLogger(__name__)


class Page:
    """While running() it is there, at `url`, and next time there again."""

    def __init__(self, settings: Callable[[], PageSettings]) -> None:
        """`settings`: asked at each start."""
        self.url: str | None = None
        self._settings = settings
        self._told: PageSettings | None = None
        self._process: Process | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Raises PageError where it does not start."""
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "stridehub.dashboard",
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,  # Ctrl-C is for the hub, which then ends it
        )
        try:
            self._told = self._settings()
            self.url = await _started(process, self._at_its_place(self._told))
            log.info("page: %s", self.url)
            yield
        finally:
            self._process = None
            await _end(process)

    async def watch(self) -> None:
        """Within running(). Raises PageError when it has ended."""
        assert self._process is not None
        code = await self._process.wait()
        raise PageError(self.url, f"ended, code {code}")

    def refresh(self) -> None:
        """Ends one that was told what is no longer so."""
        if self._process is not None and self._told not in (None, self._settings()):
            with suppress(ProcessLookupError):
                self._process.kill()

    def _at_its_place(self, settings: PageSettings) -> PageSettings:
        """Where coaches have it open already."""
        port = None if self.url is None else urlsplit(self.url).port
        return settings if port is None else replace(settings, port=port)


async def _started(process: Process, settings: PageSettings) -> str:
    """Its URL. Raises PageError."""
    assert process.stdin is not None
    assert process.stdout is not None
    where = f"{settings.listen}:{settings.port}"
    with suppress(ConnectionError):  # it has ended
        process.stdin.write(msgspec.json.encode(settings) + b"\n")
        await process.stdin.drain()
    try:
        async with asyncio.timeout(PAGE_STARTS_S):
            said = (await process.stdout.readline()).decode().strip()
    except TimeoutError as error:
        raise PageError(where, "did not start in time") from error
    if not said.startswith("http://"):
        raise PageError(where, said or "did not start")
    return said


async def _end(process: Process) -> None:
    """At once: it keeps nothing."""
    assert process.stdin is not None
    process.stdin.close()
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
