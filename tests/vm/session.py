"""A VM made ready for scripts of this folder, and what they leave in their report folder."""

import os
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vm.host import GUEST, Rig
from vm.packages import BUILD, ROOT, site

_REPORT = "/tmp/report"
_KEPT = BUILD / "report"
_SUITE = "trixie"  # bookworm's 6.1.192 kills bluetoothd where a connection is not established
_SOURCES = [
    ("hub/stridehub", "site/stridehub"),
    ("firmware/core", "firmware/core"),
    ("firmware/tests/fifo_words.h", "firmware/tests/fifo_words.h"),
    ("firmware/virtual/virtual_pod", "firmware/virtual/virtual_pod"),
    ("native/include", "native/include"),
    ("native/src", "native/src"),
    ("docs/asyncapi.json", "docs/asyncapi.json"),
    ("tests/consumer.py", "tests/consumer.py"),
    ("tests/wire.py", "tests/wire.py"),
    ("tests/contract/conftest.py", "tests/contract/conftest.py"),
    ("tests/contract/test_gpio.py", "tests/contract/test_gpio.py"),
    ("tests/contract/test_gpio_guardian.py", "tests/contract/test_gpio_guardian.py"),
    ("tests/rpi_gpio", "tests/rpi_gpio"),
    ("tests/vm", "tests/vm"),
]
_STALE = ["firmware/virtual/virtual_pod", "tests"]  # modules that are gone here, too
_PYTHON_PATH = ":".join(f"{GUEST}/{part}" for part in ("tests", "firmware/virtual", "site"))


def suite() -> str:
    return os.environ.get("SUITE") or _SUITE


def rig(images: Path | None = None) -> Rig:
    """By $VMRIG, $VMRIG_DIR and $SUITE; `images`: of a folder of one's own. Raises RigError."""
    scripts = Path(os.environ.get("VMRIG") or ROOT.parent / "shared" / "vmrig")
    return Rig(scripts, images or usual_images(), suite())


def usual_images() -> Path:
    usual = Path(tempfile.gettempdir()) / f"vmrig-{suite()}"
    return Path(os.environ.get("VMRIG_DIR") or usual)


def make_ready(vm: Rig) -> str:
    """Built, running, with what scripts import. Its Python's version, such as "3.13"."""
    with told("image"):
        vm.build()
    if not vm.is_running:
        with told("boot"):
            vm.start()
    python = vm.tell("python3 -c 'import sys; print(*sys.version_info[:2], sep=chr(46))'")
    with told(f"packages for Python {python}"):
        folder, digest = site(python)
    with told("install"):
        if vm.tell(f"cat {GUEST}/site/digest") != digest:
            vm.copy([(folder, "site")])
        stale = " ".join(f"{GUEST}/{folder}" for folder in _STALE)
        vm.tell(f"rm -rf {stale} {_REPORT}")
        vm.copy([(ROOT / path, place) for path, place in _SOURCES])
    shutil.rmtree(_KEPT, ignore_errors=True)
    _KEPT.mkdir(parents=True)
    return python


def run_script(vm: Rig, script: str, arguments: Iterable[str] = ()) -> int:
    """Its exit status. What it leaves is added to build/vm/report."""
    words = shlex.join(["python3", "-m", f"vm.{script}", *arguments])
    with told(script):
        status = vm.run(f"mkdir -p {_REPORT} && cd {_REPORT} && PYTHONPATH={_PYTHON_PATH} {words}")
    vm.fetch(_REPORT, _KEPT)
    return status


@contextmanager
def told(step: str) -> Iterator[None]:
    """How long it took."""
    begun_s = time.monotonic()
    try:
        yield
    finally:
        print(f"vm: {step}, {time.monotonic() - begun_s:.1f} s", file=sys.stderr, flush=True)
