"""The driver of motors in pods: the pod of the segment that a cue is about."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from stridehub.haptics.driver import Buzz, OnEdge
from stridehub.haptics.patterns import total_s
from stridehub.kernel.link import SILENCE, HapticPattern, encode_haptic
from stridehub.model import CueKind, CueSide, Placement

log = logging.getLogger(__name__)

Motor = Callable[[HapticPattern], Awaitable[None]]  # may raise anything

_SHANK = {CueSide.LEFT: Placement.SHANK_L, CueSide.RIGHT: Placement.SHANK_R}
_THIGH = {CueSide.LEFT: Placement.THIGH_L, CueSide.RIGHT: Placement.THIGH_R}


class PodMotors(Protocol):
    """Whoever has the pods."""

    def motor(self, runner: str, placement: Placement) -> Motor | None:
        """Of the pod that sits there. None: there is none, or it cannot be reached now."""


@dataclass(slots=True)
class _Playing:
    """At one place, as far as the hub knows."""

    task: asyncio.Task[None]  # the write
    ends_s: float  # time.monotonic()


_Place = tuple[str, Placement]


class PodDriver:
    """A HapticDriver. From the thread of the event loop only, but for stop_all and close.

    A pod's own timer turns its motor off: after each pulse, and within a second whatever happens.
    """

    name = "pod"

    def __init__(self, motors: PodMotors) -> None:
        """Within a running event loop."""
        self.failures = 0  # writes
        self._motors = motors
        self._loop = asyncio.get_running_loop()
        self._playing: dict[_Place, _Playing] = {}
        self._silencing: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def play(self, cue: Buzz, runner: str, side: CueSide, on_edge: OnEdge) -> bool:
        """`on_edge` hears when the first write was handed to the radio, not of the motor: the pod
        gets it with the next connection event, 15 to 30 ms later at most while the air is good.

        Raises LinkRecordError.
        """
        encode_haptic(cue.pattern)
        motors = self._chosen(cue.kind, runner, side)
        if self._is_closed or cue.pattern == SILENCE or not motors:
            return False
        tell = _Once(on_edge)
        for place in [place for place in self._playing if place[0] == runner]:
            if place[1] not in motors:
                self._silence(place)
        ends_s = time.monotonic() + total_s(cue.pattern)
        for placement, motor in motors.items():
            self._start(runner, placement, self._write(motor, cue.pattern, tell), ends_s)
        return True

    def trouble(self, runner: str) -> str | None:
        if self._is_closed:
            return "closed"
        if any(self._motors.motor(runner, placement) for placement in _WITH_USE):
            return None
        return "no pod that could buzz streams"

    def stop_all(self) -> None:
        """Pods that may be playing are told to be silent, as soon as the loop turns."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._silence_all)

    def close(self) -> None:
        self._is_closed = True
        self.stop_all()

    # ---- where ----

    def _chosen(
        self, kind: CueKind | None, runner: str, side: CueSide
    ) -> dict[Placement, Motor]:
        """Of each row of places the first that can."""
        chosen = {}
        for row in _rows(kind, side):
            for placement in row:
                motor = self._motors.motor(runner, placement)
                if motor is not None:
                    chosen[placement] = motor
                    break
        return chosen

    # ---- writes ----

    async def _write(self, motor: Motor, pattern: HapticPattern, tell: "_Once") -> None:
        try:
            await motor(pattern)
        except Exception as error:  # of the radio: a cue that is not felt ends no session
            self.failures += 1
            log.warning("a pod could not be told to buzz: %s", error)
            return
        tell(time.monotonic())
