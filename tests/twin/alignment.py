"""How a pod sits on its segment: the segment's axes in the sensor's frame.

Standing shows the long axis. The medio-lateral axis of a limb is the principal axis of its angular
rate across the long one; of the trunk it is across the direction in which the body is pushed while
it rises.
"""

import math
from enum import Enum

import numpy as np

from twin.orientation import GRAVITY_MPS2
from twin.vectors import Floats, across, cross, norm, some_normal, unit


class Kind(Enum):
    """Of segment; the mean pose of its gait relative to standing: least, typical, most degrees."""

    TRUNK = (-40.0, -5.0, 25.0)
    THIGH = (-25.0, 14.0, 45.0)
    SHANK = (-75.0, -33.0, 5.0)
    FOOT = (-90.0, -38.0, 10.0)


SIDE_TILT_MOST_DEG = 30.0  # of the mean pose
# Poses at any moment of running, degrees: least, most; and the sine of the tilt to the side.
HUMAN_DEG = {
    Kind.TRUNK: (-80.0, 60.0),
    Kind.THIGH: (-75.0, 125.0),
    Kind.SHANK: (-165.0, 75.0),
    Kind.FOOT: (-181.0, 100.0),
}
HUMAN_SIDE_TILT = 0.77
MEMORY_CYCLES = 40.0
ENOUGH_CYCLES = 4.0
SIGNED_CYCLES = 2.0  # that show forward without standing
SAME_POSE_COS = 0.978
SAME_POSE_WEIGHT = 0.3
RISE_TIME_S = 0.5  # decay of the leaky vertical speed
WEIGHTLESS_SHARE = 0.5  # of gravity: running falls below it
CLEAR_PUSH = 0.3  # m^2/s^3, mean of level force x vertical speed: it tells forward from back
LIVELY_RAD_S = 1.0
STRANGE_SHARE = 0.6
STRANGE_CYCLES = 3
NO_STANDING_CONFIDENCE = 0.7


class Cycle:
    """What has been seen since the last cycle was closed."""

    def __init__(self) -> None:
        self.rates: list[Floats] = []  # without bias, rad/s
        self.about: list[float] = []  # their part about the medio-lateral axis
        self.ups: list[Floats] = []
        self.push: Floats = np.zeros(3)  # level force x vertical speed
        self.lightest = math.inf  # vertical force, m/s^2

    def spread(self) -> Floats:
        """(3, 3), mean of rate x rate."""
        rates = np.array(self.rates)
        mean: Floats = rates.T @ rates / len(rates)
        return mean

    def pose(self) -> Floats:
        """Mean vertical, of length 1."""
        return unit(np.sum(self.ups, axis=0))


