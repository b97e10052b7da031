"""What tests want to go wrong, by the name of the D-Bus method."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Protocol

import sdbus

from mock_bluez.bluez_errors import bluez_error

Method = Callable[..., Awaitable[Any]]


class Faults:
    """Each is used up by the calls it strikes, of whatever object."""

    def __init__(self) -> None:
        self._errors: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        self._pauses_s: defaultdict[str, list[float]] = defaultdict(list)

    def fail(self, method: str, times: int, error: str, message: str) -> None:
        self._errors[method] += [(error, message)] * times

    def hang(self, method: str, times: int, seconds: float) -> None:
        """The calls go on after it."""
        self._pauses_s[method] += [seconds] * times

    def clear(self) -> None:
        self._errors.clear()
        self._pauses_s.clear()

    async def strike(self, method: str) -> None:
        if self._pauses_s[method]:
            await asyncio.sleep(self._pauses_s[method].pop(0))
        if self._errors[method]:
            raise bluez_error(*self._errors[method].pop(0))


def caller() -> str:
    """The client whose D-Bus method is being answered."""
    sender = sdbus.get_current_message().sender
    assert sender is not None
    return sender


class Faulty(Protocol):
    """An object whose methods can be struck."""

    @property
    def faults(self) -> Faults: ...


def may_fail(method: Method) -> Method:
    """A D-Bus method, struck by faults of its name before it begins."""

    @wraps(method)
    async def struck(self: Faulty, *arguments: Any) -> Any:
        await self.faults.strike(method.__name__)
        return await method(self, *arguments)

    return struck
