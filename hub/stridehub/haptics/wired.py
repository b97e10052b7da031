"""The driver of a hub that is worn: a motor for each side, on a wire to a pin."""

import atexit
import logging
from collections.abc import Callable

from stridehub.config import GpioConfig
from stridehub.errors import MotorError
from stridehub.haptics.driver import Buzz, OnEdge
from stridehub.haptics.guard import Guard
from stridehub.haptics.pins import Pins
from stridehub.haptics.player import Plan, Player
from stridehub.kernel.link import SILENCE, encode_haptic
from stridehub.model import CueSide

log = logging.getLogger(__name__)


class WiredDriver:
    """A HapticDriver. Where there are no pins it says so, and plays nothing."""

    name = "gpio"

    def __init__(self, settings: GpioConfig, open_pins: Callable[[], Pins]) -> None:
        """`open_pins` may raise MotorError."""
        self._runner = settings.runner
        self._sides = {
            CueSide.LEFT: (settings.left,),
            CueSide.RIGHT: (settings.right,),
            CueSide.BOTH: (settings.left, settings.right),
        }
        self._player: Player | None = None
        self._trouble = "closed"
        try:
            self._pins = open_pins()
        except MotorError as error:
            self._trouble = str(error)
            log.warning("no motors: %s", error)
            return
        self._guard = Guard(self._pins)
        self._player = Player(self._pins, self._sides[CueSide.BOTH], self._guard)
        atexit.register(self.close)

    def play(self, cue: Buzz, runner: str, side: CueSide, on_edge: OnEdge) -> bool:
        """`on_edge` is called from the player's thread. Raises LinkRecordError."""
        encode_haptic(cue.pattern)
        player = self._player
        if player is None or self.trouble(runner) is not None or cue.pattern == SILENCE:
            return False
        player.play(Plan(cue.pattern, self._sides[side], on_edge))
        return True

    def trouble(self, runner: str) -> str | None:
        if runner != self._runner:
            return f"the motors at the hub are for {self._runner}"
        if self._player is None:
            return self._trouble
        if self._player.fault is not None:
            return self._player.fault
        if self._guard.is_stalled:
            return "the hub hangs"
        return "the thread that plays hangs" if self._guard.is_needed else None

    def beat(self) -> None:
        """Whoever calls this once has to go on: see LOOP_STALL_S."""
        if self._player is not None:
            self._guard.beat()

    def stop_all(self) -> None:
        """From any thread. The pins are low when it returns."""
        player = self._player
        if player is not None:
            _told(player.stop)

    def close(self) -> None:
        """The pins are low when it returns, and given back."""
        player, self._player = self._player, None
        if player is None:
            return
        atexit.unregister(self.close)
        _told(player.close)
        self._guard.close()
        _told(self._pins.close)


def _told(end: Callable[[], None]) -> None:
    """Whatever comes after it shall be done all the same."""
    try:
        end()
    except MotorError as error:
        log.error("motors: %s", error)
