"""Runs a script of this folder in the VM: real BlueZ, virtual pods, simulated pins.

    python tests/vm/run.py                  boots, installs, runs `vm.scenarios`, stops
    python tests/vm/run.py smoke            the same with `vm.smoke`
    SUITE=bookworm python tests/vm/run.py gpio    motors on the kernel's simulated pins
    python tests/vm/run.py --keep smoke     leaves the VM running; the next run copies sources only
    python tests/vm/run.py --stop

The rig is at $VMRIG, or next to the checkout in shared/vmrig; its image, of Debian $SUITE, is built
in $VMRIG_DIR where there is none. What the script leaves in its report folder comes to
build/vm/report. The exit status is the script's, 2 where there is no rig.
"""

import argparse
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vm import session
from vm.host import RigError


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/vm/run.py")
    parser.add_argument("script", nargs="?", default="scenarios", help="such as smoke")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    parser.add_argument("--keep", action="store_true", help="leave the VM running")
    parser.add_argument("--stop", action="store_true", help="a VM that was kept")
    chosen = parser.parse_args()
    try:
        sys.exit(_run(chosen))
    except (RigError, subprocess.CalledProcessError) as error:
        print(f"vm: {error}", file=sys.stderr)
        sys.exit(2)


def _run(chosen: argparse.Namespace) -> int:
    vm = session.rig()
    if chosen.stop:
        vm.stop()
        return 0
    try:
        session.make_ready(vm)
        return session.run_script(vm, chosen.script, chosen.arguments)
    finally:
        if not chosen.keep:
            with session.told("stop"):
                vm.stop()


if __name__ == "__main__":
    main()
