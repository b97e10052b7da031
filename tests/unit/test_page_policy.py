"""What browsers are told to keep the page from."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stridehub.dashboard.policy import headers, host_of, is_loopback, websocket_origin


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8080", "localhost"),
        ("127.0.0.1:8080", "127.0.0.1"),
        ("[::1]:8080", "[::1]"),
        ("[::1]", "[::1]"),
        ("pi.local", "pi.local"),
        ("", None),
        (":8080", None),
        ("pi:80:80", None),
        ("pi:http", None),
        ("pi; script-src *", None),
        ("pi evil", None),
        ("[::1", None),
        ("::1", None),
    ],
)
def test_host(authority: str, host: str | None) -> None:
    assert host_of(authority) == host


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("localhost", True),
        ("localhost.", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("192.168.1.4", False),
        ("", False),
    ],
)
def test_loopback(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("ws://pi.local:9001", "ws://pi.local:9001"),
        ("wss://broker.example/mqtt?x=1", "wss://broker.example"),
        ("wss://user:word@broker.example:443/", "wss://broker.example:443"),
        ("ws://[fe80::1]:9001", "ws://[fe80::1]:9001"),
        ("http://pi.local", None),
        ("javascript:alert(1)", None),
        ("ws://", None),
        ("ws://pi:99999", None),
        ("ws://pi; script-src *", None),
        ("ws://*", None),
        ("", None),
    ],
)
def test_origin(url: str, origin: str | None) -> None:
    assert websocket_origin(url) == origin


@given(st.text())
def test_no_text_gets_into_a_policy(text: str) -> None:
    for given_ in (text, f"ws://{text}", f"wss://a{text}"):
        origin = websocket_origin(given_)
        assert origin is None or re.fullmatch(r"wss?://[A-Za-z0-9._:\[\]-]+", origin)
    host = host_of(text)
    assert host is None or re.fullmatch(r"[a-z0-9._:\[\]-]+", host)


def test_the_policy_names_the_brokers_and_nothing_else() -> None:
    policy = headers(["ws://pi:9001"])["Content-Security-Policy"]
    assert "connect-src 'self' ws://pi:9001;" in policy
    assert "default-src 'none';" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
