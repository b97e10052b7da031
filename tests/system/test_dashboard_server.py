"""The page's server as browsers, and those who mean harm, meet it."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from browsing import dashboard, program
from mosquitto import free_port

ANSWER_S = 30.0


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with dashboard(tmp_path_factory.mktemp("hub")) as served:
        yield served


class Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()


def ask(url: str, path: str = "/", method: str = "GET", **headers: str) -> Answer:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=ANSWER_S)
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=told)
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def say(url: str, text: bytes) -> bytes:
    """Bytes as they are, and the first line of the answer."""
    where = urlsplit(url)
    with socket.create_connection((where.hostname or "", where.port or 0), ANSWER_S) as there:
        there.sendall(text)
        return there.makefile("rb").readline()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/js/main.js", "text/javascript; charset=utf-8"),
        ("/css/board.css", "text/css; charset=utf-8"),
        ("/vendor/mqtt.esm.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        ("/config.json", "application/json"),
    ],
)
def test_files(url: str, path: str, kind: str) -> None:
    answer = ask(url, path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    head = ask(url, path, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(answer.body))


def test_what_is_known_is_not_sent_again(url: str) -> None:
    first = ask(url, "/js/main.js")
    again = ask(url, "/js/main.js", If_None_Match=first.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Content-Security-Policy"]
    other = ask(url, "/js/main.js", If_None_Match='"other"')
    assert (other.status, other.body) == (200, first.body)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_read_only(url: str, method: str) -> None:
    answer = ask(url, "/", method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "path",
    [
        "/js",
        "/js/",
        "/vendor/",
        "/nothing",
        "/../server.py",
        "/js/../../server.py",
        "/%2e%2e/server.py",
        "/js/%2e%2e/%2e%2e/server.py",
        "/..%2fserver.py",
        "/..%5cserver.py",
        "//etc/passwd",
        "/js/main.js%00.html",
        "/js//main.js",
    ],
)
def test_nothing_else_is_there(url: str, path: str) -> None:
    assert say(url, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()).split()[1] in (
        b"404",
        b"400",
    )


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "[::1]:1"])
def test_own_names(url: str, host: str) -> None:
    assert ask(url, Host=host).status == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "192.168.1.4", "a b"])
def test_another_sites_name_is_refused(url: str, host: str) -> None:
    assert ask(url, Host=host).status == 421


def test_a_request_that_is_too_long(url: str) -> None:
    line = b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert say(url, line).split()[1] in (b"400", b"414")
    field = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"
    assert say(url, field).split()[1] == b"400"
    assert say(url, b"\x16\x03\x01\x00\x00 rubbish\r\n\r\n").split()[1] == b"400"
    assert ask(url).status == 200


REQUEST = (
    b"GET /js/main.js?broker=ws://pi:9001 HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: *\r\n\r\n"
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Some of a good one, with anything in it."""
    place, skipped = draw(st.integers(0, len(REQUEST))), draw(st.integers(0, 40))
    return REQUEST[:place] + draw(st.binary(max_size=60)) + REQUEST[place + skipped :]


@settings(max_examples=50)
@given(text=requests() | st.binary(max_size=200))
@example(
    b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"
)
@example(b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n")
@example(b"GET /of-version-0.9\r\nHost: localhost\r\n\r\n")
def test_any_bytes_get_an_answer_or_none_and_the_next_request_gets_its_page(
    url: str, text: bytes
) -> None:
    where = urlsplit(url)
    with (
        contextlib.suppress(ConnectionError),  # it may hang up on what is no request
        socket.create_connection((where.hostname or "", where.port or 0), ANSWER_S) as there,
    ):
        there.sendall(text)
        there.shutdown(socket.SHUT_WR)
        answer = there.makefile("rb").readline()
        assert answer == b"" or answer.startswith(b"HTTP/")
        assert not answer.startswith(b"HTTP/1.1 500")
    assert ask(url).status == 200


def test_the_config(url: str) -> None:
    config = json.loads(ask(url, "/config.json").body)
    assert config["hub"] == "track"
    assert config["broker"] is None
    assert config["ws_port"] == 9001
    assert config["commands"] is True


def test_whom_the_page_may_talk_to(url: str) -> None:
    def allowed(path: str, host: str = "localhost:8080") -> str:
        policy = ask(url, path, Host=host).headers["Content-Security-Policy"]
        return next(part for part in policy.split("; ") if part.startswith("connect-src"))

    own = "connect-src 'self' ws://localhost:9001"
    assert allowed("/") == own
    assert allowed("/", "127.0.0.1") == "connect-src 'self' ws://127.0.0.1:9001"
    assert allowed("/?broker=wss://other.example:8884/mqtt") == f"{own} wss://other.example:8884"
    assert allowed("/js/main.js?broker=wss://other.example") == own
    assert allowed("/?broker=wss://*;script-src%20*") == own
    assert allowed("/?broker=https://other.example") == own


def test_a_page_that_others_reach_is_read_only(tmp_path: Path) -> None:
    with dashboard(tmp_path, more='listen = "0.0.0.0"\n') as url:
        assert json.loads(ask(url, "/config.json", Host="pi.local").body)["commands"] is False
        policy = ask(url, Host="pi.local").headers["Content-Security-Policy"]
        assert "connect-src 'self' ws://pi.local:9001;" in policy


def test_a_broker_elsewhere(tmp_path: Path) -> None:
    config = tmp_path / "stridehub.toml"
    config.write_text(
        f'[mqtt]\nhost = "broker.example"\npage_url = "wss://broker.example/mqtt"\n'
        f"[dashboard]\nport = {free_port()}\n"
    )
    with program("-m", "stridehub", "dashboard", "--config", str(config)) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        told = json.loads(ask(url, "/config.json").body)
        assert (told["broker"], told["commands"]) == ("wss://broker.example/mqtt", False)
        policy = ask(url).headers["Content-Security-Policy"]
        assert "connect-src 'self' wss://broker.example;" in policy


def test_a_taken_port_moves(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = tmp_path / "stridehub.toml"
        config.write_text(f"[dashboard]\nport = {taken.getsockname()[1]}\n")
        with program("-m", "stridehub", "dashboard", "--config", str(config)) as process:
            assert process.stdout is not None
            url = process.stdout.readline().decode().strip()
            assert urlsplit(url).port != taken.getsockname()[1]
            assert ask(url).status == 200


def test_it_ends_when_told(tmp_path: Path) -> None:
    config = tmp_path / "stridehub.toml"
    config.write_text(f"[dashboard]\nport = {free_port()}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "stridehub", "dashboard", "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=ANSWER_S)
    assert (process.returncode, errors) == (0, b"")
