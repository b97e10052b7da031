"""Segment angles, moment by moment, out of the overlapping series that the kernel gives."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stridehub.model import ENOUGH_CONFIDENCE, Placement

# A pod's last seconds, shape (n,) each: hub time in s, angle in deg against standing.
Series = Mapping[Placement, tuple[NDArray[np.float64], NDArray[np.float32]]]

Confidences = Mapping[Placement, float]  # 0..1, of each pod's alignment

KEPT_REPETITIONS = 1000  # of a drill, in memory; the counts go on
UNSURE = "stand still, then run some steps: the pods have not found their axes"

SLOT_S = 0.005  # of the kernel's grid
# The kernel bridges gaps up to 60 ms; in a longer one it holds the last angle, to the bit.
_HELD_SLOTS = 12
_LATE_SLOTS = 100  # 0.5 s: then a pod that can be done without is
_KEPT_SLOTS = 1024  # of pods that wait for one that is needed


class Angles(NamedTuple):
    """Of all pods at one moment."""

    time_s: float
    deg: Mapping[Placement, float]  # against standing; without what is not known
    is_broken: bool  # what came just before is not known
    lost: frozenset[Placement]  # whose samples were: their angles are doubtful for a while


class _Slot(NamedTuple):
    number: int
    deg: float
    is_lost: bool  # or the first one after that


class _Pod:
    def __init__(self) -> None:
        self.waiting: deque[_Slot] = deque(maxlen=_KEPT_SLOTS)
        self.is_sure = False  # the alignment is good enough for angles
        self.newest = -1  # slot; none yet
        self._deg = float("nan")
        self._held = 0  # slots in a row of that very angle

    def take(self, time_s: NDArray[np.float64], deg: NDArray[np.float32], is_sure: bool) -> None:
        """Each slot once. What came before the alignment was good is of another axis."""
        was_sure, self.is_sure = self.is_sure, is_sure
        numbers = np.rint(time_s / SLOT_S).astype(np.int64)
        first = int(np.searchsorted(numbers, self.newest + 1))
        if is_sure and (was_sure or self.newest < 0):
            for number, angle in zip(numbers[first:].tolist(), deg[first:].tolist(), strict=True):
                self._append(number, angle)
        elif len(numbers):
            self.newest = max(int(numbers[-1]), self.newest)
            self._deg, self._held = float("nan"), 0
            if not is_sure:
                self.waiting.clear()

    def _append(self, number: int, deg: float) -> None:
        jumped = self._held > 0 and number != self.newest + 1
        was_held = self._held >= _HELD_SLOTS
        self._held = self._held + 1 if deg == self._deg else 1
        self._deg, self.newest = deg, number
        self.waiting.append(_Slot(number, deg, jumped or was_held))

    def at(self, number: int) -> _Slot | None:
        """Forgets everything before that slot."""
        while self.waiting and self.waiting[0].number < number:
            self.waiting.popleft()
        if self.waiting and self.waiting[0].number == number:
            return self.waiting.popleft()
        return None


class AngleFeed:
    """Puts the series of some pods together, each slot once, however they overlap or are cut."""

    def __init__(
        self, needed: Sequence[Placement], optional: Sequence[Placement], from_s: float
    ) -> None:
        """There are no angles without `needed`; `optional` pods are waited for, not for long.

        What was before hub time `from_s` is not looked at.
        """
        self._from_s = from_s
        self._needed = {place: _Pod() for place in needed}
        self._optional = {place: _Pod() for place in optional}
        self._last: int | None = None  # slot given

    def unsure(self) -> list[Placement]:
        """Needed pods that are missing, or have not found their axes."""
        return [place for place, pod in self._needed.items() if not pod.is_sure]

    def take(self, series: Series, confidence: Confidences) -> Iterator[Angles]:
        """`confidence`: of each pod's alignment, 0..1, as of now."""
        for place, pod in (*self._needed.items(), *self._optional.items()):
            if place in series:
                time_s, deg = series[place]
                first = int(np.searchsorted(time_s, self._from_s - SLOT_S / 2))
                is_sure = confidence.get(place, 0.0) >= ENOUGH_CONFIDENCE
                pod.take(time_s[first:], deg[first:], is_sure)
        if not self.unsure():
            yield from self._together(self._until())

    def _until(self) -> int:
        """The last slot that all pods have which are waited for."""
        until = min(pod.newest for pod in self._needed.values())
        late = until - _LATE_SLOTS
        waited = [pod.newest for pod in self._optional.values() if pod.is_sure]
        return min([until, *(newest for newest in waited if newest >= late)])

    def _together(self, until: int) -> Iterator[Angles]:
        lead, *others = self._needed.values()
        while lead.waiting and lead.waiting[0].number <= until:
            number = lead.waiting[0].number
            if any(_peek(pod, number) is None for pod in others):
                lead.waiting.popleft()
                continue
            yield self._angles(number)

    def _angles(self, number: int) -> Angles:
        pods = {**self._needed, **self._optional}
        slots = {place: slot for place, pod in pods.items() if (slot := pod.at(number)) is not None}
        lost = frozenset(place for place, slot in slots.items() if slot.is_lost)
        is_broken = self._last != number - 1 or any(place in lost for place in self._needed)
        self._last = number
        deg = {place: slot.deg for place, slot in slots.items()}
        return Angles(number * SLOT_S, deg, is_broken, lost)


def _peek(pod: _Pod, number: int) -> _Slot | None:
    while pod.waiting and pod.waiting[0].number < number:
        pod.waiting.popleft()
    return pod.waiting[0] if pod.waiting and pod.waiting[0].number == number else None
