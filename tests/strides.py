"""Plain strides, landings and conditions, and a track where a coach watches a runner."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import cycle
from typing import Any, Self

import msgspec

from stridehub.coaching.coach import Coach
from stridehub.coaching.cue import Cue, CueFollowUp
from stridehub.coaching.memory import RunnerMemory
from stridehub.coaching.plan import Plan
from stridehub.coaching.pod_watch import Conditions
from stridehub.coaching.session import Moment
from stridehub.model import CueKind, EventKind, GaitEvent, RunnerProfile, Side, Stride
from stridehub.rules import CoachingRules, Layer, rules

STRIDE_S = 0.72
LANDING_TOLD_S = 0.045  # after the foot strike
STRIDE_TOLD_S = 0.16  # after the foot strike that ends it
BEGIN = Moment(hub_s=1000.0, utc_s=1_760_000_000.0)
EVERY_CUE = Plan(name="every cue", cues=tuple(CueKind))

# In the middle of every zone of anybody who runs at 3 m/s.
GOOD_FORM: Mapping[str, float] = {
    "speed_mps": 3.0,
    "shank_angle_ic_deg": 6.0,
    "overstride_ratio": 0.25,
    "peak_knee_flexion_deg": 90.0,
    "kickback_deg": 80.0,
    "heel_trail_ratio": 0.50,
    "knee_lift_deg": 26.0,
    "contact_time_ms": 255.0,
    "cadence_spm": 166.0,
    "lean_deg": 6.6,
    "hip_over_foot_ratio": 0.05,
}
_GOOD = Stride(
    runner="runner",
    side=Side.LEFT,
    index=0,
    ic=0.0,
    to=0.255,
    next_ic=STRIDE_S,
    stride_time_ms=1000 * STRIDE_S,
    flight_time_ms=105.0,
    duty_factor=0.35,
    knee_flexion_ic_deg=15.0,
    heel_lift_ratio=0.5,
    swing_lever_ratio=0.7,
    hip_extension_deg=20.0,
    push_off_angle_deg=25.0,
    vertical_oscillation_mm=80.0,
    impact_g=8.0,
    step_length_m=1.08,
    foot_strike_angle_deg=None,
    quality=(),
    **GOOD_FORM,
)


def stride(side: Side = Side.LEFT, ic: float = 0.0, **changes: Any) -> Stride:
    """A good one that begins at `ic`, but for the changes."""
    times = {"ic": ic, "to": ic + 0.255, "next_ic": ic + STRIDE_S}
    return msgspec.structs.replace(_GOOD, side=side, **(times | changes))


def landing(side: Side, time_s: float, *, refined: bool = False) -> GaitEvent:
    return GaitEvent(
        kind=EventKind.INITIAL_CONTACT,
        side=side,
        refined=refined,
        time_s=time_s,
        seen_s=time_s + LANDING_TOLD_S,
        shank_angle_deg=6.0,
        overstride_ratio=None,
    )


def good_conditions(now_s: float) -> Conditions:
    return Conditions(now_s, data_age_s=0.05, loss=0.0, is_calibrated=True)


def rules_with(**tables: Mapping[str, Any]) -> CoachingRules:
    """The defaults but for these, as in TOML.

    Unless they say so, no cue is withheld at random, and calves bear any load.
    """
    calm = {"cues": {"withheld": 0.0}, "load": {"most_growth": 1e6}}
    return rules(Layer("test", calm), Layer("test", tables))


class Track:
    """Feeds a coach step by step: first the landing, then the stride that ended with it."""

    def __init__(
        self,
        numbers: CoachingRules | None = None,
        *,
        plan: Plan = EVERY_CUE,
        memory: RunnerMemory | None = None,
        begin: Moment = BEGIN,
        seed: int = 0,
        profile: RunnerProfile | None = None,
    ) -> None:
        self.rules = numbers or CoachingRules()
        self.begin, self.seed = begin, seed
        self.coach = Coach(
            profile or RunnerProfile(), self.rules, plan, memory or RunnerMemory(), begin, seed
        )
        self.time_s = begin.hub_s  # of the last foot strike
        self.cues: list[Cue] = []
        self.answers: list[CueFollowUp] = []
        self._sides = cycle(Side)
        self._landed_s: dict[Side, float] = {}
        self._counts = dict.fromkeys(Side, 0)

    @property
    def moment(self) -> Moment:
        """Now, on a clock of people that never jumped."""
        return Moment(self.time_s, self.begin.utc_of(self.time_s))

    @property
    def memory(self) -> RunnerMemory:
        """What is to be kept now."""
        return self.coach.memory(self.moment)

    def step(
        self,
        side: Side,
        after_s: float = STRIDE_S / 2,
        *,
        age_s: float = 0.05,
        loss: float = 0.0,
        is_calibrated: bool = True,
        told_s: float = LANDING_TOLD_S,
        **changes: Any,
    ) -> Cue | None:
        """A foot lands, and a stride of it has ended, unless it is the first after a pause."""
        self.time_s += after_s
        now = Conditions(self.time_s + told_s, age_s, loss, is_calibrated)
        cue = self.coach.on_landing(landing(side, self.time_s), now)
        if cue is not None:
            self.cues.append(cue)
        began_s = self._landed_s.get(side)
        self._landed_s[side] = self.time_s
        if began_s is not None:
            times = {
                "index": self._counts[side],
                "next_ic": self.time_s,
                "stride_time_ms": 1000 * (self.time_s - began_s),
            }
            self._counts[side] += 1
            now = replace(now, now_s=self.time_s + max(told_s, STRIDE_TOLD_S))
            answer = self.coach.on_stride(stride(side, began_s, **(times | changes)), now)
            if answer is not None:
                self.answers.append(answer)
        return cue

    def run(
        self,
        steps: int,
        *,
        left: Mapping[str, Any] | None = None,
        right: Mapping[str, Any] | None = None,
        after_s: float = STRIDE_S / 2,
        **changes: Any,
    ) -> Self:
        """So many steps, each of which ends a stride; `changes` of good form and conditions."""
        own = {Side.LEFT: changes | dict(left or {}), Side.RIGHT: changes | dict(right or {})}
        for _ in range(steps):
            side = next(self._sides)
            self.step(side, after_s, **own[side])
        return self

    def run_for(self, seconds: float, **changes: Any) -> Self:
        return self.run(round(2 * seconds / STRIDE_S), **changes)

    def pause(self, seconds: float) -> Self:
        """Nothing is heard of the runner."""
        self.time_s += seconds
        self._landed_s.clear()
        return self
