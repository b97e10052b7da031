"""The runner's body: lengths, the sole, and where the pods sit.

Axes of the body and its segments: x forward, y up, z right. Angles turn about z: positive moves
the lower end ahead (thigh, shank), lifts the toes (foot), tips backward (pelvis, chest).
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from stridehub.model import Placement
from stridehub.sim.tracks import Array

STANDING_THIGH = math.radians(-6.0)  # METRICS.md section 1
STANDING_SHANK = math.radians(-6.0)

TOE_OUT_ANGLE = math.radians(6.0)

SIDES = ("l", "r")
SIDE_SIGN = np.array([-1.0, 1.0])  # z of the left and the right hip


@dataclass(frozen=True)
class Anatomy:
    """Lengths in metres."""

    thigh: float
    shank: float
    hip_half_width: float
    ankle_height: float  # above the ground in flat standing, shoe included
    heel_back: float  # ankle to the rear edge of the sole
    ball_front: float  # ankle to the ball of the foot
    toe_front: float  # ankle to the tip of the shoe
    toe_rise: float  # of the tip of the shoe over its ball, toes bent at push-off

    @classmethod
    def from_height(cls, height_m: float) -> Self:
        """Segment lengths as shares of body height (Winter, Biomechanics of Human Movement)."""
        return cls(
            thigh=0.245 * height_m,
            shank=0.246 * height_m,
            hip_half_width=0.048 * height_m,
            ankle_height=0.039 * height_m + 0.025,
            heel_back=0.028 * height_m,
            ball_front=0.076 * height_m,
            toe_front=0.124 * height_m,
            toe_rise=0.022 * height_m,
        )

    @property
    def leg(self) -> float:
        return self.thigh + self.shank

    def reach(self, knee_flexion: float) -> float:
        """Hip to ankle with the knee bent by `knee_flexion` (rad)."""
        a, b = self.thigh, self.shank
        return math.sqrt(a * a + b * b + 2 * a * b * math.cos(knee_flexion))

    def standing_hip_height(self) -> float:
        leg = self.thigh * math.cos(STANDING_THIGH) + self.shank * math.cos(STANDING_SHANK)
        return leg + self.ankle_height


# Rounding of the sole's edges, metres: the larger, the longer heel, ball and toes share the load.
_SOLE_ROUNDNESS_M = 0.018


def _soft_positive(x: Array) -> tuple[Array, Array, Array]:
    """Smooth max(x, 0) and its first two derivatives."""
    root = np.sqrt(x * x + _SOLE_ROUNDNESS_M**2)
    return 0.5 * (x + root), 0.5 * (1.0 + x / root), 0.5 * _SOLE_ROUNDNESS_M**2 / root**3


def _support(anatomy: Anatomy, pitch: Array) -> tuple[Array, Array, Array]:
    """Support function of heel, ball and toes below the ankle, and two derivatives."""
    sin, cos = np.sin(pitch), np.cos(pitch)
    # from the edge behind to the next one in front: (length, rise)
    edges = (
        (anatomy.heel_back + anatomy.ball_front, 0.0),
        (anatomy.toe_front - anatomy.ball_front, anatomy.toe_rise),
    )
    height = anatomy.ankle_height * cos + anatomy.heel_back * sin
    slope = -anatomy.ankle_height * sin + anatomy.heel_back * cos
    curve = -height
    for length, rise in edges:
        lead = -length * sin - rise * cos
        lead_1 = -length * cos + rise * sin
        soft, soft_1, soft_2 = _soft_positive(lead)
        height = height + soft
        slope = slope + soft_1 * lead_1
        curve = curve + soft_2 * lead_1**2 - soft_1 * lead
    return height, slope, curve


class Sole:
    """A convex sole that rolls on the ground without slipping.

    Its support function p(pitch) is the ankle's height: heel rocker for toes up, ball and toe
    rockers for toes down. Rolling moves the ankle by -integral(p) forward, so that the material
    point on the ground is always at rest.
    """

    def __init__(self, anatomy: Anatomy) -> None:
        self._anatomy = anatomy
        self._lift = float(_support(anatomy, np.zeros(1))[0][0]) - anatomy.ankle_height
        self._grid = np.linspace(-2.0, 1.5, 8193)
        height = _support(anatomy, self._grid)[0] - self._lift
        steps = 0.5 * (height[1:] + height[:-1]) * np.diff(self._grid)
        area = np.concatenate([[0.0], np.cumsum(steps)])
        self._area = area - np.interp(0.0, self._grid, area)

    def ankle(self, pitch: Array) -> tuple[Array, Array, Array, Array]:
        """Ankle height p (m) at a foot pitch (rad), p', p'', and the integral of p from 0."""
        height, slope, curve = _support(self._anatomy, pitch)
        return height - self._lift, slope, curve, np.interp(pitch, self._grid, self._area)


def pod_positions(anatomy: Anatomy) -> dict[Placement, tuple[int, Array]]:
    """Segment index and position from the segment's upper joint (foot: ankle; pelvis: mid-hip;
    chest: lower end of the spine), in segment axes, metres."""
    places: dict[Placement, tuple[int, Array]] = {
        Placement.PELVIS: (0, np.array([-0.11, 0.09, 0.0])),
        Placement.CHEST: (1, np.array([0.10, 0.34, 0.0])),
    }
    for i, side in enumerate("LR"):
        out = float(SIDE_SIGN[i])
        places[Placement[f"THIGH_{side}"]] = (
            2 + i,
            np.array([0.0, -0.65 * anatomy.thigh, 0.08 * out]),
        )
        places[Placement[f"SHANK_{side}"]] = (
            4 + i,
            np.array([0.0, 0.10 - anatomy.shank, 0.045 * out]),
        )
        places[Placement[f"FOOT_{side}"]] = (6 + i, np.array([0.08, -0.02, 0.0]))
    return places


def nominal_mounts() -> dict[Placement, Array]:
    """Columns are the pod's axes in segment axes: v_segment = M v_pod."""
    forward, up, right = np.eye(3)
    mounts = {
        Placement.PELVIS: np.column_stack([right, up, -forward]),
        Placement.CHEST: np.column_stack([-right, up, forward]),
        Placement.FOOT_L: np.column_stack([forward, -right, up]),
        Placement.FOOT_R: np.column_stack([forward, -right, up]),
    }
    for side, out in (("L", -right), ("R", right)):
        for limb in ("THIGH", "SHANK"):
            mounts[Placement[f"{limb}_{side}"]] = np.column_stack([np.cross(up, out), up, out])
    return mounts


SPINE_BASE = np.array([0.0, 0.10, 0.0])  # from mid-hip, in pelvis axes, metres
