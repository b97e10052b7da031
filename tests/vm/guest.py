"""What scripts in the guest share: pods on the air, and a hub's end of D-Bus."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.service import ServiceInterface, method

from vm.pods_remote import SOCKET, PodsRemote

BLUEZ = "org.bluez"
ADAPTER, DEVICE = f"{BLUEZ}.Adapter1", f"{BLUEZ}.Device1"
_AGENT_PATH = "/org/stridehub/test/agent"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_STATE = "/var/lib/bluetooth/*"
_POLL_S = 0.2
_PATIENCE_S = 180.0  # an emulated machine that compiles what it imports


class DBusRefusalError(Exception):
    """An error that BlueZ answers with."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


class Bus:
    """BlueZ by its D-Bus interface."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", *body: Any
    ) -> list[Any]:
        """Raises DBusRefusalError."""
        message = Message(
            destination=BLUEZ,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        reply = await self._bus.call(message)
        assert reply is not None
        if reply.message_type == MessageType.ERROR:
            text = str(reply.body[0]) if reply.body else ""
            raise DBusRefusalError(reply.error_name or "", text)
        return list(reply.body)

    async def get(self, path: str, interface: str, name: str) -> Any:
        found = await self.call(path, _PROPERTIES, "Get", "ss", interface, name)
        return found[0].value

    async def set(self, path: str, interface: str, name: str, value: Variant) -> None:
        await self.call(path, _PROPERTIES, "Set", "ssv", interface, name, value)


class _Agent(ServiceInterface):
    """Agrees to everything, as a hub without screen and keys does."""

    def __init__(self) -> None:
        super().__init__(f"{BLUEZ}.Agent1")

    @method()
    def Release(self) -> None:
        pass

    @method()
    def RequestAuthorization(self, device: "o") -> None:  # type: ignore[name-defined]  # noqa: F821
        pass

    @method()
    def Cancel(self) -> None:
        pass


@asynccontextmanager
async def bluez(*, agent: bool = True) -> AsyncIterator[Bus]:
    """A connection to it, on which the agent of this process answers."""
    raw = await MessageBus(bus_type=BusType.SYSTEM).connect()
    bus = Bus(raw)
    try:
        if agent:
            raw.export(_AGENT_PATH, _Agent())
            manager = f"{BLUEZ}.AgentManager1"
            capability = "NoInputNoOutput"
            at = "/org/bluez"
            await bus.call(at, manager, "RegisterAgent", "os", _AGENT_PATH, capability)
            await bus.call(at, manager, "RequestDefaultAgent", "o", _AGENT_PATH)
        yield bus
    finally:
        raw.disconnect()


async def forget_all_bonds() -> None:
    """Of the hub: BlueZ starts anew, and knows nobody."""
    steps = [
        "systemctl stop bluetooth",
        "systemctl reset-failed bluetooth 2>/dev/null",
        f"rm -rf {_STATE}",
        "systemctl start bluetooth",
    ]
    await (await asyncio.create_subprocess_shell("; ".join(steps))).wait()


@asynccontextmanager
async def pods_on_air(pods: int, hubs: int = 1) -> AsyncIterator[PodsRemote]:
    """Their process, for as long, and a hub without bonds; its log goes to the folder at hand."""
    await forget_all_bonds()
    SOCKET.unlink(missing_ok=True)
    command = [sys.executable, "-m", "vm.pods_on_air", f"--pods={pods}", f"--hubs={hubs}"]
    with Path("pods.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_end, process)
        remote = await asyncio.wait_for(stack.enter_async_context(_opened(process)), _PATIENCE_S)
        for number in range(hubs):
            await asyncio.wait_for(powered(f"/org/bluez/hci{number}"), _PATIENCE_S)
        yield remote


@asynccontextmanager
async def _opened(process: asyncio.subprocess.Process) -> AsyncIterator[PodsRemote]:
    while not SOCKET.exists():
        if process.returncode is not None:
            raise RuntimeError(f"no pods: {Path('pods.log').read_text()}")
        await asyncio.sleep(_POLL_S)
    async with PodsRemote() as remote:
        yield remote


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    await process.wait()


async def powered(adapter: str) -> None:
    """Switches a hub's adapter on, once BlueZ has it."""
    async with bluez(agent=False) as bus:
        while True:
            with suppress(DBusRefusalError):
                await bus.set(adapter, ADAPTER, "Powered", Variant("b", True))
                if await bus.get(adapter, ADAPTER, "Powered"):
                    return
            await asyncio.sleep(_POLL_S)
