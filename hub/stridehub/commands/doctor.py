"""What of this machine's Bluetooth works, what does not, and what to do about it."""

import asyncio
import os
import sys
from collections.abc import Collection, Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from stridehub.config import HubConfig, load_hub_config
from stridehub.errors import RadioError, StoreError
from stridehub.model import KnownPod
from stridehub.pods.backoff import Failure
from stridehub.pods.bluez import BlueZ
from stridehub.pods.radio import HostAdapter
from stridehub.pods.rivals import Rival, find_rivals
from stridehub.record.roster import Roster


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True):
    """One line."""

    verdict: Verdict
    text: str
    advice: str = ""


def doctor(config_path: Path | None, as_json: bool) -> bool:
    """Prints what it finds; whether nothing fails. Raises ConfigError."""
    findings = list(examine(load_hub_config(config_path)))
    if as_json:
        print(msgspec.json.encode(findings).decode())
    else:
        for finding in findings:
            advice = f"; {finding.advice}" if finding.advice else ""
            print(f"{finding.verdict:4}  {finding.text}{advice}")
    sys.stdout.flush()
    return all(finding.verdict is not Verdict.FAIL for finding in findings)


def examine(config: HubConfig) -> Iterator[Finding]:
    """From the ground up: what is missing below makes what stands on it fail, too."""
    roster = Roster(config.database)
    try:
        pods, most_links = roster.pods(), roster.most_links()
        yield Finding(Verdict.OK, f"{len(pods)} pods are this hub's, as {config.database} says")
    except StoreError as error:
        pods, most_links = [], {}
        yield Finding(Verdict.FAIL, str(error), "move it away, then provision the pods again")
    try:
        adapters, rivals = asyncio.run(_look())
    except RadioError as error:
        yield Finding(
            Verdict.FAIL,
            str(error),
            "is bluetoothd up (`systemctl status bluetooth`), and are you in group bluetooth?",
        )
        return
    yield from _of_adapters(config, adapters, pods, most_links)
    yield from _of_rivals(adapters, rivals)


async def _look() -> tuple[list[HostAdapter], list[Rival]]:
    return await BlueZ().adapters(), await find_rivals(os.getpid())


def _of_adapters(
    config: HubConfig,
    adapters: Collection[HostAdapter],
    pods: Collection[KnownPod],
    most_links: dict[str, int],
) -> Iterator[Finding]:
    if not adapters:
        yield Finding(Verdict.FAIL, "this machine has no Bluetooth adapter", "plug one in")
    for adapter in adapters:
        own = sum(pod.adapter == adapter.address for pod in pods)
        links = min(config.radio.most_links, most_links.get(adapter.address, 20))
        name = f"adapter {adapter.address} ({adapter.name})"
        if not adapter.powered:
            yield Finding(
                Verdict.FAIL,
                f"{name} is off",
                "`rfkill unblock bluetooth`, `bluetoothctl power on`",
            )
        elif own > links:
            yield Finding(
                Verdict.FAIL,
                f"{name} holds {links} links, and {own} pods are bonded with it",
                Failure.NO_SLOT.value.advice,
            )
        else:
            yield Finding(Verdict.OK, f"{name} is on; {own} pods, at most {links}")
    there = {adapter.address.upper() for adapter in adapters}
    needed = {pod.adapter for pod in pods} | set(config.radio.adapters)
    for address in sorted(needed):
        if address.upper() not in there:
            yield Finding(Verdict.FAIL, f"adapter {address} is not there", "plug it in")


def _of_rivals(adapters: Collection[HostAdapter], rivals: Collection[Rival]) -> Iterator[Finding]:
    for rival in rivals:
        if rival.name == "stridehub":
            yield Finding(Verdict.OK, f"{rival} is at work")
        else:
            yield Finding(Verdict.WARN, f"{rival} may use Bluetooth, too", "close it")
    scanning = [adapter.name for adapter in adapters if adapter.discovering]
    if scanning and not any(rival.name == "stridehub" for rival in rivals):
        names = ", ".join(scanning)
        yield Finding(Verdict.WARN, f"some program scans with {names}", "close it")
    elif not rivals:
        yield Finding(Verdict.OK, "no other program is known to use Bluetooth")
