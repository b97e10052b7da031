"""Adapters, their links and pods, what blocks them, and who else uses them."""

import asyncio
import os
from collections.abc import Collection, Iterator

from stridehub.config import HubConfig
from stridehub.doctor.advice import Advice
from stridehub.doctor.asking import said
from stridehub.doctor.case import Case
from stridehub.doctor.finding import Finding, Says, count
from stridehub.errors import RadioError, StoreError
from stridehub.model import KnownPod
from stridehub.pods.bluez import BlueZ
from stridehub.pods.radio import HostAdapter
from stridehub.pods.rivals import Rival, find_rivals
from stridehub.record.roster import Roster

# Of Debian 11, the oldest that is cared for.
_GOOD_BLUEZ = (5, 55)
_DAEMON = "bluetoothd"
_DAEMON_FOLDERS = ("usr/libexec/bluetooth", "usr/lib/bluetooth", "usr/sbin")
_MOST_LINKS = 20  # where no adapter has refused one yet

_SAYS = Says("bluetooth")


def look(case: Case) -> Iterator[Finding]:
    yield from _of_blocks(case)
    yield from _of_version(case)
    try:
        adapters, rivals = asyncio.run(_ask())
    except RadioError as error:
        yield _without_answer(case, error)
        return
    yield from _of_adapters(case.config, adapters)
    yield from _of_rivals(adapters, rivals)


async def _ask() -> tuple[list[HostAdapter], list[Rival]]:
    return await BlueZ().adapters(), await find_rivals(os.getpid())


def _of_blocks(case: Case) -> Iterator[Finding]:
    for switch in case.all("sys/class/rfkill/rfkill*"):
        if case.read(switch / "type") != "bluetooth":
            continue
        name = case.read(switch / "name")
        if case.number(switch / "hard"):
            yield _SAYS.fail(f"{name} is blocked by a switch", Advice.SWITCH_ON)
        elif case.number(switch / "soft"):
            yield _SAYS.fail(f"{name} is blocked by rfkill", Advice.POWER_ON)


def _of_version(case: Case) -> Iterator[Finding]:
    places = (case.root / folder / _DAEMON for folder in _DAEMON_FOLDERS)
    daemon = next((place for place in places if place.exists()), None)
    if daemon is None:
        return
    try:
        version = said(str(daemon), "--version")
        major, minor = (int(number) for number in version.split(".")[:2])
    except (OSError, ValueError) as error:
        yield _SAYS.warn(f"BlueZ does not tell its version: {error}", Advice.RESTART_BLUETOOTHD)
        return
    if (major, minor) < _GOOD_BLUEZ:
        yield _SAYS.warn(
            f"BlueZ {version} is older than any that the hub was tried with", Advice.UPDATE_BLUEZ
        )
    else:
        yield _SAYS.ok(f"BlueZ {version}")


def _without_answer(case: Case, error: RadioError) -> Finding:
    if not any(case.read(comm) == _DAEMON for comm in case.all("proc/[0-9]*/comm")):
        text = f"{_DAEMON} does not run ({error})"
        return _SAYS.fail(text, Advice.START_BLUETOOTHD)
    if "AccessDenied" in error.reason:
        return _SAYS.fail(f"{_DAEMON} may not be asked ({error})", Advice.ASK_AS_ROOT)
    return _SAYS.fail(f"{_DAEMON} does not answer ({error})", Advice.RESTART_BLUETOOTHD)


def _of_adapters(config: HubConfig, adapters: Collection[HostAdapter]) -> Iterator[Finding]:
    roster = Roster(config.database)
    try:
        pods, most_links = roster.pods(), roster.most_links()
    except StoreError:  # of which the pods tell
        pods, most_links = [], {}
    if not adapters:
        yield _SAYS.fail("this machine has no Bluetooth adapter", Advice.PLUG_IN)
    for adapter in adapters:
        links = min(config.radio.most_links, most_links.get(adapter.address, _MOST_LINKS))
        yield _of_adapter(adapter, sum(pod.adapter == adapter.address for pod in pods), links)
    yield from _of_missing(config, adapters, pods)


def _of_adapter(adapter: HostAdapter, own: int, links: int) -> Finding:
    """`own`: how many pods are bonded with it."""
    name = f"adapter {adapter.address} ({adapter.name})"
    pods = count(own, "pod")
    if not adapter.powered:
        return _SAYS.fail(f"{name} is off", Advice.POWER_ON)
    if own > links:
        return _SAYS.fail(f"{name} holds {links} links; bonded: {pods}", Advice.ADD_ADAPTER)
    return _SAYS.ok(f"{name} is on; {pods}, at most {links}")


def _of_missing(
    config: HubConfig, adapters: Collection[HostAdapter], pods: Collection[KnownPod]
) -> Iterator[Finding]:
    there = {adapter.address.upper() for adapter in adapters}
    needed = {pod.adapter for pod in pods} | set(config.radio.adapters)
    for address in sorted(needed):
        if address.upper() not in there:
            yield _SAYS.fail(f"adapter {address} is not there", Advice.PLUG_BACK)


def _of_rivals(adapters: Collection[HostAdapter], rivals: Collection[Rival]) -> Iterator[Finding]:
    for rival in rivals:
        if rival.name == "stridehub":
            yield _SAYS.ok(f"{rival} is at work")
        else:
            yield _SAYS.warn(f"{rival} may use Bluetooth, too", Advice.CLOSE_RIVAL)
    scanning = [adapter.name for adapter in adapters if adapter.discovering]
    if scanning and not any(rival.name == "stridehub" for rival in rivals):
        names = ", ".join(scanning)
        yield _SAYS.warn(f"some program scans with {names}", Advice.CLOSE_RIVAL)
    elif not rivals:
        yield _SAYS.ok("no other program is known to use Bluetooth")
