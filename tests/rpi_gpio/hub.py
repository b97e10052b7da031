"""A hub of nothing but motors: one long pulse, or many where it hangs, then it waits for its end.

    python -m rpi_gpio.hub CONFIG RUNNER [--percent 100] [--short] [--hang] [--hold] [--alone]

Prints when the first edge was (time.monotonic()), or what the trouble is; then goes on until
SIGTERM, as a hub does.
"""

import argparse
import asyncio
import ctypes
import time
from contextlib import suppress
from pathlib import Path

from stridehub.commands.stopping import stop_requested
from stridehub.config import HubConfig, load_hub_config
from stridehub.haptics.driver import Buzz
from stridehub.haptics.drivers import Haptics
from stridehub.haptics.gpio import GpioPins
from stridehub.haptics.pins import Pins
from stridehub.kernel.link import HapticPattern
from stridehub.model import CueSide

_ONE = (1, 750, 100)  # pulses, ms on, ms off
_SHORT = (1, 50, 100)
_MANY = (10, 100, 500)
_BEAT_S = 0.1


def _tell(text: object) -> None:
    print(text, flush=True)


def _hold() -> None:
    """No thread of Python's runs meanwhile."""
    ctypes.PyDLL(None).sleep(60)


def _shape(chosen: argparse.Namespace) -> tuple[int, int, int]:
    if chosen.hang:
        return _MANY
    return _SHORT if chosen.short else _ONE


def _lonely_pins(config: HubConfig) -> Pins:
    """Without a guardian."""
    wires = config.haptics.gpio
    assert wires is not None
    return GpioPins((wires.left, wires.right), wires.pwm_hz)


async def _hub(chosen: argparse.Namespace) -> None:
    config = load_hub_config(chosen.config)
    haptics = Haptics(config, pins=_lonely_pins(config) if chosen.alone else None)
    with stop_requested() as stop:
        haptics.beat()
        pattern = HapticPattern(chosen.percent, *_shape(chosen))
        if not haptics.play(Buzz(pattern), chosen.runner, CueSide.BOTH, _tell):
            _tell(haptics.trouble(chosen.runner))
        if chosen.hang:
            time.sleep(60.0)
        if chosen.hold:
            await asyncio.sleep(_BEAT_S)
            _hold()
        while not stop.is_set():
            haptics.beat()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _BEAT_S)
    haptics.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="rpi_gpio.hub")
    parser.add_argument("config", type=Path)
    parser.add_argument("runner")
    parser.add_argument("--percent", type=int, default=100)
    parser.add_argument("--hang", action="store_true", help="the loop does not turn any more")
    parser.add_argument("--short", action="store_true", help="a short pulse")
    parser.add_argument("--hold", action="store_true", help="nothing of Python runs any more")
    parser.add_argument("--alone", action="store_true", help="no guardian")
    asyncio.run(_hub(parser.parse_args()))


if __name__ == "__main__":
    main()
