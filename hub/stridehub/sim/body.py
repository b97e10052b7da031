"""Forward kinematics in three dimensions: pose jets in, motion of every pod out."""

from dataclasses import dataclass

import numpy as np

from stridehub.model import Placement
from stridehub.sim.anatomy import SIDE_SIGN, SPINE_BASE, Anatomy
from stridehub.sim.knobs import GRAVITY_MPS2
from stridehub.sim.tracks import Array

# Channels of a pose: metres and radians. FORWARD and HEADING matter by their rates only.
FORWARD, HEIGHT, LATERAL, HEADING = range(4)
PELVIS_PITCH, PELVIS_ROLL, PELVIS_YAW, CHEST_PITCH, CHEST_YAW = range(4, 9)
LEGS = 9  # first channel of the left leg; the right leg follows
ROLL, THIGH, SHANK, FOOT, THIGH_AXIAL, SHANK_AXIAL, TOE_OUT = range(7)
LEG_CHANNELS = 7
CHANNELS = LEGS + 2 * LEG_CHANNELS


def leg_slice(leg: int) -> slice:
    """Channels of the left (0) or right (1) leg."""
    return slice(LEGS + leg * LEG_CHANNELS, LEGS + (leg + 1) * LEG_CHANNELS)


@dataclass(frozen=True)
class Motion:
    """Vectors are (8, 3, N): pelvis, chest, left and right thigh, shank and foot."""

    rotation: Array  # (8, 3, 3, N): segment axes -> heading frame
    rate: Array  # angular velocity in segment axes, rad/s
    acceleration: Array  # angular acceleration in segment axes, rad/s^2
    joint: Array  # upper joint relative to mid-hip, heading frame, m
    joint_force: Array  # specific force at the upper joint, heading frame, m/s^2


def _segment_angles(pose: Array) -> tuple[Array, Array, Array, Array]:
    """Yaw, roll, pitch and axial jets, each (3, 8, N)."""
    left, right = pose[:, leg_slice(0)], pose[:, leg_slice(1)]
    legs = np.stack([left, right], axis=1)  # (3, 2, 7, N)
    samples = pose.shape[2]
    yaw, roll, pitch, axial = np.zeros((4, 3, 8, samples))
    yaw[:, 0], yaw[:, 1] = pose[:, PELVIS_YAW], pose[:, CHEST_YAW]
    roll[:, 0] = pose[:, PELVIS_ROLL]
    roll[:, 2:4] = roll[:, 4:6] = legs[:, :, ROLL]
    pitch[:, 0], pitch[:, 1] = pose[:, PELVIS_PITCH], pose[:, CHEST_PITCH]
    pitch[:, 2:4], pitch[:, 4:6], pitch[:, 6:8] = (legs[:, :, c] for c in (THIGH, SHANK, FOOT))
    axial[:, 2:4], axial[:, 4:6] = legs[:, :, THIGH_AXIAL], legs[:, :, SHANK_AXIAL]
    axial[:, 6:8] = legs[:, :, TOE_OUT]
    return yaw, roll, pitch, axial


def _turned(vector: Array, sin: Array, cos: Array, axis: int) -> Array:
    """Components (8, 3, N) in axes turned about `axis`."""
    j, k = (axis + 1) % 3, (axis + 2) % 3
    out = np.empty_like(vector)
    out[:, axis] = vector[:, axis]
    out[:, j] = cos * vector[:, j] + sin * vector[:, k]
    out[:, k] = cos * vector[:, k] - sin * vector[:, j]
    return out


def _turn_rates(rate: Array, acceleration: Array, angle: Array, axis: int) -> tuple[Array, Array]:
    sin, cos = np.sin(angle[0]), np.cos(angle[0])
    j, k = (axis + 1) % 3, (axis + 2) % 3
    rate = _turned(rate, sin, cos, axis)
    acceleration = _turned(acceleration, sin, cos, axis)
    acceleration[:, axis] += angle[2]
    acceleration[:, j] += angle[1] * rate[:, k]  # -angle' e x rate
    acceleration[:, k] -= angle[1] * rate[:, j]
    rate[:, axis] += angle[1]
    return rate, acceleration


