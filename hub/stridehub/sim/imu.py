"""What a pod's IMU reports of the true specific force and angular rate."""

import math

import numpy as np

from stridehub.model import Placement
from stridehub.sim.knobs import GRAVITY_MPS2, ImuKnobs, MountKnobs, WobbleKnobs
from stridehub.sim.tracks import Array

_STEPS = 32767  # int16

# Share of the shank's wobble that reaches the other segments.
_WOBBLE_SHARE = {
    Placement.PELVIS: 0.22,
    Placement.CHEST: 0.15,
    Placement.THIGH_L: 0.45,
    Placement.THIGH_R: 0.45,
    Placement.SHANK_L: 1.0,
    Placement.SHANK_R: 1.0,
    Placement.FOOT_L: 1.25,
    Placement.FOOT_R: 1.25,
}
_WOBBLE_LASTS_S = 0.30


def scales(knobs: ImuKnobs) -> tuple[int, int]:
    """nm/s^2 and nrad/s per LSB, as a pod states them."""
    acc = knobs.acc_range_g * GRAVITY_MPS2 / _STEPS
    gyr = math.radians(knobs.gyr_range_dps) / _STEPS
    return round(acc * 1e9), round(gyr * 1e9)


def quantise(signal: Array, per_lsb: float | Array) -> Array:
    """Whole LSB within int16, as floats."""
    return np.clip(np.rint(signal / per_lsb), -32768, 32767)


def rotation(vector: Array) -> Array:
    """(3, 3) matrix of a rotation vector (rad), by Rodrigues' formula."""
    angle = float(np.linalg.norm(vector))
    if angle == 0.0:
        return np.eye(3)
    x, y, z = vector / angle
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + math.sin(angle) * k + (1 - math.cos(angle)) * (k @ k))


def mount(
    nominal: Array, placement: Placement, knobs: MountKnobs, rng: np.random.Generator
) -> Array:
    """v_segment = M v_pod for a pod turned as the knobs say."""
    axis = rng.standard_normal(3)
    angle = rng.uniform(0.3, 1.0) * math.radians(knobs.turn_deg)
    turned = axis / np.linalg.norm(axis) * angle
    if placement in knobs.rotation_rad:
        turned = np.array(knobs.rotation_rad[placement])
    return np.asarray(nominal @ rotation(turned))


class Wobble:
    """Ringing of soft tissue after landings: t exp(-d t) sin(w t + p), whose phase leaves no net
    velocity behind. Along the limb, and a share of it backwards."""

    def __init__(self, knobs: WobbleKnobs, placement: Placement, rng: np.random.Generator) -> None:
        self._knobs = knobs
        self._rng = rng
        self._share = _WOBBLE_SHARE[placement]
        self._rate = 2 * math.pi * knobs.frequency_hz * rng.uniform(0.9, 1.1)
        self._phase = math.pi - 2 * math.atan2(self._rate, knobs.damping_per_s)
        tau = np.linspace(0.0, _WOBBLE_LASTS_S, 600)
        self._peak = float(np.max(np.abs(self._shape(tau))))
        self._landings: list[tuple[float, float]] = []

    def land(self, t: float, share: float) -> None:
        """A foot lands at t; `share` is 1 for this leg's own foot and for the trunk."""
        amplitude = self._knobs.shank_g * self._share * share
        size = amplitude * (1 + self._knobs.spread_ratio * self._rng.standard_normal())
        if size != 0.0:
            self._landings.append((t, size))

    def _shape(self, tau: Array) -> Array:
        ring = tau * np.exp(-self._knobs.damping_per_s * tau)
        return np.asarray(ring * np.sin(self._rate * tau + self._phase))

    def add(self, t: Array, force: Array, rate: Array) -> None:
        """Adds to specific force and angular rate (3, N) in segment axes, in place."""
        keep = []
        for landing in self._landings:
            start, size = landing
            tau = t - start
            ringing = (tau > 0) & (tau < _WOBBLE_LASTS_S)
            if ringing.any():
                wave = size * self._shape(tau[ringing]) / self._peak
                force[1, ringing] += GRAVITY_MPS2 * wave
                force[0, ringing] -= GRAVITY_MPS2 * self._knobs.backward_ratio * wave
                rate[2, ringing] += self._knobs.gyro_rad_s_per_g * wave
            if t[-1] < start + _WOBBLE_LASTS_S:
                keep.append(landing)
        self._landings = keep


class Imu:
    """One sensor with its own bias and scale error. Inputs in its own axes, shape (3, N)."""

    def __init__(self, knobs: ImuKnobs, rate_hz: float, rng: np.random.Generator) -> None:
        self._rng = rng
        bandwidth = math.sqrt(rate_hz / 2)
        acc_bias = knobs.acc_bias_mg * 1e-3 * GRAVITY_MPS2
        gyr_bias = math.radians(knobs.gyr_bias_dps)
        self.acc_bias = rng.uniform(-acc_bias, acc_bias, 3)
        self.gyr_bias = rng.uniform(-gyr_bias, gyr_bias, 3)
        error = knobs.scale_error_ratio
        self._scale = 1 + rng.uniform(-error, error, (2, 3))
        self._noise = np.array(
            [
                knobs.acc_noise_ug_per_rthz * 1e-6 * GRAVITY_MPS2 * bandwidth,
                math.radians(knobs.gyr_noise_mdps_per_rthz * 1e-3) * bandwidth,
            ]
        )
        acc_lsb, gyr_lsb = scales(knobs)
        self._lsb = np.array([acc_lsb, gyr_lsb]) * 1e-9

    def read(self, force: Array, rate: Array) -> tuple[Array, Array]:
        """(N, 3) accelerometer m/s^2 and gyroscope rad/s: whole LSB, clipped at the range."""
        noise = self._rng.standard_normal((2, len(force.T), 3)) * self._noise[:, None, None]
        acc = force.T * self._scale[0] + self.acc_bias + noise[0]
        gyr = rate.T * self._scale[1] + self.gyr_bias + noise[1]
        return (
            quantise(acc, self._lsb[0]) * self._lsb[0],
            quantise(gyr, self._lsb[1]) * self._lsb[1],
        )


class FallenPod:
    """A pod that comes off: a short tumbling fall, two bounces, then at rest on the ground."""

    _BOUNCES_S = ((0.35, 12.0), (0.55, 6.0))  # seconds after coming off, g
    _BOUNCE_LASTS_S = 0.015
    _REST_S = 0.7

    def __init__(self, off_s: float, rng: np.random.Generator) -> None:
        self._off_s = off_s
        self._spin = rng.uniform(-12.0, 12.0, 3)
        side = rng.standard_normal((3, 3))
        self._push = side / np.linalg.norm(side, axis=1, keepdims=True)

    def replace(self, t: Array, force: Array, rate: Array) -> None:
        """Overwrites specific force and angular rate (3, N) from the moment it comes off."""
        tau = t - self._off_s
        off = tau >= 0
        if not off.any():
            return
        falling = off & (tau < self._REST_S)
        resting = off & ~falling
        force[:, off] = 0.0
        rate[:, off] = 0.0
        rate[:, falling] = self._spin[:, None] * (1 - (tau[falling] / self._REST_S) ** 2)
        for (start, size), push in zip(self._BOUNCES_S, self._push[:2], strict=True):
            hit = (tau >= start) & (tau < start + self._BOUNCE_LASTS_S)
            force[:, hit] = size * GRAVITY_MPS2 * push[:, None]
        force[:, resting] = GRAVITY_MPS2 * self._push[2][:, None]
