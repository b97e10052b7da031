"""A hub with motors on pins, as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

LEFT, RIGHT = 18, 19
CONFIG = f"""
[haptics]
drivers = ["gpio"]
[haptics.gpio]
left = {LEFT}
right = {RIGHT}
runner = "r1"
"""


@contextmanager
def hub_process(
    config: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """Whose motors have just been turned on. Killed in the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rpi_gpio.hub", str(config), "r1", *arguments],
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        float(process.stdout.readline())
        yield process
    finally:
        process.kill()
        process.wait()
        process.communicate()