def _rotation(angles: tuple[Array, Array, Array, Array]) -> Array:
    """R = Ry(yaw) Rx(roll) Rz(pitch) Ry(axial), (8, 3, 3, N)."""
    basis = np.zeros((8, 3, 3, angles[0].shape[2]))
    for i in range(3):
        row = np.zeros((8, 3, angles[0].shape[2]))
        row[:, i] = 1.0
        for angle, axis in zip(angles, (1, 0, 2, 1), strict=True):
            row = _turned(row, np.sin(angle[0]), np.cos(angle[0]), axis)
        basis[:, i] = row
    return basis


def cross(a: Array, b: Array) -> Array:
    """Cross product over the second-last axis; numpy's own is slow on small arrays."""
    out = np.empty(np.broadcast_shapes(a.shape, b.shape))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        out[..., i, :] = a[..., j, :] * b[..., k, :] - a[..., k, :] * b[..., j, :]
    return out


def point_acceleration(rate: Array, acceleration: Array, point: Array) -> Array:
    """Of a point fixed in a turning body, relative to the body's origin, in body axes."""
    return cross(acceleration, point) + cross(rate, cross(rate, point))


def motion(anatomy: Anatomy, pose: Array) -> Motion:
    """Motion of all segments for a pose (3, CHANNELS, N)."""
    samples = pose.shape[2]
    angles = _segment_angles(pose)
    rotation = _rotation(angles)
    rate = np.zeros((8, 3, samples))
    acceleration = np.zeros((8, 3, samples))
    rate[:, 1], acceleration[:, 1] = pose[1, HEADING], pose[2, HEADING]
    for angle, axis in zip(angles, (1, 0, 2, 1), strict=True):
        rate, acceleration = _turn_rates(rate, acceleration, angle, axis)

    joint = np.zeros((8, 3, samples))
    force = np.zeros((8, 3, samples))
    force[:] = _root_force(pose)

    def hang(child: int, parent: int, offset: Array) -> None:
        column = offset[:, None]
        local = point_acceleration(rate[parent], acceleration[parent], column)
        joint[child] = joint[parent] + np.einsum("ijn,j->in", rotation[parent], offset)
        force[child] = force[parent] + np.einsum("ijn,jn->in", rotation[parent], local)

    hang(1, 0, SPINE_BASE)
    for leg in (0, 1):
        hang(2 + leg, 0, np.array([0.0, 0.0, SIDE_SIGN[leg] * anatomy.hip_half_width]))
        hang(4 + leg, 2 + leg, np.array([0.0, -anatomy.thigh, 0.0]))
        hang(6 + leg, 4 + leg, np.array([0.0, -anatomy.shank, 0.0]))
    return Motion(rotation, rate, acceleration, joint, force)


def _root_force(pose: Array) -> Array:
    """Specific force at mid-hip in the (turning) heading frame, (3, N)."""
    turn = pose[1, HEADING]
    return np.stack(
        [
            pose[2, FORWARD] + turn * pose[1, LATERAL],
            pose[2, HEIGHT] + GRAVITY_MPS2,
            pose[2, LATERAL] - turn * pose[1, FORWARD],
        ]
    )


def pod_signals(
    state: Motion, places: dict[Placement, tuple[int, Array]]
) -> dict[Placement, tuple[Array, Array]]:
    """Specific force and angular rate of every pod in segment axes, each (3, N)."""
    signals = {}
    for placement, (segment, point) in places.items():
        rate, acceleration = state.rate[segment], state.acceleration[segment]
        force = np.einsum("ijn,in->jn", state.rotation[segment], state.joint_force[segment])
        force += point_acceleration(rate, acceleration, point[:, None])
        signals[placement] = (force, rate)
    return signals


def pod_points(state: Motion, places: dict[Placement, tuple[int, Array]]) -> dict[Placement, Array]:
    """Position of every pod relative to mid-hip, heading frame, (3, N) m."""
    return {
        placement: state.joint[segment] + np.einsum("ijn,j->in", state.rotation[segment], point)
        for placement, (segment, point) in places.items()
    }
