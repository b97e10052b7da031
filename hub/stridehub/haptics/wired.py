"""The driver of a hub that is worn: a motor for each side, on a wire to a pin."""

import atexit
import logging
from collections.abc import Callable
from contextlib import ExitStack

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
        self._ends = ExitStack()
        try:
            self._begin(open_pins)
        except (MotorError, RuntimeError) as error:  # or no thread can be started
            self._ends.close()
            self._trouble = str(error)
            log.warning("no motors: %s", error)
        else:
            atexit.register(self.close)

    def _begin(self, open_pins: Callable[[], Pins]) -> None:
        """Raises MotorError, RuntimeError."""
        pins = open_pins()
        self._ends.callback(_told, pins.close)
        self._guard = Guard(pins)
        self._ends.callback(self._guard.close)
        player = Player(pins, self._sides[CueSide.BOTH], self._guard)
        self._ends.callback(_told, player.close)
        self._player = player

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
        if not self._player.is_alive:
            return "the thread that plays has ended"
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
        self._player = None
        atexit.unregister(self.close)
        self._ends.close()


def _told(end: Callable[[], None]) -> None:
    """Whatever comes after it shall be done all the same."""
    try:
        end()
    except MotorError as error:
        log.error("motors: %s", error)
