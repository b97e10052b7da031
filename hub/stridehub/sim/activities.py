"""What a runner does besides running and walking: standing, turning, hopping, lying down."""

import math

import numpy as np
from numpy.typing import NDArray

from stridehub.sim.anatomy import SIDE_SIGN, STANDING_THIGH, TOE_OUT_ANGLE, Anatomy
from stridehub.sim.body import (
    CHANNELS,
    CHEST_PITCH,
    FOOT,
    FORWARD,
    HEIGHT,
    LATERAL,
    PELVIS_PITCH,
    ROLL,
    SHANK,
    THIGH,
    TOE_OUT,
    leg_slice,
)
from stridehub.sim.gait import Landing
from stridehub.sim.knobs import GRAVITY_MPS2, RunnerKnobs
from stridehub.sim.leg import jet_product, jet_sin_cos, solve_leg
from stridehub.sim.tracks import Array


def _sine(amplitude: float, hz: float, phase: float, t: Array) -> Array:
    """Jet (3, N) of a sine."""
    rate = 2 * math.pi * hz
    angle = rate * t + phase
    s, c = np.sin(angle), np.cos(angle)
    return amplitude * np.stack([s, rate * c, -(rate**2) * s])


class Standing:
    """Quiet standing: upright on straight legs that sway a little about the ankles."""

    def __init__(self, anatomy: Anatomy, knobs: RunnerKnobs, rng: np.random.Generator) -> None:
        self.anatomy = anatomy
        self.knobs = knobs
        self._phases = rng.uniform(0.0, 2 * math.pi, 6)

    def vertical_force(self, t: Array, pose: Array) -> Array:
        """(2, N) newton, shared evenly; no feet pull on the ground."""
        force = self.knobs.mass_kg * np.maximum(GRAVITY_MPS2 + pose[2, HEIGHT], 0.0)
        return np.stack([0.5 * force, 0.5 * force])

    def pose(self, t: Array) -> Array:
        """Pose jets (3, CHANNELS, N) at times (N,)."""
        return self.standing(t)

    def landings(self, start_s: float, end_s: float) -> list[Landing]:
        """Landings in start_s <= t < end_s."""
        return []

    def standing(self, t: Array) -> Array:
        """Pose jets of quiet standing."""
        pose = np.zeros((3, CHANNELS, len(t)))
        sway = self.knobs.standing_sway_m / self.anatomy.leg
        p = self._phases
        limb = _sine(0.7 * sway, 0.28, p[0], t) + _sine(0.3 * sway, 0.71, p[1], t)
        limb[0] += STANDING_THIGH  # the same as the shank's: the leg is straight
        roll = _sine(0.6 * sway, 0.22, p[2], t)
        sin_limb, cos_limb = jet_sin_cos(limb)
        sin_roll, cos_roll = jet_sin_cos(roll)
        pose[:, FORWARD] = -self.anatomy.leg * sin_limb
        pose[:, HEIGHT] = self.anatomy.leg * jet_product(cos_limb, cos_roll)
        pose[0, HEIGHT] += self.anatomy.ankle_height
        pose[:, LATERAL] = self.anatomy.leg * jet_product(cos_limb, sin_roll)
        pose[:, PELVIS_PITCH] = _sine(0.6 * sway, 0.25, p[3], t)
        pose[:, CHEST_PITCH] = _sine(1.2 * sway, 0.25, p[5], t)
        for leg in (0, 1):
            target = pose[:, leg_slice(leg)]
            target[:, ROLL], target[:, THIGH], target[:, SHANK] = roll, limb, limb
            target[0, TOE_OUT] = -SIDE_SIGN[leg] * TOE_OUT_ANGLE
        return pose


