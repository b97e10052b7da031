"""The service under a service manager: what it says, when, and when it says nothing more."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mosquitto import Mosquitto, free_port
from service_manager import PATIENCE_S, ServiceManager
from stridehub.config import load_hub_config
from stridehub.model import KnownPod, Placement
from stridehub.record.roster import Roster

POD = KnownPod("02:00:00:00:00:01", "S1", Placement.SHANK_L, "r1", "00:00:00:00:00:00")
WATCHDOG_S = 2.0

# Loaded by the hub as it starts. A signal makes its loop hang, or ends one of its tasks.
_SABOTAGE = """
import asyncio, signal, time

def hang(*_):
    time.sleep(1000)

def stop_advancing(*_):
    import stridehub.live
    stridehub.live.ADVANCE_S = 1e6

def end_a_task(*_):
    for task in asyncio.all_tasks():
        if task.get_coro().__qualname__ == "HubBulletins.run":
            task.cancel()

signal.signal(signal.SIGUSR1, hang)
signal.signal(signal.SIGUSR2, stop_advancing)
signal.signal(signal.SIGWINCH, end_a_task)
"""


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as started:
        yield started


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Of a hub with a pod, and with a broker that nobody runs."""
    path = written(tmp_path, free_port())
    Roster(load_hub_config(path).database).keep(POD)
    return path


def written(folder: Path, port: int, more: str = "") -> Path:
    path = folder / "stridehub.toml"
    path.write_text(
        f'hub = "h1"\nstate_dir = "{folder / "state"}"\nruntime_dir = "{folder / "run"}"\n{more}'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\n[dashboard]\nis_on = false\n'
    )
    return path


def sabotaged(folder: Path, program: str) -> dict[str, str]:
    """The environment of a Python that runs this first."""
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(program)
    return {"PYTHONPATH": str(site)}


def journals(manager: ServiceManager, words: str) -> None:
    """Waits until it does."""
    end_s = time.monotonic() + PATIENCE_S
    while words not in manager.journal():
        assert time.monotonic() < end_s, manager.journal()
        time.sleep(0.05)


def is_ready(word: dict[str, str]) -> bool:
    return "READY" in word


@pytest.mark.parametrize("abstract", [False, True])
def test_it_is_ready_lives_and_stops(settings: Path, abstract: bool) -> None:
    with ServiceManager(
        "run", "--config", settings, watchdog_s=WATCHDOG_S, abstract=abstract
    ) as manager:
        manager.hears(is_ready)
        fed_s = [time.monotonic() for _ in range(4) if manager.hears(lambda w: "WATCHDOG" in w)]
        assert fed_s[-1] - fed_s[0] < 3 * WATCHDOG_S
        assert manager.ends() == 0
    assert sum(is_ready(word) for word in manager.said) == 1
    assert manager.said[-1]["STOPPING"] == "1"


def test_a_hub_that_has_no_pods_yet_is_ready(tmp_path: Path) -> None:
    path = written(tmp_path, free_port())
    with ServiceManager("run", "--config", path, watchdog_s=WATCHDOG_S) as manager:
        manager.hears(is_ready)
        manager.status("0 of 0 pods stream")
        manager.hears(lambda word: "WATCHDOG" in word)
        assert manager.ends() == 0


def test_it_is_not_ready_with_bad_settings(tmp_path: Path) -> None:
    path = written(tmp_path, free_port(), 'plan = "no such plan"\n')
    with ServiceManager("run", "--config", path) as manager:
        assert manager.exits() == 78
    assert manager.said == []


def test_it_is_not_ready_with_a_kernel_that_measures_wrongly(
    settings: Path, tmp_path: Path
) -> None:
    """As one that was built for another processor might."""
    wrong = sabotaged(
        tmp_path,
        "import stridehub.kernel.stride as stride\n"
        "stride.StrideKernel.push = lambda *_: stride.NOTHING\n",
    )
    with ServiceManager("run", "--config", settings, environment=wrong) as manager:
        assert manager.exits() == 1
        journal = manager.journal()
    assert manager.said == []
    assert journal.count("\n") == 1
    assert "the stride kernel fails its self-test" in journal


