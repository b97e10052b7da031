"""What a guest needs of PyPI, and the hub itself: laid out here, for the Python of the guest."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "vm"

_GUEST_PLATFORMS = [*(f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)), "linux_x86_64"]
_TEST_PACKAGES = ["bleak>=3.1", "bumble>=0.0.236", "jsonschema>=4.20", "pytest>=8"]
# Of motors; PyPI has lgpio built for Python up to 3.12.
_GPIO_PACKAGES = ["lgpio>=0.2.2", "rpi-lgpio>=0.6"]
_LAST_WITH_GPIO = (3, 12)
_OF_WHEEL = ["pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "hub", "native"]


def site(python: str) -> tuple[Path, str]:
    """A folder to import from, and what tells it from others. Anew where native code changed."""

    def fill(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            wheel = str(_own_wheel(Path(scratch)))
            _pip("install", f"--target={folder}", *_of_guest(python), wheel, *wanted)

    wanted = [*_TEST_PACKAGES, *_gpio(python)]
    return _made(BUILD / f"site-{python}", [python, wanted], fill)


def wheels(python: str, folder: Path) -> None:
    """Puts the hub there, and all that it wants of PyPI."""

    def fill(folder: Path) -> None:
        _pip("download", f"--dest={folder}", *_of_guest(python), *wanted)

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *_gpio(python)]
    kept, _ = _made(BUILD / f"wheels-{python}", [python, wanted], fill)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    _own_wheel(folder)


def _made(folder: Path, wanted: Sequence[Any], fill: Callable[[Path], None]) -> tuple[Path, str]:
    digest = _digest(wanted)
    stamp = folder / "digest"
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(folder, ignore_errors=True)
        fill(folder)
        stamp.write_text(digest)
    return folder, digest


def _gpio(python: str) -> list[str]:
    has_gpio = tuple(map(int, python.split("."))) <= _LAST_WITH_GPIO
    return _GPIO_PACKAGES if has_gpio else []


def _digest(wanted: Sequence[Any]) -> str:
    found = hashlib.sha256(repr([*wanted, _GUEST_PLATFORMS]).encode())
    native = [*(ROOT / "native" / "src").iterdir(), *(ROOT / "native" / "include").iterdir()]
    for path in [ROOT / "pyproject.toml", ROOT / "native" / "build_kernel.py", *sorted(native)]:
        found.update(path.read_bytes())
    return found.hexdigest()


def _own_wheel(folder: Path) -> Path:
    """Of a copy: whoever builds in the checkout meanwhile is not disturbed."""
    unwanted = shutil.ignore_patterns("build", "__pycache__", "*.egg-info", "*.so")
    with tempfile.TemporaryDirectory() as copy:
        for name in _OF_WHEEL:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, Path(copy, name), ignore=unwanted)
            else:
                shutil.copy(source, Path(copy, name))
        _pip("wheel", "--no-deps", f"--wheel-dir={folder}", copy)
    return next(folder.glob("stridehub-*.whl"))


def _of_guest(python: str) -> list[str]:
    platforms = [f"--platform={name}" for name in _GUEST_PLATFORMS]
    return [f"--python-version={python}", *platforms, "--only-binary=:all:"]


def _pip(command: str, *arguments: str) -> None:
    quiet = ["-qq", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", command, *quiet, *arguments], check=True)
