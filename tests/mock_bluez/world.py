"""What tests of the hub run against: a bus, BlueZ on it, pods on the air."""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mock_bluez import bus
from mock_bluez.addresses import CENTRAL, pod_address
from mock_bluez.bus import PrivateBus
from mock_bluez.control import Child
from stridehub.kernel.link import Charging, PodState
from stridehub.synthetic import STANDING_S
from virtual_pod.pod import ImuHealth

_BUS_VARIABLE = "DBUS_SYSTEM_BUS_ADDRESS"
_PATIENCE_S = 20.0
_POLL_S = 0.02


def missing() -> str | None:
    """What this machine lacks for a world; None: nothing."""
    if not bus.is_available():
        return "no dbus-daemon"
    lacking = [name for name in ("bluezoo", "sdbus", "dbus_fast") if find_spec(name) is None]
    return f"no {lacking[0]}" if lacking else None


@dataclass(frozen=True, slots=True)
class PodStats:
    """A pod as it is, not as a hub sees it."""

    address: str
    is_on: bool
    sent: int  # packets since the stream started, without those swallowed and added
    full: int  # times the socket to BlueZ had no room
    motor_edges: list[dict[str, Any]]  # at_us, percent, by_timer; each is told once
    placement: str | None
    name: str
    runner: str
    state: str  # of PodState
    conditions: int  # of PodCondition
    uptime_s: int
    packets_dropped: int
    writes_refused: int
    bonds: list[str]  # addresses of centrals


