"""From other threads to the event loop's."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

HandOver = Callable[[Callable[[], None]], None]


def onto(loop: asyncio.AbstractEventLoop) -> HandOver:
    """Calls are made in the loop's next turns; none any more when it is closed. For any thread."""

    def hand_over(call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(call)

    return hand_over
