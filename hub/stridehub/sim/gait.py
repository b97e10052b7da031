"""What one step looks like: published running kinematics as functions of speed, plus the knobs.

Angles are degrees here and in `StepPlan`; they become radians where curves are made.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from stridehub.model import CueKind
from stridehub.sim.anatomy import Anatomy
from stridehub.sim.knobs import GRAVITY_MPS2, RunnerKnobs
from stridehub.sim.tracks import Array
from stridehub.sim.variation import PinkNoise

VARIATIONS = (
    "stride_time_ratio",
    "contact_time_ratio",
    "speed_ratio",
    "shank_ic_deg",
    "thigh_ic_deg",
    "kickback_deg",
    "knee_lift_deg",
    "lean_deg",
    "foot_strike_deg",
)

# Change after one hour at fatigue = 1: cadence falls, contact and overstride grow, heels drop
# (directions after the review of Apte 2021; sizes chosen).
FATIGUE = {
    "cadence_ratio": -0.03,
    "contact_ratio": 0.05,
    "overstride_deg": 2.0,
    "heel_lift_deg": -7.0,
    "lean_deg": 2.0,
}

# Share of contact in which force is below the threshold, per threshold over mean force; from the
# slopes with which pelvis.FORCE_SHAPE begins and ends, 4.2 and 1.8.
_FORCE_EDGES = 1 / 4.2 + 1 / 1.8

# The knee goes on bending after the shank has turned back; what it gains until its own peak.
_KNEE_AFTER_KICKBACK_DEG = (3.4, 2.5)  # at 2 m/s, and per m/s

_LANDING_KNEE_DEG = 15.0  # at least: within reach (leg.py); 10 to 23 in three public runners

# Way of the hip over a planted foot, per leg length, before heel and toes leave the ground.
_LONGEST_STANCE = 1.09

FORCE_THRESHOLD_N = 50.0  # contact events are what a force plate would report


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step: from the landing of foot `leg` (0 left, 1 right) to the other foot's."""

    index: int
    leg: int
    walking: bool
    ic_s: float
    step_s: float
    contact_s: float  # as long as any force acts
    speed: float
    thigh_ic: float
    shank_ic: float
    foot_ic: float
    knee_to: float
    knee_rate_to: float  # deg/s, negative while it still extends
    kickback: float
    swing_thigh: float  # at the moment of the greatest kickback
    knee_lift: float
    lean: float

    @property
    def to_s(self) -> float:
        return self.ic_s + self.contact_s

    @property
    def next_ic_s(self) -> float:
        return self.ic_s + self.step_s

    @property
    def double_support_s(self) -> float:
        return self.contact_s - self.step_s


@dataclass(frozen=True, slots=True)
class Contact:
    """A foot on the ground: the times at which vertical force crosses the plate's threshold."""

    leg: int
    ic_s: float
    to_s: float
    walking: bool


@dataclass(frozen=True, slots=True)
class Landing:
    """Feet hitting the ground: one leg, or both when None; `share` of a full running impact."""

    t: float
    leg: int | None
    share: float
    contact: Contact | None = None  # of a step


class Answers:
    """What the knobs, tiredness and cues add to the default gait of one step."""

    def __init__(
        self, knobs: RunnerKnobs, leg: int, hours: float, cued: Mapping[CueKind, float]
    ) -> None:
        tired = {name: knobs.fatigue * hours * change for name, change in FATIGUE.items()}
        side = 0.5 if leg == 0 else -0.5
        self.cadence = knobs.cadence_factor * (1 + tired["cadence_ratio"])
        self.contact = (
            knobs.contact_factor
            * (1 + tired["contact_ratio"])
            * (1 + side * knobs.contact_asymmetry_ratio)
        )
        self.shank_ic = knobs.overstride_deg + tired["overstride_deg"] + cued[CueKind.OVERSTRIDE]
        self.thigh_ic = knobs.sitting_back_deg + cued[CueKind.SITTING_BACK]
        self.heel_lift = (
            knobs.heel_lift_deg
            + tired["heel_lift_deg"]
            + cued[CueKind.HEEL_LIFT]
            + side * knobs.heel_lift_asymmetry_deg
        )
        self.flick = knobs.flick_deg + cued[CueKind.FLICK]
        self.lean = knobs.lean_deg + tired["lean_deg"]


