"""A broker of the hub's own, as a child: for the demo, and for hubs that know no other."""

import asyncio
import logging
import os
import secrets
import sys
import tempfile
import threading
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cached_property
from pathlib import Path

from stridehub.config import BrokerConfig
from stridehub.errors import BrokerError
from stridehub.mqtt.access import (
    HUB,
    OWNER,
    Login,
    access_for,
    is_local,
    login_of_this_run,
    owner_login,
)
from stridehub.mqtt.endpoint import Endpoint
from stridehub.mqtt.ports import free_ports, reachable
from stridehub.mqtt.programs import Plan, Program, programs
from stridehub.mqtt.topics import Topics
from stridehub.timing import BROKER_APPEARS_S, BROKER_LOOK_S, BROKER_STARTS_S

log = logging.getLogger(__name__)

OWNER_FILE = "broker-password"
_OWN = "the hub's own broker"
_WORDS_BYTES = 2000  # of what it said last


class Broker:
    """While running() it is there. On one loop, but for endpoint().

    `port`, `ws_port` and `name` tell what it is now.
    """

    def __init__(self, config: BrokerConfig, topics: Topics, state: Path) -> None:
        """`state`: the folder in which the owner's password is kept."""
        self.port, self.ws_port = config.port, config.ws_port
        self.name = ""
        self._config = config
        self._topics = topics
        self._state = state
        self._is_local = is_local(config.listen)
        self._hub = login_of_this_run(HUB)
        self._alias = f"-{secrets.token_urlsafe()}"
        self._speaks_v5 = True
        self._listening = threading.Event()
        self._process: Process | None = None
        self._words = b""
        self._reading: asyncio.Task[None] | None = None

    def __str__(self) -> str:
        """Where the hub itself finds it."""
        return str(Endpoint(reachable(self._config.listen), self.port))

    @cached_property
    def owner(self) -> Login:
        """Who may send commands. Raises BrokerError."""
        if self._is_local:
            return login_of_this_run(OWNER)
        return owner_login(self._state / OWNER_FILE)

    @property
    def page_login(self) -> Login | None:
        """For the page of this machine. None: the page is handed to others too, and reads only."""
        return self.owner if self._is_local else None

    def endpoint(self) -> Endpoint:
        """For the hub itself, from a thread that may wait for a broker that starts.

        Raises BrokerError.
        """
        if not self._listening.wait(BROKER_APPEARS_S):
            raise BrokerError(self, "the hub's own broker does not listen")
        return Endpoint(
            reachable(self._config.listen),
            self.port,
            self._hub.user,
            self._hub.password,
            speaks_v5=self._speaks_v5,
            alias=self._alias,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """It listens when the block begins. Raises BrokerError."""
        try:
            try:
                await self._start()
            except BrokerError as error:
                raise BrokerError(_OWN, str(error)) from error
            self._listening.set()
            yield
        finally:
            self._listening.clear()
            await self._end()

    async def watch(self) -> None:
        """Within running(). Raises BrokerError when it has ended."""
        assert self._process is not None
        code = await self._process.wait()
        raise BrokerError(_OWN, f"{self.name} ended, code {code}: {self._last_words()}")

    async def _start(self) -> None:
        """The first program that listens. Raises BrokerError."""
        plan = await asyncio.to_thread(self._plan)
        self.port, self.ws_port = plan.port, plan.ws_port
        failures: list[BrokerError] = []
        for set_up in programs(plan):
            try:
                async with _private_folder() as folder:
                    await self._try(await asyncio.to_thread(set_up, folder))
            except BrokerError as error:
                failures.append(error)
            else:
                for failure in failures:
                    log.warning("%s; %s is taken instead", failure, self.name)
                return
        raise failures[0] if failures else BrokerError(plan.program, "not installed")

    def _plan(self) -> Plan:
        """Looks at the disk, and may ask for names. Raises BrokerError."""
        config = self._config
        port, ws_port = free_ports(config.listen, (self.port, self.ws_port))
        access = access_for(self._topics, self._hub, self.owner)
        return Plan(config.listen, port, ws_port, access, self._is_local, config.program)

    async def _try(self, program: Program) -> None:
        """Raises BrokerError where it does not listen in the end."""
        await self._end()
        leash = (sys.executable, "-m", "stridehub.mqtt.leash", str(os.getpid()), program.user)
        process = await asyncio.create_subprocess_exec(
            *leash,
            *program.command,
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=PIPE,
            start_new_session=True,  # Ctrl-C is for the hub, which has something to say before
        )
        self._process, self.name, self._speaks_v5 = process, program.name, program.speaks_v5
        self._words = b""
        self._reading = asyncio.create_task(self._listen_to(process))
        assert process.stdin is not None
        process.stdin.write(program.stdin)
        process.stdin.close()
        try:
            async with asyncio.timeout(BROKER_STARTS_S):
                await self._listens(self.port)
                await self._listens(self.ws_port)
        except TimeoutError:
            raise BrokerError(program.name, "does not listen") from None
        log.info("broker %s: port %d, for pages %d", program.name, self.port, self.ws_port)

    async def _listens(self, port: int) -> None:
        """Raises BrokerError when the program has ended."""
        assert self._process is not None
        while self._process.returncode is None:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(reachable(self._config.listen), port)
                writer.close()
                return
            await asyncio.sleep(BROKER_LOOK_S)
        raise BrokerError(self.name, f"did not start: {self._last_words()}")

    async def _listen_to(self, process: Process) -> None:
        assert process.stderr is not None
        while said := await process.stderr.read(_WORDS_BYTES):
            self._words = (self._words + said)[-_WORDS_BYTES:]

    def _last_words(self) -> str:
        lines = self._words.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    async def _end(self) -> None:
        """At once: it keeps nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if self._reading is not None:
            await self._reading


@asynccontextmanager
async def _private_folder() -> AsyncIterator[Path]:
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="stridehub-broker-")
    try:
        yield Path(folder.name)
    finally:
        await asyncio.to_thread(folder.cleanup)
