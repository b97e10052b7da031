"""The hub as a service of systemd, and hubs beside it."""

from collections.abc import Iterator

from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.doctor.finding import Finding, Says
from stridehub.doctor.unit import HUB_UNIT, PAGE_UNIT, Unit, has_systemd, unit_of
from stridehub.record.snapshot import read_snapshot

_BAD_SETTINGS = 78  # EX_CONFIG of sysexits.h: what stridehub ends with

_SAYS = Says("service")


def look(case: Case) -> Iterator[Finding]:
    if not has_systemd(case):
        yield _SAYS.ok("systemd does not run here: a hub is started by hand, `stridehub run`")
        yield from _beside(case, None)
        return
    hub = unit_of(case, HUB_UNIT)
    if hub is None:
        yield _SAYS.ok(f"{HUB_UNIT} is not installed: a hub is started by hand")
    else:
        yield from _of_unit(hub)
        page = unit_of(case, PAGE_UNIT)
        if page is not None:
            yield from _of_unit(page)
    yield from _beside(case, hub)


def _of_unit(unit: Unit) -> Iterator[Finding]:
    name = unit.name
    if unit.active == "failed" or unit.is_ended:
        yield _failed(unit)
    elif unit.active == "activating":
        text = f"{name} is starting, and had to be restarted before: {unit.restarts}"
        yield _SAYS.warn(text, Advice.READ_LOG, UNIT=name)
    elif unit.active != "active":
        text = f"{name} is {unit.active}{'' if unit.is_enabled else ', and not enabled'}"
        yield _SAYS.warn(text, Advice.ENABLE, UNIT=name)
    elif not unit.is_enabled:
        text = f"{name} runs, and will not after a restart of the machine"
        yield _SAYS.warn(text, Advice.ENABLE, UNIT=name)
    elif unit.restarts:
        text = f"{name} runs, and had to be restarted: {unit.restarts}"
        yield _SAYS.warn(text, Advice.READ_LOG, UNIT=name)
    else:
        yield _SAYS.ok(f"{name} runs, and starts with the machine")


def _failed(unit: Unit) -> Finding:
    if unit.exit_code == _BAD_SETTINGS:
        return _SAYS.fail(f"{unit.name} does not take its settings", Advice.MEND_SETTINGS)
    text = f"{unit.name} has failed: {unit.result} (code {unit.exit_code})"
    return _SAYS.fail(text, Advice.READ_LOG, UNIT=unit.name)


def _beside(case: Case, hub: Unit | None) -> Iterator[Finding]:
    """Of hubs that share the runtime folder."""
    snapshot = read_snapshot(case.config.runtime)
    if snapshot is None or (hub is not None and snapshot.pid == hub.main_pid):
        return
    by_hand = f"a hub runs that was started by hand (process {snapshot.pid})"
    if hub is not None and hub.active == "active":
        yield _SAYS.fail(f"{by_hand}, beside the service", Advice.END_OTHER)
    else:
        yield _SAYS.ok(by_hand)
