"""Zones that scale with pace: below, in or above, never a score."""

import math
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from stridehub.coaching.memory import Baseline
from stridehub.model import RunnerProfile
from stridehub.rules import CoachingRules, TriggerRules, ZoneRule, ZoneRules

ZONE_METRICS = ZoneRules.__struct_fields__

_LEG_M = 0.90  # whose cadence the rule is written for
_LEG_OF_HEIGHT = 0.245 + 0.246  # Winter

SLOWEST_MPS, FASTEST_MPS = 0.5, 12.0  # for which a coach may set a zone
_LEAST_WIDTH = 1e-6  # of any metric; less may vanish in rounding


class Position(StrEnum):
    BELOW = "below"
    IN = "in"
    ABOVE = "above"


class Zone(msgspec.Struct, frozen=True):
    """In the metric's unit. None: open on that side.

    Outside by no more than `amber` pages show a value in between.
    """

    low: float | None
    high: float | None
    amber: float
    source: str

    def position(self, value: float) -> Position:
        if self.low is not None and value < self.low:
            return Position.BELOW
        if self.high is not None and value > self.high:
            return Position.ABOVE
        return Position.IN

    def above(self, value: float) -> float:
        """How far beyond the upper bound; negative within, minus infinity where there is none."""
        return float("-inf") if self.high is None else value - self.high

    def below(self, value: float) -> float:
        """How far beyond the lower bound, as a positive number; likewise."""
        return float("-inf") if self.low is None else self.low - value


def leg_length_m(profile: RunnerProfile) -> float | None:
    """Hip to ankle: the mean of both legs, else from the height (Winter)."""
    known = [
        length
        for length in (profile.leg_length_left_m, profile.leg_length_right_m)
        if length is not None
    ]
    if known:
        return sum(known) / len(known)
    return None if profile.height_m is None else _LEG_OF_HEIGHT * profile.height_m


def centre(rule: ZoneRule, speed_mps: float, leg_m: float | None) -> float:
    """Of the zone of anybody who runs at that pace."""
    value = rule.value + rule.per_mps * (speed_mps - rule.at_mps)
    value *= math.pow(speed_mps, rule.exponent)
    value *= math.pow(_LEG_M / (leg_m or _LEG_M), rule.leg_exponent)
    if rule.least is not None:
        value = max(value, rule.least)
    return value if rule.most is None else min(value, rule.most)


def own_value(rule: ZoneRule, own: Baseline, speed_mps: float, leg_m: float | None) -> float:
    """The runner's own baseline, taken at another pace, at this one."""
    if own.speed_mps is None:
        return own.median
    return own.median + centre(rule, speed_mps, leg_m) - centre(rule, own.speed_mps, leg_m)


def zone_at(
    rule: ZoneRule,
    speed_mps: float | None,
    leg_m: float | None = None,
    own: Baseline | None = None,
) -> Zone | None:
    """The zone in force; None without a pace.

    The runner's own baseline comes first: the centre is the runner's where the rule says so, a
    bound is no further than `reach` from what the runner does, and a zone is never narrower than
    the baseline's spread.
    """
    if speed_mps is None or speed_mps <= 0.0:
        return None
    middle = centre(rule, speed_mps, leg_m)
    if own is None:
        return _around(middle, rule)
    own_now = own_value(rule, own, speed_mps, leg_m)
    zone = _around(own_now if rule.is_own else middle, rule)
    if rule.is_own:
        zone = _because(zone, "the runner's own baseline")
    return _within_reach(_as_wide_as(zone, own.sd), rule.reach, own_now)


def _around(middle: float, rule: ZoneRule) -> Zone:
    unit = middle if rule.is_share else 1.0
    low = None if rule.below is None else middle - rule.below * unit
    high = None if rule.above is None else middle + rule.above * unit
    return Zone(low, high, rule.amber, rule.source)


def _because(zone: Zone, why: str) -> Zone:
    return msgspec.structs.replace(zone, source=f"{why}; {zone.source}")


def _as_wide_as(zone: Zone, spread: float) -> Zone:
    """At least the spread to either side of its middle."""
    if zone.low is None or zone.high is None or zone.high - zone.low >= 2 * spread:
        return zone
    middle = 0.5 * (zone.low + zone.high)
    wide = msgspec.structs.replace(zone, low=middle - spread, high=middle + spread)
    return _because(wide, "as wide as the runner's own spread")


def _within_reach(zone: Zone, reach: float | None, own_now: float) -> Zone:
    """No bound further than that from what the runner does."""
    if reach is None:
        return zone
    low = None if zone.low is None else min(zone.low, own_now + reach)
    high = None if zone.high is None else max(zone.high, own_now - reach)
    if (low, high) == (zone.low, zone.high):
        return zone
    near = msgspec.structs.replace(zone, low=low, high=high)
    return _because(near, "a step from the runner's own baseline")


def with_zones(rules: CoachingRules, zones: Mapping[str, ZoneRule]) -> CoachingRules:
    """`zones`, by metric, instead of those that stand in the rules."""
    known = {metric: zones[metric] for metric in ZONE_METRICS if metric in zones}
    return msgspec.structs.replace(rules, zones=msgspec.structs.replace(rules.zones, **known))


def bounded(
    rule: ZoneRule, low: float | None, high: float | None, speed_mps: float, leg_m: float | None
) -> ZoneRule:
    """The rule with these bounds at that pace, bent by nothing; it scales with pace as before.

    Raises ValueError where no such zone can be, at that pace or another, or both are None.
    """
    bounds = [bound for bound in (low, high) if bound is not None]
    if not bounds:
        raise ValueError("a zone needs a bound")
    free = msgspec.structs.replace(rule, least=None, most=None, reach=None, is_own=False)
    middle = sum(bounds) / len(bounds)
    is_now = centre(free, speed_mps, leg_m)
    per_value = centre(msgspec.structs.replace(free, value=free.value + 1.0), speed_mps, leg_m)
    value = free.value + (middle - is_now) / (per_value - is_now)
    unit = middle if rule.is_share else 1.0
    if unit <= 0.0:
        raise ValueError("a share of nothing is no zone")
    set_rule = msgspec.structs.replace(
        free,
        value=value,
        below=None if low is None else (middle - low) / unit,
        above=None if high is None else (high - middle) / unit,
        source="set by a coach",
    )
    _refuse_crossing(set_rule, leg_m)
    return set_rule


def _refuse_crossing(rule: ZoneRule, leg_m: float | None) -> None:
    """A zone that is upright at the slowest and the fastest pace is so at all between."""
    for speed_mps in (SLOWEST_MPS, FASTEST_MPS):
        zone = _around(centre(rule, speed_mps, leg_m), rule)
        if zone.low is None or zone.high is None:
            return
        if zone.high - zone.low < _LEAST_WIDTH:
            raise ValueError(
                f"low would not be below high at {speed_mps:g} m/s: the zone moves with pace"
            )


def bandwidth(rules: TriggerRules, metric: str, own: Baseline | None, value: float) -> float:
    """One baseline SD of the metric, and never less than the least that counts."""
    if metric.endswith("_deg"):
        least = rules.least_deg
    elif metric.endswith("_ratio"):
        least = rules.least_ratio
    else:
        least = rules.least_share * abs(value)
    return max(least, own.sd if own is not None else 0.0)
