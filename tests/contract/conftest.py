"""Lines for the tests of motors on pins: fake ones, or the VM's simulated ones."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rpi_gpio.lines import Lines, fake_gpio

GPIO_PINS = (18, 19)


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Lines]:
    """With GPIO_LINES=sim those of the kernel's simulated chip."""
    if os.environ.get("GPIO_LINES") == "sim":
        from vm.sim_lines import sim_lines

        with sim_lines(GPIO_PINS) as simulated:
            yield simulated
    else:
        with fake_gpio(tmp_path) as fake:
            yield fake
