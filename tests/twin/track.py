"""One pod from samples to a series on the time grid that all pods share: slot g is g / 200 s."""

import math
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from twin.alignment import Alignment, Kind
from twin.orientation import GRAVITY_MPS2, Orientation
from twin.shank_events import ShankEvents
from twin.vectors import LEFT, RIGHT, Floats, norm

GRID_HZ = 200
MEMORY_SLOTS = 512  # older ones are forgotten

SLOW_EVERY = 4  # samples

REST_WINDOW_S = 0.5
REST_GYR_RAD_S = 0.09  # rms over the three axes
REST_ACC_MPS2 = 0.5  # rms
REST_BIAS_RAD_S = 0.2
REST_G_TOLERANCE = 0.1
REST_ASKED_TOLERANCE = 3.0  # times the movement, where the runner was asked to stand still
REST_WINDOWS = 3  # quiet in a row before the one before the last counts

CYCLE_MIN_S = 0.4
CYCLE_MAX_S = 1.6
SWING_TIME_S = 1.0  # time constant of the mean size of the swing
SWING_SHARE = 0.3  # of that size: beyond it on one side, then on the other, is a cycle
LEAST_SWING_RAD_S = 0.6  # of a limb in gait
LEAST_RISE_MPS = 0.05  # of the trunk in gait

CONFIDENT = 0.51


class Flaw(IntFlag):
    """Of a slot."""

    NONE = 0
    CLIPPED = 1
    SETTLING = 2
    UNCALIBRATED = 4
    NO_STANDING = 8
    OFF = 16  # lies still, or as no limb of a runner does


@dataclass(frozen=True)
class PodSamples:
    """What one pod measured, in its own frame; no sample is missing."""

    label: str  # such as "shank_l"
    acc_mps2: Floats  # (N, 3), specific force
    gyr_rad_s: Floats  # (N, 3)
    clipped: NDArray[np.bool_]  # (N,)


@dataclass
class State:
    """Of the segment, at a sample."""

    angle_deg: float = 0.0
    rate_dps: float = 0.0
    force_g: float = 0.0
    yaw_deg: float = 0.0  # of the trunk
    flaws: Flaw = Flaw.NONE


class Rest:
    """Watches windows of samples for one without movement."""

    def __init__(self, rate_hz: float) -> None:
        self._length = int(REST_WINDOW_S * rate_hz / SLOW_EVERY)
        self._samples: list[tuple[Floats, Floats]] = []
        self.has_been_quiet = False  # for a window, which the last step has ended
        self._quiet_windows = 0  # in a row
        self._before: tuple[Floats, Floats] | None = None

    def step(self, acc: Floats, gyr: Floats, asked: bool) -> tuple[Floats, Floats] | None:
        """Mean force and rate of the window before the last, when that was rest too."""
        self._samples.append((acc, gyr))
        self.has_been_quiet = False
        if len(self._samples) < self._length:
            return None
        accs, gyrs = (np.array(values) for values in zip(*self._samples, strict=True))
        self._samples = []
        means = accs.mean(axis=0), gyrs.mean(axis=0)
        tolerance = REST_ASKED_TOLERANCE if asked else 1.0
        quiet = (
            norm(gyrs.std(axis=0)) < tolerance * REST_GYR_RAD_S
            and norm(accs.std(axis=0)) < tolerance * REST_ACC_MPS2
            and norm(means[1]) < REST_BIAS_RAD_S
            and abs(norm(means[0]) / GRAVITY_MPS2 - 1.0) < REST_G_TOLERANCE
        )
        self.has_been_quiet = bool(quiet)
        self._quiet_windows = self._quiet_windows + 1 if quiet else 0
        before, self._before = self._before, means
        return before if self._quiet_windows >= REST_WINDOWS else None


