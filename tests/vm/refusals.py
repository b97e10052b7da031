"""What BlueZ and bleak say when something goes wrong: one line of JSON for each way.

    python -m vm.refusals [WAY ...]

Each tells the error's class, its D-Bus name and text, how long it took, and whether bluetoothd
lived through it.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bleak import BleakClient, BleakScanner
from bleak.args.bluez import BlueZNotifyArgs
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError

from stridehub.kernel import link
from stridehub.kernel.link import Attribute, Opcode
from vm.guest import ADAPTER, DEVICE, Bus, DBusRefusalError, bluez, pods_on_air, powered
from vm.pods_remote import PodsRemote

_PATIENCE_S = 50.0
_SCAN_S = 15.0
_CONNECT_S = 20.0


@dataclass
class Scene:
    """One pod, not bonded, in its pairing window; what is done to it, and what came of it."""

    pods: PodsRemote
    bus: Bus
    device: BLEDevice
    adapter: str = "/org/bluez/hci0"
    told: list[dict[str, Any]] = field(default_factory=list)

    @property
    def path(self) -> str:
        path: str = self.device.details["path"]
        return path

    def client(self, device: BLEDevice | None = None) -> BleakClient:
        return BleakClient(device or self.device, timeout=_CONNECT_S)

    async def bonded(self) -> BleakClient:
        client = self.client()
        await client.connect()
        await client.pair()
        return client

    async def attempt(self, what: str, deed: Awaitable[Any]) -> bool:
        """Whether it went well; what was said is told either way."""
        begun_s = time.monotonic()
        outcome: dict[str, Any] = {"what": what}
        try:
            answer = await asyncio.wait_for(deed, _PATIENCE_S)
            outcome["answer"] = answer.hex() if isinstance(answer, bytearray) else "ok"
        except BleakDBusError as error:
            outcome |= {
                "error": type(error).__name__,
                "name": error.args[0],
                "text": error.args[1:],
            }
        except DBusRefusalError as error:
            outcome |= {"error": "D-Bus", "name": error.name, "text": error.text}
        except Exception as error:
            outcome |= {"error": type(error).__name__, "text": str(error)}
        outcome["after_s"] = round(time.monotonic() - begun_s, 2)
        self.told.append(outcome)
        return "error" not in outcome


async def _read_unbonded(scene: Scene) -> None:
    client = scene.client()
    await client.connect()
    await scene.attempt("read info", client.read_gatt_char(Attribute.INFO.uuid))
    await scene.attempt("read config", client.read_gatt_char(Attribute.CONFIG.uuid))
    paired = await scene.bus.get(scene.path, DEVICE, "Paired")
    scene.told.append({"what": "Paired afterwards", "answer": paired})
    await client.disconnect()


async def _read_outside_window(scene: Scene) -> None:
    await scene.pods.tell("reset", 1)
    client = scene.client()
    if await scene.attempt("connect", client.connect()):
        await scene.attempt("read config", client.read_gatt_char(Attribute.CONFIG.uuid))
        await scene.attempt("read again", client.read_gatt_char(Attribute.CONFIG.uuid))
        await scene.attempt("disconnect", client.disconnect())


async def _pair_outside_window(scene: Scene) -> None:
    await scene.pods.tell("reset", 1)
    client = scene.client()
    if await scene.attempt("connect", client.connect()):
        await scene.attempt("pair", client.pair())
        await scene.attempt("pair again", client.pair())
        await scene.attempt("disconnect", client.disconnect())
    await scene.attempt("Pair of D-Bus", scene.bus.call(scene.path, DEVICE, "Pair"))


async def _pod_off(scene: Scene) -> None:
    await scene.pods.tell("off", 1)
    await scene.attempt("connect", scene.client().connect())
    await scene.attempt("Connect of D-Bus", scene.bus.call(scene.path, DEVICE, "Connect"))


async def _bonded_pod_off(scene: Scene) -> None:
    await (await scene.bonded()).disconnect()
    await scene.pods.tell("off", 1)
    await scene.attempt("Connect of D-Bus", scene.bus.call(scene.path, DEVICE, "Connect"))
    await scene.attempt("connect", scene.client().connect())
    connecting = asyncio.create_task(scene.bus.call(scene.path, DEVICE, "Connect"))
    await asyncio.sleep(5.0)
    await scene.pods.tell("on", 1)
    await scene.attempt("Connect, on again", connecting)


async def _deaf(scene: Scene) -> None:
    await scene.pods.tell("deafen", 1)
    await scene.attempt("connect", scene.client().connect())
    await scene.attempt("Connect of D-Bus", scene.bus.call(scene.path, DEVICE, "Connect"))
    await scene.pods.tell("hear", 1)
    client = scene.client()
    await scene.attempt("connect, heard", client.connect())
    await scene.attempt("disconnect", client.disconnect())


async def _cancelled(scene: Scene) -> None:
    await scene.pods.tell("off", 1)
    connecting = asyncio.create_task(scene.bus.call(scene.path, DEVICE, "Connect"))
    await asyncio.sleep(3.0)
    await scene.attempt("Disconnect meanwhile", scene.bus.call(scene.path, DEVICE, "Disconnect"))
    await scene.attempt("Connect", connecting)


async def _while_scanning(scene: Scene) -> None:
    async with BleakScanner():
        client = scene.client()
        await scene.attempt("connect", client.connect())
        await scene.attempt("disconnect", client.disconnect())
        await scene.pods.tell("off", 1)
        await scene.attempt("connect, pod off", scene.client().connect())


async def _twice_at_once(scene: Scene) -> None:
    first, second = scene.client(), scene.client()
    await asyncio.gather(
        scene.attempt("connect", first.connect()), scene.attempt("connect too", second.connect())
    )
    for client in (first, second):
        await scene.attempt("disconnect", client.disconnect())
    await scene.pods.tell("off", 1)
    call = "Connect of D-Bus, pod off"
    await asyncio.gather(
        scene.attempt(call, scene.bus.call(scene.path, DEVICE, "Connect")),
        scene.attempt(call + ", too", scene.bus.call(scene.path, DEVICE, "Connect")),
    )


async def _two_pods_at_once(scene: Scene) -> None:
    """The second one is there; the first one is, and is not."""
    other = await _seen(2)
    clients = [scene.client(), scene.client(other)]
    await asyncio.gather(
        scene.attempt("connect 1", clients[0].connect()),
        scene.attempt("connect 2", clients[1].connect()),
    )
    for client in clients:
        await scene.attempt("disconnect", client.disconnect())
    await scene.pods.tell("off", 1)
    clients = [scene.client(), scene.client(other)]
    await asyncio.gather(
        scene.attempt("connect 1, off", clients[0].connect()),
        scene.attempt("connect 2", clients[1].connect()),
    )
    await scene.attempt("disconnect 2", clients[1].disconnect())


async def _pod_forgot(scene: Scene) -> None:
    await (await scene.bonded()).disconnect()
    await scene.pods.tell("forget", 1)
    client = scene.client()
    if await scene.attempt("connect", client.connect()):
        await scene.attempt("read config", client.read_gatt_char(Attribute.CONFIG.uuid))
        await scene.attempt("disconnect", client.disconnect())
    client = scene.client()
    if await scene.attempt("connect again", client.connect()):
        await scene.attempt("read config again", client.read_gatt_char(Attribute.CONFIG.uuid))
        await scene.attempt("disconnect", client.disconnect())
    await powered(scene.adapter)
    removal = scene.bus.call(scene.adapter, ADAPTER, "RemoveDevice", "o", scene.path)
    await scene.attempt("RemoveDevice", removal)
    scene.device = await _seen(1)
    client = scene.client()
    await scene.attempt("connect, removed", client.connect())
    await scene.attempt("pair", client.pair())
    await scene.attempt("read config", client.read_gatt_char(Attribute.CONFIG.uuid))
    await scene.attempt("disconnect", client.disconnect())


async def _hub_forgot(scene: Scene) -> None:
    await (await scene.bonded()).disconnect()
    await scene.bus.call(scene.adapter, ADAPTER, "RemoveDevice", "o", scene.path)
    await scene.pods.tell("reset", 1)
    scene.device = await _seen(1)
    client = scene.client()
    if await scene.attempt("connect", client.connect()):
        await scene.attempt("pair, window shut", client.pair())
    await scene.attempt("disconnect", client.disconnect())
    await scene.pods.tell("tap", 1)
    client = scene.client()
    if await scene.attempt("connect", client.connect()):
        await scene.attempt("pair, window open", client.pair())
    await scene.attempt("disconnect", client.disconnect())


async def _refused_records(scene: Scene) -> None:
    client = await scene.bonded()
    start = link.encode_control(link.Control(Opcode.START))

    async def write(what: str, record: bytes) -> None:
        writing = client.write_gatt_char(Attribute.CONTROL.uuid, record, response=True)
        await scene.attempt(what, writing)

    await write("start, not subscribed", start)
    await write("another version", bytes([0x23, 1]))
    await write("no opcode", bytes([0x13, 99]))
    reading = client.read_gatt_char(Attribute.SAMPLES.uuid)
    await scene.attempt("read of samples", reading)
    await scene.attempt("subscribe", _subscribed(client, acquire=True))
    await scene.attempt("subscribe again", _subscribed(client, acquire=True))
    await scene.attempt("disconnect", client.disconnect())
    await scene.attempt("read, disconnected", client.read_gatt_char(Attribute.CONFIG.uuid))


async def _acquire_unbonded(scene: Scene) -> None:
    await _subscribe_unbonded(scene, acquire=True)


async def _notify_unbonded(scene: Scene) -> None:
    await _subscribe_unbonded(scene, acquire=False)


async def _subscribe_unbonded(scene: Scene, *, acquire: bool) -> None:
    await scene.pods.tell("reset", 1)
    client = scene.client()
    await client.connect()
    await scene.attempt("subscribe", _subscribed(client, acquire=acquire))
    await scene.attempt("disconnect", client.disconnect())


async def _subscribed(client: BleakClient, *, acquire: bool) -> None:
    way: BlueZNotifyArgs = {"use_start_notify": not acquire}
    await client.start_notify(Attribute.SAMPLES.uuid, lambda *_: None, bluez=way)


async def _lost(scene: Scene) -> None:
    client = await scene.bonded()
    await scene.pods.tell("silence", 1)
    reading = asyncio.create_task(client.read_gatt_char(Attribute.CONFIG.uuid))
    await asyncio.sleep(1.0)
    await scene.pods.tell("drop", 1)
    await scene.attempt("read, link lost", reading)
    await scene.pods.tell("speak", 1)
    await scene.attempt("read afterwards", client.read_gatt_char(Attribute.CONFIG.uuid))
    client = scene.client()
    connecting = asyncio.create_task(client.connect())
    await asyncio.sleep(0.4)
    await scene.pods.tell("drop", 1)
    await scene.attempt("connect, link lost meanwhile", connecting)
    await scene.attempt("disconnect", client.disconnect())


async def _silent(scene: Scene) -> None:
    client = await scene.bonded()
    await scene.pods.tell("silence", 1)
    await scene.attempt("read", client.read_gatt_char(Attribute.CONFIG.uuid))
    await scene.attempt("read again", client.read_gatt_char(Attribute.CONFIG.uuid))
    await scene.pods.tell("speak", 1)
    await scene.attempt("disconnect", client.disconnect())


async def _silent_connect(scene: Scene) -> None:
    await scene.pods.tell("silence", 1)
    await scene.attempt("connect", scene.client().connect())
    await scene.pods.tell("speak", 1)


async def _bluez_stops(scene: Scene) -> None:
    client = await scene.bonded()
    await (await asyncio.create_subprocess_shell("systemctl stop bluetooth")).wait()
    await asyncio.sleep(1.0)
    scene.told.append({"what": "connected without bluetoothd", "answer": client.is_connected})
    await scene.attempt("read", client.read_gatt_char(Attribute.CONFIG.uuid))
    await scene.attempt("disconnect", client.disconnect())
    await scene.attempt("connect", scene.client().connect())
    await scene.attempt("scan", BleakScanner.discover(1.0))
    await (await asyncio.create_subprocess_shell("systemctl start bluetooth")).wait()
    await powered(scene.adapter)
    client = scene.client()
    await scene.attempt("connect, bluetoothd back", client.connect())
    await scene.attempt("read, bluetoothd back", client.read_gatt_char(Attribute.CONFIG.uuid))
    await scene.attempt("disconnect", client.disconnect())


async def _adapter_gone(scene: Scene) -> None:
    client = await scene.bonded()
    await scene.pods.tell("unplug", 1)
    await asyncio.sleep(1.0)
    scene.told.append({"what": "connected without adapter", "answer": client.is_connected})
    await scene.attempt("read", client.read_gatt_char(Attribute.CONFIG.uuid))
    await scene.attempt("disconnect", client.disconnect())
    await scene.attempt("connect", scene.client().connect())
    await scene.attempt("scan", BleakScanner.discover(1.0))
    await scene.pods.tell("plug", 1)
    await powered(scene.adapter)
    client = scene.client()
    await scene.attempt("connect, adapter back", client.connect())
    await scene.attempt("disconnect", client.disconnect())


async def _other_hub(scene: Scene) -> None:
    """A pod that knows the first adapter, from the second one."""
    await (await scene.bonded()).disconnect()
    await scene.pods.tell("reset", 1)
    other = "/org/bluez/hci1"
    stranger = await _seen(1, "hci1")
    scene.told.append({"what": "path", "answer": stranger.details["path"]})
    for number in range(2):
        client = scene.client(stranger)
        if await scene.attempt(f"connect {number}", client.connect()):
            await asyncio.sleep(1.0)
            await scene.attempt("read config", client.read_gatt_char(Attribute.CONFIG.uuid))
        await scene.attempt("disconnect", client.disconnect())
    await scene.bus.call(other, ADAPTER, "RemoveDevice", "o", stranger.details["path"])


_WAYS: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "read_unbonded": _read_unbonded,
    "read_outside_window": _read_outside_window,
    "pair_outside_window": _pair_outside_window,
    "acquire_unbonded": _acquire_unbonded,
    "notify_unbonded": _notify_unbonded,
    "refused_records": _refused_records,
    "pod_off": _pod_off,
    "bonded_pod_off": _bonded_pod_off,
    "deaf": _deaf,
    "cancelled": _cancelled,
    "while_scanning": _while_scanning,
    "twice_at_once": _twice_at_once,
    "two_pods_at_once": _two_pods_at_once,
    "pod_forgot": _pod_forgot,
    "hub_forgot": _hub_forgot,
    "lost": _lost,
    "silent": _silent,
    "silent_connect": _silent_connect,
    "bluez_stops": _bluez_stops,
    "adapter_gone": _adapter_gone,
    "other_hub": _other_hub,
}


async def _seen(pod: int, adapter: str = "hci0") -> BLEDevice:
    address = f"F0:D6:16:00:00:{pod:02X}"
    scanning = BleakScanner.find_device_by_address(
        address, timeout=_SCAN_S, bluez={"adapter": adapter}
    )
    device = await scanning
    if device is None:
        raise RuntimeError(f"{address} not seen in {_SCAN_S} s")
    return device


def _bluetoothd() -> str:
    return subprocess.run(["pidof", "bluetoothd"], capture_output=True, text=True).stdout.strip()


async def _try(name: str, pods: PodsRemote) -> dict[str, Any]:
    told: dict[str, Any] = {"way": name}
    before = _bluetoothd()
    async with bluez() as bus:
        scene = Scene(pods, bus, await _seen(1))
        try:
            await _WAYS[name](scene)
        except Exception as error:
            told["broken_off"] = f"{type(error).__name__}: {error}"
        told["steps"] = scene.told
        told["bluetoothd_lived"] = before == _bluetoothd()
    return told


async def _refusals(names: list[str]) -> None:
    with Path("refusals.json").open("w") as report:
        for name in names:
            async with pods_on_air(2, hubs=2) as pods:
                told = await _try(name, pods)
            print(json.dumps(told, indent=1), file=report, flush=True)
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(_refusals(sys.argv[1:] or list(_WAYS)))
