"""Which library would drive the motors, and whether it can be loaded."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version

from stridehub.doctor.advice import Advice
from stridehub.doctor.finding import Finding, Says
from stridehub.timing import DOCTOR_IMPORT_S

_CLASSIC, _GOOD, _BELOW = "RPi.GPIO", "rpi-lgpio", "lgpio"
_LEAST_BELOW = Version("0.2.2")  # PyPI's 0.0.0.2 is a placeholder

# Loaded in a process of its own: the library changes the working directory and starts threads.
_LOAD = """
from stridehub.errors import MotorError
from stridehub.haptics.gpio import load
try:
    load()
except MotorError as error:
    print(error)
"""


def look_at_library(says: Says, environment: Mapping[str, str]) -> Iterator[Finding]:
    classic, good, below = (_version(name) for name in (_CLASSIC, _GOOD, _BELOW))
    if classic is not None and good is not None:
        yield says.fail(f"{_CLASSIC} {classic} and {_GOOD} {good} are installed", Advice.ONE_GPIO)
    elif classic is not None:
        text = f"{_CLASSIC} {classic} is installed, which does not know newer boards and kernels"
        yield says.fail(text, Advice.NOT_CLASSIC)
    if good is not None and below is not None and Version(below) < _LEAST_BELOW:
        yield says.fail(f"{_BELOW} {below} does not work", Advice.UPDATE_LGPIO)
    fault = fault_of_import(environment)
    if fault is not None:
        yield says.fail(fault, Advice.INSTALL_GPIO)
    elif classic is None:
        told = f"{_GOOD} {good} on {_BELOW} {below}" if good is not None else _CLASSIC
        yield says.ok(f"{told} can be loaded")


def fault_of_import(environment: Mapping[str, str]) -> str | None:
    """None where it can be loaded. Raises OSError."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _LOAD],
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=DOCTOR_IMPORT_S,
        )
    except subprocess.TimeoutExpired:
        return f"{_CLASSIC} hangs while it is loaded"
    told = done.stdout.decode(errors="replace").strip()
    return told or (None if done.returncode == 0 else f"{_CLASSIC}: code {done.returncode}")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
