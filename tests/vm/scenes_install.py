"""`make install` on a machine of its own: what is there afterwards, and who can get at it."""

import hashlib
import json
import re
import time
import urllib.request
from pathlib import Path

from vm.coach import Coach, Login, keep_login, kept_login
from vm.outcome import Outcome, until
from vm.units import (
    PATIENCE_S,
    CommandError,
    Unit,
    do,
    doctor,
    exposure,
    listening,
    shell,
)

_INSTALL = "cd /opt/vm/checkout && make install WHEELS=/opt/vm/wheels"
_UNITS = ("stridehub.service", "stridehub-dashboard.service", "stridehub-tidy.service")
_ENABLED = ("stridehub.service", "stridehub-dashboard.service", "stridehub-tidy.timer")
_MOST_EXPOSED = 2.0
MODES = {
    "/etc/stridehub": "750 root:stridehub",
    "/etc/stridehub/stridehub.toml": "640 root:stridehub",
    "/etc/stridehub/mqtt-password": "600 stridehub:stridehub",
    "/etc/mosquitto/stridehub.passwords": "600 mosquitto:mosquitto",
    "/etc/mosquitto/stridehub.acl": "600 mosquitto:mosquitto",
    "/var/lib/stridehub": "700 stridehub:stridehub",
}
_OPEN_TO_ALL = {"8080", "8883", "9001"}  # with SHARE=1, beside the rig's own ssh
_PLAIN_PORT = 1883


async def install(outcome: Outcome) -> None:
    told = _installed(outcome, "first", _INSTALL)
    login_told(outcome, told)
    for unit in _ENABLED:
        is_enabled = "enabled" in shell(f"systemctl is-enabled {unit} || true").split()
        outcome.check(is_enabled, f"{unit} is not enabled")
    for step in (_begins, check_hardened, _again, _private, _examined):
        with outcome.part(step.__name__.strip("_")):
            step(outcome)
    with outcome.part("strangers"):
        await _strangers(outcome, _PLAIN_PORT)


def login_told(outcome: Outcome, told: str) -> None:
    """One, of the coach; it is kept for other scenes."""
    found = re.findall(r"user +(\S+)\n +password +(\S+)", told)
    outcome.check(len(found) == 1, f"{len(found)} logins are told")
    keep_login(Login(*found[0]))


def _installed(outcome: Outcome, name: str, command: str) -> str:
    """What it tells. Raises CommandError."""
    begun_s = time.monotonic()
    done = do(command)
    outcome.tell(**{f"{name}_s": time.monotonic() - begun_s})
    told = done.stdout + done.stderr
    Path(f"{outcome.scenario}-{name}.log").write_text(told)
    if done.returncode:
        raise CommandError(f"{command}: {told[-800:]}")
    return done.stdout


def _begins(outcome: Outcome) -> None:
    for name in _UNITS[:2]:
        unit = Unit(name)
        unit.do("stop")
        outcome.check(unit.show("Result") == "success", f"stop: {unit.show('Result')}")
        key = name.partition(".")[0].replace("-", "_")
        outcome.tell(**{f"{key}_start_s": unit.do("start"), f"{key}_ready_s": unit.ready_s})
        outcome.check(unit.is_active, f"{name} is not active")
        outcome.tell(**{f"{key}_says": unit.status})
        outcome.check(bool(unit.status), f"{name} says nothing")
    tidy = Unit(_UNITS[2])
    outcome.tell(tidy_s=tidy.do("start"), tidy_logs=tidy.log())


def check_hardened(outcome: Outcome) -> None:
    exposures = [exposure(unit) for unit in _UNITS]
    outcome.tell(exposures=exposures)
    outcome.check(max(exposures) <= _MOST_EXPOSED, f"exposed: {exposures}")
    told = shell(f"systemd-analyze verify {' '.join((*_UNITS, *_ENABLED[2:]))} || true")
    outcome.check(not told, f"systemd-analyze verify: {told}")


