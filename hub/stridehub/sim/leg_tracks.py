"""The curves of one leg: the foot's pitch, the planted foot's hold, the swing."""

import numpy as np

from stridehub.sim.anatomy import SIDE_SIGN
from stridehub.sim.gait import StepPlan
from stridehub.sim.knobs import RunnerKnobs
from stridehub.sim.tracks import FREE, ORDER, Array, Track, minimum_jerk, quintic

_REACHING_KNEE_DEG = 10.0  # at its straightest before landing; knees do not bend backwards
# A landing foot comes to rest within the time that sole, heel pad and skin give.
_LANDING_TIME_S = 0.05

# u = t / landing time; the give still to come, per unit of landing speed times time: starts with
# rate 1 and no acceleration, ends at rest: -(1 - u)^3 (1 + u) / 2.
GIVE = np.array([-0.5, 1.0, 0.0, -1.0, 0.5])


def _reaching_shank(plan: StepPlan) -> float:
    """Shank angle (deg) shortly before landing: a slow runner, whose foot is near the ground by
    then, does not reach beyond the landing angle."""
    beyond = 4.0 * (plan.speed - 2.0)
    return min(plan.shank_ic + beyond, plan.thigh_ic - _REACHING_KNEE_DEG)


def landing_time(plan: StepPlan) -> float:
    return min(_LANDING_TIME_S, 0.3 * plan.contact_s)


def _smooth_step(duration: float, start: float, end: float) -> Array:
    return quintic(duration, np.array([start, 0.0, 0.0]), np.array([end, 0.0, 0.0]))


class LegTracks:
    """Curves of one leg; `ground` is foothold x, y, z, planted or not, and share of the load."""

    def __init__(self, start_s: float) -> None:
        self.foot = Track(1, start_s)
        self.swing = Track(3, start_s)
        self.ground = Track(5, start_s)
        self.axial = Track(1, start_s)
        self.last: StepPlan | None = None

    def forget_before(self, t: float) -> None:
        for track in (self.foot, self.swing, self.ground, self.axial):
            track.forget_before(t)

    def skip_to(self, t: float) -> None:
        """Nothing is known of the leg before its first contact."""
        if t <= self.foot.end_s:
            return
        for track, channels in ((self.foot, 1), (self.swing, 3), (self.ground, 5), (self.axial, 1)):
            track.append(t, np.zeros((channels, ORDER)))

    def swing_foot(self, plan: StepPlan, leaves: Array, arrives: Array) -> None:
        start, end = self.foot.end_s, plan.ic_s
        swing = end - start
        lowest = -np.radians(plan.kickback + (6.0 if not plan.walking else 12.0))
        knots = np.full((3, 3), FREE)
        knots[0], knots[2], knots[1, :2] = leaves, arrives, (lowest, 0.0)
        share = 0.2 if plan.walking else 0.38
        times = np.array([0.0, share * swing, swing])
        for piece, t in zip(minimum_jerk(times, knots), times[1:], strict=True):
            self.foot.append(start + t, piece[None])
        self.ground.append(end, np.zeros((5, ORDER)))

    def contact(
        self,
        plan: StepPlan,
        landing: Array,
        foothold: float,
        stance: tuple[Array, Array],
        knobs: RunnerKnobs,
    ) -> None:
        for piece, end in zip(*stance, strict=True):
            self.foot.append(plan.ic_s + float(end), piece[None])
        give = landing_time(plan)
        ground = np.zeros((5, ORDER))
        ground[0, 0] = foothold
        ground[2, 0] = SIDE_SIGN[plan.leg] * 0.5 * knobs.step_width_m
        ground[3:, 0] = 1.0
        landing_piece = ground.copy()
        landing_piece[:2, :5] += landing[:, None] * give * GIVE / give ** np.arange(5.0)
        if not plan.walking:
            self.ground.append(plan.ic_s + give, landing_piece)
            self.ground.append(plan.to_s, ground)
        else:
            shared = plan.double_support_s
            give_ends = min(give, 0.99 * shared)
            landing_piece[4] = _smooth_step(shared, 0.0, 1.0)
            self.ground.append(plan.ic_s + give_ends, landing_piece)
            loading = ground.copy()
            loading[4] = _smooth_step(shared, 0.0, 1.0)
            loading[4] = _shifted(loading[4], give_ends)
            self.ground.append(plan.ic_s + shared, loading)
            self.ground.append(plan.next_ic_s, ground)
            unloading = ground.copy()
            unloading[4] = _smooth_step(shared, 1.0, 0.0)
            self.ground.append(plan.to_s, unloading)
        self._turn_axially(plan, np.radians(knobs.axial_rotation_deg))

    def _turn_axially(self, plan: StepPlan, amplitude: float) -> None:
        """Inwards over mid-stance, outwards in swing, about the limb's own axis."""
        side = 1.0 if plan.leg == 1 else -1.0
        middle = plan.ic_s + 0.5 * plan.contact_s
        for end, value in ((plan.ic_s, -0.5), (middle, 1.0), (plan.to_s, -0.2)):
            start = self.axial.end_s
            if end > start:
                now = self.axial.jets(np.array([start]))[0, 0, 0] if self.last else 0.0
                self.axial.append(
                    end, _smooth_step(end - start, now, side * amplitude * value)[None]
                )

    def swing_leg(self, start: float, plan: StepPlan, leaves: Array, arrives: Array) -> None:
        """Jets (3, 3) of roll, thigh, shank at both ends."""
        swing = plan.ic_s - start
        shares = [0.0, 0.2, 0.62, 0.9, 1.0] if plan.walking else [0.0, 0.40, 0.68, 0.9, 1.0]
        times = np.array(shares) * swing
        roll = minimum_jerk(times[[0, 4]], np.stack([leaves[0], arrives[0]]))[0]
        thigh = np.full((5, 3), FREE)
        thigh[0], thigh[4] = leaves[1], arrives[1]
        thigh[1, 0] = np.radians(plan.swing_thigh)
        thigh[2, :2] = np.radians(plan.knee_lift), 0.0
        shank = np.full((5, 3), FREE)
        shank[0], shank[4] = leaves[2], arrives[2]
        shank[1, :2] = -np.radians(plan.kickback), 0.0
        if not plan.walking:
            shank[3, 0] = np.radians(_reaching_shank(plan))
        thigh_pieces, shank_pieces = minimum_jerk(times, thigh), minimum_jerk(times, shank)
        base = 0.0
        for i, t in enumerate(times[1:]):
            piece = np.stack([_shifted(roll, base), thigh_pieces[i], shank_pieces[i]])
            self.swing.append(start + t, piece)
            base = float(t)

    def hold(self, t: float) -> None:
        """The swing curves say nothing while the foot is planted."""
        self.swing.append(t, np.zeros((3, ORDER)))


def _shifted(coefficients: Array, by: float) -> Array:
    """The same polynomial with its time counted from `by` later."""
    out = np.zeros(ORDER)
    shifted = np.polynomial.Polynomial(coefficients)(np.polynomial.Polynomial([by, 1.0]))
    out[: len(shifted.coef)] = shifted.coef
    return out
