"""The last strides of each side, and which of them count."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from statistics import median

from stridehub.model import Side, Stride

KEPT_STRIDES = 200  # a side; the most that any rule looks back
# What is older than this, or was before a break, says nothing of how the runner runs now.
_LATELY_S = 20.0
_BREAK_S = 5.0

# What a stride lacks is null; what it has stands, but for these: it is no running straight ahead.
_OTHER_MOTION = frozenset({"walking", "turning"})


def is_valid(stride: Stride) -> bool:
    return _OTHER_MOTION.isdisjoint(stride.quality)


def known(strides: Iterable[Stride], metric: str) -> Iterator[float]:
    """Values of those that know it."""
    for stride in strides:
        value = getattr(stride, metric)
        if value is not None:
            yield value


def median_of(strides: Iterable[Stride], metric: str) -> float | None:
    values = list(known(strides, metric))
    return median(values) if values else None


class Window:
    """Valid strides, newest last."""

    def __init__(self) -> None:
        self.of: dict[Side, deque[Stride]] = {side: deque(maxlen=KEPT_STRIDES) for side in Side}
        self._both: deque[Stride] = deque(maxlen=2 * KEPT_STRIDES)
        self._newest_s = float("-inf")  # of any stride
        self._ended_s = dict.fromkeys(Side, float("-inf"))
        self._begun_s = dict.fromkeys(Side, float("-inf"))  # after the last break

    def add(self, stride: Stride) -> None:
        self._newest_s = max(self._newest_s, stride.next_ic)
        if stride.ic - self._ended_s[stride.side] > _BREAK_S:
            self._begun_s[stride.side] = stride.ic
        self._ended_s[stride.side] = stride.next_ic
        if is_valid(stride):
            self.of[stride.side].append(stride)
            self._both.append(stride)

    def last(self, side: Side | None, count: int) -> list[Stride]:
        """Of a side, or of both together."""
        strides = self._both if side is None else self.of[side]
        return list(islice(reversed(strides), count))[::-1]

    def lately(self, side: Side | None, count: int) -> list[Stride]:
        """As `last`, without what was long ago, or before the last break."""
        since_s = self._newest_s - _LATELY_S
        return [
            stride
            for stride in self.last(side, count)
            if stride.next_ic >= since_s and stride.ic >= self._begun_s[stride.side]
        ]

    def last_median(self, side: Side | None, metric: str, count: int) -> float | None:
        """Of the last valid strides that know the metric; None unless half of the last ones do."""
        values = list(known(self.lately(side, 2 * count), metric))[-count:]
        return median(values) if len(values) == count else None

    def speed_mps(self, count: int) -> float | None:
        """The pace: median of those of the last strides that know it."""
        return median_of(self.lately(None, count), "speed_mps")
