"""A real mosquitto for tests, as a child on free ports, with whatever settings a test wants."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
_STARTS_S = 30.0
_ENDS_S = 10.0
_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of a TLS listener; client certificates are asked for where `asks` is True."""

    ca: Path
    certificate: Path
    key: Path
    asks: bool = False


def program(name: str = "mosquitto") -> str:
    """Its path; skips the test where it is not installed."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        pytest.skip(f"no {name} here")
    return found


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """Listens while in a `with` block, or from start() to stop(); always on the same ports."""

    def __init__(
        self,
        *,
        passwords: Mapping[str, str] | None = None,
        acl: str | None = None,
        tls: Tls | None = None,
        persistence: Path | None = None,
        settings: Sequence[str] = (),
    ) -> None:
        """Without `passwords` everybody may come in. `settings`: further lines of its file."""
        self.port = free_port()
        self.ws_port = free_port()
        self._passwords = passwords
        self._acl = acl
        self._tls = tls
        self._persistence = persistence
        self._settings = settings
        self._folder = Path(tempfile.mkdtemp(prefix="mosquitto-"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns when it listens."""
        assert self._process is None
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program(), "-c", str(self._write_settings())], stderr=log, stdin=subprocess.DEVNULL
            )
        self._await_port(self.port)
        self._await_port(self.ws_port)

    def stop(self) -> None:
        """Ends it as systemd does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a power cut does. One that does not run is left alone."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """It hangs: connections stay, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(_ENDS_S)
            finally:
                self._process.kill()
                self._process = None

    def _await_port(self, port: int) -> None:
        end_s = time.monotonic() + _STARTS_S
        while True:
            assert self._process is not None
            assert self._process.poll() is None, self.log
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            except OSError:
                assert time.monotonic() < end_s, self.log
                time.sleep(_POLL_S)
            else:
                return

    def _write_settings(self) -> Path:
        path = self._folder / "mosquitto.conf"
        path.write_text("\n".join([*self._lines(), ""]))
        return path

    def _lines(self) -> list[str]:
        secure = [] if self._tls is None else _tls_lines(self._tls)
        kept = self._persistence
        return [
            "user root",
            f"listener {self.port} 127.0.0.1",
            *secure,
            f"listener {self.ws_port} 127.0.0.1",
            "protocol websockets",
            *secure,
            *self._login(),
            *([] if self._acl is None else [f"acl_file {self._file('acl', self._acl)}"]),
            *([] if kept is None else ["persistence true", f"persistence_location {kept}/"]),
            *self._settings,
        ]

    def _login(self) -> list[str]:
        if self._passwords is None:
            return ["allow_anonymous true"]
        lines = [f"{user}:{password}\n" for user, password in self._passwords.items()]
        path = self._file("passwords", "".join(lines))
        subprocess.run([program("mosquitto_passwd"), "-U", path], check=True)
        return [f"password_file {path}"]

    def _file(self, name: str, text: str) -> Path:
        path = self._folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path


def _tls_lines(tls: Tls) -> list[str]:
    return [
        f"cafile {tls.ca}",
        f"certfile {tls.certificate}",
        f"keyfile {tls.key}",
        f"require_certificate {str(tls.asks).lower()}",
    ]
