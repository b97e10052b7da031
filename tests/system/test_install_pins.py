"""Where the installer gets the library for motors at pins, where pip has none for this Python."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scratch_root import Done, ScratchRoot, scratch_root

SYSTEM = "/usr/lib/python3/dist-packages"
NEW = "/opt/stridehub-a"
# As `install` takes them; that this machine has pins is given out.
PINS = """
set -euo pipefail
. ./setup.sh; . ./pins.sh; . ./program.sh
has_pins() { true; }
new=$1 work=$(mktemp -d)
unfinished=("$work")
pins
"""


@pytest.fixture(scope="module")
def machine(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchRoot]:
    """With an empty environment, and a folder with rpi-lgpio alone."""
    with scratch_root(tmp_path_factory.mktemp("pins")) as scratch:
        scratch.said(sys.executable, "-m", "venv", NEW)
        lock = str(root / "requirements-gpio.lock")
        pip = (f"{NEW}/bin/python", "-m", "pip", "--quiet")
        scratch.said(*pip, "download", "--no-deps", "--dest=/root/both", f"--requirement={lock}")
        scratch.said("mkdir", "/root/rpi-lgpio")
        scratch.said("bash", "-c", "cp /root/both/rpi_lgpio* /root/rpi-lgpio/")
        yield scratch


def pins(machine: ScratchRoot, root: Path) -> Done:
    return machine.run(
        "bash", "-c", PINS, "bash", NEW, cwd=root / "systemd", WHEELS="/root/rpi-lgpio"
    )


def installed(machine: ScratchRoot) -> set[str]:
    listed = machine.said(f"{NEW}/bin/python", "-m", "pip", "list", "--format=freeze")
    return {line.partition("=")[0].lower() for line in listed.splitlines()}


def test_without_one_it_goes_on_and_says_what_helps(machine: ScratchRoot, root: Path) -> None:
    done = pins(machine, root)
    assert done.code == 0, done.out
    assert "Pods buzz all the same" in done.out
    assert "lgpio" not in " ".join(installed(machine))


def test_of_the_systems_packages_only_lgpio_is_let_in(machine: ScratchRoot, root: Path) -> None:
    """The system has RPi.GPIO as well, and another numpy."""
    wheel = machine.said("bash", "-c", "ls /root/both/lgpio*")
    pip = (f"{NEW}/bin/python", "-m", "pip", "--quiet")
    machine.said(*pip, "install", "--no-deps", f"--target={SYSTEM}", wheel)
    machine.said("mkdir", "-p", f"{SYSTEM}/RPi/GPIO", f"{SYSTEM}/numpy")
    machine.said("touch", f"{SYSTEM}/RPi/GPIO/__init__.py", f"{SYSTEM}/numpy/__init__.py")
    done = pins(machine, root)
    assert done.code == 0, done.out
    assert "the system's lgpio" in done.out
    assert "rpi-lgpio" in installed(machine)
    find = "import importlib.util as u; print(*(u.find_spec(n) for n in ('RPi', 'lgpio', 'numpy')))"
    found = machine.said(f"{NEW}/bin/python", "-c", find)
    assert re.search(rf"RPi.*{NEW}.*lgpio.*{NEW}/\S+/lgpio.py.* None$", found)


def test_pips_own_comes_first(machine: ScratchRoot, root: Path) -> None:
    machine.said("bash", "-c", "cp /root/both/lgpio* /root/rpi-lgpio/")
    machine.said("bash", "-c", f"rm {NEW}/lib/python3*/site-packages/{{lgpio.py,_lgpio*}}")
    done = pins(machine, root)
    assert done.code == 0, done.out
    assert {"lgpio", "rpi-lgpio"} <= installed(machine)


def test_a_folder_of_wheels_is_looked_for_from_where_the_caller_is(
    machine: ScratchRoot, root: Path
) -> None:
    """A wrong SHARE ends it right after."""
    install = str(root / "systemd" / "install")
    for folder, told in (("rpi-lgpio", "SHARE=2"), ("not-there", "not-there: No such file")):
        done = machine.run(install, "--wheels", folder, cwd=Path("/root"), SHARE="2")
        assert done.code == 1
        assert told in done.out
