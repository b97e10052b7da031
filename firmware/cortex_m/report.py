"""Size and cost of the pod's core on a Cortex-M4F, against their bars; exit code 1 above one.

    python report.py BUILD QEMU...

BUILD holds the core's objects and the program `cost`; QEMU is the command that runs it.
"""

import runpy
import subprocess
import sys
from pathlib import Path

CORE = Path(__file__).parent.parent / "core"
SHARED = ("pod_wire", "pod_link")
ENERGY = runpy.run_path(str(CORE.parent / "energy.py"))["Work"]()  # what it reckons with

BARS = {
    "text_bytes": 12 * 1024,
    "ram_bytes": 8 * 1024,
    "tagged_instructions_in_all": 150,
    "plain_instructions_in_all": 150,
    "tagged_instructions_per_sample": ENERGY.instructions_per_sample,
    "tagged_instructions_per_packet": ENERGY.instructions_per_packet,
    "plain_instructions_per_sample": ENERGY.instructions_per_sample,
    "plain_instructions_per_packet": ENERGY.instructions_per_packet,
}
WORDS = {
    "text_bytes": "text and constants of the core, bytes",
    "ram_bytes": "data, one pod's state and the deepest stack, bytes",
    "pod_core_bytes": "  one pod's state",
    "stack_bytes": "  deepest stack in a session",
    "tagged_instructions_per_sample": "LSM6DSO (tagged FIFO), instructions: each sample",
    "tagged_instructions_per_packet": "  and each packet",
    "tagged_instructions_in_all": "  a sample, its share of an 8-packet included",
    "plain_instructions_per_sample": "LSM6DSL, LSM6DS3TR-C (plain FIFO), instructions: each sample",
    "plain_instructions_per_packet": "  and each packet",
    "plain_instructions_in_all": "  a sample, its share of an 8-packet included",
}


def sizes(build: Path) -> tuple[int, int]:
    """Bytes of text (with constants) and of data and bss, over all of the core."""
    names = [*(path.stem for path in sorted(CORE.glob("*.c"))), *SHARED]
    objects = [str(build / f"{name}.o") for name in names]
    listed = subprocess.run(
        ["arm-none-eabi-size", "--totals", *objects], check=True, capture_output=True, text=True
    )
    text, data, bss = (int(field) for field in listed.stdout.splitlines()[-1].split()[:3])
    return text, data + bss


def costs(build: Path, qemu: list[str]) -> dict[str, float]:
    run = subprocess.run(
        [*qemu, str(build / "cost")], check=True, capture_output=True, text=True, timeout=60
    )
    return {name: float(value) for name, value in map(str.split, run.stdout.splitlines())}


def main() -> int:
    build, qemu = Path(sys.argv[1]), sys.argv[2:]
    figures = costs(build, qemu)
    text, static = sizes(build)
    figures["text_bytes"] = text
    figures["ram_bytes"] = static + figures["pod_core_bytes"] + figures["stack_bytes"]
    over = False
    for name, words in WORDS.items():
        bar = BARS.get(name)
        over |= bar is not None and figures[name] > bar
        print(f"{words:62} {figures[name]:8.0f}" + (f"   bar {bar}" if bar else ""))
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
