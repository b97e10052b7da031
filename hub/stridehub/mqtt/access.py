"""Who may do what at a broker of the hub's own."""

import ipaddress
import logging
import os
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from stridehub.errors import BrokerError
from stridehub.mqtt.topics import VERSION, Topics

log = logging.getLogger(__name__)

HUB, OWNER = "hub", "owner"
EVERYTHING = f"stridehub/{VERSION}/#"
_PASSWORD_BYTES = 12  # 16 characters: typed once into a phone, and not to be guessed


class Right(StrEnum):
    """As mosquitto names them."""

    READ = "read"
    WRITE = "write"
    BOTH = "readwrite"


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rule:
    user: str | None  # None: whoever has not logged in
    right: Right
    topics: str  # a filter


@dataclass(frozen=True, slots=True)
class Access:
    """Nobody may do what no rule says."""

    rules: tuple[Rule, ...]
    logins: tuple[Login, ...]
    here: tuple[Rule, ...]  # besides, for programs of this machine


def access_for(topics: Topics, hub: Login, owner: Login) -> Access:
    """Everybody reads, the owner commands."""
    rules = (
        Rule(None, Right.READ, EVERYTHING),
        Rule(owner.user, Right.READ, EVERYTHING),
        Rule(owner.user, Right.WRITE, topics.commands),
        Rule(hub.user, Right.BOTH, topics.everything),
    )
    return Access(rules, (hub, owner), (Rule(None, Right.WRITE, topics.commands),))


def login_of_this_run(user: str) -> Login:
    """Nobody knows it who is not told."""
    return Login(user, secrets.token_urlsafe(_PASSWORD_BYTES))


def owner_login(path: Path) -> Login:
    """As the file has it; made at the first time. Raises BrokerError."""
    try:
        password = _kept(path) or _made(path)
    except (OSError, ValueError) as error:
        raise BrokerError(path, f"no password for {OWNER!r}: {error}") from error
    return Login(OWNER, password)


def _kept(path: Path) -> str:
    """ "" where there is none."""
    return path.read_text().strip() if path.exists() else ""


def _made(path: Path) -> str:
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{password}\n")
    log.info("commands to the broker need user %s; the password is in %s", OWNER, path)
    return password


def is_local(listen: str) -> bool:
    """Only this machine can reach it."""
    try:
        return ipaddress.ip_address(listen).is_loopback
    except ValueError:
        return listen == "localhost"
