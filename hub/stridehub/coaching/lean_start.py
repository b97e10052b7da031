"""Start-stop lean: the first step out of standing, counted and judged live."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import mean

from stridehub.coaching.angles import (
    KEPT_REPETITIONS,
    SLOT_S,
    UNSURE,
    AngleFeed,
    Angles,
    Confidences,
    Series,
)
from stridehub.coaching.leg import LIMBS, ankle
from stridehub.model import Placement, RunnerProfile, Side
from stridehub.rules import DrillRules


@dataclass(frozen=True, slots=True)
class Start:
    """One start from standing, at the moment the first foot leaves the ground.

    Ratio and angles are changes against the standing just before: standing legs are not vertical.
    """

    time_s: float  # hub time
    stance: Side  # the foot that stays
    ahead_ratio: float  # hip ahead of the stance ankle, of leg length
    knee_deg: float  # how much further the stance knee is bent
    pelvis_lean_deg: float | None  # forward positive; None: no pelvis pod
    is_good: bool

    @property
    def text(self) -> str:
        told = f"hip {100 * self.ahead_ratio:.0f} % of the leg ahead of the foot"
        told += f", knee bent by {self.knee_deg:.0f} deg"
        if self.pelvis_lean_deg is not None:
            told += f", pelvis lean {self.pelvis_lean_deg:.0f} deg"
        return f"{'good' if self.is_good else 'not yet'}: {told}"


@dataclass(frozen=True, slots=True)
class LeanResult:
    starts: tuple[Start, ...]  # the last ones
    count: int
    good: int
    not_judged: str | None  # why starts cannot be judged now

    @property
    def lines(self) -> list[str]:
        told = [f"{self.good} of {self.count} starts good"] if self.count else ["no start yet"]
        if self.starts:
            ahead = 100 * mean(start.ahead_ratio for start in self.starts)
            told.append(f"hip ahead of the foot by {ahead:.0f} % of the leg on average")
        return told if self.not_judged is None else [*told, self.not_judged]


@dataclass(slots=True)
class _Stillness:
    """Means of the angles since everything is still."""

    anchor: Mapping[Placement, float]
    slots: int = 0
    sums: dict[Placement, float] = field(default_factory=dict)
    counts: dict[Placement, int] = field(default_factory=dict)

    def add(self, deg: Mapping[Placement, float]) -> None:
        self.slots += 1
        for place, angle in deg.items():
            self.sums[place] = self.sums.get(place, 0.0) + angle
            self.counts[place] = self.counts.get(place, 0) + 1

    def means(self) -> dict[Placement, float]:
        return {place: total / self.counts[place] for place, total in self.sums.items()}


class LeanStart:
    """Start-stop lean: from standing, hip ahead of the stance foot before the first step."""

    def __init__(self, rules: DrillRules, profile: RunnerProfile, from_s: float) -> None:
        """From hub time `from_s` on."""
        self._rules = rules
        self._profile = profile
        self._legs = [place for limb in LIMBS.values() for place in limb]
        self._feed = AngleFeed(self._legs, [Placement.PELVIS], from_s)
        self._still: _Stillness | None = None
        self._standing: dict[Placement, float] | None = None  # the last pose before moving
        self._step: Start | None = None  # perhaps a start
        self._doubtful_until_s = float("-inf")
        self._starts: deque[Start] = deque(maxlen=KEPT_REPETITIONS)
        self._count = self._good = 0

    def update(self, series: Series, confidence: Confidences) -> list[Start]:
        """Takes the series of the pods as they are now; the starts that are sure since."""
        found = [
            start
            for angles in self._feed.take(series, confidence)
            if (start := self._advance(angles)) is not None
        ]
        self._starts.extend(found)
        self._count += len(found)
        self._good += sum(start.is_good for start in found)
        return found

    @property
    def result(self) -> LeanResult:
        """So far."""
        return LeanResult(
            starts=tuple(self._starts),
            count=self._count,
            good=self._good,
            not_judged=UNSURE if self._feed.unsure() else None,
        )

    def _advance(self, now: Angles) -> Start | None:
        if now.is_broken or now.lost:
            self._still = self._standing = self._step = None
        if any(place in now.lost for place in self._legs):
            self._doubtful_until_s = now.time_s + self._rules.settle_s
        if now.time_s < self._doubtful_until_s:
            return None
        if self._step is not None:
            return self._confirmed(self._step, now)
        if self._is_still(now) or self._standing is None:
            return None
        self._step = self._first_step(self._standing, now)
        return None

    def _is_still(self, now: Angles) -> bool:
        """Takes the standing pose while it is so."""
        legs = {place: now.deg[place] for place in self._legs}
        rules = self._rules
        moved = self._still is None or any(
            abs(deg - self._still.anchor[place]) > rules.still_deg for place, deg in legs.items()
        )
        if moved:
            upright = all(abs(deg) <= rules.upright_deg for deg in legs.values())
            self._still = _Stillness(legs) if upright else None
        if self._still is None:
            return False
        self._still.add(now.deg)
        if self._still.slots * SLOT_S < rules.still_s:
            return False
        self._standing = self._still.means()
        return True

    def _first_step(self, standing: Mapping[Placement, float], now: Angles) -> Start | None:
        for side, limb in LIMBS.items():
            if now.deg[limb.shank] - standing[limb.shank] <= -self._rules.lift_deg:
                stance = Side.RIGHT if side is Side.LEFT else Side.LEFT
                return self._measured(stance, standing, now)
        return None

    def _measured(self, stance: Side, standing: Mapping[Placement, float], now: Angles) -> Start:
        limb = LIMBS[stance]
        ahead = self._ahead(stance, now.deg) - self._ahead(stance, standing)
        change = {place: now.deg[place] - standing[place] for place in limb}
        knee_deg = change[limb.thigh] - change[limb.shank]
        pelvis = Placement.PELVIS
        is_known = pelvis in now.deg and pelvis in standing
        return Start(
            time_s=now.time_s,
            stance=stance,
            ahead_ratio=ahead,
            knee_deg=knee_deg,
            pelvis_lean_deg=standing[pelvis] - now.deg[pelvis] if is_known else None,
            is_good=(
                ahead >= self._rules.lean_least_ratio and knee_deg <= self._rules.lean_most_knee_deg
            ),
        )

    def _confirmed(self, step: Start, now: Angles) -> Start | None:
        """A start it is once the body has passed over the stance foot; else a foot lifted."""
        assert self._standing is not None
        passed = self._ahead(step.stance, now.deg) - self._ahead(step.stance, self._standing)
        if passed >= self._rules.start_ratio:
            self._still = self._standing = self._step = None
            return step
        if now.time_s - step.time_s > self._rules.start_s:
            self._still = self._standing = self._step = None
        return None

    def _ahead(self, side: Side, deg: Mapping[Placement, float]) -> float:
        """Hip ahead of the ankle, of leg length."""
        limb = LIMBS[side]
        return ankle(self._profile, deg[limb.thigh], deg[limb.shank]).trail