class World:
    """Everything in it can be broken. Pods have numbers from 0, and so have adapters."""

    def __init__(
        self,
        daemon: PrivateBus,
        pods: int,
        centrals: Sequence[str],
        bonded: bool,
        scan_tick_s: float,
    ) -> None:
        self.addresses = tuple(pod_address(number) for number in range(pods))
        self.centrals = tuple(centrals)
        self._daemon = daemon
        self._scan_tick_s = scan_tick_s
        self._bonds = [[c, p] for c in centrals for p in self.addresses] if bonded else []
        self._bluez: Child | None = None
        self._pods: Child | None = None

    # ---- the processes ----

    async def start(self, seed: int, speed: float, standing_s: float) -> None:
        await self._daemon.start()
        bonded_with = sorted({central for central, _ in self._bonds})
        arguments = [f"--pods={len(self.addresses)}", f"--seed={seed}", f"--speed={speed}"]
        arguments.append(f"--standing={standing_s}")
        arguments += [f"--bonded-with={central}" for central in bonded_with]
        pods = self._pods = Child("mock_bluez.pods", arguments)
        await asyncio.gather(
            self.start_bluez(wait=False),
            pods.start(self._daemon.address),
        )
        await self.wait_on_air(self.addresses)

    async def stop(self) -> None:
        for child in (self._pods, self._bluez):
            if child is not None:
                await child.stop()
        await self._daemon.kill()

    @property
    def bus_address(self) -> str:
        return self._daemon.address

    @property
    def daemon_pid(self) -> int:
        return self._daemon.pid

    @property
    def bluez(self) -> Child:
        """Its process."""
        assert self._bluez is not None
        return self._bluez

    @property
    def pods(self) -> Child:
        """Their process."""
        assert self._pods is not None
        return self._pods

    async def stop_bluez(self) -> None:
        """It takes leave: disconnects everything, withdraws its adapters."""
        self._bonds = await self.bluez.ask("bonds")
        await self.bluez.stop()

    async def kill_bluez(self) -> None:
        """It vanishes from the bus. Its bonds are kept, as on disk."""
        self._bonds = await self.bluez.ask("bonds")
        await self.bluez.kill()

    async def start_bluez(self, wait: bool = True) -> None:
        """Returns, if it is to wait, when the pods that are awake are back on the air."""
        arguments = [f"--scan-tick={self._scan_tick_s}", f"--bonds={json.dumps(self._bonds)}"]
        arguments += [f"--central={address}" for address in self.centrals]
        self._bluez = Child("mock_bluez.bluez", arguments)
        await self._bluez.start(self._daemon.address)
        if wait:
            await self.wait_on_air([pod.address for pod in await self.stats() if _is_awake(pod)])

    async def kill_bus(self) -> None:
        """The D-Bus daemon, and BlueZ, which does not outlive it. Pods go on by themselves."""
        self._bonds = await self.bluez.ask("bonds")
        await self._daemon.kill()
        await self.bluez.kill()

    async def start_bus(self) -> None:
        """At the same address; returns when BlueZ and all pods are back."""
        await self._daemon.start()
        await self.start_bluez()

    async def wait_on_air(self, addresses: Collection[str]) -> None:
        """Until these pods advertise or are connected. Raises TimeoutError."""
        async with asyncio.timeout(_PATIENCE_S):
            while not set(addresses) <= {*await self.advertising(), *await self.connected()}:
                await asyncio.sleep(_POLL_S)

    async def advertising(self) -> list[str]:
        """Addresses of pods."""
        heard: list[str] = await self.bluez.ask("advertising")
        return heard

    async def connected(self) -> list[str]:
        """Addresses of pods, connected as they themselves see it."""
        linked: list[str] = await self.bluez.ask("connected")
        return linked

    async def pairable(self) -> list[str]:
        """Addresses of pods whose pairing window is open."""
        open_now: list[str] = await self.bluez.ask("pairable")
        return open_now

    # ---- BlueZ ----

    async def fail(
        self,
        method: str,
        times: int = 1,
        error: str = "org.bluez.Error.Failed",
        message: str = "",
    ) -> None:
        """The next calls of a D-Bus method, such as "Connect", of whatever object."""
        await self.bluez.ask("fail", method=method, times=times, error=error, message=message)

    async def hang(self, method: str, seconds: float, times: int = 1) -> None:
        """The next calls take so much longer."""
        await self.bluez.ask("hang", method=method, times=times, seconds=seconds)

    async def clear_faults(self) -> None:
        """Those of `fail` and `hang` that have not struck."""
        await self.bluez.ask("clear_faults")

    async def set_mtu(self, mtu: int) -> None:
        """Of connections to come."""
        await self.bluez.ask("set_mtu", mtu=mtu)

    async def limit_links(self, most: int) -> None:
        """Of each adapter."""
        await self.bluez.ask("limit_links", most=most)

    async def set_connect_patience(self, seconds: float) -> None:
        """For how long Connect waits for a pod that does not advertise; 5 s at first."""
        await self.bluez.ask("set_connect_patience", s=seconds)

    async def deafen(self, adapter: int = 0) -> None:
        """Discovery succeeds and finds nothing, until the power is switched off and on."""
        await self.bluez.ask("deafen", number=adapter)

    async def drop_link(self, pod: int) -> None:
        """Both ends notice."""
        await self.bluez.ask("drop_link", address=self.addresses[pod])

    async def silence_link(self, pod: int, disconnect_hangs: bool = False) -> None:
        """The pod has lost it and advertises; BlueZ still says that it is connected."""
        await self.bluez.ask(
            "silence_link", address=self.addresses[pod], disconnect_hangs=disconnect_hangs
        )

    async def make_stale(self, pod: int) -> None:
        """From the next connection on its service lacks all characteristics.

        Until the device is removed.
        """
        await self.bluez.ask("make_stale", address=self.addresses[pod])

    async def remove_adapter(self, adapter: int = 0) -> None:
        """Unplugged."""
        await self.bluez.ask("remove_adapter", number=adapter)

    async def add_adapter(self, adapter: int = 0) -> None:
        """Plugged in again, powered."""
        await self.bluez.ask("add_adapter", number=adapter, address=self.centrals[adapter])

    async def bonds(self) -> list[tuple[str, str]]:
        """Addresses of a central and a pod that it knows."""
        return [(central, pod) for central, pod in await self.bluez.ask("bonds")]

    # ---- pods ----

    async def pod_off(self, pod: int) -> None:
        """At once, as if its process had died."""
        await self.pods.ask("off", pod=pod)

    async def pod_on(
        self, pod: int, *, address_type: str = "random", wiped: bool = False, wait: bool = True
    ) -> None:
        """Boots: a new clock, a pairing window, the settings and bonds it had.

        `wiped`: none, as it came from the factory.
        """
        await self.pods.ask("on", pod=pod, address_type=address_type, wiped=wiped)
        if wait:
            await self.wait_on_air([self.addresses[pod]])

    async def hang_up(self, pod: int) -> None:
        """The pod disconnects."""
        await self.pods.ask("hang_up", pod=pod)

    async def hang_pod(self, pod: int, hung: bool = True) -> None:
        """It answers nothing and sends nothing, and is connected all the same."""
        await self.pods.ask("hang", pod=pod, hung=hung)

    async def send_garbage(self, pod: int, packets: int = 1) -> None:
        """Random bytes of random lengths, as samples."""
        await self.pods.ask("garbage", pod=pod, packets=packets)

    async def swallow(self, pod: int, packets: int) -> None:
        """The next ones are lost on the way."""
        await self.pods.ask("swallow", pod=pod, packets=packets)

    async def flood(self, pod: int, packets_per_s: float) -> None:
        """Its latest packet again and again; 0 ends it."""
        await self.pods.ask("flood", pod=pod, per_s=packets_per_s)

    async def speak_version(self, pod: int, version: int | None) -> None:
        """Whatever it says is of this protocol version; None: of the true one."""
        await self.pods.ask("speak_version", pod=pod, version=version)

    async def set_battery(
        self, pod: int, millivolts: int | None, charging: Charging = Charging.DISCHARGING
    ) -> None:
        await self.pods.ask("set_battery", pod=pod, millivolts=millivolts, charging=int(charging))

    async def break_imu(self, pod: int, health: ImuHealth = ImuHealth.DEAD) -> None:
        await self.pods.ask("break_imu", pod=pod, health=int(health))

    async def tap(self, pod: int) -> None:
        """Opens the pairing window, wakes."""
        await self.pods.ask("tap", pod=pod)

    async def skip_time(self, seconds: float) -> None:
        """Of all pods, all at once; one that streams loses packets."""
        await self.pods.ask("skip_time", seconds=seconds)

    async def stats(self) -> list[PodStats]:
        return [PodStats(**stats) for stats in await self.pods.ask("stats")]


def _is_awake(pod: PodStats) -> bool:
    return pod.is_on and pod.state not in (PodState.SLEEPING.name, PodState.EMPTY.name)


@asynccontextmanager
async def world(
    pods: int = 5,
    centrals: Sequence[str] = (CENTRAL,),
    *,
    speed: float = 1.0,
    bonded: bool = True,
    seed: int = 0,
    scan_tick_s: float = 0.2,
    standing_s: float = STANDING_S,
) -> AsyncIterator[World]:
    """`bonded`: every pod with every central, from the beginning. The runners stand for
    `standing_s` of their own time, then they run.

    Bleak keeps one connection for each event loop: a test runs in an `asyncio.run` of its own.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bluez-"))
        made = World(PrivateBus(Path(folder)), pods, centrals, bonded, scan_tick_s)
        stack.push_async_callback(made.stop)
        stack.callback(_set_bus, os.environ.get(_BUS_VARIABLE))
        await made.start(seed, speed, standing_s)
        _set_bus(made.bus_address)
        yield made


def _set_bus(address: str | None) -> None:
    if address is None:
        os.environ.pop(_BUS_VARIABLE, None)
    else:
        os.environ[_BUS_VARIABLE] = address
