"""Virtual pods behind the real Bluetooth of this machine's kernel, by virtual controllers.

    python -m vm.pods_on_air --pods 5 --hubs 1

Serves commands on a unix socket, one a line, and answers each with a line of JSON:

    off POD                 the pod is gone; its hub misses it when the supervision timeout is over
    on POD                  boots anew, with its settings and bonds; the pairing window opens
    reset POD               as its watchdog would: boots anew, the pairing window stays shut
    forget POD              boots anew without its bonds, as `on` does
    drop POD                the link is lost: both ends see a supervision timeout
    silence POD, speak POD  the link stands and nothing comes through; does again
    deafen POD, hear POD    it advertises, but no connection is established; does again
    tap POD                 opens the pairing window, wakes
    battery POD MV          the cell is measured
    unplug HUB, plug HUB    a hub's adapter
    stats                   of all pods
    quit

POD and HUB count from 1.
"""

import argparse
import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from vm.air import Air, HubPart
from vm.pod_on_air import PodOnAir, pods_of
from vm.pods_remote import SOCKET, hub_address
from vm.vhci import Vhci


class Adapter:
    """One of the hub's, as its kernel sees it."""

    def __init__(self, air: Air, number: int) -> None:
        self._air = air
        self._address = hub_address(number)
        self._part: HubPart | None = None
        self._vhci: Vhci | None = None

    async def plug(self) -> None:
        if self._vhci is None:
            self._part = HubPart(self._air, self._address)
            self._part.host = self._vhci = Vhci(self._part.on_packet)

    async def unplug(self) -> None:
        vhci, self._vhci = self._vhci, None
        if vhci is None or self._part is None:
            return
        self._air.vanish(self._part)
        self._part.host = None
        await vhci.unplug()


class Playground:
    """All of it, by command."""

    def __init__(self, pods: Mapping[int, PodOnAir], adapters: Mapping[int, Adapter]) -> None:
        self._pods = pods
        self._adapters = adapters
        self.over = asyncio.Event()
        self._of_pod: dict[str, Callable[[PodOnAir], Awaitable[None]]] = {
            "off": PodOnAir.off,
            "on": PodOnAir.on,
            "reset": PodOnAir.reset,
            "forget": PodOnAir.forget,
            "drop": PodOnAir.drop,
            "silence": PodOnAir.silence,
            "speak": PodOnAir.speak,
            "deafen": PodOnAir.deafen,
            "hear": PodOnAir.hear,
            "tap": PodOnAir.tap,
        }
        self._of_adapter = {"plug": Adapter.plug, "unplug": Adapter.unplug}

    async def open(self) -> None:
        for adapter in self._adapters.values():
            await adapter.plug()
        for pod in self._pods.values():
            await pod.on()

    async def close(self) -> None:
        for pod in self._pods.values():
            await pod.off()
        for adapter in self._adapters.values():
            await adapter.unplug()

    async def obey(self, words: Sequence[str]) -> dict[str, Any]:
        """Raises ValueError for what is no command, KeyError for who is not there."""
        match words:
            case ["stats"]:
                return {str(number): pod.stats() for number, pod in self._pods.items()}
            case ["quit"]:
                self.over.set()
            case ["battery", pod, battery_mv]:
                self._pods[int(pod)].battery(int(battery_mv))
            case [verb, pod] if verb in self._of_pod:
                await self._of_pod[verb](self._pods[int(pod)])
            case [verb, hub] if verb in self._of_adapter:
                await self._of_adapter[verb](self._adapters[int(hub)])
            case _:
                raise ValueError(f"no command: {' '.join(words)}")
        return {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One who commands, until it goes."""
        while line := await reader.readline():
            try:
                answer = await self.obey(line.decode().split())
            except Exception as error:
                logging.exception("%s", line)
                answer = {"error": repr(error)}
            writer.write(json.dumps(answer).encode() + b"\n")
            with suppress(ConnectionError):
                await writer.drain()
        writer.close()


async def _run(pods: int, hubs: int, socket: Path) -> None:
    air = Air()
    adapters = {number: Adapter(air, number) for number in range(1, hubs + 1)}
    playground = Playground(pods_of(air, pods), adapters)
    await playground.open()
    socket.unlink(missing_ok=True)
    async with await asyncio.start_unix_server(playground.serve, socket):
        print(f"{pods} pods on the air", flush=True)
        await playground.over.wait()
    await playground.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m vm.pods_on_air")
    parser.add_argument("--pods", type=int, default=5)
    parser.add_argument("--hubs", type=int, default=1, help="adapters of this machine")
    parser.add_argument("--socket", type=Path, default=SOCKET)
    parser.add_argument("--verbose", action="store_true")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG if chosen.verbose else logging.WARNING)
    asyncio.run(_run(chosen.pods, chosen.hubs, chosen.socket))


if __name__ == "__main__":
    main()
