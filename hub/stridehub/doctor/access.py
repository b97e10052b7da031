"""Who the hub runs as, what that user may use, and whether secrets are secret."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from stridehub.doctor.account import Account, hub_account, own_account
from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.doctor.finding import Finding, Says
from stridehub.mqtt.broker import OWNER_FILE

_PUBLIC = stat.S_IRWXO
_SHARED = stat.S_IRWXG | stat.S_IRWXO
_READ_AND_WRITE = os.R_OK | os.W_OK | os.X_OK

_SAYS = Says("access")


def look(case: Case) -> Iterator[Finding]:
    try:
        account = hub_account(case)
    except KeyError as error:
        yield _SAYS.fail(f"the service's user does not exist: {error}", Advice.INSTALL_AGAIN)
        return
    yield from _of_user(case, account)
    yield from _of_settings(case, account)
    yield from _of_state(case.config.state, account)
    for secret in _secrets(case):
        yield from _of_secret(secret, account)


def _of_user(case: Case, account: Account) -> Iterator[Finding]:
    own = own_account()
    if own.uid not in (account.uid, 0):
        text = f"the hub is a service of user {account.name}, and this is {own.name}"
        yield _SAYS.warn(f"{text}: other settings, another state folder", Advice.USE_SUDO)
    wanted = ["bluetooth", *(["gpio"] if case.config.haptics.gpio is not None else [])]
    lacking = [group for group in wanted if account.lacks(group)]
    for group in lacking:
        text = f"user {account.name} is not in group {group}"
        yield _SAYS.warn(text, Advice.JOIN_GROUP, GROUP=group, USER=account.name)
    if not lacking:
        yield _SAYS.ok(f"the hub runs as {account.name}")


def _of_settings(case: Case, account: Account) -> Iterator[Finding]:
    path = case.settings
    if path is None:
        yield _SAYS.ok("there is no file of settings: all is by default")
    elif account.may(path, os.R_OK):
        yield _SAYS.ok(f"settings are read from {path}")
    else:
        yield _SAYS.fail(f"{path}: {account.name} may not read it", Advice.SHOW_SETTINGS, FILE=path)


def _of_state(folder: Path, account: Account) -> Iterator[Finding]:
    if not folder.exists():
        parent = next(parent for parent in folder.absolute().parents if parent.exists())
        if account.may(parent, os.W_OK | os.X_OK):
            yield _SAYS.ok(f"state folder {folder}: made with the first start")
        else:
            text = f"state folder {folder}: not there, and {account.name} may not make it"
            yield _SAYS.fail(text, Advice.MAKE_STATE, USER=account.name, FOLDER=folder)
    elif not account.may(folder, _READ_AND_WRITE):
        text = f"state folder {folder}: {account.name} may not write there"
        yield _SAYS.fail(text, Advice.OWN_STATE, USER=account.name, FOLDER=folder)
    elif folder.stat().st_mode & _PUBLIC:
        yield _SAYS.warn(
            f"state folder {folder}: everybody may look in", Advice.HIDE_STATE, FOLDER=folder
        )
    else:
        yield _SAYS.ok(f"state folder {folder}: {account.name} writes, nobody else looks in")


def _secrets(case: Case) -> Iterator[Path]:
    """That there are, or that settings name."""
    mqtt = case.config.mqtt
    yield from (Path(name).expanduser() for name in (mqtt.password_file, mqtt.key_file) if name)
    owner = case.config.state / OWNER_FILE
    if owner.exists():
        yield owner


def _of_secret(path: Path, account: Account) -> Iterator[Finding]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        yield _SAYS.fail(f"{path}: {error.strerror}", Advice.WRITE_SECRET)
        return
    if mode & _PUBLIC:
        yield _SAYS.fail(
            f"{path}: everybody may read it ({mode:03o})", Advice.HIDE_SECRET, FILE=path
        )
    elif mode & _SHARED:
        yield _SAYS.warn(
            f"{path}: its group may read it ({mode:03o})", Advice.HIDE_SECRET, FILE=path
        )
    elif not account.may(path, os.R_OK):
        yield _SAYS.fail(
            f"{path}: {account.name} may not read it",
            Advice.SHOW_SECRET,
            USER=account.name,
            FILE=path,
        )
    else:
        yield _SAYS.ok(f"{path}: {account.name} reads it, nobody else ({mode:03o})")
