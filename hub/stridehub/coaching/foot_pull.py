"""Foot pull: heel under the hip, standing or on the spot. Counted and judged live."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from stridehub.coaching.angles import (
    KEPT_REPETITIONS,
    UNSURE,
    AngleFeed,
    Angles,
    Confidences,
    Series,
)
from stridehub.coaching.leg import LIMBS, ankle
from stridehub.model import RunnerProfile, Side
from stridehub.rules import DrillRules


@dataclass(frozen=True, slots=True)
class Pull:
    """One repetition. None: no thigh pod, or angles that are doubtful."""

    side: Side
    start_s: float  # hub time
    end_s: float
    shank_deg: float  # furthest back, as a positive number
    heel_lift_ratio: float | None
    heel_trail_ratio: float | None  # at that moment
    is_under_hip: bool | None


@dataclass(frozen=True, slots=True)
class PullSide:
    """Medians of the repetitions of one side."""

    count: int = 0
    judged: int = 0  # of them, those whose heel was seen
    under_hip: int = 0  # of those
    heel_lift_ratio: float | None = None
    heel_trail_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class FootPullResult:
    sides: Mapping[Side, PullSide]
    height_balance_pct: float | None  # heel lift: left, of both; 50 is even
    is_interrupted: bool  # for a while nobody could count: repetitions may be missing
    not_judged: Mapping[Side, str]  # why a side's repetitions cannot be counted now

    @property
    def lines(self) -> list[str]:
        told = [f"{side}: {_pull_words(pulls)}" for side, pulls in self.sides.items()]
        if self.height_balance_pct is not None:
            higher = Side.LEFT if self.height_balance_pct > 50.0 else Side.RIGHT
            even = abs(self.height_balance_pct - 50.0) < 1.0
            told.append("both heels alike" if even else f"the {higher} heel comes higher")
        told += [f"{side} cannot be counted: {why}" for side, why in self.not_judged.items()]
        if self.is_interrupted:
            told.append("for a while the pods could not tell: some pulls may be missing")
        return told


class FootPull:
    """Heel under the hip, standing or on the spot. A step forward is no pull."""

    def __init__(self, rules: DrillRules, profile: RunnerProfile, from_s: float) -> None:
        """From hub time `from_s` on."""
        self._counters = {side: _PullCounter(rules, profile, side, from_s) for side in Side}

    def update(self, series: Series, confidence: Confidences) -> list[Pull]:
        """Takes the series of the pods as they are now; the pulls that have ended since."""
        ended = [
            pull
            for counter in self._counters.values()
            for pull in counter.update(series, confidence)
        ]
        return sorted(ended, key=lambda pull: pull.end_s)

    @property
    def result(self) -> FootPullResult:
        """So far."""
        sides = {side: counter.result for side, counter in self._counters.items()}
        left, right = (sides[side].heel_lift_ratio for side in Side)
        balance_pct = None
        if left is not None and right is not None and left + right > 0.0:
            balance_pct = 100.0 * left / (left + right)
        return FootPullResult(
            sides=sides,
            height_balance_pct=balance_pct,
            is_interrupted=any(c.is_interrupted for c in self._counters.values()),
            not_judged={s: UNSURE for s, c in self._counters.items() if c.feed.unsure()},
        )


@dataclass(slots=True)
class _Lift:
    """A foot that is off the ground, and a moment longer."""

    start_s: float
    end_s: float | None = None
    shank_deg: float = 0.0
    is_high: bool = False  # far enough to count
    is_step: bool = False
    is_doubtful: bool = False
    heel_lift_ratio: float = float("-inf")
    heel_trail_ratio: float = 0.0


class _PullCounter:
    """Of one side: from foot down over heel up to foot down again, and no shank swung ahead."""

    def __init__(
        self, rules: DrillRules, profile: RunnerProfile, side: Side, from_s: float
    ) -> None:
        self._rules = rules
        self._profile = profile
        self._side = side
        self._limb = LIMBS[side]
        self.feed = AngleFeed([self._limb.shank], [self._limb.thigh], from_s)
        self.is_interrupted = False
        self._was_down = False  # False too while nobody knows
        self._lift: _Lift | None = None
        self._doubtful_until_s = float("-inf")
        self._count = self._judged = self._under_hip = 0
        self._pulls: deque[Pull] = deque(maxlen=KEPT_REPETITIONS)

    def update(self, series: Series, confidence: Confidences) -> Iterator[Pull]:
        for angles in self.feed.take(series, confidence):
            pull = self._step(angles)
            if pull is not None:
                self._keep(pull)
                yield pull
        self.is_interrupted |= bool(self.feed.unsure())

    def _step(self, now: Angles) -> Pull | None:
        """The pull that is sure now."""
        ended = None
        if now.is_broken:
            ended = self._leave()
            self._was_down = False
        if now.lost:
            self._doubtful_until_s = now.time_s + self._rules.settle_s
            self.is_interrupted |= self._limb.shank in now.lost
        shank_deg = -(now.deg[self._limb.shank] + self._profile.standing_shank_deg)
        if shank_deg < self._rules.pull_rest_deg:
            self._was_down = True
            return ended or self._come_down(now)
        if self._lift is not None and self._lift.end_s is not None:  # the next one begins
            ended = self._leave()
        if self._lift is None and self._was_down:
            self._lift = _Lift(now.time_s)
        if self._lift is not None:
            self._follow(self._lift, shank_deg, now)
        return ended

    def _come_down(self, now: Angles) -> Pull | None:
        """A foot that goes on to swing ahead was a step; soon it is known."""
        lift = self._lift
        if lift is None:
            return None
        if lift.end_s is None:
            lift.end_s = now.time_s
        lift.is_step |= now.deg[self._limb.shank] > self._rules.pull_ahead_deg
        return self._leave() if now.time_s - lift.end_s >= self._rules.pull_sure_s else None

    def _leave(self) -> Pull | None:
        """What the last lift was."""
        lift, self._lift = self._lift, None
        return None if lift is None or lift.end_s is None else self._pull(lift, lift.end_s)

    def _follow(self, lift: _Lift, shank_deg: float, now: Angles) -> None:
        lift.shank_deg = max(lift.shank_deg, shank_deg)
        lift.is_high |= shank_deg >= self._rules.pull_least_deg
        thigh_deg = now.deg.get(self._limb.thigh)
        if thigh_deg is None or now.time_s < self._doubtful_until_s:
            lift.is_doubtful = True
            return
        lift.is_step |= thigh_deg < -self._rules.pull_behind_deg
        heel = ankle(self._profile, thigh_deg, now.deg[self._limb.shank])
        if heel.heel_lift > lift.heel_lift_ratio:
            lift.heel_lift_ratio, lift.heel_trail_ratio = heel.heel_lift, heel.trail

    def _pull(self, lift: _Lift, end_s: float) -> Pull | None:
        if lift.is_step or not lift.is_high:
            return None
        is_known = not lift.is_doubtful
        return Pull(
            side=self._side,
            start_s=lift.start_s,
            end_s=end_s,
            shank_deg=lift.shank_deg,
            heel_lift_ratio=lift.heel_lift_ratio if is_known else None,
            heel_trail_ratio=lift.heel_trail_ratio if is_known else None,
            is_under_hip=(
                lift.heel_trail_ratio <= self._rules.pull_trail_ratio if is_known else None
            ),
        )

    def _keep(self, pull: Pull) -> None:
        self._pulls.append(pull)
        self._count += 1
        self._judged += pull.is_under_hip is not None
        self._under_hip += pull.is_under_hip is True

    @property
    def result(self) -> PullSide:
        return PullSide(
            count=self._count,
            judged=self._judged,
            under_hip=self._under_hip,
            heel_lift_ratio=_median([pull.heel_lift_ratio for pull in self._pulls]),
            heel_trail_ratio=_median([pull.heel_trail_ratio for pull in self._pulls]),
        )


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _pull_words(pulls: PullSide) -> str:
    told = f"{pulls.count} pulls"
    if pulls.heel_lift_ratio is not None:
        told += f", heel up {pulls.heel_lift_ratio:.0%} of the leg".replace("%", " %")
        told += f", under the hip {pulls.under_hip} of {pulls.judged}"
    return told
