"""How a pod lies in the world: the gyroscope turns it, the mean force of whole cycles levels it.

The world frame has z up and a heading of no meaning. In steady gait the specific force averaged
over a whole cycle in that frame is gravity: where it does not point up, the frame is tilted.
"""

import math

import numpy as np

from twin.vectors import Floats, norm, rotation, rotation_between, unit

GRAVITY_MPS2 = 9.80665

TILT_TIME_S = 3.0  # time constant of the tilt correction in steady gait
BIAS_TIME_S = 30.0  # of the gyroscope bias learnt in motion
WARY_CYCLES = 15  # before any rest the bias is learnt faster for so many, and any tilt believed
WARY_BIAS_TIME_S = 6.0
BIAS_SHARE_MOST = 0.3  # of what was steered in a cycle
BIAS_MOST_RAD_S = 0.175
RESTS_MOST = 20  # windows that the bias at rest is a mean of

TRUSTED_CYCLES = 4  # after a loss the vertical is used again
SETTLED_CYCLES = 5  # from here on a cycle shows no more tilt than TILT_MOST_RAD
TILT_MOST_RAD = 0.035
STRAIN_MOST_RAD = 1.5  # tilt beyond that, added up in a row, means that the vertical is lost

SAME_POSE_COS = 0.9  # verticals at rest farther apart are a new pose
REST_GAIN = 0.5

FORCE_TOLERANCE = 0.15  # of gravity, for the mean force of a whole cycle

FORCE_EVERY = 2  # samples
STEER_EVERY = 8

UP = np.array([0.0, 0.0, 1.0])


class Orientation:
    """Of one pod; `matrix` (3, 3) turns the sensor's frame into the world's."""

    def __init__(self) -> None:
        self.matrix: Floats = np.eye(3)
        self.bias: Floats = np.zeros(3)  # rad/s
        self._last_gyr: Floats | None = None
        self._samples = 0
        self._forces: list[Floats] = []  # of this cycle, in the world
        self._partial = True  # this cycle began in the middle
        self._cycles = 0  # since the vertical was last lost
        self._wary_cycles = WARY_CYCLES
        self._strain = 0.0
        self._rests = 0
        self._steer: Floats = np.zeros(3)  # in use, rad/s in the world
        self._steer_left_s = 0.0
        self._steered: Floats = np.zeros(3)  # what it added up to in the sensor's frame, rad

    @property
    def up(self) -> Floats:
        """The vertical in the sensor's frame."""
        up: Floats = self.matrix[2]
        return up

    @property
    def settled(self) -> bool:
        return self._cycles >= TRUSTED_CYCLES

    def step(self, acc: Floats, gyr: Floats, dt_s: float) -> Floats:
        """Takes one sample (m/s^2, rad/s); returns the angular rate without bias."""
        if self._last_gyr is None:
            self.matrix = rotation_between(unit(acc), UP)
            self._last_gyr = gyr
        mean_rate = 0.5 * (gyr + self._last_gyr) - self.bias
        self.matrix = self.matrix @ rotation(mean_rate * dt_s)
        self._last_gyr = gyr
        rate: Floats = gyr - self.bias
        self._samples += 1
        if self._samples % FORCE_EVERY == 0:
            self._forces.append(self.matrix @ acc)
        if self._samples % STEER_EVERY == 0:
            self._apply_steering(STEER_EVERY * dt_s)
        return rate

    def close_cycle(self, cycle_s: float) -> None:
        """A cycle of this length has ended: what it has shown corrects the next one."""
        if self._cycles >= SETTLED_CYCLES and self._forces and not self._is_whole_cycle():
            self._steered = np.zeros(3)
            self._forces = []
            return
        if not self._partial and self._forces:
            force = np.sum(self._forces, axis=0)
            if self._cycles == 0:
                self._stop_steering()
                self._turn_upright(force)
            else:
                gain = max(cycle_s / TILT_TIME_S, 1.0 / (self._cycles + 1))
                self._follow(force, cycle_s, min(1.0, gain))
            self._cycles += 1
            if self._strain > STRAIN_MOST_RAD:
                self._cycles, self._strain, self._wary_cycles = 0, 0.0, WARY_CYCLES
        self._partial = False
        self._forces = []

    def _is_whole_cycle(self) -> bool:
        mean_g = norm(np.mean(self._forces, axis=0)) / GRAVITY_MPS2
        return abs(mean_g - 1.0) < FORCE_TOLERANCE

    def drop_cycle(self) -> None:
        """What was summed says nothing, and the next cycle begins in the middle."""
        self._partial = True
        self._forces = []

    def close_rest(self, mean_acc: Floats, mean_gyr: Floats, window_s: float) -> None:
        """A window of rest has ended: its mean rate is the bias, its mean force the vertical."""
        self._rests = min(RESTS_MOST, self._rests + 1)
        self.bias = _limited(self.bias + (mean_gyr - self.bias) / self._rests)
        force = self.matrix @ mean_acc
        if force[2] < SAME_POSE_COS * norm(force):
            self._turn_upright(force)
        else:
            self._level(force, window_s, REST_GAIN, math.inf)
            self._strain = 0.0
        self._cycles = SETTLED_CYCLES
        self._wary_cycles = 0
        self._partial = False
        self._forces = []

    def _turn_upright(self, force: Floats) -> None:
        self.matrix = rotation_between(unit(force), UP) @ self.matrix

    def _follow(self, force: Floats, cycle_s: float, gain: float) -> None:
        most = math.inf
        beyond = 0.0
        if self._cycles >= SETTLED_CYCLES and self._wary_cycles == 0:
            most = TILT_MOST_RAD
            beyond = max(0.0, _tilt(force) - TILT_MOST_RAD)
        if self._cycles >= TRUSTED_CYCLES:
            self._learn_bias(cycle_s)
        self._strain = self._strain + beyond if beyond > 0.0 else 0.0
        self._level(force, cycle_s, gain, most)

    def _level(self, force: Floats, time_s: float, gain: float, most_rad: float) -> None:
        """Steers a share of the tilt away within the time."""
        self._steered = np.zeros(3)
        self._steer_left_s = time_s
        axis = np.array([force[1], -force[0], 0.0])  # force x up
        level = norm(axis)
        angle = gain * min(_tilt(force), most_rad)
        self._steer = angle / time_s * axis / level if level > 0.0 else np.zeros(3)

    def _stop_steering(self) -> None:
        self._steer = np.zeros(3)
        self._steer_left_s = 0.0

    def _apply_steering(self, since_s: float) -> None:
        turn = self._steer * min(since_s, self._steer_left_s)
        self._steered = self._steered + self.matrix.T @ turn
        self.matrix = rotation(turn) @ self.matrix
        self._steer_left_s = max(0.0, self._steer_left_s - since_s)

    def _learn_bias(self, cycle_s: float) -> None:
        """What has to be steered against cycle after cycle is bias."""
        time_s = WARY_BIAS_TIME_S if self._wary_cycles > 0 else BIAS_TIME_S
        share = min(BIAS_SHARE_MOST, cycle_s / time_s)
        self.bias = _limited(self.bias - share * self._steered / cycle_s)
        self._wary_cycles = max(0, self._wary_cycles - 1)


def _tilt(force: Floats) -> float:
    return math.atan2(math.hypot(force[0], force[1]), force[2])


def _limited(bias: Floats) -> Floats:
    size = norm(bias)
    return bias * (BIAS_MOST_RAD_S / size) if size > BIAS_MOST_RAD_S else bias