class Track:
    """The series are (slots,), filled up to `slots`."""

    def __init__(self, pod: PodSamples, time_s: Floats, standing_until_s: float) -> None:
        segment, _, side = pod.label.partition("_")
        self.kind = {"thigh": Kind.THIGH, "shank": Kind.SHANK, "foot": Kind.FOOT}.get(
            segment, Kind.TRUNK
        )
        self.side = {"l": LEFT, "r": RIGHT}.get(side)
        self.pod = pod
        self.time_s = time_s
        self._standing_until_s = standing_until_s
        self.orientation = Orientation()
        self.alignment = Alignment(self.kind)
        self.events = ShankEvents()
        room = math.ceil(time_s[-1] * GRID_HZ) + 2
        self.first = math.ceil(float(time_s[0]) * GRID_HZ)
        self.slots = self.first
        self.angle_deg: Floats = np.full(room, np.nan)
        self.rate_dps: Floats = np.full(room, np.nan)
        self.force_g: Floats = np.full(room, np.nan)
        self.yaw_deg: Floats = np.full(room, np.nan)
        self.flaws: NDArray[np.uint8] = np.zeros(room, np.uint8)
        self.magnitude_g: Floats = np.linalg.norm(pod.acc_mps2, axis=1) / GRAVITY_MPS2  # a sample
        self.period_s = float(time_s[-1] - time_s[0]) / (len(time_s) - 1)
        self._rest = Rest(1.0 / self.period_s)
        self._state = State()
        self._since = Flaw.NONE  # the last slot, and at the sample that ended it
        self._pose_flaws = Flaw.NONE
        self._standing_flaws = self._flaws_now()
        self._cycle_s = 0.0
        self._swing = 0.0  # mean size
        self._armed = False
        self._shows_swing = False
        self._axis_changes = 0

    def step(self, i: int) -> None:
        """Takes sample i in; they come in order."""
        acc, gyr = self.pod.acc_mps2[i], self.pod.gyr_rad_s[i]
        axes = self.alignment
        rate = self.orientation.step(acc, gyr, self.period_s)
        up = self.orientation.up
        about = float(rate @ axes.right)
        state = State(
            angle_deg=math.degrees(math.atan2(up @ axes.forward, up @ axes.up)),
            rate_dps=math.degrees(about),
            force_g=float(acc @ up) / GRAVITY_MPS2,
            flaws=self._standing_flaws | self._pose_flaws,
        )
        if self.pod.clipped[i]:
            state.flaws |= Flaw.CLIPPED
        if self.kind is Kind.TRUNK:
            turn_deg = math.degrees(float(rate @ up)) * self.period_s
            state.yaw_deg = self._state.yaw_deg + turn_deg
        if self.kind is Kind.SHANK and self._shows_swing:
            self.events.step(state.rate_dps, state.angle_deg, float(self.time_s[i]))
        self._write_slots(i, state)
        if i % SLOW_EVERY == 0:
            axes.step(rate, up, acc, SLOW_EVERY * self.period_s)
            self._watch_rest(acc, gyr, float(self.time_s[i]) < self._standing_until_s)
            human = axes.is_human(state.angle_deg, self.orientation.up)
            odd = axes.confidence >= CONFIDENT and not human
            self._pose_flaws = Flaw.OFF if odd else Flaw.NONE
        self._watch_cycle(about if axes.has_axis else norm(rate))

    def confirm_sign(self, forward_is_forward: bool) -> None:
        self.alignment.confirm_sign(forward_is_forward)
        if not forward_is_forward:
            self._standing_flaws = self._flaws_now()
            self.flaws[self.first : self.slots] |= np.uint8(Flaw.UNCALIBRATED)

    @property
    def oldest(self) -> int:
        return max(self.first, self.slots - MEMORY_SLOTS)

    def holds(self, first: int, last: int) -> bool:
        """All slots first..last are there."""
        return first >= self.oldest and last < self.slots

    def is_good(self, first: int, last: int, flaws: Flaw) -> bool:
        """They are there and have none of the flaws."""
        return self.holds(first, last) and not self.flaws_of(first, last) & flaws

    def peak_g(self, first: int, last: int, late_s: float = 0.0) -> float:
        """Of the acceleration in slots first..last, if their times are so late: from the sample
        that ended the slot before to the one that ends the last."""
        times = (first - 1) / GRID_HZ + late_s, last / GRID_HZ + late_s
        start, end = np.searchsorted(self.time_s, times).tolist()
        return float(self.magnitude_g[start : end + 1].max())

    def flaws_of(self, first: int, last: int) -> Flaw:
        """Of the slots that are there, together."""
        return Flaw(int(np.bitwise_or.reduce(self.flaws[max(first, self.oldest) : last + 1])))

    def _flaws_now(self) -> Flaw:
        flaws = Flaw.NONE if self.orientation.settled else Flaw.SETTLING
        if self.alignment.confidence < CONFIDENT:
            flaws |= Flaw.UNCALIBRATED
        if not self.alignment.has_standing:
            flaws |= Flaw.NO_STANDING
        return flaws

    def _write_slots(self, i: int, new: State) -> None:
        now, old = float(self.time_s[i]), self._state
        before = float(self.time_s[i - 1]) if i > 0 else now
        self._since |= new.flaws
        while self.slots / GRID_HZ <= now:
            w = (self.slots / GRID_HZ - before) / (now - before) if now > before else 1.0
            slot = self.slots
            turn_deg = math.remainder(new.angle_deg - old.angle_deg, 360.0)
            self.angle_deg[slot] = math.remainder(old.angle_deg + w * turn_deg, 360.0)
            self.rate_dps[slot] = old.rate_dps + w * (new.rate_dps - old.rate_dps)
            self.force_g[slot] = old.force_g + w * (new.force_g - old.force_g)
            self.yaw_deg[slot] = old.yaw_deg + w * (new.yaw_deg - old.yaw_deg)
            self.flaws[slot] = int(self._since)
            self._since = new.flaws
            self.slots += 1
        self._state = new

    def _watch_rest(self, acc: Floats, gyr: Floats, asked: bool) -> None:
        rest = self._rest.step(acc, gyr, asked)
        if self._rest.has_been_quiet:
            window = max(self.first, self.slots - int(REST_WINDOW_S * GRID_HZ))
            self.flaws[window : self.slots] |= np.uint8(Flaw.OFF)
        if rest is not None:
            self.orientation.close_rest(*rest, REST_WINDOW_S)
            self.alignment.standing(rest[0])
            self.alignment.drop()
            self._cycle_s = 0.0
        self._standing_flaws = self._flaws_now()

    def _watch_cycle(self, about: float) -> None:
        ticked = self._cycle_ticks(about)
        if not ticked and self._cycle_s < CYCLE_MAX_S:
            return
        if not self.alignment.has_axis:
            self.orientation.drop_cycle()
            self.alignment.guess_axis()
        else:
            self._close_cycle(ticked)
        self._cycle_s = 0.0
        self._shows_swing = self.alignment.shows_swing
        if self._axis_changes != self.alignment.axis_changes:
            self._axis_changes = self.alignment.axis_changes
            self.events.restart()
        self._standing_flaws = self._flaws_now()

    def _cycle_ticks(self, about: float) -> bool:
        """The swing, a limb's rate or the trunk's rise, has gone back and then forward."""
        swing = self.alignment.rise_mps if self.kind is Kind.TRUNK else about
        self._cycle_s += self.period_s
        self._swing += self.period_s / SWING_TIME_S * (abs(swing) - self._swing)
        if not self.alignment.has_axis:
            return False
        level = SWING_SHARE * self._swing
        if swing < -level:
            self._armed = True
        elif self._armed and swing >= level:
            self._armed = False
            return self._cycle_s >= CYCLE_MIN_S
        return False

    def _close_cycle(self, ticked: bool) -> None:
        was_settled = self.orientation.settled
        self.orientation.close_cycle(self._cycle_s)
        least = LEAST_RISE_MPS if self.kind is Kind.TRUNK else LEAST_SWING_RAD_S
        if not was_settled:
            self.alignment.drop()
        elif ticked and self._swing > least:
            self.alignment.close_cycle()
        else:
            self.alignment.close_other()


def interpolated(series: Floats, *times: float) -> Floats:
    """Values of a series at times (s) between its slots."""
    place = np.array(times) * GRID_HZ
    before = np.floor(place).astype(int)
    value: Floats = series[before] + (place - before) * (series[before + 1] - series[before])
    return value
