"""Where a scenario plays: pods on the air, a machine whose hub they are to be, and its BlueZ."""

import asyncio
import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from stridehub.commands.provision import Provisioner, Wish
from stridehub.pods.bluez import BlueZ
from stridehub.pods.radio import Radio
from vm.guest import DEVICE, DBusRefusalError, bluez
from vm.machine import Machine
from vm.outcome import Outcome
from vm.pods_remote import PodsRemote, hub_address

LAST_PACKETS = 13  # half a second: a pod sends until its link has ended, and nobody listens
FIRST_ADAPTER, SECOND_ADAPTER = hub_address(1), hub_address(2)


@dataclass
class Stage:
    """Pods are counted from 1, as PodsRemote does."""

    pods: PodsRemote
    machine: Machine
    outcome: Outcome
    addresses: dict[int, str]

    async def own(self, pods: Collection[int] = ()) -> None:
        """Provisions pods, all by default, as they are: place and runner stand in their flash."""
        for number in pods or self.addresses:
            provisioner = Provisioner(
                self.machine.config, self.machine.roster, Radio(), BlueZ(), lambda _: ""
            )
            await provisioner.run(Wish(pod=self.addresses[number], is_sure=True))

    async def stats(self) -> dict[int, dict[str, Any]]:
        return {int(number): told for number, told in (await self.pods.tell("stats")).items()}

    async def sent(self) -> dict[str, int]:
        """Packets, by address."""
        return {told["address"]: told["packets_sent"] for told in (await self.stats()).values()}

    async def linked(self) -> int:
        """How many pods have a link, as they see it."""
        return sum(told.get("links", 0) for told in (await self.stats()).values())


async def stage_of(pods: PodsRemote, machine: Machine, outcome: Outcome) -> Stage:
    stats = await pods.tell("stats")
    addresses = {int(number): told["address"] for number, told in stats.items()}
    return Stage(pods, machine, outcome, addresses)


async def shell(command: str) -> str:
    """What it prints."""
    process = await asyncio.create_subprocess_shell(
        command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return out.decode()


async def connected_in_bluez(addresses: Collection[str], adapter: str = "hci0") -> int:
    """How many of the pods are connected, as BlueZ says."""
    found = 0
    async with bluez(agent=False) as bus:
        for address in addresses:
            path = f"/org/bluez/{adapter}/dev_{address.replace(':', '_')}"
            try:
                found += bool(await bus.get(path, DEVICE, "Connected"))
            except DBusRefusalError:
                continue
    return found


async def bluetoothd() -> int:
    """Its process; 0 where there is none."""
    return int((await shell("pidof bluetoothd")).strip() or 0)


def descriptors(process: int) -> int:
    """That it holds open."""
    return len(os.listdir(f"/proc/{process}/fd"))


def resident_kb(process: int) -> int:
    with open(f"/proc/{process}/status") as file:
        (line,) = (line for line in file if line.startswith("VmRSS:"))
    return int(line.split()[1])


def cpu_s(process: int) -> float:
    """That it has used so far."""
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
