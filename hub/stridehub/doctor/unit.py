"""systemd's units."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from stridehub.doctor.asking import said
from stridehub.doctor.case import Case

HUB_UNIT, PAGE_UNIT = "stridehub.service", "stridehub-dashboard.service"

_ASKED = (
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "Result",
    "ExecMainStatus",
    "MainPID",
    "NRestarts",
    "User",
    "SupplementaryGroups",
    "Environment",
)


@dataclass(frozen=True, slots=True)
class Unit:
    """One that is installed."""

    name: str
    active: str  # active, inactive, failed, activating, ...
    is_ended: bool  # by itself, and systemd starts it again in a moment
    is_enabled: bool  # starts with the machine
    result: str  # of its last run: success, exit-code, signal, watchdog, ...
    exit_code: int
    main_pid: int  # 0: none
    restarts: int  # by systemd, since somebody started it
    user: str
    groups: tuple[str, ...]  # besides the user's own
    environment: Mapping[str, str]  # that it adds


def unit_of(case: Case, name: str) -> Unit | None:
    """None where it is not installed, or systemd does not run. Raises OSError."""
    if not has_systemd(case):
        return None
    asked = ",".join(_ASKED)
    lines = said("systemctl", "show", "--no-pager", f"--property={asked}", name).splitlines()
    told = dict(line.partition("=")[::2] for line in lines)
    if told.get("LoadState") != "loaded":
        return None
    return Unit(
        name=name,
        active=told.get("ActiveState", "unknown"),
        is_ended=told.get("SubState") == "auto-restart",
        is_enabled=told.get("UnitFileState", "").startswith("enabled"),
        result=told.get("Result", ""),
        exit_code=_number(told.get("ExecMainStatus")),
        main_pid=_number(told.get("MainPID")),
        restarts=_number(told.get("NRestarts")),
        user=told.get("User") or "root",
        groups=tuple(told.get("SupplementaryGroups", "").split()),
        environment=_variables(told.get("Environment", "")),
    )


def has_systemd(case: Case) -> bool:
    """As the machine's own: the folder is there while it runs."""
    return (case.root / "run/systemd/system").is_dir()


def _variables(told: str) -> dict[str, str]:
    """Quoted as for a shell where there are spaces. Raises ValueError."""
    given = (assignment.partition("=") for assignment in shlex.split(told))
    return {name: value for name, _, value in given}


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
