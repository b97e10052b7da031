"""A machine of the hub's: its settings and memory in a folder, its commands as processes."""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from stridehub.config import HubConfig, load_hub_config
from stridehub.model import LinkState
from stridehub.record.roster import Roster
from stridehub.record.snapshot import read_snapshot

_PROGRAM = (sys.executable, "-m", "stridehub")
_COMMAND_S = 90.0
_PACKETS = re.compile(r"(\d+) packets")


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def packets(self) -> int:
        """Of the line that `run` ends with."""
        found = _PACKETS.search(self.out)
        return int(found[1]) if found else 0


class Running:
    """A command that goes on; what it says is in a file."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> list[str]:
        return self._log.read_text().splitlines()

    async def ended(self) -> Done:
        out, _ = await asyncio.wait_for(self.process.communicate(), _COMMAND_S)
        assert self.process.returncode is not None
        return Done(self.process.returncode, out.decode(), self._log.read_text())


class Machine:
    """Keeps everything in a folder of that name; `adapters` are the only ones it uses."""

    def __init__(self, name: str, adapters: Sequence[str] = (), most_links: int = 7) -> None:
        self._folder = Path(name)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._settings = self._folder / "hub.toml"
        self._commands = 0
        self._begun_s = 0.0
        self._settings.write_text(
            f'state_dir = "{self._folder.absolute()}"\n'
            f'runtime_dir = "{self._folder.absolute() / "run"}"\n'
            f"[radio]\nadapters = {list(adapters)!r}\nmost_links = {most_links}\n"
        )
        self.config: HubConfig = load_hub_config(self._settings)
        self.roster = Roster(self.config.database)

    def with_batch(self, batch: int) -> HubConfig:
        with self._settings.open("a") as file:
            file.write(f"batch = {batch}\n")
        self.config = load_hub_config(self._settings)
        return self.config

    @asynccontextmanager
    async def running(self, *arguments: str) -> AsyncIterator[Running]:
        """The command is killed where it still runs in the end."""
        self._commands += 1
        self._begun_s = time.time()
        log = self._folder / f"{self._commands:02}-{arguments[0]}.log"
        with log.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                *(*_PROGRAM, *arguments, "--config", str(self._settings)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=file,
                env=os.environ | {"COLUMNS": "200"},
            )
        try:
            yield Running(process, log)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def do(self, *arguments: str) -> Done:
        async with self.running(*arguments) as command:
            return await command.ended()

    def streaming(self) -> int:
        """How many pods stream, as the command that was started last has told last."""
        snapshot = read_snapshot(self.config.runtime)
        if snapshot is None or snapshot.taken_s < self._begun_s:
            return 0
        return sum(health.state is LinkState.STREAMING for health in snapshot.pods)
