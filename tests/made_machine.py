"""Machines for doctor: their files laid out below a folder, and programs that answer for them."""

import calendar
import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from stridehub.config import HubConfig
from stridehub.doctor.case import Case
from stridehub.doctor.finding import Finding
from stridehub.model import KnownPod, LinkState, Placement, PodHealth

PI = {"proc/device-tree/model": "Raspberry Pi Zero 2 W Rev 1.0\0"}


def lay(root: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def case_in(folder: Path, files: Mapping[str, str] | None = None, config: str = "") -> Case:
    """Everything of it is below the folder. `config`: lines of settings."""
    root = folder / "machine"
    root.mkdir(parents=True, exist_ok=True)
    lay(root, files or {})
    settings = folder / "hub.toml"
    own = f'state_dir = "{folder / "state"}"\nruntime_dir = "{folder / "run"}"\n'
    settings.write_text(own + config)
    decoded = msgspec.toml.decode(settings.read_bytes(), type=HubConfig)
    return Case(decoded, settings, root)


def program(folder: Path, name: str, script: str) -> Path:
    """A shell script of that name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def lines(findings: Iterable[Finding]) -> list[str]:
    """Such as "warn: the board is hot"."""
    return [f"{finding.verdict}: {finding.text}" for finding in findings]


def told(findings: Iterable[Finding], verdict: str, words: str) -> Finding:
    """The one finding that says so; whatever is not ok says what to do."""
    found = list(findings)
    assert all(bool(finding.advice) == (finding.verdict != "ok") for finding in found)
    assert not [
        it for it in found if re.search(r"\b(USER|GROUP|FOLDER|FILE|UNIT|HUB)\b", it.advice)
    ]
    matching = [it for it in found if it.verdict == verdict and words in it.text]
    assert len(matching) == 1, lines(found)
    return matching[0]


def pod(number: int = 1, placement: Placement = Placement.SHANK_L) -> KnownPod:
    return KnownPod(
        f"F0:D6:16:00:00:{number:02X}", f"L{number:02d}", placement, "r1", "F0:00:00:00:00:01"
    )


def health(
    state: LinkState = LinkState.STREAMING,
    *,
    reason: str | None = None,
    age_s: float | None = 0.1,
    battery_mv: int | None = 3900,
    firmware: int | None = 0x0100,
    imu_fault: bool = False,
) -> PodHealth:
    return PodHealth(
        pod(), state, reason, age_s, battery_mv, -60, 247, 30.0, firmware, 1, 9, imu_fault, 8
    )


def first_on_path(folder: Path) -> str:
    return f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def utc_s(day: str) -> float:
    """Unix time of a day such as "2026-05-01"."""
    return float(calendar.timegm(time.strptime(day, "%Y-%m-%d")))
