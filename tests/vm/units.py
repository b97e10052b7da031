"""The installed hub's services, as systemd has them."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

from stridehub.model import LinkState
from stridehub.record.snapshot import read_snapshot
from vm.outcome import until

PROGRAM = "stridehub"
RUNTIME = Path("/run/stridehub")
STATE = Path("/var/lib/stridehub")
PATIENCE_S = 120.0  # of an emulated machine
_COMMAND_S = 600.0


def do(command: str) -> "subprocess.CompletedProcess[str]":
    """As anybody else would: without what these scripts import from."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        ["bash", "-c", command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_COMMAND_S,
        env=environment,
    )


def shell(command: str) -> str:
    """What it prints. Raises CommandError."""
    done = do(command)
    told = done.stdout + done.stderr
    if done.returncode:
        raise CommandError(f"{command}: exit status {done.returncode}: {told[-800:]}")
    return told


class CommandError(Exception):
    """A command failed."""


class Unit:
    """What it has logged is told from when this was made, or from `forget`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.forget()

    def forget(self) -> None:
        """All that it has logged so far."""
        shown = shell("journalctl --lines=0 --show-cursor --quiet")
        self._cursor = shown.rpartition("-- cursor: ")[2].strip()

    def log(self) -> list[str]:
        """Of its own, and of systemd about it. Nothing where nothing is new."""
        chosen = f"--after-cursor='{self._cursor}' --unit={self.name}"
        return shell(f"journalctl --quiet --output=cat {chosen}").splitlines()

    def has_logged(self, pattern: str) -> bool:
        return any(re.search(pattern, line) for line in self.log())

    def show(self, name: str) -> str:
        return shell(f"systemctl show --property={name} --value {self.name}").strip()

    @property
    def is_active(self) -> bool:
        """Ready, and not on its way to its end."""
        return self.show("ActiveState") == "active"

    @property
    def status(self) -> str:
        """What it tells people."""
        return self.show("StatusText")

    @property
    def process(self) -> int:
        return int(self.show("MainPID"))

    @property
    def restarts(self) -> int:
        return int(self.show("NRestarts"))

    @property
    def ready_s(self) -> float:
        """From the start of its program until it was ready, the last time."""
        ready_us = int(self.show("ActiveEnterTimestampMonotonic"))
        return (ready_us - int(self.show("ExecMainStartTimestampMonotonic"))) / 1e6

    def do(self, verb: str) -> float:
        """Such as start; how long it took, in seconds. Raises CommandError."""
        begun_s = time.monotonic()
        shell(f"systemctl {verb} {self.name}")
        return time.monotonic() - begun_s

    async def says(self, pattern: str, within_s: float = PATIENCE_S) -> float:
        """Waits for such a status; for how long, in seconds. Raises LateError."""
        what = f"{self.name} says {pattern}"
        return await until(lambda: re.search(pattern, self.status) is not None, what, within_s)

    async def active(self, process_before: int, within_s: float = PATIENCE_S) -> float:
        """Waits until it is ready as another process; for how long. Raises LateError."""

        def is_anew() -> bool:
            return self.is_active and self.process not in (0, process_before)

        return await until(is_anew, f"{self.name} is back", within_s)


def streaming() -> int:
    """How many pods stream, as the running hub has told last; 0 where none runs."""
    snapshot = read_snapshot(RUNTIME)
    if snapshot is None:
        return 0
    return sum(health.state is LinkState.STREAMING for health in snapshot.pods)


def doctor() -> dict[str, list[str]]:
    """What it finds, as root: texts by verdict."""
    done = do(f"{PROGRAM} doctor --json")
    told: dict[str, list[str]] = {"ok": [], "warn": [], "fail": []}
    for finding in json.loads(done.stdout):
        told[finding["verdict"]].append(f"{finding['subject']}: {finding['text']}")
    if (done.returncode != 0) != bool(told["fail"]) or done.stderr:
        raise ValueError(f"exit status {done.returncode}: {told['fail']} {done.stderr}")
    return told


def listening() -> dict[str, list[str]]:
    """Addresses of TCP, with the programs that listen there."""
    told = shell("ss --listening --tcp --numeric --processes --no-header")
    rows = [row.split() for row in told.splitlines()]
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row[3], []).extend(re.findall(r'\("([^"]+)"', row[-1]))
    return found


def exposure(unit: str) -> float:
    """By `systemd-analyze security`: 0 is the best, 10 the worst."""
    told = shell(f"systemd-analyze security --no-pager {unit}")
    found = re.search(r"exposure level for \S+: ([0-9.]+)", told)
    if found is None:
        raise ValueError(told)
    return float(found[1])
