"""The lock has every library, for every machine and Python that hubs run on, with its hashes."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYTHONS = ("3.11.2", "3.12.3", "3.13.5")
MACHINES = ("x86_64", "aarch64", "armv7l")
LOCKS = ("requirements.lock", "requirements-gpio.lock", "requirements-build.lock")


class Line(NamedTuple):
    requirement: Requirement
    hashes: list[str]

    def holds(self, place: dict[str, str]) -> bool:
        marker = self.requirement.marker
        return marker is None or marker.evaluate(place)


def locked(path: Path) -> Iterator[Line]:
    text = re.sub(r"^ *#.*\n", "", path.read_text(), flags=re.M).replace("\\\n", " ")
    for line in text.splitlines():
        wanted, *hashes = line.split(" --hash=")
        yield Line(Requirement(wanted), [it.strip() for it in hashes])


def place(python: str, machine: str) -> dict[str, str]:
    return {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "platform_machine": machine,
        "sys_platform": "linux",
        "implementation_name": "cpython",
    }


def wanted(root: Path) -> list[Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    return [Requirement(it) for it in project["project"]["dependencies"]]


@pytest.mark.parametrize(("python", "machine"), list(product(PYTHONS, MACHINES)))
def test_every_library_is_locked_once_at_a_version_that_will_do(
    root: Path, python: str, machine: str
) -> None:
    here = place(python, machine)
    lines = [line for line in locked(root / "requirements.lock") if line.holds(here)]
    versions = {
        canonicalize_name(line.requirement.name): str(line.requirement.specifier) for line in lines
    }
    assert len(versions) == len(lines)
    for requirement in wanted(root):
        if requirement.marker is None or requirement.marker.evaluate(here):
            version = versions[canonicalize_name(requirement.name)].removeprefix("==")
            assert requirement.specifier.contains(version), requirement.name


@pytest.mark.parametrize("name", LOCKS)
def test_all_of_it_has_hashes(root: Path, name: str) -> None:
    lines = list(locked(root / name))
    assert lines
    for line in lines:
        assert re.fullmatch(r"==[0-9.]+", str(line.requirement.specifier))
        assert line.hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", it) for it in line.hashes)


def test_motors_have_the_library_that_works_and_never_its_rival(root: Path) -> None:
    for name in LOCKS:
        for line in locked(root / name):
            assert canonicalize_name(line.requirement.name) != "rpi-gpio"
            if line.requirement.name == "lgpio":
                assert line.requirement.specifier.contains("0.2.2.0")


def test_the_build_is_of_what_the_project_asks_for(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    lines = [*locked(root / "requirements-build.lock"), *locked(root / "requirements.lock")]
    versions = {line.requirement.name: str(line.requirement.specifier) for line in lines}
    for requirement in map(Requirement, project["build-system"]["requires"]):
        assert requirement.specifier.contains(versions[requirement.name].removeprefix("=="))


def test_the_bill_of_materials_names_all_of_it(root: Path, tmp_path: Path) -> None:
    """`make sbom`, where its library is installed."""
    pytest.importorskip("cyclonedx")
    out = tmp_path / "bill.json"
    subprocess.run([sys.executable, str(root / ".ci/sbom"), str(out)], check=True)
    bill = json.loads(out.read_text())
    names = {canonicalize_name(it["name"]) for it in bill["components"]}
    libraries = {
        canonicalize_name(it.requirement.name) for it in locked(root / "requirements.lock")
    }
    assert names == libraries | {"mqtt", "uplot"}
    (own,) = (it for it in bill["dependencies"] if it["ref"] == "root-component")
    assert len(own["dependsOn"]) >= len({it.name for it in wanted(root)})
