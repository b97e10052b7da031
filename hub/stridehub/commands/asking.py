"""Questions at the terminal, asked from an event loop that goes on meanwhile."""

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

from stridehub.errors import NobodyToAskError

Ask = Callable[[str], str]


def is_terminal() -> bool:
    """Whether there is one both to ask and to answer at.

    Python reads from a terminal without writing to it in a way that a question that nobody
    answers aborts the program at its end.
    """
    return sys.stdin.isatty() and sys.stdout.isatty()


def asker() -> Ask:
    """Of who sits at the terminal. Without one it raises NobodyToAskError."""
    if is_terminal():
        return input
    return _refuse


def _refuse(question: str) -> NoReturn:
    raise NobodyToAskError(question)


async def asked(ask: Ask, question: str) -> str:
    """In a thread of its own that does not keep the program from ending.

    Raises NobodyToAskError at the end of the input, and what `ask` raises.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def settle(given: str | Exception) -> None:
        if answer.done():
            return
        if isinstance(given, Exception):
            answer.set_exception(given)
        else:
            answer.set_result(given)

    def wait() -> None:
        given: str | Exception
        try:
            given = ask(question)
        except Exception as error:
            given = error
        loop.call_soon_threadsafe(settle, given)

    threading.Thread(target=wait, daemon=True).start()
    try:
        return await answer
    except EOFError as error:
        raise NobodyToAskError(question) from error
