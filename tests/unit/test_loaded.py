"""What a hub loads: a small Pi waits for every module, and keeps it in memory."""

import subprocess
import sys

import pytest

# Of the page, of recordings, of terminals, of a broker in Python, of tests.
NOT_FOR_EVERY_HUB = {"aiohttp", "lz4", "mcap", "zstandard", "rich", "amqtt", "unittest"}
NOT_OF_THE_SERVICE = {"stridehub.sim", "stridehub.dashboard.server", "stridehub.doctor"}


@pytest.mark.parametrize("command", ["run", "tidy"])
def test_a_hub_loads_only_what_it_uses(command: str) -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys, stridehub.cli, stridehub.commands.{command}; print(*sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert f"stridehub.commands.{command}" in told
    assert {name.partition(".")[0] for name in told} & NOT_FOR_EVERY_HUB == set()
    assert set(told) & NOT_OF_THE_SERVICE == set()
