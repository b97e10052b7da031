"""Marks of contact and toe-off in one shank's rate, sample by sample; later refined by all pods.

The shank swings forward (rate high), its rate falls through zero (mark of contact), it lands, its
rate rises again in stance and falls away as the foot leaves (mark of toe-off).
"""

import math
from dataclasses import dataclass
from enum import Enum, auto

SWING_SHARE = 0.35  # of the usual peak: above it, a swing has begun
STANCE_SWING_SHARE = 0.6  # the same while toe-off has not been marked
SWING_FLOOR_DPS = 100.0
LEAST_PEAK_DPS = 150.0
FIRST_PEAK_DPS = FIRST_DEPTH_DPS = 300.0  # what is usual before any was seen
USUAL_SHARE = 0.25  # of a new one in the usual
MOST_GROWTH = 1.5  # a new one counts for no more than so many usual ones
FORGET_S = 2.5  # without a swing, what is usual is no more than at first

CONTACT_LAG_S = 0.025  # of contact after its mark, before anything is learnt
SURE_S = 0.010
SURE_SHARE = 0.15  # of the peak: swinging back this fast, it has landed
LANDING_MOST_S = 0.10
LEARNING = 0.2
LAG_MOST_S = 0.060

FALL_SHARE = 0.25  # of the usual depth
CONTACT_LEAST_S = 0.10
CONTACT_MOST_S = 1.2
LEAVE_MOST_S = 0.6  # after toe-off, before the swing


class Phase(Enum):
    WAITING = auto()
    SWINGING = auto()
    LANDING = auto()
    STANDING = auto()
    LEAVING = auto()


@dataclass(frozen=True)
class Mark:
    """An event to be refined."""

    is_contact: bool
    mark_s: float
    time_s: float  # of the event, by the lag learnt
    sweep_deg: float = 0.0  # contact: range of the swing before it