class Turning(Standing):
    """Treading on the spot, one small lift of a foot at a time, while the heading turns."""

    _TREADS_HZ = 0.9  # of each foot
    _LIFT_DEG = 25.0

    def pose(self, t: Array) -> Array:
        pose = self.standing(t)
        rate = 2 * math.pi * self._TREADS_HZ
        for leg in (0, 1):
            angle = rate * t + math.pi * leg
            s, c = np.sin(angle), np.cos(angle)
            up = s > 0  # a cube leaves and reaches the ground without a jerk
            lift = np.stack(
                [s**3, 3 * rate * s**2 * c, 3 * rate**2 * (2 * s * c**2 - s**3)]
            ) * np.radians(self._LIFT_DEG)
            lift = np.where(up, lift, 0.0)
            limb = pose[:, leg_slice(leg)]
            limb[:, THIGH] += lift
            limb[:, SHANK] -= 0.8 * lift
            limb[:, FOOT] -= 0.6 * lift
        return pose


class Hopping(Standing):
    """Hopping on the spot, both feet together: free fall in the air, legs bending on landing."""

    _HOPS_HZ = 2.2
    _CONTACT_SHARE = 0.62
    _BENT_M = 0.05  # hips below standing as the feet land

    def landings(self, start_s: float, end_s: float) -> list[Landing]:
        first, last = math.ceil(start_s * self._HOPS_HZ), math.ceil(end_s * self._HOPS_HZ)
        return [Landing(i / self._HOPS_HZ, None, 0.7) for i in range(first, last)]

    def pose(self, t: Array) -> Array:
        period = 1.0 / self._HOPS_HZ
        contact = self._CONTACT_SHARE * period
        flight = period - contact
        phase = np.mod(t, period)
        # over contact: mean-1 force of shape 30 s^2 (1-s)^2 per kg, times g period / contact
        s = np.clip(phase / contact, 0.0, 1.0)
        force = GRAVITY_MPS2 * period / contact
        shape = 30 * (s * (1 - s)) ** 2
        gained = 30 * (s**3 / 3 - s**4 / 2 + s**5 / 5)
        risen = 30 * (s**4 / 12 - s**5 / 10 + s**6 / 30)
        land = -0.5 * GRAVITY_MPS2 * flight
        air = np.maximum(phase - contact, 0.0)
        ground = np.minimum(phase, contact)
        height = np.stack(
            [
                land * ground
                + force * risen * contact**2
                - 0.5 * GRAVITY_MPS2 * ground**2
                + air * (-land - 0.5 * GRAVITY_MPS2 * air)
                - self._BENT_M,
                land + force * gained * contact - GRAVITY_MPS2 * phase,
                force * shape - GRAVITY_MPS2,
            ]
        )
        return self._airborne(t, height, phase > contact)

    def _airborne(self, t: Array, height: Array, up: NDArray[np.bool_]) -> Array:
        """In the air the legs keep the pose they left the ground with."""
        planted = np.where(up, 0.0, height)
        planted[0, up] = -self._BENT_M
        pose = np.zeros((3, CHANNELS, len(t)))
        pose[:, HEIGHT] = height
        pose[0, HEIGHT] += self.anatomy.standing_hip_height()
        hip_to_ankle = np.zeros((3, 3, len(t)))
        hip_to_ankle[0, 0] = self.anatomy.leg * math.sin(STANDING_THIGH)
        hip_to_ankle[:, 1] = -planted
        hip_to_ankle[0, 1] -= self.anatomy.leg * math.cos(STANDING_THIGH)
        legs = solve_leg(self.anatomy, hip_to_ankle)
        for leg in (0, 1):
            pose[:, leg_slice(leg)][:, ROLL : ROLL + 3] = legs
            pose[0, leg_slice(leg)][TOE_OUT] = -SIDE_SIGN[leg] * TOE_OUT_ANGLE
        return pose


class Lying(Standing):
    """Lying on the back, breathing."""

    def pose(self, t: Array) -> Array:
        pose = np.zeros((3, CHANNELS, len(t)))
        pose[0, HEIGHT] = 0.12
        quarter = 0.5 * math.pi
        pose[0, PELVIS_PITCH] = quarter
        pose[0, CHEST_PITCH] = quarter
        pose[:, CHEST_PITCH] += _sine(0.01, 0.25, float(self._phases[0]), t)
        for leg in (0, 1):
            limb = pose[0, leg_slice(leg)]
            limb[THIGH] = limb[SHANK] = quarter
            limb[FOOT] = quarter - math.radians(30.0)
            limb[TOE_OUT] = -SIDE_SIGN[leg] * math.radians(25.0)
        return pose
