"""Which file system a folder is on."""

import re
from pathlib import Path
from typing import NamedTuple

from stridehub.doctor.case import Case


class Mount(NamedTuple):
    device: str  # its numbers, such as "179:2"
    point: Path
    kind: str  # such as "ext4"
    options: frozenset[str]

    def option(self, name: str) -> str | None:
        """The value of NAME=VALUE."""
        given = (option.partition("=") for option in self.options)
        return next((value for key, _, value in given if key == name), None)


def mount_of(case: Case, folder: Path) -> Mount | None:
    """The innermost one; None where the kernel does not tell. The folder need not be there."""
    place = folder.resolve()
    around = [mount for mount in _mounts(case) if place.is_relative_to(mount.point)]
    # Of several at one place the last covers the others.
    return max(reversed(around), key=lambda mount: len(mount.point.parts), default=None)


def _mounts(case: Case) -> list[Mount]:
    lines = (case.read("proc/self/mountinfo") or "").splitlines()
    return [mount for line in lines if (mount := _mount(line)) is not None]


def _mount(line: str) -> Mount | None:
    """See proc(5). None for what is no such line."""
    own, _, rest = line.partition(" - ")
    fields, kinds = own.split(" "), rest.split(" ")
    if len(fields) < 6 or len(kinds) < 3:
        return None
    options = frozenset((*fields[5].split(","), *kinds[2].split(",")))
    return Mount(fields[2], Path(_plain(fields[4])), kinds[0], options)


def _plain(name: str) -> str:
    r"""Spaces and the like stand as \040."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), name)
