"""This machine once more, to be written into: what is changed there is gone afterwards."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

# In a namespace of its own the machine's files are the lower layer of its root. /run is empty: no
# service of the machine is reached. Where the folder cannot be an upper layer, memory is one. It
# is ready when its root is the new one, not before: whoever came sooner would write to the machine.
_ENTER = """
set -e
layers() { mkdir -p "$1"/{upper,work,root} && mount -t overlay overlay \
    -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"; }
base=$1
layers "$base" 2>/dev/null || { mount -t tmpfs tmpfs "$base"; layers "$base"; }
mount -t proc proc "$base/root/proc"
mount --rbind /dev "$base/root/dev"
mount -t tmpfs tmpfs "$base/root/run"
exec chroot "$base/root" bash -c 'echo ready; exec sleep infinity'
"""
# How this machine reaches PyPI stays as it is.
_KEPT = ("PIP_CERT", "PIP_INDEX_URL", "SSL_CERT_FILE", "http_proxy", "https_proxy", "no_proxy")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str  # both streams


@dataclass(frozen=True, slots=True)
class ScratchRoot:
    path: Path  # of its root, as the tests see it; what was written is in path.parent / "upper"
    pid: int

    def enter(self, cwd: Path) -> list[str]:
        """To go before a command of one's own."""
        return ["nsenter", f"--target={self.pid}", "--mount", "--root", f"--wdns={cwd}"]

    def run(self, *command: str, cwd: Path, **environment: str) -> Done:
        """With a small environment, as of sudo's."""
        done = subprocess.run(
            [*self.enter(cwd), *command],
            env={"PATH": _PATH, **_kept(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout)

    def said(self, *command: str, cwd: Path = Path("/")) -> str:
        """By a command that must succeed."""
        done = self.run(*command, cwd=cwd)
        assert done.code == 0, done.out
        return done.out.strip()


def _kept() -> dict[str, str]:
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


@contextmanager
def scratch_root(folder: Path) -> Iterator[ScratchRoot]:
    """Skips where it cannot be had: not root, or no right to mount."""
    process = subprocess.Popen(
        ["unshare", "--mount", "bash", "-c", _ENTER, "bash", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "ready\n":
            pytest.skip("no mounts of one's own here")
        yield ScratchRoot(folder / "root", process.pid)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)
