"""A publisher at work on the loop, for tests of the way to the broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from letters import Letters
from on_the_loop import until
from stridehub.mqtt.endpoint import Endpoint
from stridehub.mqtt.publisher import BrokerState, Publisher
from stridehub.mqtt.topics import Topics
from stridehub.threads import onto

TOPICS = Topics("test-hub")
STRIDE = TOPICS.stride("ada")
CUE = TOPICS.cue("ada")


class Hub:
    """As much of one as talks to a broker."""

    def __init__(self, find: Callable[[], Endpoint], folder: Path, backlog_per_s: int) -> None:
        self.letters = Letters(folder / "letters.sqlite")
        self.commands: list[tuple[str, bytes | None, bool]] = []
        self.states: list[BrokerState] = []
        self.publisher = Publisher(
            find,
            TOPICS,
            self.letters,
            will=lambda: b"gone",
            on_command=lambda *command: self.commands.append(command),
            on_state=self.states.append,
            hand_over=onto(asyncio.get_running_loop()),
            backlog_per_s=backlog_per_s,
        )

    def put(self, numbers: Iterable[int], topic: str = STRIDE) -> None:
        self.letters.put((topic, b"%d" % number) for number in numbers)
        self.publisher.wake()

    @property
    def trouble(self) -> str:
        return self.publisher.state.trouble or ""

    async def connected(self) -> None:
        await until(lambda: self.publisher.state.is_connected)

    async def told(self, words: str) -> None:
        await until(lambda: words in self.trouble)

    async def done(self) -> None:
        """Everything is confirmed."""
        await until(lambda: self.letters.count() == 0)


@asynccontextmanager
async def hub_at(
    where: int | Endpoint | Callable[[], Endpoint], folder: Path, *, backlog_per_s: int = 10_000
) -> AsyncIterator[Hub]:
    """`where`: a port of this machine, or more."""
    if isinstance(where, int):
        where = Endpoint("127.0.0.1", where)
    endpoint = where
    hub = Hub(
        (lambda: endpoint) if isinstance(endpoint, Endpoint) else endpoint, folder, backlog_per_s
    )
    hub.publisher.start()
    try:
        yield hub
    finally:
        await hub.publisher.stop(b"bye")
        hub.letters.close()
