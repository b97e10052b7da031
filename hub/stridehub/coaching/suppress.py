"""When no cue is given, and why."""

from collections import deque
from statistics import median, stdev

from stridehub.coaching.memory import Baselines
from stridehub.coaching.pod_watch import Conditions
from stridehub.coaching.window import Window, known
from stridehub.model import Side, Stride
from stridehub.rules import SuppressRules

_SPEED_STRIDES = 6  # of both sides, whose median is the speed of a moment


class Suppression:
    """Of one runner."""

    def __init__(self, rules: SuppressRules) -> None:
        self._rules = rules
        self._running_since_s: float | None = None
        self._last_ran_s = float("-inf")
        self._newest: Stride | None = None
        self._speeds: deque[tuple[float, float]] = deque()  # when, m/s
        self._cued_s = float("-inf")

    def add(self, stride: Stride) -> None:
        self._newest = stride
        if stride.is_running:
            if stride.ic - self._last_ran_s > self._rules.pause_s:
                self._running_since_s = stride.ic
                self._speeds.clear()
            self._last_ran_s = stride.next_ic
        if stride.speed_mps is not None:
            self._speeds.append((stride.next_ic, stride.speed_mps))
            oldest_s = stride.next_ic - 2 * self._rules.speed_change_s
            while self._speeds[0][0] < oldest_s and len(self._speeds) > 2 * _SPEED_STRIDES:
                self._speeds.popleft()

    def cued(self, now_s: float) -> None:
        """A cue was given."""
        self._cued_s = now_s

    @property
    def is_steady(self) -> bool:
        """The pace has not changed lately."""
        return abs(self._speed_change_mps()) <= self._rules.speed_change_mps

    def reason(self, now: Conditions, window: Window, baselines: Baselines) -> str | None:
        """In words; None where nothing speaks against a cue."""
        rules = self._rules
        if self._newest is None or self._running_since_s is None or not self._newest.is_running:
            return "not running"
        if now.now_s - self._last_ran_s > rules.pause_s:
            return "not running"
        if not now.is_calibrated:
            return "not calibrated: stand still, then run"
        if now.now_s - self._running_since_s < rules.first_s:
            return f"the first {rules.first_s:g} s of running"
        if now.data_age_s > rules.data_age_s:
            return "pod data is late"
        if now.loss > rules.loss:
            return "too many packets are missing"
        if not self.is_steady:
            return "the pace changes"
        if now.now_s - self._cued_s < rules.rhythm_s and self._has_lost_rhythm(window, baselines):
            return "the rhythm suffers from cues"
        return None

    def _speed_change_mps(self) -> float:
        """Of the last moments against speed_change_s earlier; 0 where that is not known yet."""
        if len(self._speeds) < _SPEED_STRIDES:
            return 0.0
        times = [when for when, _ in self._speeds]
        speeds = [speed for _, speed in self._speeds]
        earlier_s = times[-1] - self._rules.speed_change_s
        earlier = [speed for when, speed in self._speeds if when <= earlier_s][-_SPEED_STRIDES:]
        if len(earlier) < _SPEED_STRIDES:
            earlier = speeds[:_SPEED_STRIDES]
        return median(speeds[-_SPEED_STRIDES:]) - median(earlier)

    def _has_lost_rhythm(self, window: Window, baselines: Baselines) -> bool:
        return any(self._rhythm_lost(side, window, baselines) for side in Side)

    def _rhythm_lost(self, side: Side, window: Window, baselines: Baselines) -> bool:
        """The stride-time CV has risen over the baseline's."""
        rules = self._rules
        own = baselines.get(side, {}).get("stride_time_ms")
        times = list(known(window.last(side, rules.rhythm_strides), "stride_time_ms"))
        if own is None or own.median <= 0.0 or len(times) < max(rules.rhythm_strides, 2):
            return False
        variation = stdev(times) / (sum(times) / len(times))
        usual = own.sd / own.median
        return variation > max(rules.rhythm_growth * usual, rules.rhythm_least_cv)
