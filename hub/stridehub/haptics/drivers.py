"""All drivers of a hub as one: for each runner, in the order that the settings say."""

from stridehub.config import DriverName, HubConfig
from stridehub.haptics.console import ConsoleDriver, Show
from stridehub.haptics.driver import Buzz, HapticDriver, OnEdge
from stridehub.haptics.guardian import GuardedPins
from stridehub.haptics.none import NoDriver
from stridehub.haptics.pins import Pins
from stridehub.haptics.pod import PodDriver, PodMotors
from stridehub.haptics.wired import WiredDriver
from stridehub.model import CueSide

_ABSENT: dict[DriverName, str] = {
    "gpio": "no pins are set, see [haptics.gpio]",
    "pod": "there are no pods",
    "console": "nobody looks",
}


class Haptics:
    """A HapticDriver: the first of a runner's own that has no trouble, and can, plays."""

    name = "haptics"

    def __init__(
        self,
        config: HubConfig,
        *,
        motors: PodMotors | None = None,
        show: Show | None = None,
        pins: Pins | None = None,
    ) -> None:
        """Drivers are there as far as the settings name them and they are given what they need:
        `motors` for those of pods (then within a running event loop), `show` for the console.
        `pins` are used instead of the machine's own.
        """
        self._config = config
        self._wired = _wired(config, pins)
        self._drivers: dict[str, HapticDriver] = {"none": NoDriver()}
        if self._wired is not None:
            self._drivers["gpio"] = self._wired
        if motors is not None:
            self._drivers["pod"] = PodDriver(motors)
        if show is not None:
            self._drivers["console"] = ConsoleDriver(show)

    def play(self, cue: Buzz, runner: str, side: CueSide, on_edge: OnEdge) -> bool:
        """Raises LinkRecordError."""
        names = self._config.drivers(runner)
        return any(
            driver.trouble(runner) is None and driver.play(cue, runner, side, on_edge)
            for driver in (self._drivers[name] for name in names if name in self._drivers)
        )

    def trouble(self, runner: str) -> str | None:
        """None where one of the runner's drivers has none; else that of them all."""
        troubles = []
        for name in self._config.drivers(runner):
            driver = self._drivers.get(name)
            trouble = driver.trouble(runner) if driver else _ABSENT[name]
            if trouble is None:
                return None
            troubles.append(f"{name}: {trouble}")
        return "; ".join(troubles) or "no driver is set"

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


def _wired(config: HubConfig, pins: Pins | None) -> WiredDriver | None:
    """Pins are claimed only where a runner may feel them."""
    wires = config.haptics.gpio
    if wires is None or "gpio" not in config.drivers(wires.runner):
        return None
    numbers = (wires.left, wires.right)
    return WiredDriver(wires, lambda: pins or GuardedPins(numbers, wires.pwm_hz))
