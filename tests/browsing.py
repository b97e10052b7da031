"""The live page as a coach meets it: handed out by the program, in a real browser."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from mosquitto import free_port

PATIENCE_MS = 30_000.0  # on a busy machine; conditions are awaited, not times
TABLET = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=360, height=780)

# A broker that is away is told by the browser on its console too.
_ALLOWED = ("WebSocket connection to",)
expect.set_options(timeout=PATIENCE_MS)

_FEED = Path(__file__).with_name("feed.py")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Skips the test where it is not installed."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium here")
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=sandbox)
        yield browser
        browser.close()


@contextmanager
def visit(
    browser: Browser,
    url: str,
    size: ViewportSize = TABLET,
    *,
    allowed: tuple[str, ...] = (),
    **context: Any,
) -> Iterator[Page]:
    """A new profile at that page. Fails where the page, or its policy, complains of anything but
    what begins like one of `allowed`.
    """
    complaints: list[str] = []
    own = browser.new_context(viewport=size, **context)
    page = own.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda told: (
            complaints.append(told.text)
            if told.type in ("error", "warning") and not told.text.startswith((*_ALLOWED, *allowed))
            else None
        ),
    )
    page.goto(url)
    yield page
    own.close()
    assert complaints == []


class Listener(Protocol):
    """A broker, whichever."""

    port: int
    ws_port: int


@contextmanager
def dashboard(
    folder: Path, broker: Listener | None = None, *, commands: bool | None = None, more: str = ""
) -> Iterator[str]:
    """`stridehub dashboard` at a free port; its URL. `more`: lines of its [dashboard]."""
    config = folder / "stridehub.toml"
    said = "" if commands is None else f"commands = {str(commands).lower()}\n"
    ws_port = 9001 if broker is None else broker.ws_port
    config.write_text(
        f'hub = "track"\n[broker]\nws_port = {ws_port}\n'
        f"[dashboard]\nport = {free_port()}\n{said}{more}"
    )
    with program("-m", "stridehub", "dashboard", "--config", str(config)) as process:
        assert process.stdout is not None
        yield process.stdout.readline().decode().strip()


@contextmanager
def feed(broker: Listener, *, runners: int = 3, **options: str) -> Iterator["Feed"]:
    """The messages of a hub with runners, as a child."""
    told = [f"--{name}={value}" for name, value in options.items()]
    arguments = ("--port", str(broker.port), "--runners", str(runners), *told)
    with program(str(_FEED), *arguments) as process:
        yield Feed(process)


class Feed:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def program(
    *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python child; it ends by SIGTERM, or else is killed."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=None if env is None else {**os.environ, **env},
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(10.0)
        finally:
            process.kill()
            process.communicate()


# ---- what the page shows ----


def is_live(page: Page) -> None:
    """Waits until it is."""
    expect(page.locator("#connection")).to_have_text("live")


def row(page: Page, runner: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=runner, exact=True))


def names(page: Page) -> list[str]:
    return page.locator(".rows .runner-name").all_inner_texts()
