"""The programs that can be a broker of the hub's own: mosquitto where it is, amqtt anywhere."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import msgspec

from stridehub.errors import BrokerError
from stridehub.mqtt.access import Access, Rule
from stridehub.mqtt.client import MOST_BYTES_IN
from stridehub.mqtt.ports import bindable
from stridehub.timing import BROKER_SETUP_S

MOSQUITTO, AMQTT = "mosquitto", "amqtt"
_SYSTEM_FOLDERS = ":/usr/sbin:/usr/local/sbin"  # Debian's place, not on a user's PATH
_MOSQUITTO_USER = "mosquitto"  # of Debian's package
# A page that is away for a moment misses no stride of some 2 KB; one that sleeps costs no memory.
_MAX_QUEUED, _MAX_QUEUED_BYTES = 1000, 8 << 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What a broker is to be."""

    listen: str
    port: int
    ws_port: int
    access: Access
    is_local: bool  # only this machine reaches it
    program: str | None = None  # which one it must be


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    command: tuple[str, ...]
    user: str  # who it runs as; "": as the hub
    stdin: bytes
    speaks_v5: bool


SetUp = Callable[[Path], Program]
"""In a folder that is private, and there until the program listens. Raises BrokerError."""


def programs(plan: Plan) -> Iterator[SetUp]:
    """Those that are there, the better first."""
    path, hasher = found(MOSQUITTO), found("mosquitto_passwd")
    if plan.program in (MOSQUITTO, None) and path is not None and hasher is not None:
        yield partial(_mosquitto, path, hasher, plan)
    if plan.program in (AMQTT, None):
        yield partial(_amqtt, plan)


def found(name: str) -> str | None:
    """The path of a program."""
    return shutil.which(name, path=os.environ.get("PATH", os.defpath) + _SYSTEM_FOLDERS)


def _mosquitto(path: str, hasher: str, plan: Plan, folder: Path) -> Program:
    """Raises BrokerError."""
    settings, passwords = folder / "mosquitto.conf", folder / "passwords"
    acl, here = folder / "acl", folder / "acl-of-this-machine"
    logins = "".join(f"{login.user}:{login.password}\n" for login in plan.access.logins)
    try:
        passwords.touch(mode=0o600)
        passwords.write_text(logins)
        acl.touch(mode=0o600)
        acl.write_text("".join(_acl_lines(plan.access.rules)))
        here.touch(mode=0o600)
        here.write_text("".join(_acl_lines((*plan.access.rules, *plan.access.here))))
        settings.write_text(_settings(plan, passwords, acl, here))
        subprocess.run(
            [hasher, "-U", passwords], check=True, stderr=subprocess.PIPE, timeout=BROKER_SETUP_S
        )
        user = _own(folder)
    except (OSError, subprocess.SubprocessError) as error:
        raise BrokerError(MOSQUITTO, f"cannot be set up: {error}") from error
    return Program(MOSQUITTO, (path, "-c", str(settings)), user, b"", speaks_v5=True)


def _amqtt(plan: Plan, _folder: Path) -> Program:
    command = (sys.executable, "-m", "stridehub.mqtt.amqtt_broker")
    return Program(AMQTT, command, "", msgspec.json.encode(asdict(plan)), speaks_v5=False)


def _own(folder: Path) -> str:
    """Who mosquitto runs as, and whose the folder is from now."""
    if os.geteuid() != 0 or not _is_user(_MOSQUITTO_USER):
        return ""
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, _MOSQUITTO_USER)
    return _MOSQUITTO_USER


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _settings(plan: Plan, passwords: Path, acl: Path, here: Path) -> str:
    """Programs of this machine may command. A browser of this machine does what web sites tell it:
    there only the hub's own page comes in, which has a login. Without a socket_domain the
    WebSocket would listen on every address of the machine.
    """
    address, domain = bindable(plan.listen)
    return f"""\
per_listener_settings true
listener {plan.port} {address}
socket_domain {domain}
allow_anonymous true
password_file {passwords}
acl_file {here if plan.is_local else acl}
max_packet_size {MOST_BYTES_IN}
listener {plan.ws_port} {address}
socket_domain {domain}
protocol websockets
allow_anonymous {"false" if plan.is_local else "true"}
password_file {passwords}
acl_file {acl}
max_packet_size {MOST_BYTES_IN}
persistence false
max_queued_messages {_MAX_QUEUED}
max_queued_bytes {_MAX_QUEUED_BYTES}
set_tcp_nodelay true
connection_messages false
log_dest stderr
log_type error
log_type warning
"""


def _acl_lines(rules: tuple[Rule, ...]) -> Iterator[str]:
    """Those without a user come first: that is how the file tells them."""
    for rule in sorted(rules, key=lambda rule: rule.user or ""):
        if rule.user is not None:
            yield f"user {rule.user}\n"
        yield f"topic {rule.right} {rule.topics}\n"
