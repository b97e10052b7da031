"""The path of the mid-hip and the turning of pelvis and chest, one step at a time."""

import math
from typing import Any

import numpy as np
from numpy.polynomial import polynomial as poly
from numpy.typing import NDArray

from stridehub.sim.gait import StepPlan
from stridehub.sim.knobs import GRAVITY_MPS2, RunnerKnobs
from stridehub.sim.tracks import ORDER, Array

# Vertical force over contact s in 0..1, mean 1: half parabola, half its square, so that it rises
# with slope 3 at both ends and peaks at 1.7 times its mean, about as in public recordings.
FORCE_SHAPE = 0.5 * np.array([0.0, 6.0, -6.0, 0.0, 0.0]) + 0.5 * np.array([0, 0, 30.0, -60.0, 30.0])
_FORCE_SKEW = poly.polymul(FORCE_SHAPE, [-0.5, 1.0])
_MAX_SKEW = 1.8  # below 2 the force never pulls
# Backwards first, then forwards; no net change.
_BRAKE = poly.polymul([0.0, 1.0, -1.0], [-0.5, 1.0])
_BRAKE_DIP_RATIO = 0.04  # of speed, lost at mid-stance and regained
# Real forces peak at 44 % of contact: hips take off a little higher than they land.
_SKEW = -0.8

_SWAY = {"lateral_m": 0.012, "pitch_deg": 2.0, "chest_deg": 1.5}


def _twice(acceleration: NDArray[np.floating[Any]], duration: float) -> tuple[Array, float, float]:
    """Ascending coefficients in time of the double integral from rest of `acceleration`, a
    polynomial over s = t / duration, and its velocity and position at the end."""
    velocity = poly.polyint(acceleration)
    position = poly.polyint(velocity)
    end_velocity = float(poly.polyval(1.0, velocity)) * duration
    end_position = float(poly.polyval(1.0, position)) * duration**2
    out = np.zeros(ORDER)
    out[: len(position)] = position * duration**2 / duration ** np.arange(len(position))
    return out, end_velocity, end_position


_UNIT_RISE = _twice(FORCE_SHAPE, 1.0)[2]
_SKEW_RISE = _twice(_FORCE_SKEW, 1.0)[2]


def landing_speed(plan: StepPlan) -> float:
    """Vertical speed of mid-hip at IC with which steps like `plan` would repeat for ever."""
    contact, flight = plan.contact_s, plan.step_s - plan.contact_s
    force = GRAVITY_MPS2 * plan.step_s / contact
    lifted = force * contact**2 * (_UNIT_RISE + _SKEW * _SKEW_RISE)
    fallen = 0.5 * GRAVITY_MPS2 * (contact**2 - flight**2)
    return -(lifted - fallen) / plan.step_s


def running_height(plan: StepPlan, start: Array, next_height: float) -> tuple[Array, Array]:
    """Contact and flight pieces (ORDER,) of the height. `start` is (height, speed) at IC."""
    flight = plan.step_s - plan.contact_s
    takeoff_speed = landing_speed(plan) + GRAVITY_MPS2 * flight
    takeoff_height = next_height - takeoff_speed * flight + 0.5 * GRAVITY_MPS2 * flight**2
    contact = plan.contact_s
    force = GRAVITY_MPS2 + (takeoff_speed - start[1]) / contact
    rise = takeoff_height - start[0] - start[1] * contact + 0.5 * GRAVITY_MPS2 * contact**2
    skew = (rise / contact**2 - force * _UNIT_RISE) / _SKEW_RISE
    skew = max(-_MAX_SKEW * force, min(_MAX_SKEW * force, skew))
    acceleration = force * poly.polyadd(FORCE_SHAPE, skew / force * _FORCE_SKEW)
    stance, speed, height = _twice(poly.polysub(acceleration, [GRAVITY_MPS2]), contact)
    stance[:2] += start
    flight_piece = np.zeros(ORDER)
    flight_piece[0] = start[0] + start[1] * contact + height
    flight_piece[1] = start[1] + speed
    flight_piece[2] = -0.5 * GRAVITY_MPS2
    return stance, flight_piece


def force_onset(stance: Array, contact: float, threshold_mps2: float) -> tuple[float, float]:
    """Seconds into contact at which a vertical force given by the height's contact piece first
    and last exceeds `threshold_mps2` (per kg)."""
    edge = np.linspace(0.0, 0.15, 31) * contact
    acceleration = poly.polyder(stance, 2)
    rising = poly.polyval(edge, acceleration) + GRAVITY_MPS2
    falling = poly.polyval(contact - edge, acceleration) + GRAVITY_MPS2
    first = float(np.interp(threshold_mps2, rising, edge))
    return first, contact - float(np.interp(threshold_mps2, falling, edge))


def running_advance(plan: StepPlan, start: Array, next_speed: float) -> tuple[Array, Array]:
    """Contact and flight pieces of the way forward. `start` is (position, speed) at IC."""
    contact = plan.contact_s
    brake = 64.0 * _BRAKE_DIP_RATIO * plan.speed / contact * _BRAKE  # dips by that share
    push = (next_speed - start[1]) / contact * FORCE_SHAPE
    stance, speed, way = _twice(poly.polyadd(brake, push), contact)
    stance[:2] += start
    flight = np.zeros(ORDER)
    flight[0] = start[0] + start[1] * contact + way
    flight[1] = start[1] + speed
    return stance, flight


_DIP_WAY = -_twice(64.0 * _BRAKE, 1.0)[2]


def flight_speed(plan: StepPlan) -> float:
    """Forward speed outside contact, such that the step's mean is the planned speed."""
    lost = _BRAKE_DIP_RATIO * plan.speed * _DIP_WAY * min(plan.contact_s / plan.step_s, 1.0)
    return plan.speed + lost


def attitude(plan: StepPlan, knobs: RunnerKnobs, phase_of_step: float) -> Array:
    """Jets (6, 3) of lateral shift, pelvis pitch, roll and yaw, chest pitch and yaw at a phase
    (0..1) of a step: harmonics of the stride, the pelvis dropping away from the stance leg."""
    step_rate = 2 * math.pi / plan.step_s
    side = 1.0 if plan.leg == 1 else -1.0
    soften = 0.6 if plan.walking else 1.0
    lean = math.radians(plan.lean)

    def wave(amplitude: float, rate: float, peak: float, base: float = 0.0) -> list[float]:
        angle = rate * plan.step_s * (phase_of_step - peak)
        return [
            base + amplitude * math.cos(angle),
            -amplitude * rate * math.sin(angle),
            -amplitude * rate**2 * math.cos(angle),
        ]

    stride_rate = 0.5 * step_rate
    yaw = side * math.radians(knobs.pelvis_yaw_deg) * soften
    roll = -side * math.radians(knobs.pelvis_obliquity_deg) * soften
    return np.array(
        [
            wave(side * _SWAY["lateral_m"], stride_rate, 0.35),
            wave(math.radians(_SWAY["pitch_deg"]) * soften, step_rate, 0.3, -lean),
            wave(roll, stride_rate, 0.3),
            wave(yaw, stride_rate, 0.0),
            wave(math.radians(_SWAY["chest_deg"]) * soften, step_rate, 0.3, -lean),
            wave(-yaw, stride_rate, 0.0),
        ]
    )
