"""Plays patterns on pins, in one thread of its own."""

import logging
import queue
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto

from stridehub.errors import MotorError
from stridehub.haptics.driver import OnEdge
from stridehub.haptics.guard import Guard
from stridehub.haptics.patterns import pulses
from stridehub.haptics.pins import Pins
from stridehub.kernel.link import HapticPattern
from stridehub.timing import MOTOR_GRACE_S, MOTOR_LIMIT_S, MOTOR_REST_S, PIN_CALL_S

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A pattern, and the pins it is for."""

    pattern: HapticPattern
    pins: tuple[int, ...]
    on_edge: OnEdge


class Command(Enum):
    STOP = auto()
    END = auto()


_Order = Plan | Command


class Player:
    """The newest order counts: a plan is obsolete as soon as another order waits."""

    def __init__(self, pins: Pins, numbers: Collection[int], guard: Guard) -> None:
        """`numbers` are those of all pins it will ever turn on."""
        self.fault: str | None = None  # of the pins; they are not touched again to turn them on
        self._pins = pins
        self._numbers = tuple(numbers)
        self._guard = guard
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._rising = threading.Lock()  # from the last look at the orders until the pin is high
        self._fell_s = 0.0
        self._thread = threading.Thread(target=self._run, name="motor player", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it plays what is ordered."""
        return self._thread.is_alive()

    def play(self, plan: Plan) -> None:
        """Returns at once."""
        self._orders.put(plan)

    def stop(self) -> None:
        """All pins are low when it returns, and nothing that was ordered before is played.

        A player that hangs within a call to the pins is not waited for: the guard goes on turning
        off what it turns on. Raises MotorError.
        """
        self._give(Command.STOP)

    def close(self) -> None:
        """As stop, and nothing is played afterwards."""
        try:
            self._give(Command.END)
        finally:
            if threading.current_thread() is not self._thread:
                self._thread.join(PIN_CALL_S)

    def _give(self, command: Command) -> None:
        self._orders.put(command)
        with self._not_rising():
            self._turn_all_off()

    @contextmanager
    def _not_rising(self) -> Iterator[None]:
        is_ours = self._rising.acquire(timeout=PIN_CALL_S)
        try:
            yield
        finally:
            if is_ours:
                self._rising.release()

    def _turn_all_off(self) -> None:
        """One that fails does not save the others. Raises the last MotorError."""
        failed: MotorError | None = None
        for pin in self._numbers:
            try:
                self._pins.off(pin)
            except MotorError as error:
                failed = error
        if failed is not None:
            raise failed

    # ---- the thread ----

    def _run(self) -> None:
        order: _Order | None = None
        while order is not Command.END:
            order = self._played(order) if isinstance(order, Plan) else self._orders.get()

    def _played(self, plan: Plan) -> _Order | None:
        """The order that cut it short, if one did."""
        with self._ending_low():
            return self._play(plan)
        return None

    @contextmanager
    def _ending_low(self) -> Iterator[None]:
        """However it ends, pins are low afterwards, or the guard goes on trying."""
        try:
            try:
                yield
            finally:
                self._fall()
        except MotorError as error:
            self.fault = str(error)
            log.error("motors: %s", error)
        except Exception:
            log.exception("playing a pattern failed")

    def _play(self, plan: Plan) -> _Order | None:
        """All edges have their times from the first one on, so that a late one delays no other."""
        order = self._order_until(self._fell_s + MOTOR_REST_S)
        begun_s: float | None = None
        for begin_s, end_s in pulses(plan.pattern):
            if begun_s is not None:
                order = self._order_until(begun_s + begin_s)
            if order is not None:
                return order
            risen_s = self._rise(plan, None if begun_s is None else begun_s + end_s)
            if risen_s is None:
                return None
            if begun_s is None:
                begun_s = risen_s
                plan.on_edge(risen_s)
            order = self._order_until(min(begun_s + end_s, risen_s + MOTOR_LIMIT_S))
            if order is not None:
                return order
            self._fall()
        return None

    def _order_until(self, time_s: float) -> _Order | None:
        """The next order, if it comes before."""
        try:
            return self._orders.get(timeout=max(0.0, time_s - time.monotonic()))
        except queue.Empty:
            return None

    def _rise(self, plan: Plan, end_s: float | None) -> float | None:
        """When the first of the pins was high. None: it shall not be any more.

        The guard is armed for `end_s`, by default for the pulse's length from now.
        """
        with self._rising:
            now_s = time.monotonic()
            end_s = now_s + plan.pattern.on_ms / 1000 if end_s is None else end_s
            if not self._orders.empty() or self._guard.is_stalled or now_s >= end_s:
                return None
            due_s = min(end_s + MOTOR_GRACE_S, now_s + MOTOR_LIMIT_S)
            risen_s = None
            for pin in plan.pins:
                self._guard.arm(pin, due_s)
                self._pins.on(pin, plan.pattern.intensity_percent)
                risen_s = risen_s or time.monotonic()
            return risen_s

    def _fall(self) -> None:
        """What cannot be turned off stays with the guard, who goes on trying."""
        self._turn_all_off()
        self._fell_s = time.monotonic()
        for pin in self._numbers:
            self._guard.disarm(pin)
