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
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vm.host import GUEST, Rig, RigError

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "vm"
REPORT = "/tmp/report"

_GUEST_PLATFORMS = [*(f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)), "linux_x86_64"]
_SUITE = "trixie"  # bookworm's 6.1.192 kills bluetoothd where a connection is not established
_MORE_PACKAGES = ["bleak>=3.1", "bumble>=0.0.236"]
# Of motors and their tests; PyPI has lgpio built for Python up to 3.12.
_GPIO_PACKAGES = ["lgpio>=0.2.2", "rpi-lgpio>=0.6", "pytest>=8"]
_LAST_WITH_GPIO = (3, 12)
_OF_WHEEL = ["pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "hub", "native"]
_SOURCES = [
    ("hub/stridehub", "site/stridehub"),
    ("firmware/core", "firmware/core"),
    ("firmware/tests/fifo_words.h", "firmware/tests/fifo_words.h"),
    ("firmware/virtual/virtual_pod", "firmware/virtual/virtual_pod"),
    ("native/include", "native/include"),
    ("native/src", "native/src"),
    ("tests/contract/conftest.py", "tests/contract/conftest.py"),
    ("tests/contract/test_gpio.py", "tests/contract/test_gpio.py"),
    ("tests/contract/test_gpio_guardian.py", "tests/contract/test_gpio_guardian.py"),
    ("tests/rpi_gpio", "tests/rpi_gpio"),
    ("tests/vm", "tests/vm"),
]
_STALE = ["firmware/virtual/virtual_pod", "tests"]  # modules that are gone here, too
_PYTHON_PATH = ":".join(f"{GUEST}/{part}" for part in ("tests", "firmware/virtual", "site"))


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
    scripts = Path(os.environ.get("VMRIG") or ROOT.parent / "shared" / "vmrig")
    suite = os.environ.get("SUITE") or _SUITE
    images = os.environ.get("VMRIG_DIR") or Path(tempfile.gettempdir()) / f"vmrig-{suite}"
    rig = Rig(scripts, Path(images), suite)
    if chosen.stop:
        rig.stop()
        return 0
    try:
        _make_ready(rig)
        return _run_script(rig, chosen.script, chosen.arguments)
    finally:
        if not chosen.keep:
            with _told("stop"):
                rig.stop()


def _make_ready(rig: Rig) -> None:
    with _told("image"):
        rig.build()
    if not rig.is_running:
        with _told("boot"):
            rig.start()
    python = rig.tell("python3 -c 'import sys; print(*sys.version_info[:2], sep=chr(46))'")
    with _told(f"packages for Python {python}"):
        site, digest = _packages(python)
    with _told("install"):
        if rig.tell(f"cat {GUEST}/site/digest") != digest:
            rig.copy([(site, "site")])
        stale = " ".join(f"{GUEST}/{folder}" for folder in _STALE)
        rig.tell(f"rm -rf {stale} {REPORT}; mkdir -p {REPORT}")
        rig.copy([(ROOT / path, place) for path, place in _SOURCES])


def _run_script(rig: Rig, script: str, arguments: Iterable[str]) -> int:
    words = shlex.join(["python3", "-m", f"vm.{script}", *arguments])
    with _told(script):
        status = rig.run(f"cd {REPORT} && PYTHONPATH={_PYTHON_PATH} {words}")
    report = BUILD / "report"
    shutil.rmtree(report, ignore_errors=True)
    report.mkdir(parents=True)
    rig.fetch(REPORT, report)
    return status


@contextmanager
def _told(step: str) -> Iterator[None]:
    begun_s = time.monotonic()
    try:
        yield
    finally:
        print(f"vm: {step}, {time.monotonic() - begun_s:.1f} s", file=sys.stderr, flush=True)


# ---- what the guest needs of PyPI, and the hub itself: laid out here, copied as it is ----


def _packages(python: str) -> tuple[Path, str]:
    """The folder, and what tells it from others. Made anew where the native code has changed."""
    site = BUILD / f"site-{python}"
    digest = _digest(python)
    stamp = site / "digest"
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(site, ignore_errors=True)
        with tempfile.TemporaryDirectory() as folder:
            _install(_wheel(Path(folder)), site, python)
        stamp.write_text(digest)
    return site, digest


def _more_packages(python: str) -> list[str]:
    has_gpio = tuple(map(int, python.split("."))) <= _LAST_WITH_GPIO
    return [*_MORE_PACKAGES, *(_GPIO_PACKAGES if has_gpio else [])]


def _digest(python: str) -> str:
    found = hashlib.sha256(repr([_more_packages(python), python, _GUEST_PLATFORMS]).encode())
    native = [*(ROOT / "native" / "src").iterdir(), *(ROOT / "native" / "include").iterdir()]
    for path in [ROOT / "pyproject.toml", ROOT / "native" / "build_kernel.py", *sorted(native)]:
        found.update(path.read_bytes())
    return found.hexdigest()


def _wheel(folder: Path) -> Path:
    """Of a copy: whoever builds in the checkout meanwhile is not disturbed."""
    copy = folder / "stridehub"
    copy.mkdir()
    unwanted = shutil.ignore_patterns("build", "__pycache__", "*.egg-info", "*.so")
    for name in _OF_WHEEL:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=unwanted)
        else:
            shutil.copy(source, copy / name)
    _pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(copy))
    return next(folder.glob("*.whl"))


def _install(wheel: Path, site: Path, python: str) -> None:
    platforms = [f"--platform={name}" for name in _GUEST_PLATFORMS]
    of_guest = [f"--python-version={python}", *platforms, "--only-binary=:all:"]
    _pip("install", f"--target={site}", *of_guest, str(wheel), *_more_packages(python))


def _pip(command: str, *arguments: str) -> None:
    quiet = ["-qq", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", command, *quiet, *arguments], check=True)


if __name__ == "__main__":
    main()
