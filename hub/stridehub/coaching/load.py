"""What a session asks of the calves, and how much of it is enough. Advice, never a diagnosis."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

import msgspec

from stridehub.coaching.memory import SessionLoad
from stridehub.coaching.strike import StrikeClass
from stridehub.model import Side, Stride
from stridehub.rules import LoadRules

_DAY_S = 86400.0


def step_units(rules: LoadRules, speed_mps: float, strike: StrikeClass | None) -> float:
    """Calf load of one step: (1 + 0.13 (v - 2.7)) w, Almonroeder 2013 for w by foot strike.

    1 is a rearfoot step at 2.7 m/s. An unknown foot strike weighs 1.
    """
    weight = {
        None: 1.0,
        StrikeClass.REARFOOT: rules.rearfoot,
        StrikeClass.MIDFOOT: rules.midfoot,
        StrikeClass.FOREFOOT: rules.forefoot,
    }[strike]
    return max(1.0 + rules.per_mps * (speed_mps - rules.at_mps), 0.0) * weight


class CalfLoad:
    """Counts the running steps of one session; every stride is one step of its side.

    A step without a speed counts with the median speed of the last ones; while no speed at all is
    known it is counted as a step and adds no units. Steps that a leg's pod did not see are not
    guessed: the other leg's figure stands for both.
    """

    def __init__(self, rules: LoadRules, session: SessionLoad) -> None:
        """`session`: a new one, or that of before where the hub goes on with it."""
        self._rules = rules
        self._session = session
        self._speeds_mps: deque[float] = deque(maxlen=rules.speed_strides)
        # Both feet's strides overlap; time is counted up to here.
        self._ran_until_s = float("-inf")
        self._forefoot_until_s = float("-inf")

    @property
    def session(self) -> SessionLoad:
        """So far."""
        return self._session

    def clock_was_set(self, by_s: float) -> None:
        """The session began so much later than it says."""
        before = self._session
        self._session = msgspec.structs.replace(before, started_utc_s=before.started_utc_s + by_s)

    def on_stride(self, stride: Stride, strike: StrikeClass | None) -> None:
        """Takes every stride, in the order they ended, with its side's foot strike."""
        if not stride.is_running:
            return
        before = self._session
        is_forefoot = strike is StrikeClass.FOREFOOT
        side = stride.side
        sums = {
            f"steps_{side}": getattr(before, f"steps_{side}") + 1,
            f"units_{side}": getattr(before, f"units_{side}") + self._units(stride, strike),
            f"forefoot_steps_{side}": getattr(before, f"forefoot_steps_{side}") + is_forefoot,
        }
        self._session = msgspec.structs.replace(
            before,
            running_min=before.running_min + _minutes_beyond(self._ran_until_s, stride),
            is_strike_known=before.is_strike_known or strike is not None,
            **sums,
        )
        self._ran_until_s = max(self._ran_until_s, stride.next_ic)
        if is_forefoot:
            self._count_forefoot_time(stride)

    def _units(self, stride: Stride, strike: StrikeClass | None) -> float:
        if stride.speed_mps is not None:
            self._speeds_mps.append(stride.speed_mps)
            return step_units(self._rules, stride.speed_mps, strike)
        if not self._speeds_mps:
            return 0.0
        return step_units(self._rules, median(self._speeds_mps), strike)

    def _count_forefoot_time(self, stride: Stride) -> None:
        more_min = _minutes_beyond(self._forefoot_until_s, stride)
        self._session = msgspec.structs.replace(
            self._session, forefoot_min=self._session.forefoot_min + more_min
        )
        self._forefoot_until_s = max(self._forefoot_until_s, stride.next_ic)


def _minutes_beyond(until_s: float, stride: Stride) -> float:
    """Of the stride, what lies after that moment."""
    return max(stride.next_ic - max(stride.ic, until_s), 0.0) / 60.0


class CapSource(StrEnum):
    """Where a limit comes from."""

    HISTORY = "history"  # the largest session of the last 30 days
    PLAN = "plan"  # the plan, or the coach
    FIRST_FOREFOOT = "first_forefoot"
    PAIN = "pain"


