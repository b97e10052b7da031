"""The page beside a hub, in a process that no buzz waits for and that ends with the hub."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec

from stridehub.dashboard.server import PageSettings
from stridehub.errors import PageError
from stridehub.timing import PAGE_ENDS_S, PAGE_STARTS_S


@asynccontextmanager
async def page_beside(settings: PageSettings) -> AsyncIterator[str]:
    """At the URL that is yielded. Raises PageError where it does not start."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "stridehub.dashboard",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the hub, which then ends it
    )
    try:
        yield await _started(process, settings)
    finally:
        await _end(process)


async def _started(process: asyncio.subprocess.Process, settings: PageSettings) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(ConnectionError):  # it has ended, and says why on standard error
        process.stdin.write(msgspec.json.encode(settings) + b"\n")
        await process.stdin.drain()
    try:
        async with asyncio.timeout(PAGE_STARTS_S):
            url = (await process.stdout.readline()).decode().strip()
    except TimeoutError as error:
        raise PageError(settings.port, "did not start in time") from error
    if not url:
        raise PageError(settings.port, "did not start")
    return url


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(PAGE_ENDS_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()
