"""How tests talk to the processes of the mock: JSON, a line each way on stdin and stdout."""

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_TESTS = Path(__file__).resolve().parent.parent
_PYTHONPATH = (_TESTS, _TESTS.parent / "firmware" / "virtual")
_PATIENCE_S = 30.0
_GRACE_S = 3.0

Handler = Callable[..., Any]  # plain or async, of JSON values


class ControlError(Exception):
    """What a process answered a command it could not obey."""


async def obey(handlers: Mapping[str, Handler]) -> None:
    """In a child: tells its parent that it is ready, then obeys until stdin ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say({"id": 0, "result": "ready"})
    while line := await reader.readline():
        _say(await _answer(handlers, json.loads(line)))


async def _answer(handlers: Mapping[str, Handler], command: dict[str, Any]) -> dict[str, Any]:
    number, do = command.pop("id"), command.pop("do")
    try:
        result = handlers[do](**command)
        return {"id": number, "result": await result if inspect.isawaitable(result) else result}
    except Exception as error:
        return {"id": number, "error": f"{type(error).__name__}: {error}"}


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


class Child:
    """A process that obeys."""

    def __init__(self, module: str, arguments: Sequence[str]) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._asked = 0

    async def start(self, bus_address: str) -> None:
        """Returns when it is ready. Raises ControlError."""
        paths = [*map(str, _PYTHONPATH), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "DBUS_SYSTEM_BUS_ADDRESS": bus_address,
        }
        self._asked = 0
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
        )
        await self._hear(self._process)

    @property
    def pid(self) -> int:
        """Raises ControlError for one that does not run."""
        return self._running().pid

    async def ask(self, do: str, **arguments: object) -> Any:
        """Raises ControlError for a command that it cannot obey, and where it has died."""
        process = self._running()
        assert process.stdin is not None
        async with self._turn:
            self._asked += 1
            command = {"id": self._asked, "do": do, **arguments}
            process.stdin.write(json.dumps(command).encode() + b"\n")
            with suppress(ConnectionError):
                await process.stdin.drain()
            return await self._hear(process)

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise ControlError(f"{self._command[2]} does not run")
        return self._process

    async def _hear(self, process: asyncio.subprocess.Process) -> Any:
        """Passes over answers to what was asked by tests that have not waited."""
        answer: dict[str, Any] = {"id": None}
        while answer["id"] != self._asked:
            answer = await self._next_answer(process)
        if "error" in answer:
            raise ControlError(answer["error"])
        return answer["result"]

    async def _next_answer(self, process: asyncio.subprocess.Process) -> dict[str, Any]:
        assert process.stdout is not None
        async with asyncio.timeout(_PATIENCE_S):
            line = await process.stdout.readline()
        if not line:
            raise ControlError(f"{self._command[2]} has died")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def stop(self) -> None:
        """By the end of its stdin, or by force."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
        except TimeoutError:
            await _kill(process)

    async def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await _kill(process)


async def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.communicate()
