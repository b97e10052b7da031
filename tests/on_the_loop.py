"""What tests of asynchronous code share."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

PATIENCE_S = 120.0  # of a test on a loaded machine
_POLL_S = 0.005


def run(
    test: Coroutine[Any, Any, None], within_s: float = PATIENCE_S, *, nothing_left: bool = False
) -> None:
    """`nothing_left`: no task goes on when it is over."""

    async def in_time() -> None:
        async with asyncio.timeout(within_s):
            await test
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not (nothing_left and left)

    asyncio.run(in_time())


async def until(holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> float:
    """For how long it took, in seconds. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    async with asyncio.timeout(patience_s):
        while not holds():
            await asyncio.sleep(_POLL_S)
    return loop.time() - begun_s