def test_a_kernel_of_another_processor_is_told_in_a_line(settings: Path, tmp_path: Path) -> None:
    no_kernel = sabotaged(tmp_path, "import sys\nsys.modules['stridehub.kernel._native'] = None\n")
    with ServiceManager("run", "--config", settings, environment=no_kernel) as manager:
        assert manager.exits() == 1
        journal = manager.journal()
    assert journal.count("\n") == 1
    assert "install stridehub anew" in journal


def test_the_status_says_what_is_there_and_what_is_wrong(broker: Mosquitto, tmp_path: Path) -> None:
    path = written(tmp_path, broker.port)
    Roster(load_hub_config(path).database).keep(POD)
    (tmp_path / "state" / "sessions.sqlite").mkdir()
    with ServiceManager("run", "--config", path) as manager:
        said = manager.status("0 of 1 pods stream", "0 strides", "0 cues", "the store of sessions")
        assert "broker" not in said
        broker.kill()
        manager.status("broker: ", "the store of sessions")


def test_a_hub_whose_loop_hangs_is_not_fed(settings: Path, tmp_path: Path) -> None:
    with _sabotaged_hub(settings, tmp_path) as manager:
        manager.process.send_signal(signal.SIGUSR1)
        end_s = time.monotonic() + PATIENCE_S
        while manager.next_word(2 * WATCHDOG_S) is not None:
            assert time.monotonic() < end_s
        assert manager.process.poll() is None


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (signal.SIGUSR2, "no stride has been looked for within 5 s"),
        (signal.SIGWINCH, "a part of the hub's work has ended: status"),
    ],
)
def test_a_hub_that_works_only_in_part_is_not_fed(
    settings: Path, tmp_path: Path, number: signal.Signals, why: str
) -> None:
    """While all else goes on."""
    with _sabotaged_hub(settings, tmp_path) as manager:
        manager.process.send_signal(number)
        manager.status(why)
        begun, end_s = len(manager.said), time.monotonic() + WATCHDOG_S
        while (left_s := end_s - time.monotonic()) > 0:
            manager.next_word(left_s)
        later = manager.said[begun:]
        assert later
        assert not any("WATCHDOG" in word for word in later)
        assert manager.journal().count("the watchdog is not fed") == 1
        assert manager.process.poll() is None


@contextmanager
def _sabotaged_hub(settings: Path, folder: Path) -> Iterator[ServiceManager]:
    """That is well so far."""
    with ServiceManager(
        "run",
        "--config",
        settings,
        watchdog_s=WATCHDOG_S,
        environment=sabotaged(folder, _SABOTAGE),
    ) as manager:
        manager.hears(is_ready)
        manager.hears(lambda word: "WATCHDOG" in word)
        yield manager


def test_a_manager_that_listens_to_nothing_delays_nothing(settings: Path) -> None:
    """Its socket is full, or it is gone; that is told once."""
    with ServiceManager("run", "--config", settings, watchdog_s=0.2) as manager:
        manager.hears(is_ready)
        journals(manager, "systemd is not told")
        full = manager.journal()
        assert manager.hears(lambda word: "WATCHDOG" in word)  # there is room again
        Path(manager.address).unlink()
        assert manager.ends() == 0
        assert manager.journal().count("systemd is not told") == full.count("systemd is not told")


def test_nobody_is_told_where_nobody_asks(settings: Path) -> None:
    with ServiceManager(
        "run", "--config", settings, environment={"NOTIFY_SOCKET": "vsock:2:1234"}
    ) as manager:
        journals(manager, "is no Unix socket")
        journals(manager, "to do:")
        assert manager.ends() == 0


def test_the_page_is_ready_too(tmp_path: Path) -> None:
    path = tmp_path / "stridehub.toml"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    path.write_text(f'hub = "h1"\n[mqtt]\nhost = "127.0.0.1"\n[dashboard]\nport = {port}\n')
    with ServiceManager("dashboard", "--config", path, watchdog_s=WATCHDOG_S) as manager:
        manager.hears(is_ready)
        assert manager.status("the page is at http://127.0.0.1")
        manager.hears(lambda word: "WATCHDOG" in word)
        assert manager.ends() == 0
    assert manager.said[-1]["STOPPING"] == "1"
