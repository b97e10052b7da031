"""Form that fades: later minutes of a run against its early ones, at like speed."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median, stdev
from typing import NamedTuple

from stridehub.coaching.window import is_valid
from stridehub.model import Side, Stride
from stridehub.rules import DriftRules

# Which way is tiring: Apte 2021 review; kickback by METRICS.md. Foot strike is an outcome: its
# change is told and never bad.
_BAD_WAY = {
    "cadence_spm": -1,
    "contact_time_ms": 1,
    "overstride_ratio": 1,
    "kickback_deg": -1,
    "foot_strike_angle_deg": 0,
}
DRIFT_METRICS = tuple(_BAD_WAY)
_WORDS = {
    "cadence_spm": "fewer steps a minute",
    "contact_time_ms": "feet longer on the ground",
    "overstride_ratio": "feet landing further ahead",
    "kickback_deg": "heels lower behind",
}
_LEAST_FOR_SD = 2


@dataclass(frozen=True, slots=True)
class Drift:
    """Of one metric in one window, against the baseline; a mean of both sides. None: not known."""

    metric: str
    change: float | None  # in the metric's unit
    change_sd: float | None  # in SDs from stride to stride of the baseline
    is_bad: bool  # beyond the limit, the tiring way


@dataclass(frozen=True, slots=True)
class DriftState:
    """After one window."""

    running_s: float  # of running, at the window's end
    speed_mps: float  # of the baseline; other speeds are left out
    drifts: tuple[Drift, ...]
    lasting: tuple[str, ...]  # metrics that have been bad for long enough
    since_s: float | None  # hub time from which enough of them have; None: form holds
    since_running_s: float | None  # the same in seconds of running

    @property
    def is_fading(self) -> bool:
        return self.since_s is not None

    @property
    def text(self) -> str:
        if self.since_running_s is None:
            return "Your form holds."
        what = ", ".join(_WORDS[metric] for metric in self.lasting)
        return (
            f"Since minute {self.since_running_s / 60.0:.0f} your form has been fading: {what}."
            " Ease off, walk a little, or call it a day."
        )


class _Row(NamedTuple):
    side: Side
    speed_mps: float
    values: tuple[float | None, ...]  # of DRIFT_METRICS


class _Usual(NamedTuple):
    """Of one side and metric in the baseline."""

    middle: float
    sd: float


@dataclass(slots=True)
class _Streak:
    """Windows in a row in which a metric was bad; one that could not be judged does not count."""

    windows: int = 0
    since_s: float = 0.0
    since_running_s: float = 0.0


class Fading:
    """Of one runner and session. Keeps the strides of one window, at most those of the baseline."""

    def __init__(self, rules: DriftRules) -> None:
        self._rules = rules
        self._running_s = 0.0
        self._ran_until_s = float("-inf")
        self._rows: list[_Row] = []
        self._window_end_s = rules.baseline_to_s  # of running
        self._window_begun_s = 0.0  # hub time
        self._speed_mps: float | None = None
        self._usual: dict[tuple[Side, int], _Usual] = {}
        self._streaks = {metric: _Streak() for metric in DRIFT_METRICS}
        self.state: DriftState | None = None  # of the last window; None: none yet

    def on_stride(self, stride: Stride) -> DriftState | None:
        """Takes every stride in the order they ended; the state when a window has ended.

        Time is that of running: strides overlap, pauses and walking do not count. Without any
        speed there is no like speed, so nothing is ever told.
        """
        if not stride.is_running:
            return None
        ended = self._pass_time(stride)
        if self._running_s >= self._rules.baseline_from_s:
            self._take(stride)
        return ended

    def _pass_time(self, stride: Stride) -> DriftState | None:
        self._running_s += max(stride.next_ic - max(stride.ic, self._ran_until_s), 0.0)
        self._ran_until_s = max(self._ran_until_s, stride.next_ic)
        if self._running_s < self._window_end_s:
            return None
        ended = self._end_window()
        self._rows.clear()
        self._window_begun_s = stride.ic
        self._window_end_s += self._rules.every_s
        return ended

    def _take(self, stride: Stride) -> None:
        """Where the zero of the angles follows the movement, no drift shows in them."""
        if stride.speed_mps is None or not is_valid(stride) or "no_standing" in stride.quality:
            return
        values = tuple(getattr(stride, metric) for metric in DRIFT_METRICS)
        self._rows.append(_Row(stride.side, stride.speed_mps, values))

    def _end_window(self) -> DriftState | None:
        if self._speed_mps is None:
            self._set_baseline()
            return None
        rows = self._at_like_speed(self._rows, self._speed_mps)
        drifts = tuple(self._drift(rows, place) for place in range(len(DRIFT_METRICS)))
        for drift in drifts:
            self._extend(self._streaks[drift.metric], drift)
        self.state = self._judged(self._speed_mps, drifts)
        return self.state

    def _at_like_speed(self, rows: Sequence[_Row], speed_mps: float) -> list[_Row]:
        slack = self._rules.like_speed_mps
        return [row for row in rows if abs(row.speed_mps - speed_mps) <= slack]

    def _set_baseline(self) -> None:
        """With too few strides the next window is the baseline."""
        if not self._rows:
            return
        speed_mps = median(row.speed_mps for row in self._rows)
        rows = self._at_like_speed(self._rows, speed_mps)
        if len(rows) < self._rules.least_strides:
            return
        self._speed_mps = speed_mps
        for side in Side:
            for place in range(len(DRIFT_METRICS)):
                values = _values(rows, side, place)
                if len(values) >= max(self._rules.least_strides / 2, _LEAST_FOR_SD):
                    self._usual[side, place] = _Usual(median(values), stdev(values))

    def _drift(self, rows: Sequence[_Row], place: int) -> Drift:
        """Each side against itself: what differs left from right is no drift."""
        metric = DRIFT_METRICS[place]
        changes, changes_sd = [], []
        for side in Side:
            usual = self._usual.get((side, place))
            values = _values(rows, side, place)
            if usual is None or usual.sd == 0.0 or len(values) < self._rules.least_strides / 2:
                continue
            changes.append(median(values) - usual.middle)
            changes_sd.append(changes[-1] / usual.sd)
        if not changes:
            return Drift(metric, None, None, is_bad=False)
        change_sd = mean(changes_sd)
        is_bad = _BAD_WAY[metric] * change_sd > self._rules.sd
        return Drift(metric, mean(changes), change_sd, is_bad)

    def _extend(self, streak: _Streak, drift: Drift) -> None:
        if drift.change_sd is None:
            return
        if not drift.is_bad:
            streak.windows = 0
            return
        if streak.windows == 0:
            streak.since_s = self._window_begun_s
            streak.since_running_s = self._window_end_s - self._rules.every_s
        streak.windows += 1

    def _judged(self, speed_mps: float, drifts: tuple[Drift, ...]) -> DriftState:
        needed = self._rules.lasting_s / self._rules.every_s
        lasting = [
            metric for metric, streak in self._streaks.items() if streak.windows >= max(needed, 1)
        ]
        since_s = since_running_s = None
        if len(lasting) >= self._rules.least_metrics:
            begun = sorted(
                (self._streaks[m].since_s, self._streaks[m].since_running_s) for m in lasting
            )
            since_s, since_running_s = begun[self._rules.least_metrics - 1]
        return DriftState(
            running_s=self._window_end_s,
            speed_mps=speed_mps,
            drifts=drifts,
            lasting=tuple(lasting),
            since_s=since_s,
            since_running_s=since_running_s,
        )


def _values(rows: Sequence[_Row], side: Side, place: int) -> list[float]:
    return [value for row in rows if row.side is side and (value := row.values[place]) is not None]