class ShankEvents:
    """`found` holds the marks that nobody has taken yet; `restarted`: before the next mark the axis
    has changed, which nobody has taken note of yet."""

    def __init__(self) -> None:
        self.found: list[Mark] = []
        self.restarted = False
        self.contact_lag_s = CONTACT_LAG_S
        self.toe_off_lag_s = 0.0
        self._phase = Phase.WAITING
        self._last = (0.0, 0.0)  # time, rate
        self._usual_peak = FIRST_PEAK_DPS
        self._usual_depth = FIRST_DEPTH_DPS
        self._peak = 0.0
        self._swing_s = 0.0  # end of the last one
        self._foremost_deg = self._rearmost_deg = 0.0
        self._mark_s = self._contact_s = 0.0
        self._most = 0.0  # rate in stance
        self._least = 0.0  # rate since toe-off
        self._toe_off: Mark | None = None

    def step(self, rate_dps: float, angle_deg: float, time_s: float) -> None:
        self._rearmost_deg = min(self._rearmost_deg, angle_deg)
        if self._phase is Phase.SWINGING:
            self._swing(rate_dps, angle_deg, time_s)
        elif self._phase is Phase.LANDING:
            self._land(rate_dps, time_s)
        elif rate_dps > self._swing_dps():
            self._begin_swing(rate_dps, angle_deg)
        elif self._phase is Phase.STANDING:
            self._stand(rate_dps, time_s)
        elif self._phase is Phase.LEAVING:
            self._leave(rate_dps, time_s)
        self._forget_old_swings(time_s)
        self._last = time_s, rate_dps

    def restart(self) -> None:
        """The axis has changed."""
        self._phase = Phase.WAITING
        self._toe_off = None
        self._least = 0.0
        self._rearmost_deg = math.inf
        self.restarted = True

    def learn(self, mark: Mark, refined_s: float) -> None:
        lag = min(LAG_MOST_S, refined_s - mark.mark_s)
        if mark.is_contact:
            self.contact_lag_s += LEARNING * (max(0.0, lag) - self.contact_lag_s)
        else:
            self.toe_off_lag_s += LEARNING * (max(-LAG_MOST_S, lag) - self.toe_off_lag_s)

    def _swing_dps(self) -> float:
        share = STANCE_SWING_SHARE if self._phase is Phase.STANDING else SWING_SHARE
        return max(SWING_FLOOR_DPS, share * self._usual_peak)

    def _fell_through(self, level: float, rate_dps: float, time_s: float) -> float:
        """When; the rate is linear between samples. A rate that was there already: now."""
        last_s, last = self._last
        share = (last - level) / (last - rate_dps) if last > rate_dps else 1.0
        return last_s + share * (time_s - last_s)

    def _begin_swing(self, rate_dps: float, angle_deg: float) -> None:
        if self._toe_off is not None:
            self.found.append(self._toe_off)
            self._toe_off = None
        self._phase = Phase.SWINGING
        self._peak, self._foremost_deg = rate_dps, angle_deg

    def _swing(self, rate_dps: float, angle_deg: float, time_s: float) -> None:
        self._peak = max(self._peak, rate_dps)
        self._foremost_deg = max(self._foremost_deg, angle_deg)
        if rate_dps >= 0.0:
            return
        if self._peak < LEAST_PEAK_DPS:
            self._phase = Phase.WAITING
            return
        self._usual_peak = _followed(self._usual_peak, self._peak)
        if self._least < 0.0:
            self._usual_depth = _followed(self._usual_depth, -self._least)
        self._least = 0.0
        self._swing_s = time_s
        self._mark_s = self._fell_through(0.0, rate_dps, time_s)
        self._phase = Phase.LANDING

    def _land(self, rate_dps: float, time_s: float) -> None:
        since_s = time_s - self._mark_s
        if since_s > LANDING_MOST_S:
            self._phase = Phase.WAITING
        elif since_s >= self.contact_lag_s + SURE_S and rate_dps <= -SURE_SHARE * self._peak:
            self._contact_s = self._mark_s + self.contact_lag_s
            sweep_deg = self._foremost_deg - self._rearmost_deg
            self.found.append(Mark(True, self._mark_s, self._contact_s, sweep_deg))
            self._most = rate_dps
            self._rearmost_deg = self._foremost_deg
            self._toe_off = None
            self._phase = Phase.STANDING

    def _stand(self, rate_dps: float, time_s: float) -> None:
        self._most = max(self._most, rate_dps)
        contact_s = time_s - self._contact_s
        level = self._most - FALL_SHARE * self._usual_depth
        if contact_s > CONTACT_MOST_S:
            self._phase = Phase.WAITING
        elif contact_s >= CONTACT_LEAST_S and rate_dps <= level:
            mark_s = self._fell_through(level, rate_dps, time_s)
            self._toe_off = Mark(False, mark_s, mark_s + self.toe_off_lag_s)
            self._least = rate_dps
            self._phase = Phase.LEAVING

    def _leave(self, rate_dps: float, time_s: float) -> None:
        """Where the rate recovers, stance is not over."""
        assert self._toe_off is not None
        if time_s - self._toe_off.mark_s > LEAVE_MOST_S:
            self._phase = Phase.WAITING
            self._toe_off = None
            return
        self._least = min(self._least, rate_dps)
        if rate_dps > self._least + FALL_SHARE * self._usual_depth:
            self._most = rate_dps
            self._phase = Phase.STANDING

    def _forget_old_swings(self, time_s: float) -> None:
        if time_s - self._swing_s > FORGET_S:
            self._usual_peak = min(self._usual_peak, FIRST_PEAK_DPS)
            self._usual_depth = min(self._usual_depth, FIRST_DEPTH_DPS)
            self._swing_s = time_s


def _followed(usual: float, seen: float) -> float:
    return usual + USUAL_SHARE * (min(seen, MOST_GROWTH * usual) - usual)
