"""The driver of motors in pods: the pod of the segment that a cue is about."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import Protocol

from stridehub.haptics.driver import Buzz, OnEdge
from stridehub.haptics.patterns import total_s
from stridehub.kernel.link import SILENCE, HapticPattern, encode_haptic
from stridehub.model import CueKind, CueSide, Placement
from stridehub.timing import CUE_EDGE_S

log = logging.getLogger(__name__)

Motor = Callable[[HapticPattern], Awaitable[None]]  # may raise anything
_Place = tuple[str, Placement]  # the runner's

_LEGS = {
    CueSide.LEFT: (Placement.SHANK_L, Placement.THIGH_L),  # the first that is there
    CueSide.RIGHT: (Placement.SHANK_R, Placement.THIGH_R),
}
_HIPS = (Placement.PELVIS,)
_USABLE = tuple(place for row in (*_LEGS.values(), _HIPS) for place in row)


class PodMotors(Protocol):
    """Whoever has the pods."""

    def motor(self, runner: str, placement: Placement) -> Motor | None:
        """Of the pod that sits there. None: there is none, or it cannot be reached now."""


class PodDriver:
    """A HapticDriver, for the event loop's thread; stop_all and close for any.

    A pod's own timer turns its motor off, after each pulse and whatever the hub does: no pulse is
    longer than a second.
    """

    def __init__(self, motors: PodMotors) -> None:
        """Within a running event loop."""
        self._motors = motors
        self._loop = asyncio.get_running_loop()
        self._ends_s: dict[_Place, float] = {}  # until when it may play, time.monotonic()
        self._cues: dict[_Place, asyncio.Task[None]] = {}  # the newest write of each
        self._writes: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def play(self, cue: Buzz, runner: str, side: CueSide, on_edge: OnEdge) -> bool:
        """`on_edge` hears when the first write was handed to the radio, not when the motor turned:
        the pod hears of it at its next connection event, 15 to 30 ms later while the air is good.

        Raises LinkRecordError.
        """
        encode_haptic(cue.pattern)
        motors = self._chosen(cue.kind, runner, side)
        if self._is_closed or cue.pattern == SILENCE or not motors:
            return False
        self._silence(
            place for place in self._ends_s if place[0] == runner and place[1] not in motors
        )
        tell = _first_of(on_edge)
        for placement, motor in motors.items():
            place = runner, placement
            self._forget(place)
            self._ends_s[place] = time.monotonic() + CUE_EDGE_S + total_s(cue.pattern)
            self._cues[place] = self._write(motor, cue.pattern, tell)
        return True

    def trouble(self, runner: str) -> str | None:
        if self._is_closed:
            return "closed"
        if any(self._motors.motor(runner, placement) for placement in _USABLE):
            return None
        return "no pod that could buzz is connected"

    def stop_all(self) -> None:
        """What the radio has not taken yet it does not get any more, and pods that may still play
        are told to be silent, with the loop's next turns.
        """
        if self._is_on_loop():
            self._silence(self._ends_s)
        else:
            with suppress(RuntimeError):  # the loop has ended, and the links with it
                self._loop.call_soon_threadsafe(lambda: self._silence(self._ends_s))

    def _is_on_loop(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def close(self) -> None:
        self._is_closed = True
        self.stop_all()

    # ---- where ----

    def _chosen(self, kind: CueKind | None, runner: str, side: CueSide) -> dict[Placement, Motor]:
        """Sitting back is felt at the pelvis; all else, and where there is no such pod, at the
        legs.
        """
        legs = _LEGS.values() if side is CueSide.BOTH else (_LEGS[side],)
        hips = self._first_of_each([_HIPS], runner) if kind is CueKind.SITTING_BACK else {}
        return hips or self._first_of_each(legs, runner)

    def _first_of_each(
        self, rows: Collection[Sequence[Placement]], runner: str
    ) -> dict[Placement, Motor]:
        found = {}
        for row in rows:
            motors = ((placement, self._motors.motor(runner, placement)) for placement in row)
            there = next(((placement, motor) for placement, motor in motors if motor), None)
            if there is not None:
                found[there[0]] = there[1]
        return found

    # ---- writes: begun in the order in which they are asked for, and so they arrive ----

    def _silence(self, places: Iterable[_Place]) -> None:
        for place in list(places):
            self._forget(place)
            if self._ends_s.pop(place) > time.monotonic() and (motor := self._motors.motor(*place)):
                self._write(motor, SILENCE, lambda _: None)

    def _forget(self, place: _Place) -> None:
        """A cue that the radio has not taken yet."""
        cue = self._cues.pop(place, None)
        if cue is not None:
            cue.cancel()

    def _write(self, motor: Motor, pattern: HapticPattern, tell: OnEdge) -> "asyncio.Task[None]":
        """One that takes longer than CUE_EDGE_S would be felt as another cue, and is given up."""

        async def write() -> None:
            try:
                async with asyncio.timeout(CUE_EDGE_S):
                    await motor(pattern)
            except Exception as error:  # the radio's: a cue that is not felt ends no session
                what = "silent" if pattern == SILENCE else "buzzing"
                log.info("a pod was not told to be %s: %s", what, error or type(error).__name__)
            else:
                tell(time.monotonic())

        task = self._loop.create_task(write())
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return task


def _first_of(on_edge: OnEdge) -> OnEdge:
    """Passes on the first call only."""
    is_told = False

    def tell(edge_s: float) -> None:
        nonlocal is_told
        if not is_told:
            is_told = True
            on_edge(edge_s)

    return tell
