"""The Debian package: installed, started, removed, purged."""

import time
from pathlib import Path

from vm.outcome import Outcome
from vm.scenes_install import MODES, check_hardened, check_ports, login_told
from vm.units import Unit, do, doctor, shell

PACKAGE = "/opt/vm/stridehub.deb"
_SERVICES = ("stridehub", "stridehub-dashboard")
_KEPT = ("/etc/stridehub/mqtt-password", "/var/lib/stridehub", "/etc/mosquitto/stridehub.passwords")
_GONE = ("/opt/stridehub", "/usr/bin/stridehub", "/etc/mosquitto/conf.d/stridehub.conf")


async def deb(outcome: Outcome) -> None:
    told = _apt(outcome, "install", PACKAGE)
    login_told(outcome, told)
    with outcome.part("at work"):
        for name in _SERVICES:
            unit = Unit(name)
            outcome.check(unit.is_active, f"{name} is not active")
            outcome.tell(**{f"{name.replace('-', '_')}_ready_s": unit.ready_s})
        for path, wanted in MODES.items():
            found = shell(f"stat --format='%a %U:%G' {path}").strip()
            outcome.check(found == wanted, f"{path}: {found}, not {wanted}")
        check_hardened(outcome)
        check_ports(outcome, set())
        outcome.tell(doctor_fails=doctor()["fail"])
    with outcome.part("again"):
        _apt(outcome, "reinstall", PACKAGE)
        for name in _SERVICES:
            outcome.check(Unit(name).is_active, f"{name} is not active after it")
    with outcome.part("remove"):
        _apt(outcome, "remove", "stridehub")
        outcome.check(not any(Path(path).exists() for path in _GONE), f"left: {_left(_GONE)}")
        outcome.check(len(_left(_KEPT)) == len(_KEPT), f"kept: {_left(_KEPT)}")
        outcome.check(not any(Unit(name).is_active for name in _SERVICES), "services run on")
        outcome.check(Unit("mosquitto").is_active, "mosquitto is not active after it")
    with outcome.part("purge"):
        _apt(outcome, "purge", "stridehub")
        outcome.check(not _left((*_GONE, *_KEPT, *MODES)), f"left: {_left((*_GONE, *_KEPT))}")
        outcome.tell(user_left=do("id stridehub").returncode == 0)


def _apt(outcome: Outcome, verb: str, what: str) -> str:
    """What it tells. Raises CommandError."""
    begun_s = time.monotonic()
    told = shell(f"DEBIAN_FRONTEND=noninteractive apt-get -qq --yes {verb} {what}")
    outcome.tell(**{f"{verb}_s": time.monotonic() - begun_s})
    Path(f"deb-{verb}.log").write_text(told)
    return told


def _left(paths: tuple[str, ...]) -> list[str]:
    return [path for path in paths if Path(path).exists()]