def _again(outcome: Outcome) -> None:
    """Changes nothing, and keeps what stands in the settings."""
    with Path("/etc/stridehub/stridehub.toml").open("a") as file:
        file.write("# somebody's own\n")
    before, secrets = _state(), len(re.findall("password", _installed(outcome, "again", _INSTALL)))
    outcome.check(secrets == 0, "the second time it tells of passwords")
    changed = {path for path, what in (before.items() ^ _state().items())}
    outcome.check(not changed, f"changed: {sorted(changed)}")
    for name in _UNITS[:2]:
        outcome.check(Unit(name).is_active, f"{name} is not active after it")


def _state() -> dict[str, str]:
    """What is under /etc, by its content, mode and owner, and what is enabled."""
    paths = [path for path in sorted(Path("/etc").rglob("*")) if path.name not in _OF_OTHERS]
    found = {str(path): _told_of(path) for path in paths}
    found["accounts"] = shell("id stridehub")
    return found


_OF_OTHERS = {"ld.so.cache", ".pwd.lock", "machine-id", "adjtime"}


def _told_of(path: Path) -> str:
    """Content, or where it points; mode; owner."""
    is_file = path.is_file() and not path.is_symlink()
    content = hashlib.sha256(path.read_bytes()).hexdigest() if is_file else ""
    target = str(path.readlink()) if path.is_symlink() else ""
    about = path.lstat()
    return f"{content} {target} {about.st_mode:o} {about.st_uid}:{about.st_gid}"


def _private(outcome: Outcome) -> None:
    for path, wanted in MODES.items():
        found = shell(f"stat --format='%a %U:%G' {path}").strip()
        outcome.check(found == wanted, f"{path}: {found}, not {wanted}")
    groups = set(shell("id --name --groups stridehub").split())
    outcome.check({"bluetooth", "gpio"} <= groups, f"groups of stridehub: {groups}")
    outcome.tell(listens=listening())
    check_ports(outcome, set())


def check_ports(outcome: Outcome, to_all: set[str]) -> None:
    """Beyond this machine nothing listens but ssh, which is the rig's, and these."""
    found = set()
    for address, programs in listening().items():
        host, _, port = address.rpartition(":")
        if host not in ("127.0.0.1", "[::1]") and not {"sshd", "systemd"} & set(programs):
            found.add(port)
    outcome.check(found == to_all, f"open to all: {sorted(found)}, not {sorted(to_all)}")


def _examined(outcome: Outcome) -> None:
    """There is no adapter yet, and no other failure."""
    told = doctor()
    outcome.tell(doctor_fails=told["fail"], doctor_warns=told["warn"], doctor_oks=len(told["ok"]))
    others = [text for text in told["fail"] if "adapter" not in text]
    outcome.check(not others, f"doctor: {others}")


async def _strangers(outcome: Outcome, port: int) -> None:
    for login in (Login("", ""), Login("coach", "guessed")):
        with Coach(login, "stranger", port=port) as stranger:
            await stranger.subscribed()
            outcome.check(stranger.refusal is not None, f"{login.user or 'nobody'} comes in")
            outcome.tell(stranger_is_told=stranger.refusal)


async def share(outcome: Outcome) -> None:
    """Others are let in, with passwords and TLS."""
    told = _installed(outcome, "share", f"{_INSTALL} SHARE=1")
    outcome.check("password  " not in told, "a password is told again")
    for name in _UNITS[:2]:
        outcome.check(Unit(name).is_active, f"{name} is not active after it")
    outcome.tell(listens=listening())
    with Coach(kept_login()) as coach:
        await coach.subscribed()
        outcome.check(coach.refusal is None, f"the coach is refused: {coach.refusal}")
        await until(lambda: bool(coach.status), "a status of the hub", PATIENCE_S)
        outcome.tell(status=coach.status.get("state"), reasons=coach.status.get("reasons"))
    await _strangers(outcome, 8883)
    check_ports(outcome, _OPEN_TO_ALL)
    with urllib.request.urlopen("http://127.0.0.1:8080/config.json", timeout=60) as answer:
        outcome.tell(page_is_told=json.loads(answer.read()))
