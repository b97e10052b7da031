"""A broker of the hub's own, as a child: for the demo, and for hubs that know no other."""

import asyncio
import logging
import os
import secrets
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
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
from stridehub.mqtt.backoff import Backoff
from stridehub.mqtt.endpoint import Endpoint
from stridehub.mqtt.ports import free_ports, reachable
from stridehub.mqtt.programs import Plan, Program, programs
from stridehub.mqtt.topics import Topics
from stridehub.timing import (
    BROKER_ENDS_S,
    BROKER_FIRST_WAIT_S,
    BROKER_LONGEST_WAIT_S,
    BROKER_LOOK_S,
    BROKER_STARTS_S,
)

log = logging.getLogger(__name__)

OWNER_FILE = "broker-password"
_WORDS_BYTES = 2000  # of what it said last


class Broker:
    """While running() it is there; one that dies is started again. On one loop.

    `port`, `ws_port` and `name` tell what it is now. `owner`: who may send commands.
    """

    def __init__(self, config: BrokerConfig, topics: Topics, state: Path) -> None:
        """`state`: the folder in which the owner's password is kept. Raises BrokerError."""
        self.port, self.ws_port = config.port, config.ws_port
        self.name = ""
        self._is_local = is_local(config.listen)
        self.owner = login_of_this_run(OWNER) if self._is_local else owner_login(state / OWNER_FILE)
        self._listen = config.listen
        self._program = config.program
        self._hub = login_of_this_run(HUB)
        self._alias = f"-{secrets.token_urlsafe()}"
        self._access = access_for(topics, self._hub, self.owner)
        self._speaks_v5 = True
        self._process: Process | None = None
        self._words = b""
        self._reading: asyncio.Task[None] | None = None

    @property
    def page_login(self) -> Login | None:
        """For the page of this machine. None: the page is handed to others too, and reads only."""
        return self.owner if self._is_local else None

    def endpoint(self) -> Endpoint:
        """For the hub itself."""
        return Endpoint(
            reachable(self._listen),
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
            await self._start()
            keeping = asyncio.create_task(self._keep())
            try:
                yield
            finally:
                keeping.cancel()
                with suppress(asyncio.CancelledError):
                    await keeping
        finally:
            await self._end()

    async def _keep(self) -> None:
        backoff = Backoff(BROKER_FIRST_WAIT_S, BROKER_LONGEST_WAIT_S)
        while True:
            if self._process is not None:
                code = await self._process.wait()
                log.error("the broker %s ended, code %d: %s", self.name, code, self._last_words())
            await asyncio.sleep(backoff.wait_s())
            try:
                await self._start()
            except BrokerError as error:
                log.error("%s", error)

    async def _start(self) -> None:
        """The first program that listens. Raises BrokerError."""
        failure = BrokerError(self._program or "broker", "not installed")
        self.port, self.ws_port = free_ports(self._listen, (self.port, self.ws_port))
        plan = Plan(
            self._listen, self.port, self.ws_port, self._access, self._is_local, self._program
        )
        with tempfile.TemporaryDirectory(prefix="stridehub-broker-") as folder:
            for program in programs(plan, Path(folder)):
                try:
                    await self._try(program)
                except BrokerError as error:
                    log.warning("%s", error)
                    failure = error
                else:
                    return
        raise failure

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
                _, writer = await asyncio.open_connection(reachable(self._listen), port)
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
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
            try:
                async with asyncio.timeout(BROKER_ENDS_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._reading is not None:
            await self._reading
