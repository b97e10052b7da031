"""What a runner does besides running and walking: standing, turning, hopping, drills, lying."""

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
from stridehub.sim.script import BLEND_S
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


class Pulling(Standing):
    """Foot pulls on the spot, left and right in turn: the heel comes up under the hip."""

    _PULLS_HZ = (1.0, 1.6)  # of both feet together
    _UP_SHARE = 0.8  # of the time from one pull to the next
    _THIGH_DEG = (40.0, 54.0)  # at the top, against standing
    _SHANK_DEG = (-66.0, -50.0)
    _IMPACT = 0.12  # of a running landing

    def __init__(
        self,
        anatomy: Anatomy,
        knobs: RunnerKnobs,
        rng: np.random.Generator,
        begin_s: float,
        duration_s: float,
    ) -> None:
        """No pull is under way while one activity blends into another."""
        super().__init__(anatomy, knobs, rng)
        self._begin_s = begin_s + BLEND_S
        self._period_s = 1.0 / rng.uniform(*self._PULLS_HZ)
        room_s = max(duration_s - BLEND_S, 0.0)
        self._most = math.floor(room_s / self._period_s) if math.isfinite(room_s) else None
        self._tops = [rng.uniform(*self._THIGH_DEG, 64), rng.uniform(*self._SHANK_DEG, 64)]

    def vertical_force(self, t: Array, pose: Array) -> Array:
        """(2, N) newton; a foot that is up carries nothing."""
        both = super().vertical_force(t, pose)
        up = np.stack([self._lift(t, leg)[1][0] > 0.0 for leg in (0, 1)])
        return np.asarray(both * (1.0 + up[::-1] - up))

    def landings(self, start_s: float, end_s: float) -> list[Landing]:
        down_s = self._begin_s + self._UP_SHARE * self._period_s
        first = max(math.ceil((start_s - down_s) / self._period_s), 0)
        last = math.ceil((end_s - down_s) / self._period_s)
        last = last if self._most is None else min(last, self._most)
        return [
            Landing(down_s + i * self._period_s, i % 2, self._IMPACT) for i in range(first, last)
        ]

    def pose(self, t: Array) -> Array:
        pose = self.standing(t)
        for leg in (0, 1):
            number, lift = self._lift(t, leg)
            limb = pose[:, leg_slice(leg)]
            top = number % len(self._tops[0])
            limb[:, THIGH] += np.radians(self._tops[0][top]) * lift
            limb[:, SHANK] += np.radians(self._tops[1][top]) * lift
            limb[:, FOOT] += np.radians(0.8 * self._tops[1][top]) * lift
        return pose

    def _lift(self, t: Array, leg: int) -> tuple[NDArray[np.int64], Array]:
        """Number of the pull (N,), and the jet (3, N) of how far the foot is up, 0 to 1.

        Up and down as sin^3: without a jerk at either end.
        """
        number = np.floor((t - self._begin_s) / self._period_s).astype(np.int64)
        own = (number >= 0) & (number % 2 == leg)
        if self._most is not None:
            own &= number < self._most
        since = t - self._begin_s - number * self._period_s
        rate = math.pi / (self._UP_SHARE * self._period_s)
        own &= rate * since < math.pi
        s, c = np.sin(rate * since), np.cos(rate * since)
        lift = np.stack([s**3, 3 * rate * s**2 * c, 3 * rate**2 * (2 * s * c**2 - s**3)])
        return number, np.where(own, lift, 0.0)


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