class StepPlanner:
    """Draws the steps of one runner."""

    def __init__(self, anatomy: Anatomy, knobs: RunnerKnobs, noise: PinkNoise) -> None:
        self._anatomy = anatomy
        self._knobs = knobs
        self._noise = noise

    def _draw(self) -> dict[str, float]:
        values: Array = self._noise.next()
        scale = self._knobs.variation
        return {n: float(v) * getattr(scale, n) for n, v in zip(VARIATIONS, values, strict=True)}

    def running(self, index: int, leg: int, ic_s: float, speed: float, add: Answers) -> StepPlan:
        """Defaults are the centres of METRICS.md section 3 and of Novacheck 1998."""
        vary = self._draw()
        v = speed * (1 + vary["speed_ratio"])
        leg_factor = (0.90 / self._anatomy.leg) ** 0.25
        cadence = (166 + 6 * (v - 3)) * leg_factor * add.cadence
        step = 60.0 / cadence * (1 + vary["stride_time_ratio"])
        felt = 0.520 * v**-0.65 * add.contact * (1 + vary["contact_time_ratio"])
        felt = min(felt, 0.90 * step)  # leaves a flight phase
        felt = min(felt, _LONGEST_STANCE * self._anatomy.leg / v)
        thigh_ic = 14.5 + 4.8 * (v - 2) + add.thigh_ic + vary["thigh_ic_deg"]
        shank_ic = min(7.5, 9 - 0.8 * (v - 3)) + add.shank_ic + vary["shank_ic_deg"]
        kickback = 50 + 10 * v + add.heel_lift + add.flick + vary["kickback_deg"]
        after = _KNEE_AFTER_KICKBACK_DEG[0] + _KNEE_AFTER_KICKBACK_DEG[1] * (v - 2)
        swing_thigh = 10.0 - after - add.flick
        return StepPlan(
            index=index,
            leg=leg,
            walking=False,
            ic_s=ic_s,
            step_s=step,
            contact_s=self._contact_with_force(felt, step),
            speed=v,
            thigh_ic=max(thigh_ic, shank_ic + _LANDING_KNEE_DEG),
            shank_ic=shank_ic,
            foot_ic=self._knobs.foot_strike_deg + vary["foot_strike_deg"],
            knee_to=18.0 + 3.0 * max(v - 4.0, 0.0),
            knee_rate_to=-100.0 - 60.0 * max(v - 4.0, 0.0),
            kickback=kickback,
            swing_thigh=swing_thigh,
            knee_lift=-4 + 10 * v + self._knobs.knee_lift_deg + vary["knee_lift_deg"],
            lean=7 + (v - 3.4) + add.lean + vary["lean_deg"],
        )

    def walking(self, index: int, leg: int, ic_s: float, speed: float, add: Answers) -> StepPlan:
        """Ordinary walking: double support, no flight, nearly straight knee at mid-stance."""
        vary = self._draw()
        v = speed * (1 + vary["speed_ratio"])
        step = 60.0 / (112 + 30 * (v - 1.4)) / add.cadence * (1 + vary["stride_time_ratio"])
        return StepPlan(
            index=index,
            leg=leg,
            walking=True,
            ic_s=ic_s,
            step_s=step,
            contact_s=step * (1.24 - 0.08 * (v - 1.4)),
            speed=v,
            thigh_ic=22 + 8 * (v - 1.4) + vary["thigh_ic_deg"],
            shank_ic=15 + 4 * (v - 1.4) + vary["shank_ic_deg"],
            foot_ic=18 + vary["foot_strike_deg"],
            knee_to=40.0,
            knee_rate_to=250.0,
            kickback=54 + 10 * (v - 1.4) + vary["kickback_deg"],
            swing_thigh=6.0,
            knee_lift=25 + 9 * (v - 1.4) + vary["knee_lift_deg"],
            lean=2 + vary["lean_deg"],
        )

    def _contact_with_force(self, felt_s: float, step_s: float) -> float:
        """The contact whose force exceeds the threshold for `felt_s`."""
        mean_force = self._knobs.mass_kg * GRAVITY_MPS2 * step_s / felt_s
        return felt_s * (1 + _FORCE_EDGES * FORCE_THRESHOLD_N / mean_force)