class LoadUnit(StrEnum):
    UNITS = "units"  # calf load
    STEPS = "steps"  # where no speed is known
    MINUTES = "min"


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit, and what of it is used."""

    source: CapSource
    unit: LoadUnit
    used: float
    cap: float
    side: Side | None = None  # the worse leg; None: both

    @property
    def share(self) -> float:
        return self.used / self.cap if self.cap > 0.0 else 1.0


@dataclass(frozen=True, slots=True)
class Guard:
    """How far the session has gone towards enough."""

    limit: Limit | None  # the one that is nearest, or furthest passed; None: there is none
    is_reached: bool
    is_strike_known: bool  # False: every step weighed 1
    advice: tuple[str, ...]

    @property
    def share(self) -> float | None:
        """Of the limit; 1 and more: reached."""
        return None if self.limit is None else self.limit.share


def transition_guard(
    rules: LoadRules,
    session: SessionLoad,
    earlier: Iterable[SessionLoad],
    *,
    has_forefoot_goal: bool = False,
    has_had_forefoot: bool = False,
    pain: int | None = None,
) -> Guard:
    """The session under way against the earlier ones; `pain` of the calf, 0..10, as told."""
    recent = [
        load
        for load in earlier
        # a clock without a battery may have been ahead
        if 0.0 < abs(session.started_utc_s - load.started_utc_s) <= rules.window_days * _DAY_S
        and load.running_min >= rules.history_least_min
    ]
    is_first = has_forefoot_goal and not has_had_forefoot
    limits = list(_limits(rules, session, recent, is_first, pain))
    worst = max(limits, key=_urgency, default=None)
    return Guard(
        limit=worst,
        is_reached=worst is not None and worst.share >= 1.0,
        is_strike_known=session.is_strike_known,
        advice=tuple(_advice(rules, session, recent, limits, is_first, pain)),
    )


def _urgency(limit: Limit) -> tuple[bool, float]:
    return limit.source is CapSource.PAIN, limit.share


def is_forefoot_exposure(rules: LoadRules, session: SessionLoad) -> bool:
    """Enough forefoot running that the next session is not the first one."""
    return session.forefoot_min >= rules.first_forefoot_from_min


def _limits(
    rules: LoadRules,
    session: SessionLoad,
    recent: list[SessionLoad],
    is_first: bool,
    pain: int | None,
) -> Iterator[Limit]:
    if pain is not None and pain >= rules.pain_pauses:
        yield Limit(CapSource.PAIN, LoadUnit.MINUTES, session.running_min, 0.0)
    if is_first:
        cap = rules.first_forefoot_min
        yield Limit(CapSource.FIRST_FOREFOOT, LoadUnit.MINUTES, session.forefoot_min, cap)
    unit = _unit(session, recent)
    for side in Side:
        used = _of(session, unit, side)
        largest = max((_of_legs(load, unit) for load in recent), default=0.0)
        if largest > 0.0:
            yield Limit(CapSource.HISTORY, unit, used, rules.most_growth * largest, side)
        if rules.cap_units is not None and _has_units(session):
            units = _of(session, LoadUnit.UNITS, side)
            yield Limit(CapSource.PLAN, LoadUnit.UNITS, units, rules.cap_units, side)


def _has_units(session: SessionLoad) -> bool:
    """False where it has steps and no speed was ever known."""
    steps = session.steps_left + session.steps_right
    return steps == 0 or session.units_left + session.units_right > 0.0


def _unit(session: SessionLoad, recent: list[SessionLoad]) -> LoadUnit:
    """What this session and the earlier ones can be compared in."""
    all_have = _has_units(session) and all(map(_has_units, recent))
    return LoadUnit.UNITS if all_have else LoadUnit.STEPS


def _of(load: SessionLoad, unit: LoadUnit, side: Side) -> float:
    value: float = getattr(load, f"{unit}_{side}")
    return value


def _of_legs(load: SessionLoad, unit: LoadUnit) -> float:
    """Of an earlier session: the leg that had more, as the other one's pod may have been off."""
    return max(_of(load, unit, side) for side in Side)


# ---- in words ----


def _advice(
    rules: LoadRules,
    session: SessionLoad,
    recent: list[SessionLoad],
    limits: list[Limit],
    is_first: bool,
    pain: int | None,
) -> Iterator[str]:
    if pain is not None and pain >= rules.pain_pauses:
        yield (
            f"You said your calf hurts, {pain} of 10. The programme pauses until you say it is"
            " gone. If it stays, show it to somebody who treats runners."
        )
    if is_first:
        yield _of_first_forefoot(rules, session)
    for source in (CapSource.HISTORY, CapSource.PLAN):
        of_legs = [limit for limit in limits if limit.source is source]
        if of_legs:
            yield from _of_leg(rules, max(of_legs, key=lambda limit: limit.share))
    if not recent:
        days = rules.window_days
        yield f"No earlier session of the last {days:g} days is known, so they set no limit yet."
    if not _has_units(session):
        yield (
            "Your pace is not known, so your steps are counted and not weighed. Thigh pods and"
            " your height in the profile would tell it."
        )
        if rules.cap_units is not None:
            yield "Today's limit of calf load cannot be watched without it."
    elif session.steps_left + session.steps_right and not session.is_strike_known:
        yield "Without foot pods every step counts as one on the heel: forefoot running is more."


def _of_first_forefoot(rules: LoadRules, session: SessionLoad) -> str:
    least, most = rules.first_forefoot_from_min, rules.first_forefoot_min
    if session.forefoot_min >= most:
        return (
            f"That was {most:g} minutes on the forefoot, enough for a first time. Run on as you"
            " used to: a better heel striker is a good goal, too."
        )
    if session.forefoot_min >= least:
        return (
            f"You have run {session.forefoot_min:.0f} minutes on the forefoot. For a first time"
            f" that will do; {most:g} at most."
        )
    told = f"The first time on the forefoot is short: {least:g} to {most:g} minutes in all."
    if session.steps_left + session.steps_right and not session.is_strike_known:
        told += " Without foot pods they are not counted; keep an eye on the time."
    return told


def _of_leg(rules: LoadRules, limit: Limit) -> Iterator[str]:
    """Nothing while there is room."""
    more = f"{rules.most_growth - 1.0:.0%}".replace("%", " %")
    largest = f"your largest session of the last {rules.window_days:g} days"
    if limit.source is CapSource.PLAN:
        if limit.share >= 1.0:
            yield f"Your {limit.side} calf has had what was planned for today. Let it be enough."
    elif limit.share >= 1.0:
        yield (
            f"Your {limit.side} calf has had {more} more than in {largest}. Beyond that runners"
            " get hurt more often: walk home, or stop here."
        )
    elif limit.share * rules.most_growth >= 1.0:
        yield (
            f"Your {limit.side} calf has had as much as in {largest}. Up to {more} more is a good"
            " step; then let it be enough."
        )
