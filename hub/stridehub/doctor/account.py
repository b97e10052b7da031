"""Who the hub runs as, and what that user may do."""

import grp
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from stridehub.doctor.case import Case
from stridehub.doctor.unit import HUB_UNIT, unit_of

_SHIFTS = (6, 3, 0)  # of a mode: its owner's, its group's, and everybody's


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gids: frozenset[int]

    def lacks(self, group: str) -> bool:
        """What a group may, which is there: root may it anyway."""
        gid = _gid(group)
        return self.uid != 0 and gid is not None and gid not in self.gids

    def may(self, path: Path, wanted: int) -> bool:
        """`wanted`: of os.R_OK, os.W_OK and os.X_OK. Not where it does not exist.

        Of another user's access lists nothing is known: there owner, group and mode tell.
        """
        if self.uid == os.geteuid():
            return os.access(path, wanted)
        try:
            ways = all(self.is_allowed(folder, os.X_OK) for folder in path.absolute().parents)
            return ways and self.is_allowed(path, wanted)
        except OSError:
            return False

    def is_allowed(self, path: Path, wanted: int) -> bool:
        """By the file's own mode, wherever it is. Raises OSError."""
        status = path.stat()
        if self.uid == 0:
            return True
        whose = (status.st_uid == self.uid, status.st_gid in self.gids, True)
        mode = stat.S_IMODE(status.st_mode) >> _SHIFTS[whose.index(True)]
        return mode & wanted == wanted


def own_account() -> Account:
    """Of who runs this program."""
    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return Account(name, uid, frozenset({*os.getgroups(), os.getegid()}))


def hub_account(case: Case) -> Account:
    """Of the service, where it is installed; else of who runs this program.

    Raises OSError, and KeyError for a user who does not exist.
    """
    unit = unit_of(case, HUB_UNIT)
    if unit is None:
        return own_account()
    user = pwd.getpwnam(unit.user)
    more = {gid for group in unit.groups if (gid := _gid(group)) is not None}
    gids = os.getgrouplist(user.pw_name, user.pw_gid)
    return Account(user.pw_name, user.pw_uid, frozenset({*gids, *more}))


def _gid(group: str) -> int | None:
    """None where there is no such group."""
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return None
