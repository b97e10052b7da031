"""One leg: where the hip is, where a planted foot holds the ankle, and the angles between."""

import numpy as np

from stridehub.sim.anatomy import SIDE_SIGN, Anatomy, Sole
from stridehub.sim.body import PELVIS_ROLL, PELVIS_YAW
from stridehub.sim.tracks import Array

# A knee never locks, and two-link angles of a straight leg have infinite rates: beyond the first
# share of its length a leg stretches ever less, and never beyond the sum of both shares.
_FREE_REACH = 0.988  # a knee bent by 18 deg
_LAST_REACH = 0.010


def jet_sin_cos(angle: Array) -> tuple[Array, Array]:
    """Jets of sine and cosine of a jet."""
    s, c = np.sin(angle[0]), np.cos(angle[0])
    sine = np.stack([s, c * angle[1], c * angle[2] - s * angle[1] ** 2])
    cosine = np.stack([c, -s * angle[1], -s * angle[2] - c * angle[1] ** 2])
    return sine, cosine


def jet_product(a: Array, b: Array) -> Array:
    """Jet of the product of two jets."""
    return np.stack(
        [a[0] * b[0], a[1] * b[0] + a[0] * b[1], a[2] * b[0] + 2 * a[1] * b[1] + a[0] * b[2]]
    )


def hip_offset(anatomy: Anatomy, pose: Array, leg: int) -> Array:
    """Jet (3, 3, N) of the hip joint relative to mid-hip, heading frame."""
    sin_yaw, cos_yaw = jet_sin_cos(pose[:, PELVIS_YAW])
    sin_roll, cos_roll = jet_sin_cos(pose[:, PELVIS_ROLL])
    half = SIDE_SIGN[leg] * anatomy.hip_half_width
    return np.asarray(half) * np.stack(
        [jet_product(sin_yaw, cos_roll), -sin_roll, jet_product(cos_yaw, cos_roll)], axis=1
    )


def planted_ankle(sole: Sole, pitch: Array, contact: Array) -> Array:
    """Jet (3, 3, N) of the ankle over a rolling sole.

    `pitch` (3, N) is the foot's jet, `contact` (3, 3, N) the jet of the foothold: where the ankle
    would be over a flat foot, x and z in metres along the way, y the give of sole and heel pad.
    """
    height, slope, curve, rolled = sole.ankle(pitch[0])
    ankle = contact.copy()
    ankle[0, 0] -= rolled
    ankle[1, 0] -= height * pitch[1]
    ankle[2, 0] -= height * pitch[2] + slope * pitch[1] ** 2
    ankle[0, 1] += height
    ankle[1, 1] += slope * pitch[1]
    ankle[2, 1] += slope * pitch[2] + curve * pitch[1] ** 2
    return ankle


def _within_reach(anatomy: Anatomy, vector: Array) -> Array:
    """The jet (3, 3, N) shortened by f(r) / r, f(r) = a + b tanh((r - a) / b) beyond a."""
    start, room = _FREE_REACH * anatomy.leg, _LAST_REACH * anatomy.leg
    length = np.sqrt(np.einsum("in,in->n", vector[0], vector[0]))
    far = length > start
    if not far.any():
        return vector
    v, r = vector[:, :, far], length[far]
    r_1 = np.einsum("in,in->n", v[0], v[1]) / r
    r_2 = (np.einsum("in,in->n", v[1], v[1]) + np.einsum("in,in->n", v[0], v[2]) - r_1**2) / r
    bent = np.tanh((r - start) / room)
    slope = 1 - bent**2
    short = np.stack(
        [start + room * bent, slope * r_1, slope * r_2 - 2 * bent * slope / room * r_1**2]
    )
    inverse = np.stack([1 / r, -r_1 / r**2, 2 * r_1**2 / r**3 - r_2 / r**2])
    scale = jet_product(short, inverse)
    out = vector.copy()
    out[:, :, far] = jet_product(scale[:, None], v)
    return out


def solve_leg(anatomy: Anatomy, hip_to_ankle: Array) -> Array:
    """Jets (3, 3, N) of roll, thigh and shank from the jet (3, 3, N) of hip to ankle.

    An ankle out of reach is drawn smoothly towards the hip.
    """
    hip_to_ankle = _within_reach(anatomy, hip_to_ankle)
    across, down = -hip_to_ankle[:, 2], -hip_to_ankle[:, 1]
    ahead = hip_to_ankle[:, 0]
    length = np.hypot(across[0], down[0])
    length_1 = (across[0] * across[1] + down[0] * down[1]) / length
    length_2 = (
        across[1] ** 2 + down[1] ** 2 + across[0] * across[2] + down[0] * down[2] - length_1**2
    ) / length
    roll_1 = (down[0] * across[1] - across[0] * down[1]) / length**2
    roll_2 = (down[0] * across[2] - across[0] * down[2]) / length**2
    roll_2 -= 2 * length_1 / length * roll_1
    roll = np.stack([np.arctan2(across[0], down[0]), roll_1, roll_2])

    upper, lower = anatomy.thigh, anatomy.shank
    cosine = (ahead[0] ** 2 + length**2 - upper**2 - lower**2) / (2 * upper * lower)
    knee = np.arccos(np.clip(cosine, -1.0, 1.0))
    thigh = np.arctan2(ahead[0], length) + np.arctan2(
        lower * np.sin(knee), upper + lower * np.cos(knee)
    )
    shank = thigh - knee
    st, ct, ss, cs = np.sin(thigh), np.cos(thigh), np.sin(shank), np.cos(shank)
    determinant = upper * lower * np.sin(knee)

    def rates(x: Array, y: Array) -> tuple[Array, Array]:
        # x = upper ct a + lower cs b;  y = -upper st a - lower ss b
        return (
            -(lower * (ss * x + cs * y)) / determinant,
            upper * (st * x + ct * y) / determinant,
        )

    thigh_1, shank_1 = rates(ahead[1], length_1)
    pull_x = upper * st * thigh_1**2 + lower * ss * shank_1**2
    pull_y = upper * ct * thigh_1**2 + lower * cs * shank_1**2
    thigh_2, shank_2 = rates(ahead[2] + pull_x, length_2 + pull_y)
    return np.stack(
        [roll, np.stack([thigh, thigh_1, thigh_2]), np.stack([shank, shank_1, shank_2])], axis=1
    )
