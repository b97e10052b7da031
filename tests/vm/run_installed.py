"""Installs the hub in a VM as its README says, and plays scenes with the services.

    python tests/vm/run_installed.py               all of Debian $SUITE's scenes
    python tests/vm/run_installed.py install       that one; `--keep` leaves the VM, and what is
                                                   installed, to the next run
    python tests/vm/run_installed.py --stop

The VM has a disk of its own, a copy of the rig's image, which outlives a power cut and goes with
the VM. Debian bookworm plays a cue on simulated pins, without radio; trixie all else. Settings and
exit status are those of run.py.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vm import session
from vm.host import Rig, RigError
from vm.packages import ROOT, wheels

_IMAGE = "root.img"
_OF_SUITE = {
    "bookworm": ["install", "cue"],
    "trixie": [
        "install", "share", "strides", "no_adapter", "adapter_out", "broker_away", "clock",
        "killed", "stopped", "dashboard", "power_cut", "after_power_cut",
    ],
}  # fmt: skip
_INSTALLING = {"install", "share"}
_CUT = "power_cut"  # after which the VM is started again


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/vm/run_installed.py")
    parser.add_argument("scenes", nargs="*", help="such as install; all by default")
    parser.add_argument("--keep", action="store_true", help="leave the VM running")
    parser.add_argument("--stop", action="store_true", help="a VM that was kept")
    chosen = parser.parse_args()
    disk = Path(tempfile.gettempdir()) / f"vmrig-{session.suite()}-installed"
    try:
        sys.exit(_run(chosen, disk))
    except (RigError, subprocess.CalledProcessError) as error:
        print(f"vm: {error}", file=sys.stderr)
        sys.exit(2)


def _run(chosen: argparse.Namespace, disk: Path) -> int:
    vm = session.rig(disk)
    scenes = chosen.scenes or _OF_SUITE[session.suite()]
    try:
        if chosen.stop:
            return 0
        python = _ready(vm, disk)
        if _INSTALLING & set(scenes):
            _bring_checkout(vm, python)
        return _play(vm, scenes)
    finally:
        if not chosen.keep:
            with session.told("stop"):
                vm.stop()
            shutil.rmtree(disk, ignore_errors=True)


def _ready(vm: Rig, disk: Path) -> str:
    """Its Python's version."""
    if not vm.is_running:
        usual = session.usual_images()
        session.rig().build()
        with session.told("a disk of its own"):
            shutil.rmtree(disk, ignore_errors=True)
            disk.mkdir()
            for name in (_IMAGE, "vmlinuz", "initrd.img", "id_ed25519"):
                subprocess.run(["cp", "--sparse=always", usual / name, disk / name], check=True)
        with session.told("boot"):
            vm.start(keeps=True)
    return session.make_ready(vm)


def _bring_checkout(vm: Rig, python: str) -> None:
    """And wheels."""
    with session.told("wheels and checkout"):
        vm.tell("rm -rf /opt/vm/checkout /opt/vm/wheels")
        with tempfile.TemporaryDirectory() as folder:
            wheels(python, Path(folder))
            vm.copy([(Path(folder), "wheels"), *_checkout()])


def _checkout() -> list[tuple[Path, str]]:
    """What a clone would have, as it stands here."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = [name for name in listed.split("\0") if name and (ROOT / name).exists()]
    return [(ROOT / name, f"checkout/{name}") for name in names]


def _play(vm: Rig, scenes: Sequence[str]) -> int:
    """The exit status."""
    if _CUT not in scenes:
        return session.run_script(vm, "installed", scenes)
    cut = scenes.index(_CUT)
    status = 0
    if before := scenes[:cut]:
        status = session.run_script(vm, "installed", before)
    session.run_script(vm, "installed", [_CUT])
    if vm.is_running:
        raise RigError("the power was to be cut, and the VM runs")
    with session.told("boot"):
        vm.start(keeps=True)
    return status | session.run_script(vm, "installed", scenes[cut + 1 :])


if __name__ == "__main__":
    main()
