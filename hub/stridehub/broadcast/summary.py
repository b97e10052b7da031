"""A runner of this moment, in one message."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from stridehub.broadcast.news import RunnerNews
from stridehub.coaching.coach import Coach
from stridehub.coaching.signs import Reader
from stridehub.coaching.tally import contact_balance
from stridehub.coaching.window import known, median_of
from stridehub.coaching.zones import ZONE_METRICS, Zone
from stridehub.model import Gait, Side, Stride
from stridehub.mqtt.messages import (
    BalanceReading,
    DriftReading,
    LoadReading,
    Reading,
    Summary,
)

STRIDES = 10  # of a side, that readings are of
# Besides those that have a zone.
_MORE_METRICS = (
    "flight_time_ms",
    "heel_lift_ratio",
    "swing_lever_ratio",
    "hip_extension_deg",
    "push_off_angle_deg",
    "vertical_oscillation_mm",
    "impact_g",
    "step_length_m",
    "foot_strike_angle_deg",
)
SUMMARY_METRICS = (*ZONE_METRICS, *_MORE_METRICS)


def summary_of(
    coach: Coach, gait: Gait, coach_says: str, news: RunnerNews, *, can_buzz: bool, utc_ms: int
) -> Summary:
    """`coach_says`: what the coach is at, or why nothing buzzes."""
    watch, programme = coach.watch, coach.programme
    lately = {side: coach.window.lately(side, STRIDES) for side in Side}
    readers = {side: coach.reader(side) for side in Side}
    return Summary(
        t=utc_ms,
        runner=coach.profile.runner,
        session=news.session,
        gait=gait,
        stride_t=news.stride_utc_ms,
        strides_left=news.strides[Side.LEFT],
        strides_right=news.strides[Side.RIGHT],
        speed_mps=_rounded(coach.speed_mps),
        metrics=dict(_metrics(lately, readers)),
        stride_time_cv_pct=_rounded(_stride_time_cv_pct(lately.values())),
        balance=_balance(coach),
        is_over_leaning=_is_over_leaning(readers.values()),
        strike={side: strike for side in Side if (strike := watch.strike.of(side)) is not None},
        drift=_drift(coach),
        load=_load(coach),
        plan=coach.plan.name,
        coach=coach_says,
        drill=tuple(programme.drill.lines) if programme.drill is not None else (),
        is_muted=coach.is_muted,
        cue=news.cue,
        can_buzz=can_buzz,
    )


def _metrics(
    lately: Mapping[Side, Sequence[Stride]], readers: Mapping[Side, Reader]
) -> Iterator[tuple[str, dict[Side, Reading]]]:
    for metric in SUMMARY_METRICS:
        sides = {
            side: reading
            for side in Side
            if (reading := _reading(lately[side], metric, readers[side].zone(metric))) is not None
        }
        if sides:
            yield metric, sides


def _reading(strides: Sequence[Stride], metric: str, zone: Zone | None) -> Reading | None:
    """None where no stride knows the metric."""
    value = median_of(strides, metric)
    if value is None:
        return None
    position = None if zone is None else zone.position(value)
    return Reading(
        median=_rounded(value),
        sd=_rounded(_sd(list(known(strides, metric)))),
        position=position,
        is_amber=zone is not None and _is_amber(zone, value),
        low=_rounded(zone.low) if zone else None,
        high=_rounded(zone.high) if zone else None,
    )


def _is_amber(zone: Zone, value: float) -> bool:
    beyond = max(zone.above(value), zone.below(value))
    return 0.0 < beyond <= zone.amber


def _stride_time_cv_pct(lately: Iterable[Sequence[Stride]]) -> float | None:
    """The larger of both sides."""
    found = []
    for strides in lately:
        times = list(known(strides, "stride_time_ms"))
        sd = _sd(times)
        if sd is not None:
            found.append(100.0 * sd * len(times) / sum(times))
    return max(found, default=None)


def _sd(values: Sequence[float]) -> float | None:
    """Of a sample; statistics.stdev takes fifty times as long."""
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _rounded(value: float | None) -> float | None:
    """To more digits than anybody measures."""
    return None if value is None else round(value, 4)


def _balance(coach: Coach) -> BalanceReading | None:
    balance = contact_balance(coach.window, coach.rules.balance)
    if balance is None:
        return None
    return BalanceReading(
        left_pct=round(balance.left_pct, 2),
        position=balance.position,
        is_amber=balance.is_amber,
    )


def _is_over_leaning(readers: Iterable[Reader]) -> bool | None:
    """On either side."""
    signs = [reader.is_over_leaning() for reader in readers]
    return True if True in signs else False if False in signs else None


def _drift(coach: Coach) -> DriftReading | None:
    state = coach.watch.fading.state
    if state is None:
        return None
    return DriftReading(is_fading=state.is_fading, metrics=state.lasting, text=state.text)


def _load(coach: Coach) -> LoadReading:
    load, guard = coach.watch.load, coach.watch.guard
    limit = guard.limit
    return LoadReading(
        units_left=round(load.units_left, 1),
        units_right=round(load.units_right, 1),
        steps_left=load.steps_left,
        steps_right=load.steps_right,
        running_min=round(load.running_min, 2),
        is_strike_known=load.is_strike_known,
        share=None if limit is None else round(limit.share, 3),
        used=None if limit is None else round(limit.used, 1),
        cap=None if limit is None else round(limit.cap, 1),
        unit=None if limit is None else limit.unit,
        source=None if limit is None else limit.source,
        is_reached=guard.is_reached,
        advice=guard.advice,
    )
