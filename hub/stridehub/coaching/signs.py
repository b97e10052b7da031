"""What medians of a side show: the signs of a fault, and how far beyond the zone they are."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from stridehub.coaching.memory import Baseline
from stridehub.coaching.zones import Position, Zone, bandwidth, leg_length_m, own_value, zone_at
from stridehub.model import CueKind, RunnerProfile, Stride
from stridehub.rules import CoachingRules, ZoneRule


@dataclass(frozen=True, slots=True)
class Sign:
    """One way in which a runner is outside the zone."""

    kind: CueKind
    metric: str
    position: Position  # on which side of the zone
    value: float
    zone: Zone
    beyond_sd: float  # the zone, in bandwidths of the runner's own

    def is_fault(self, stride: Stride) -> bool:
        """The stride itself is outside, on that side."""
        value = getattr(stride, self.metric)
        return value is not None and self.zone.position(value) is self.position


class Reader:
    """A runner's zones and signs at one pace, for one side."""

    def __init__(
        self,
        rules: CoachingRules,
        profile: RunnerProfile,
        own: Callable[[str], Baseline | None],
        median: Callable[[str], float | None],
        speed_mps: float | None,
    ) -> None:
        """`own` and `median`: of a metric, baseline and what is looked at."""
        self._rules = rules
        self._leg_m = leg_length_m(profile)
        self._own = own
        self._median = cache(median)
        self._speed_mps = speed_mps
        self.zone = cache(self._zone)

    def _zone(self, metric: str) -> Zone | None:
        """None without a pace, or for a metric that has none."""
        rule: ZoneRule | None = getattr(self._rules.zones, metric, None)
        if rule is None:
            return None
        return zone_at(rule, self._speed_mps, self._leg_m, self._own(metric))

    def position(self, metric: str) -> Position | None:
        """Of the median. None where it, or the zone, is not known."""
        value, zone = self._median(metric), self.zone(metric)
        return None if value is None or zone is None else zone.position(value)

    def signs(self) -> Iterator[Sign]:
        """At most one of each kind of cue, the most urgent kind first."""
        for sign in (self._overstride(), self._heel_lift(), self._flick(), self._sitting_back()):
            if sign is not None:
                yield sign

    def _beyond(self, kind: CueKind, metric: str, position: Position) -> Sign | None:
        value, zone = self._median(metric), self.zone(metric)
        if value is None or zone is None:
            return None
        by = zone.above(value) if position is Position.ABOVE else zone.below(value)
        width = bandwidth(self._rules.trigger, metric, self._own(metric), value)
        beyond_sd = by / width if width > 0.0 else math.inf
        return Sign(kind, metric, position, value, zone, beyond_sd) if by > 0.0 else None

    def _overstride(self) -> Sign | None:
        """By the foot ahead of the hip; by the shank alone where no thigh pod is worn."""
        known = self._median("overstride_ratio") is not None
        metric = "overstride_ratio" if known else "shank_angle_ic_deg"
        return self._beyond(CueKind.OVERSTRIDE, metric, Position.ABOVE)

    def _heel_lift(self) -> Sign | None:
        """Lazy: kickback and peak knee flexion both below."""
        knee = self._beyond(CueKind.HEEL_LIFT, "peak_knee_flexion_deg", Position.BELOW)
        return knee and self._beyond(CueKind.HEEL_LIFT, "kickback_deg", Position.BELOW)

    def _flick(self) -> Sign | None:
        """Kickback above, or trail above."""
        signs = [
            sign
            for metric in ("kickback_deg", "heel_trail_ratio")
            if (sign := self._beyond(CueKind.FLICK, metric, Position.ABOVE)) is not None
        ]
        return max(signs, key=lambda sign: sign.beyond_sd, default=None)

    def _sitting_back(self) -> Sign | None:
        return self._beyond(CueKind.SITTING_BACK, "hip_over_foot_ratio", Position.BELOW)

    def is_over_leaning(self) -> bool | None:
        """At least two of: cadence dropped against the runner's own baseline, overstride above,
        hip behind the ankle at mid-stance. None: too little is known to tell."""
        signs = (self._cadence_dropped(), self._is_overstriding(), self._is_hip_behind())
        if signs.count(True) >= 2:
            return True
        return None if signs.count(True) + signs.count(None) >= 2 else False

    def _cadence_dropped(self) -> bool | None:
        value, own = self._median("cadence_spm"), self._own("cadence_spm")
        if value is None or own is None or self.zone("cadence_spm") is None:
            return None
        assert self._speed_mps is not None
        usual = own_value(self._rules.zones.cadence_spm, own, self._speed_mps, self._leg_m)
        return usual - value > bandwidth(self._rules.trigger, "cadence_spm", own, value)

    def _is_overstriding(self) -> bool | None:
        position = self.position("overstride_ratio")
        return None if position is None else position is Position.ABOVE

    def _is_hip_behind(self) -> bool | None:
        if self.position("hip_over_foot_ratio") is None:
            return None
        sign = self._sitting_back()
        return sign is not None and sign.beyond_sd > 1.0
