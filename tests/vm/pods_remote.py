"""Commands to the process of `vm.pods_on_air`, from another one."""

import asyncio
import json
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

SOCKET = Path("/run/pods_on_air.sock")


def hub_address(number: int) -> str:
    """Of the hub's adapter of that number."""
    return f"B8:27:EB:D6:16:{number:02X}"


class PodsError(Exception):
    """A command was refused."""


class PodsRemote:
    """A connection to it; `async with` opens and closes it."""

    def __init__(self, socket: Path = SOCKET) -> None:
        self._socket = socket

    async def __aenter__(self) -> "PodsRemote":
        self._reader, self._writer = await asyncio.open_unix_connection(self._socket)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    async def tell(self, command: str, *arguments: int) -> dict[str, Any]:
        """Raises PodsError."""
        line = " ".join([command, *map(str, arguments)])
        self._writer.write(line.encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self._reader.readline())
        if "error" in answer:
            raise PodsError(f"{line}: {answer['error']}")
        return answer

    async def stats(self, pod: int) -> dict[str, Any]:
        told: dict[str, Any] = (await self.tell("stats"))[str(pod)]
        return told


async def _tell(words: list[str]) -> None:
    async with PodsRemote() as pods:
        print(json.dumps(await pods.tell(words[0], *map(int, words[1:]))))


if __name__ == "__main__":
    asyncio.run(_tell(sys.argv[1:]))
