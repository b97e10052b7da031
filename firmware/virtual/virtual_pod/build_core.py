"""Builds the pod's core and its front into one extension module, when a source has changed.

The library lies in firmware/virtual/build. Processes that need it at the same time build it once.
"""

import fcntl
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from cffi import FFI

MODULE = "_core"
VIRTUAL = Path(__file__).resolve().parent.parent
ROOT = VIRTUAL.parent.parent
BUILD = VIRTUAL / "build"

_CORE = ROOT / "firmware" / "core"
_NATIVE = ROOT / "native"
_FRONT = VIRTUAL / "virtual_pod"
_FIFO = ROOT / "firmware" / "tests"  # fifo_words.h
_INCLUDES = [_FRONT, _CORE, _FIFO, _NATIVE / "include", _NATIVE / "src"]
_SOURCES = [
    *sorted(_CORE.glob("*.c")),
    _NATIVE / "src" / "pod_wire.c",
    _NATIVE / "src" / "pod_link.c",
    _FRONT / "front.c",
]
_HEADER = _FRONT / "front.h"  # all that Python calls
_FLAGS = ["-std=c11", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra"]


def built_core() -> Path:
    """The extension module, built anew where a source has changed since.

    Raises RuntimeError with what the compiler says where it refuses the sources.
    """
    BUILD.mkdir(exist_ok=True)
    library = BUILD / f"{MODULE}{sysconfig.get_config_var('EXT_SUFFIX')}"
    stamp = library.with_suffix(".sources")
    with _alone(BUILD / "lock"):
        digest = _digest()
        if not library.exists() or not stamp.exists() or stamp.read_text() != digest:
            _build(library)
            stamp.write_text(digest)
    return library


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Waits until no other process builds."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _digest() -> str:
    """Of everything that the library depends on."""
    found = hashlib.sha256(repr((_FLAGS, sys.version)).encode())
    headers = [header for folder in _INCLUDES for header in sorted(folder.glob("*.h"))]
    for path in [Path(__file__), *_SOURCES, *headers]:
        found.update(path.read_bytes())
    return found.hexdigest()


def _build(library: Path) -> None:
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        glue = Path(folder) / f"{MODULE}.c"
        with redirect_stdout(io.StringIO()):  # it tells that it writes
            _interface().emit_c_code(str(glue))
        made = Path(folder) / library.name
        includes = [f"-I{path}" for path in [*_INCLUDES, sysconfig.get_path("include")]]
        _compile([*_FLAGS, *includes, str(glue), *map(str, _SOURCES), "-o", str(made)])
        os.replace(made, library)


def _interface() -> FFI:
    interface = FFI()
    interface.cdef(_declarations(_HEADER))
    interface.set_source(MODULE, f'#include "{_HEADER.name}"\n')
    return interface


def _declarations(header: Path) -> str:
    """Without its preprocessor lines; constants are enums, and no function has a body."""
    text = re.sub(r"/\*.*?\*/", " ", header.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*\n", "", text, flags=re.MULTILINE)


def _compile(arguments: list[str]) -> None:
    compiler = os.environ.get("CC") or shutil.which("gcc") or "cc"
    done = subprocess.run([*compiler.split(), *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"the pod's core does not build:\n{done.stderr}")
