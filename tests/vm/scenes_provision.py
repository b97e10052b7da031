"""Pods become the hub's own, by its command line, and nobody else's."""

import time

from vm.machine import Machine
from vm.stage import SECOND_ADAPTER, Stage


async def provision(stage: Stage) -> None:
    """By the command line, with two adapters: the second one is a stranger's."""
    outcome, machine = stage.outcome, stage.machine
    took_s = []
    places = {number: told["place"] for number, told in (await stage.stats()).items()}
    for number, address in stage.addresses.items():
        begun_s = time.monotonic()
        wish = ("--pod", address, "--placement", places[number], "--runner", "r1", "--yes")
        done = await machine.do("provision", *wish)
        took_s.append(time.monotonic() - begun_s)
        is_told = f"is {places[number]} of r1" in done.out
        outcome.check(done.code == 0 and is_told, f"pod {number}: {done.out}{done.err}")
    outcome.tell(provision_s=took_s)
    bonds = [told["bonds"] for told in (await stage.stats()).values()]
    outcome.check(all(len(own) == 1 for own in bonds), f"bonds: {bonds}")
    await _stranger(stage)
    await _listed(stage)


async def _stranger(stage: Stage) -> None:
    """The pairing window is shut since the pod has reset."""
    stranger = Machine("stranger", [SECOND_ADAPTER])
    for number in (1, 2):
        await stage.pods.tell("reset", number)
        wish = ("--placement", "pelvis", "--runner", "r9", "--yes")
        done = await stranger.do("provision", "--pod", stage.addresses[number], *wish)
        is_advised = done.code == 1 and "double-tap it" in done.err
        stage.outcome.check(is_advised, f"a stranger: {done.code} {done.out}{done.err}")
        stage.outcome.tell(**{f"stranger_{number}_is_told": done.err.strip()})
    bonds = [told["bonds"] for told in (await stage.stats()).values()]
    stage.outcome.check(all(len(own) == 1 for own in bonds), f"the stranger has a bond: {bonds}")


async def _listed(stage: Stage) -> None:
    done = await stage.machine.do("scan", "--seconds", "6")
    rows = [line for line in done.out.splitlines() if line.split()[:1] != ["address"]]
    for address in stage.addresses.values():
        row = next((line for line in rows if address in line), "")
        stage.outcome.check(" yes " in row and "r1" in row, f"scan: {row or 'no ' + address}")
    done = await stage.machine.do("pods")
    for address in stage.addresses.values():
        row = next((line for line in done.out.splitlines() if address in line), "")
        is_seen = row.startswith("r1 ") and " yes " in row and "3.90" in row
        stage.outcome.check(is_seen, f"pods: {row or 'no ' + address}")
