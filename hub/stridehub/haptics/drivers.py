"""All drivers of a hub as one: for each runner, in the order that the settings say."""

import logging

from stridehub.config import DriverName, HubConfig
from stridehub.haptics.console import ConsoleDriver, Show
from stridehub.haptics.driver import Buzz, HapticDriver, OnEdge
from stridehub.haptics.guarded import GuardedPins
from stridehub.haptics.none import NoDriver
from stridehub.haptics.pins import Pins
from stridehub.haptics.pod import PodDriver, PodMotors
from stridehub.haptics.wired import WiredDriver
from stridehub.model import CueSide

_ABSENT: dict[DriverName, str] = {
    "gpio": "no pins are set, see [haptics.gpio]",
    "pod": "there are no pods, `stridehub provision` makes some",
}

log = logging.getLogger(__name__)


class Haptics:
    """A HapticDriver: the first of a runner's own that has no trouble, and can, plays."""

    def __init__(
        self,
        config: HubConfig,
        *,
        motors: PodMotors | None = None,
        show: Show | None = None,
        pins: Pins | None = None,
    ) -> None:
        """Drivers are there as far as the settings name them and they are given what they need:
        `motors` for those of pods (then within a running event loop). `show` is the console,
        by default the log; `pins` are used instead of the machine's own.
        """
        self._config = config
        self._wired = _wired(config, pins)
        self._drivers: dict[DriverName, HapticDriver] = {
            "none": NoDriver(),
            "console": ConsoleDriver(show or _log),
        }
        if self._wired is not None:
            self._drivers["gpio"] = self._wired
        if motors is not None:
            self._drivers["pod"] = PodDriver(motors)

    def play(self, cue: Buzz, runner: str, side: CueSide, on_edge: OnEdge) -> bool:
        """Raises LinkRecordError."""
        names = self._config.drivers(runner)
        return any(
            driver.trouble(runner) is None and driver.play(cue, runner, side, on_edge)
            for driver in (self._drivers[name] for name in names if name in self._drivers)
        )

    def ready(self, runner: str) -> DriverName | None:
        """The first of the runner's drivers that has no trouble."""
        names = self._config.drivers(runner)
        return next((name for name in names if self._trouble(name, runner) is None), None)

    def trouble(self, runner: str) -> str | None:
        """None where one of the runner's drivers has none; else that of them all."""
        if self.ready(runner) is not None:
            return None
        names = self._config.drivers(runner)
        troubles = (f"{name}: {self._trouble(name, runner)}" for name in names)
        return "; ".join(troubles) or "no driver is set"

    def _trouble(self, name: DriverName, runner: str) -> str | None:
        driver = self._drivers.get(name)
        return driver.trouble(runner) if driver else _ABSENT[name]

    def beat(self) -> None:
        """The hub's loop turns. Whoever calls this once has to go on, see LOOP_STALL_S."""
        if self._wired is not None:
            self._wired.beat()

    def stop_all(self) -> None:
        """From any thread. Motors on pins are off when it returns; pods hear of it with the loop's
        next turns.
        """
        for driver in self._drivers.values():
            driver.stop_all()

    def close(self) -> None:
        """As stop_all, and nothing plays afterwards. Safe to call twice."""
        for driver in self._drivers.values():
            driver.close()


def _log(cue: Buzz, runner: str, side: CueSide) -> None:
    log.info("%s would feel %s: %s", runner, cue.kind or "a test", side)


def _wired(config: HubConfig, pins: Pins | None) -> WiredDriver | None:
    """Pins are claimed only where a runner may feel them."""
    wires = config.haptics.gpio
    if wires is None or "gpio" not in config.drivers(wires.runner):
        return None
    numbers = (wires.left, wires.right)
    return WiredDriver(wires, lambda: pins or GuardedPins(numbers, wires.pwm_hz))
