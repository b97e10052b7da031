"""What systemd is told, and what happens where it cannot be."""

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from stridehub.service.notify import MAX_STATUS, Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5.0)
        yield listening


def environment(manager: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": manager.getsockname(), **more}


def test_each_word_as_systemd_wants_it(manager: socket.socket) -> None:
    notifier = Notifier(environment(manager, WATCHDOG_USEC="20000000"))
    notifier.ready()
    notifier.status("2 of 7 pods\nstream")
    notifier.watchdog()
    notifier.stopping()
    words = [manager.recv(4096).decode() for _ in range(4)]
    assert words == ["READY=1", "STATUS=2 of 7 pods stream", "WATCHDOG=1", "STOPPING=1"]


def test_a_status_is_short_and_can_be_sent(manager: socket.socket) -> None:
    Notifier(environment(manager)).status("\udce4" + "ä" * 5000)
    assert len(manager.recv(65536).decode()) == len("STATUS=") + MAX_STATUS


def test_without_a_manager_nothing_happens(caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier({})
    notifier.ready()
    assert notifier.watchdog_s is None
    assert caplog.records == []


def test_what_is_not_for_children_is_taken_out(manager: socket.socket) -> None:
    given = environment(manager, WATCHDOG_USEC="1", WATCHDOG_PID=str(os.getpid()), HOME="/")
    Notifier(given)
    assert given == {"HOME": "/"}


@pytest.mark.parametrize(
    ("microseconds", "pid", "watchdog_s"),
    [
        ("20000000", "", 20.0),
        pytest.param("20000000", str(os.getpid()), 20.0, id="for this process"),
        ("20000000", "1", None),
        ("0", "", None),
        ("", "", None),
        ("-5", "", None),
        ("²", "", None),
        ("soon", "", None),
    ],
)
def test_how_long_it_waits(microseconds: str, pid: str, watchdog_s: float | None) -> None:
    given = {"WATCHDOG_USEC": microseconds, "WATCHDOG_PID": pid}
    assert Notifier(given).watchdog_s == watchdog_s


def test_without_a_watchdog_none_is_fed(manager: socket.socket) -> None:
    notifier = Notifier(environment(manager))
    notifier.watchdog()
    notifier.stopping()
    assert manager.recv(4096) == b"STOPPING=1"


def test_what_could_not_be_said_is_said_later_and_complained_of_once(
    manager: socket.socket, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    notifier = Notifier(environment(manager))
    hidden = tmp_path / "hidden"
    (tmp_path / "notify").rename(hidden)
    notifier.ready()
    notifier.status("first")
    hidden.rename(tmp_path / "notify")
    notifier.status("second")
    assert manager.recv(4096) == b"READY=1\nSTATUS=second"
    assert len(caplog.records) == 1


def test_a_manager_that_reads_nothing_is_not_waited_for(manager: socket.socket) -> None:
    notifier = Notifier(environment(manager))
    for number in range(10_000):
        notifier.status(str(number))
    while True:
        manager.settimeout(0.2)
        try:
            manager.recv(4096)
        except TimeoutError:
            break
    notifier.stopping()
    assert manager.recv(4096).startswith(b"STATUS=9999")
