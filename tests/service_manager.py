"""What systemd does with a service of Type=notify, as far as it is heard: a datagram socket."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE_S = 60.0


class ServiceManager:
    """Starts `stridehub ...` and hears what it says, while in a `with` block."""

    def __init__(
        self,
        *arguments: str | Path,
        watchdog_s: float | None = None,
        abstract: bool = False,
        environment: Mapping[str, str] | None = None,
        within: Sequence[str | Path] = (),
    ) -> None:
        """`within`: a command that becomes the service, such as `unshare`."""
        self.said: list[dict[str, str]] = []  # each word, in order
        self.log = ""
        self._arguments = arguments
        self._within = within
        self._folder = tempfile.TemporaryDirectory(prefix="manager-")
        path = Path(self._folder.name) / "notify"
        self.address = f"@stridehub-test-{os.getpid()}-{id(self)}" if abstract else str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address.replace("@", "\0"))
        self._log_path = Path(self._folder.name) / "log"
        self._environment = {**os.environ, "NOTIFY_SOCKET": self.address, **(environment or {})}
        if watchdog_s is not None:
            self._environment["WATCHDOG_USEC"] = str(round(watchdog_s * 1e6))

    def __enter__(self) -> Self:
        with self._log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*self._within, sys.executable, "-m", "stridehub", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.communicate()
        self._socket.close()
        self._folder.cleanup()

    def hears(self, is_it: Callable[[dict[str, str]], bool]) -> dict[str, str]:
        """The next word that is it."""
        end_s = time.monotonic() + PATIENCE_S
        while True:
            word = self.next_word(end_s - time.monotonic())
            assert word is not None, f"{self.said}\n{self.journal()}"
            if is_it(word):
                return word

    def status(self, *parts: str) -> str:
        """The next one with all of these in it."""
        word = self.hears(lambda word: all(part in word.get("STATUS", "") for part in parts))
        return word["STATUS"]

    def next_word(self, timeout_s: float) -> dict[str, str] | None:
        """None: nothing is said within that."""
        self._socket.settimeout(max(0.001, timeout_s))
        try:
            lines = self._socket.recv(65536).decode().splitlines()
        except TimeoutError:
            return None
        word = dict(line.split("=", 1) for line in lines)
        self.said.append(word)
        return word

    def journal(self) -> str:
        return self._log_path.read_text(errors="replace")

    def ends(self, number: int = signal.SIGTERM) -> int:
        """Told to; its exit code."""
        self.process.send_signal(number)
        return self.exits()

    def exits(self) -> int:
        self.process.communicate(timeout=PATIENCE_S)
        while self.next_word(0.001) is not None:
            pass
        return self.process.returncode
