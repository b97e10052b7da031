"""The page beside a hub: there when asked for, at the same place after it died, gone with it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from mosquitto import free_port
from on_the_loop import run, until
from stridehub.commands.supervisor import Supervisor
from stridehub.dashboard.child import Page
from stridehub.dashboard.settings import PageSettings
from stridehub.errors import PageError


def children() -> list[int]:
    return [int(pid) for pid in Path("/proc/thread-self/children").read_text().split()]


def config_at(url: str | None) -> dict[str, object]:
    """{} where nobody answers."""
    assert url is not None
    try:
        with urlopen(f"{url}config.json", timeout=10.0) as answer:
            config: dict[str, object] = json.load(answer)
            return config
    except OSError:
        return {}


def test_one_that_dies_is_back_at_the_same_place() -> None:
    """Also where that was a free one."""

    async def test() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            page = Page(lambda: PageSettings(hub="track", port=taken.getsockname()[1]))
            kept = Supervisor(page)
            async with kept.running():
                await kept.first_try()
                url = page.url
                assert config_at(url)["hub"] == "track"
                (pid,) = children()
                os.kill(pid, signal.SIGKILL)
                await until(lambda: "ended, code -9" in str(kept.failure))
                await until(lambda: kept.failure is None)
                assert page.url == url
                assert config_at(url)["hub"] == "track"
            assert config_at(url) == {}

    run(test(), nothing_left=True)


def test_one_that_hangs_ends_at_once() -> None:
    async def test() -> None:
        page = Page(lambda: PageSettings(hub="track", port=free_port()))
        async with page.running():
            (pid,) = children()
            os.kill(pid, signal.SIGSTOP)
        assert children() == []

    run(test(), nothing_left=True)


def test_it_is_told_where_the_broker_is_now() -> None:
    settings = PageSettings(hub="track", port=free_port(), ws_port=9001)

    async def test() -> None:
        nonlocal settings
        page = Page(lambda: settings)
        kept = Supervisor(page)
        async with kept.running():
            await kept.first_try()
            pids = children()
            page.refresh()  # nothing has changed
            assert config_at(page.url)["ws_port"] == 9001
            assert children() == pids
            settings = replace(settings, ws_port=9002)
            page.refresh()
            while (await asyncio.to_thread(config_at, page.url)).get("ws_port") != 9002:
                pass

    run(test(), nothing_left=True)


def test_an_address_of_another_machine_is_a_clear_error() -> None:
    async def test() -> None:
        with pytest.raises(PageError, match=r"192\.0\.2\.1:8080: cannot listen there: .*assign"):
            async with Page(lambda: PageSettings(hub="track", listen="192.0.2.1")).running():
                pass

    run(test(), nothing_left=True)


_HUB = """
    import asyncio, sys
    from stridehub.dashboard.child import Page
    from stridehub.dashboard.settings import PageSettings

    async def main():
        page = Page(lambda: PageSettings(hub="track", port=int(sys.argv[1])))
        async with page.running():
            print(page.url, flush=True)
            await asyncio.sleep(1000)

    asyncio.run(main())
"""


def test_it_ends_with_a_hub_that_is_killed() -> None:
    command = [sys.executable, "-c", textwrap.dedent(_HUB), str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as hub:
        assert hub.stdout is not None
        url = hub.stdout.readline().strip()
        assert config_at(url)
        hub.kill()
    run(_gone(url))


async def _gone(url: str) -> None:
    while await asyncio.to_thread(config_at, url):
        pass
