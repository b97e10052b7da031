"""The service where broker or page are not there: it measures, says so, and tries again."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from coach_client import Coach
from mosquitto import Mosquitto, free_port, program

PATIENCE_S = 60.0
NOT_HERE = "192.0.2.1"  # an address that no machine has


class Service:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.log = ""

    def says(self, words: str) -> None:
        """Waits until it does."""
        end_s = time.monotonic() + PATIENCE_S
        while words not in self.log:
            assert time.monotonic() < end_s, self.log
            assert self._read(), self.log

    def _read(self) -> bool:
        assert self.process.stderr is not None
        stream = self.process.stderr.fileno()
        if not select.select([stream], [], [], 1.0)[0]:
            return True
        said = os.read(stream, 65536)
        self.log += said.decode()
        return bool(said)

    def children(self) -> dict[int, str]:
        """Their command lines, by pid."""
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {
            int(pid): Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
            for pid in pids.split()
        }

    def ends_well(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        told, log = self.process.communicate(timeout=PATIENCE_S)
        self.log += log.decode()
        assert self.process.returncode == 0, self.log
        assert b"0 of 0 pods stream" in told
        assert "Traceback" not in self.log


@contextmanager
def service(folder: Path, settings: str) -> Iterator[Service]:
    path = folder / "stridehub.toml"
    path.write_text(f'hub = "h1"\nstate_dir = "{folder}"\nruntime_dir = "{folder}"\n{settings}')
    process = subprocess.Popen(
        [sys.executable, "-m", "stridehub", "run", "--config", path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield Service(process)
    finally:
        process.kill()
        process.communicate()


def test_a_page_that_cannot_listen_is_told_to_coaches(tmp_path: Path) -> None:
    with Mosquitto() as broker, Coach(broker.port, "h1") as coach:
        settings = (
            f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\n'
            f'[dashboard]\nlisten = "{NOT_HERE}"\n'
        )
        with service(tmp_path, settings) as hub:
            while "cannot listen there" not in str(coach.heard("status")["reasons"]):
                pass
            assert coach.heard("alert")["code"] == "page"
            hub.ends_well()
        assert hub.log.count("cannot listen there") == 1


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (f'listen = "{NOT_HERE}"', f"{NOT_HERE}: cannot listen there"),
        ('program = "mosquitto"', "mosquitto: not installed"),
    ],
)
def test_without_its_broker_the_hub_goes_on_and_hands_the_page_out(
    settings: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "installed" in reason:
        without_mosquitto(tmp_path, monkeypatch)
    page = f"[dashboard]\nport = {free_port()}\n"
    with service(tmp_path, f"[broker]\n{settings}\n{page}") as hub:
        hub.says(reason)
        while not any("stridehub.dashboard" in child for child in hub.children().values()):
            time.sleep(0.05)
        hub.ends_well()
    assert hub.log.count(reason) == 1


def without_mosquitto(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For programs that are started from now."""
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import shutil\n_which = shutil.which\n"
        "shutil.which = lambda n, *a, **k: None if n == 'mosquitto' else _which(n, *a, **k)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))


def test_a_page_knows_the_port_that_the_broker_moved_to(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = f"port = {free_port()}\nws_port = {taken.getsockname()[1]}\n"
        settings = f"[broker]\n{ports}[dashboard]\nport = {free_port()}\n"
        with service(tmp_path, settings) as hub:
            hub.says("page: http://127.0.0.1")
            (url,) = re.findall(r"page: (\S+)", hub.log)
            (ws_port,) = re.findall(r"for pages (\d+)", hub.log)
            with urlopen(f"{url}config.json", timeout=PATIENCE_S) as answer:
                assert json.load(answer)["ws_port"] == int(ws_port)
            hub.ends_well()
        assert "the page at" not in hub.log


def test_it_ends_also_while_its_broker_and_its_page_hang(tmp_path: Path) -> None:
    program()
    ports = f"port = {free_port()}\nws_port = {free_port()}\n"
    settings = f"[broker]\n{ports}[dashboard]\nport = {free_port()}\n"
    with service(tmp_path, settings) as hub:
        hub.says("page: http://127.0.0.1")
        hub.says("connected, MQTT 5")
        children = hub.children()
        assert len(children) == 2
        for child in children:
            os.kill(child, signal.SIGSTOP)
        hub.ends_well()
        assert not any(Path(f"/proc/{child}").exists() for child in children)
