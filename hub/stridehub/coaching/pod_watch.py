"""How good the data is that a cue would stand on."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from stridehub.model import Placement, PodStatus
from stridehub.rules import SuppressRules

_LEGS = (Placement.SHANK_L, Placement.SHANK_R, Placement.THIGH_L, Placement.THIGH_R)

# Silent for so long, a pod counts as not worn: what is measured without it is null.
_GONE_S = 30.0


@dataclass(frozen=True, slots=True)
class Conditions:
    """At one moment of hub time."""

    now_s: float
    data_age_s: float  # of the newest sample of the leg pod that is furthest behind
    loss: float  # share of packets missing lately, of the leg pod that loses most
    is_calibrated: bool  # all leg pods know how they sit


class PodWatch:
    """Of one runner: looks at what the kernel counts."""

    def __init__(self, rules: SuppressRules) -> None:
        self._window_s = rules.loss_window_s
        self._counts: dict[Placement, deque[tuple[float, int, int]]] = {}

    def look(self, now_s: float, statuses: Iterable[PodStatus]) -> Conditions:
        """Age is infinite where no leg pod has sent anything."""
        legs = [
            status
            for status in statuses
            if status.placement in _LEGS
            and status.packets
            and now_s - status.last_sample_s < _GONE_S
        ]
        ages = [now_s - status.last_sample_s for status in legs]
        losses = [self._loss(now_s, status) for status in legs]
        return Conditions(
            now_s,
            max(ages, default=float("inf")),
            max(losses, default=0.0),
            all(status.is_calibrated for status in legs),
        )

    def _loss(self, now_s: float, status: PodStatus) -> float:
        counts = self._counts.setdefault(status.placement, deque())
        if counts and status.packets < counts[-1][1]:  # measured anew
            counts.clear()
        counts.append((now_s, status.packets, status.lost_packets))
        while len(counts) > 2 and counts[1][0] <= now_s - self._window_s:
            counts.popleft()
        came = counts[-1][1] - counts[0][1]
        lost = counts[-1][2] - counts[0][2]
        return lost / (came + lost) if came + lost > 0 else 0.0
