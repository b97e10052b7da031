"""Vectors and rotations, as a textbook has them."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEFT, RIGHT = 0, 1


def unit(vector: Floats) -> Floats:
    """(3,) of length 1, in the same direction."""
    return vector / norm(vector)


def norm(vector: Floats) -> float:
    return math.sqrt(float(vector @ vector))


def cross(a: Floats, b: Floats) -> Floats:
    """np.cross takes ten times as long for two single vectors."""
    ax, ay, az = a.tolist()
    bx, by, bz = b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def across(vector: Floats, axis: Floats) -> Floats:
    """The part of a vector at a right angle to a unit vector."""
    part: Floats = vector - (vector @ axis) * axis
    return part


def some_normal(axis: Floats) -> Floats:
    """Any unit vector at a right angle to one: axis x the coordinate axis farthest from it."""
    return unit(cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))]))


def rotation(turn: Floats) -> Floats:
    """Rotation matrix (3, 3) of a rotation vector in rad (Rodrigues)."""
    angle = norm(turn)
    if angle == 0.0:
        return np.eye(3)
    x, y, z = (turn / angle).tolist()
    c, s = math.cos(angle), math.sin(angle)
    v = 1.0 - c
    return np.array(
        [
            [c + x * x * v, x * y * v - z * s, x * z * v + y * s],
            [y * x * v + z * s, c + y * y * v, y * z * v - x * s],
            [z * x * v - y * s, z * y * v + x * s, c + z * z * v],
        ]
    )


def rotation_between(a: Floats, b: Floats) -> Floats:
    """The shortest rotation (3, 3) that turns unit vector a into unit vector b."""
    normal = cross(a, b)
    sine = norm(normal)
    if sine == 0.0:
        axis = some_normal(a)
        return rotation(math.atan2(0.0, float(a @ b)) * axis)
    return rotation(math.atan2(sine, float(a @ b)) / sine * normal)