class Alignment:
    """`up`, `right`, `forward` (3,): the segment's axes in the sensor's frame."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        # arbitrary until standing and movement have been seen
        self.up: Floats = np.array([0.0, 0.0, 1.0])
        self.right: Floats = np.array([0.0, -1.0, 0.0])
        self.has_axis = kind is Kind.TRUNK
        self.has_standing = False
        self.sign_confirmed = False
        self.axis_changes = 0  # found anew, or flipped
        self.rise_mps = 0.0
        self.cycles = 0.0
        self.axis_share = 0.0
        self.pose_plausible = True
        self.confidence = 0.0
        self._standing_verified = False
        self._candidate: Floats | None = None
        self._candidate_fits: list[bool] = []  # a cycle: better than the pose in use
        self._cycle = Cycle()
        self._spread: Floats = np.zeros((3, 3))
        self._skew = 0.0
        self._pose: Floats = np.zeros(3)
        self._push: Floats = np.zeros(3)
        self._push_size = 0.0
        self._axis_quality = 0.0
        self._strange = 0

    @property
    def forward(self) -> Floats:
        return cross(self.up, self.right)

    @property
    def wants_sign(self) -> bool:
        return self.kind is Kind.THIGH and not self.sign_confirmed and self.cycles >= ENOUGH_CYCLES

    @property
    def shows_swing(self) -> bool:
        return self.has_axis and (self.has_standing or self.cycles >= SIGNED_CYCLES)

    def step(self, rate: Floats, up: Floats, acc: Floats, dt_s: float) -> None:
        """One sample: rate without bias (rad/s), vertical, specific force (m/s^2)."""
        cycle = self._cycle
        cycle.rates.append(rate)
        cycle.about.append(float(rate @ self.right))
        cycle.ups.append(up)
        if self.kind is Kind.TRUNK:
            vertical = float(acc @ up)
            self.rise_mps += dt_s * (vertical - GRAVITY_MPS2 - self.rise_mps / RISE_TIME_S)
            cycle.push = cycle.push + self.rise_mps * (acc - vertical * up)
            cycle.lightest = min(cycle.lightest, vertical)

    def drop(self) -> None:
        """What was summed says nothing."""
        self._cycle = Cycle()

    def close_cycle(self) -> None:
        """A cycle of gait has ended."""
        if not self._cycle.rates:
            return
        pose = self._cycle.pose()
        self._remember()
        if self.kind is Kind.TRUNK:
            self._find_trunk_axis()
        else:
            self._find_limb_axis()
        if not self.has_standing:
            self._set_typical_pose()
        self._judge_standing(pose)
        self._rate_confidence()
        self._forget_strange_axis()
        self.drop()

    def close_other(self) -> None:
        """There was movement, but no gait: it shows whether the pod still sits as it did."""
        if self._cycle.rates and self.has_standing:
            self.pose_plausible = self._is_plausible(self._cycle.pose(), self.up)
            self._rate_confidence()
        self.drop()

    def guess_axis(self) -> None:
        """The first lively movement shows the axis well enough to see cycles by."""
        if self._cycle.rates:
            spread, pose = self._cycle.spread(), self._cycle.pose()
            if np.trace(spread) > LIVELY_RAD_S**2:
                self.right, _ = _principal_axis(spread, self.up if self.has_standing else pose)
                if self.has_standing and self._is_behind(pose):
                    self._flip()
                self.has_axis = True
                self.axis_changes += 1
        self.drop()

    def confirm_sign(self, forward_is_forward: bool) -> None:
        """By another pod."""
        self.sign_confirmed = True
        if not forward_is_forward:
            self._flip()
            self.cycles = 0.0
            self.confidence = 0.0

    def is_human(self, angle_deg: float, up: Floats) -> bool:
        """A running body can take the pose."""
        least, most = HUMAN_DEG[self.kind]
        return least < angle_deg < most and abs(float(up @ self.right)) < HUMAN_SIDE_TILT

    def standing(self, acc: Floats) -> None:
        """A window of rest with this mean specific force."""
        up = unit(acc)
        if not self._standing_verified:
            self._set_up(up)
            self.has_standing = True
        elif up @ self.up > SAME_POSE_COS:
            self._set_up(unit((1.0 - SAME_POSE_WEIGHT) * self.up + SAME_POSE_WEIGHT * up))
        else:
            self._candidate, self._candidate_fits = up, []

    def _set_up(self, up: Floats) -> None:
        self.up = up
        right = across(self.right, up)
        self.right = unit(right) if norm(right) > 1e-6 else some_normal(up)

    def _flip(self) -> None:
        self.axis_changes += 1
        self.right = -self.right
        self._skew = -self._skew

    def _remember(self) -> None:
        """Means over the last cycles, forgetting."""
        cycle = self._cycle
        new = 1.0 / min(MEMORY_CYCLES, self.cycles + 1.0)
        old = 1.0 - new
        self._spread = old * self._spread + new * cycle.spread()
        self._skew = old * self._skew + new * float(np.mean(np.power(cycle.about, 3)))
        self._pose = old * self._pose + new * np.mean(cycle.ups, axis=0)
        if self.kind is Kind.TRUNK and cycle.lightest <= WEIGHTLESS_SHARE * GRAVITY_MPS2:
            push = cycle.push / len(cycle.rates)
            self._push = old * self._push + new * push
            self._push_size = old * self._push_size + new * norm(push)
        self.cycles = min(MEMORY_CYCLES, self.cycles + 1.0)

    def _find_trunk_axis(self) -> None:
        if not self.has_standing:
            self._set_up(unit(self._pose))
        forward = across(self._push, self.up)
        size = norm(self._push)
        steady = size / self._push_size if self._push_size > 0.0 else 0.0
        self._axis_quality = steady * min(1.0, size / CLEAR_PUSH)
        if norm(forward) > 0.0:
            self.right = unit(cross(forward, self.up))

    def _find_limb_axis(self) -> None:
        along = self.up if self.has_standing else unit(self._pose)
        axis, self._axis_quality = _principal_axis(self._spread, along)
        self.right = axis if axis @ self.right >= 0.0 else -axis
        if self._points_left():
            self._flip()

    def _points_left(self) -> bool:
        if self.sign_confirmed:
            return False
        if self.has_standing:
            return self._is_behind(self._pose)
        return self.kind is not Kind.THIGH and self._skew < 0.0

    def _set_typical_pose(self) -> None:
        """Without standing: up lies so that the mean pose has the typical angle."""
        pose = unit(across(self._pose, self.right))
        ahead = cross(pose, self.right)
        back = -math.radians(self.kind.value[1])
        self._set_up(math.cos(back) * pose + math.sin(back) * ahead)

    def _angle_deg(self, pose: Floats, zero: Floats) -> float:
        return math.degrees(math.atan2(pose @ cross(zero, self.right), pose @ zero))

    def _is_behind(self, pose: Floats) -> bool:
        """Of standing, where in gait it is ahead, or the other way round."""
        return self._angle_deg(pose, self.up) * self.kind.value[1] < 0.0

    def _is_plausible(self, pose: Floats, zero: Floats) -> bool:
        least, _, most = self.kind.value
        side = math.degrees(math.asin(np.clip(pose @ self.right, -1.0, 1.0)))
        return least < self._angle_deg(pose, zero) < most and abs(side) < SIDE_TILT_MOST_DEG

    def _judge_standing(self, pose: Floats) -> None:
        self.pose_plausible = self._is_plausible(pose, self.up)
        if self._candidate is not None:
            fits = not self.pose_plausible and self._is_plausible(pose, self._candidate)
            self._candidate_fits.append(fits)
            if len(self._candidate_fits) >= ENOUGH_CYCLES:
                self._choose_standing(self._candidate, pose)
        if self.has_standing and self.pose_plausible and self.cycles >= ENOUGH_CYCLES:
            self._standing_verified = True

    def _choose_standing(self, candidate: Floats, pose: Floats) -> None:
        """The newer pose, where most cycles fit it and not the other."""
        if 2 * sum(self._candidate_fits) > len(self._candidate_fits):
            self._set_up(candidate)
            self._pose = pose
            self.pose_plausible = True
        self._candidate = None

    def _rate_confidence(self) -> None:
        signed = self.kind is not Kind.THIGH or self.has_standing or self.sign_confirmed
        seen = min(1.0, self.cycles / ENOUGH_CYCLES)
        zero = 1.0 if self.has_standing else NO_STANDING_CONFIDENCE
        known = self.pose_plausible and signed
        self.confidence = seen * zero * self._axis_quality if known else 0.0

    def _forget_strange_axis(self) -> None:
        """Cycle after cycle about another axis: the pod was turned."""
        spread = self._cycle.spread()
        swing, aside = (float(axis @ spread @ axis) for axis in (self.right, self.forward))
        self.axis_share = swing / (swing + aside) if swing > 0.0 else 0.0
        self._strange = self._strange + 1 if self.axis_share < STRANGE_SHARE else 0
        if self.kind is not Kind.TRUNK and self._strange >= STRANGE_CYCLES:
            self.cycles = 0.0
            self.confidence = 0.0
            self.has_axis = self.sign_confirmed = False
            self._strange = 0


def _principal_axis(spread: Floats, along: Floats) -> tuple[Floats, float]:
    """Axis of the most rotation at a right angle to the unit vector, and how much it stands out
    (0..1). Of the two opposite axes, the one on the side of some_normal(along)."""
    plane = np.eye(3) - np.outer(along, along)
    values, axes = np.linalg.eigh(plane @ spread @ plane)
    less, more = values[1], values[2]
    axis: Floats = unit(across(axes[:, 2], along))
    if axis @ some_normal(along) < 0.0:
        axis = -axis
    return axis, float((more - less) / (more + less)) if more > 0.0 else 0.0
