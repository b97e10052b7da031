"""The small VM with Linux's own Bluetooth that the tests run in, by the rig's scripts."""

import io
import os
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

NAME = "stridehub"
GUEST = "/opt/vm"


class RigError(Exception):
    """There is no rig, or a script of it failed."""


class Rig:
    """Its scripts, and one VM of that name."""

    def __init__(self, scripts: Path, images: Path, suite: str) -> None:
        """Raises RigError where the scripts are not there."""
        if not (scripts / "boot.sh").exists():
            raise RigError(f"no VM rig at {scripts}: set VMRIG to the folder of its boot.sh")
        self._scripts = scripts
        self._images = images
        self._suite = suite

    @property
    def is_running(self) -> bool:
        return self._script("boot.sh", "status", NAME).returncode == 0

    def build(self) -> None:
        """The image, of this suite of Debian, where there is none yet."""
        if not (self._images / "root.img").exists():
            self._checked(self._script("build.sh", SUITE=self._suite))

    def start(self, *, keeps: bool = False) -> None:
        """`keeps`: what is written to its disk outlives it."""
        settings = {"SSH_PORT": str(_free_port()), "KEEP": "1" if keeps else ""}
        self._checked(self._script("boot.sh", "start", NAME, **settings))

    def stop(self) -> None:
        self._script("boot.sh", "stop", NAME)

    def run(self, command: str) -> int:
        """In the guest; what it prints is printed here. Its exit status."""
        return subprocess.run(self._in_guest(command), env=self._environment()).returncode

    def tell(self, command: str) -> str:
        """What it prints in the guest, without the last newline, whatever its exit status."""
        return self._script("run-in-guest.sh", "-n", NAME, command).stdout.rstrip("\n")

    def copy(self, what: Sequence[tuple[Path, str]]) -> None:
        """Files and folders, each to its path below GUEST, over what is there."""
        with tempfile.TemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w") as bundle:
                for path, place in what:
                    bundle.add(path, place, filter=_as_root)
            file.seek(0)
            command = self._in_guest(f"mkdir -p {GUEST} && tar -C {GUEST} -xf -")
            done = subprocess.run(command, stdin=file, env=self._environment())
        if done.returncode:
            raise RigError(f"copying into the guest failed with {done.returncode}")

    def fetch(self, folder: str, into: Path) -> None:
        """What is in a folder of the guest."""
        command = self._in_guest(f"tar -C {folder} -cf - .")
        done = subprocess.run(command, capture_output=True, env=self._environment())
        if done.returncode == 0:
            with tarfile.open(fileobj=io.BytesIO(done.stdout)) as bundle:
                bundle.extractall(into, filter="data")

    def _in_guest(self, command: str) -> list[str]:
        return [str(self._scripts / "run-in-guest.sh"), "-n", NAME, command]

    def _script(
        self, name: str, *arguments: str, **settings: str
    ) -> "subprocess.CompletedProcess[str]":
        command = [str(self._scripts / name), *arguments]
        environment = self._environment() | settings
        return subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )

    def _environment(self) -> dict[str, str]:
        return os.environ | {"VMRIG_DIR": str(self._images)}

    def _checked(self, done: "subprocess.CompletedProcess[str]") -> None:
        if done.returncode:
            raise RigError(f"{done.args[0]} failed:\n{done.stdout}")


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _free_port() -> int:
    with closing(socket.socket()) as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port
