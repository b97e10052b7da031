"""A running or walking body as curves in time, planned step by step."""

from collections.abc import Callable

import numpy as np

from stridehub.sim.anatomy import SIDE_SIGN, TOE_OUT_ANGLE, Anatomy, Sole
from stridehub.sim.body import (
    CHANNELS,
    CHEST_PITCH,
    FOOT,
    FORWARD,
    HEIGHT,
    LATERAL,
    LEGS,
    PELVIS_PITCH,
    PELVIS_YAW,
    ROLL,
    SHANK_AXIAL,
    THIGH_AXIAL,
    TOE_OUT,
    leg_slice,
)
from stridehub.sim.gait import FORCE_THRESHOLD_N, Contact, Landing, StepPlan
from stridehub.sim.knobs import GRAVITY_MPS2, RunnerKnobs
from stridehub.sim.leg import hip_offset, planted_ankle, solve_leg
from stridehub.sim.leg_tracks import GIVE, LegTracks, landing_time
from stridehub.sim.pelvis import (
    attitude,
    flight_speed,
    force_onset,
    landing_speed,
    running_advance,
    running_height,
)
from stridehub.sim.tracks import FREE, Array, Track, minimum_jerk, quintic

# A landing ankle still moves at this share of the running speed (0.3, 0.4 and 0.7 in three public
# runners, the last one over-smoothed).
_LANDING_SPEED_RATIO = 0.38
_LANDING_SINK_MPS = (-1.0, -0.05)
_THIGH_RATE_IC = 0.2  # rad/s: the thigh has just stopped retracting when the foot lands
_WALKING_IMPACT = 0.3  # of a running landing
_WALKING_FALL_MPS = -0.15  # of the hips at IC
_WALKING_KNEE = np.radians(14.0)  # at mid-stance
_PUSH_OFF_DPS = (-1400.0, -150.0)  # what ankles can do
_HISTORY_S = 3.0


class Strider:
    """Plans steps as they are asked for; `draw(index, leg, ic_s)` gives each step's plan."""

    def __init__(
        self,
        anatomy: Anatomy,
        knobs: RunnerKnobs,
        draw: Callable[[int, int, float], StepPlan],
        start_s: float,
    ) -> None:
        self._anatomy = anatomy
        self._sole = Sole(anatomy)
        self._knobs = knobs
        self._draw = draw
        first = draw(0, 0, start_s)
        # Three steps are over when the first sample is taken, so that both legs are in full swing.
        first = draw(0, 0, start_s - 3.2 * first.step_s)
        self._plans = [first]
        begin = first.ic_s
        self._path = Track(2, begin)
        self._attitude = Track(6, begin)
        self._legs = [LegTracks(begin), LegTracks(begin)]
        self._state = np.array(
            [[0.0, flight_speed(first)], [self._landing_height(first), landing_speed(first)]]
        )
        self._contacts: list[Contact] = []

    def pose(self, t: Array) -> Array:
        """Pose jets (3, CHANNELS, N) at increasing times."""
        while not self._covers(float(t[-1])):
            self._plan_step()
        pose = self._trunk_pose(t)
        for leg in (0, 1):
            self._set_leg(pose, t, leg)
        self._forget(float(t[0]) - _HISTORY_S)
        return pose

    def vertical_force(self, t: Array, pose: Array) -> Array:
        """(2, N) vertical ground force in newton, left and right."""
        total = self._knobs.mass_kg * (GRAVITY_MPS2 + pose[2, HEIGHT])
        return np.stack([tracks.ground.jets(t)[0, 4] * total for tracks in self._legs])

    def landings(self, start_s: float, end_s: float) -> list[Landing]:
        """Landings in start_s <= t < end_s; earlier ones are forgotten."""
        self._contacts = [c for c in self._contacts if c.ic_s >= start_s]
        share = {False: 1.0, True: _WALKING_IMPACT}
        return [
            Landing(c.ic_s, c.leg, share[c.walking], c) for c in self._contacts if c.ic_s < end_s
        ]

    def _covers(self, t: float) -> bool:
        """Legs are planned one step behind the trunk, up to the contact of `_plans[-3]`."""
        return len(self._plans) > 5 and min(self._plans[-4].to_s, self._plans[-3].ic_s) > t

    def _forget(self, t: float) -> None:
        for track in (self._path, self._attitude):
            track.forget_before(t)
        for tracks in self._legs:
            tracks.forget_before(t)
        while len(self._plans) > 6:
            del self._plans[0]

    def _trunk_pose(self, t: Array) -> Array:
        pose = np.zeros((3, CHANNELS, len(t)))
        path = self._path.jets(t)
        pose[:, FORWARD], pose[:, HEIGHT] = path[:, 0], path[:, 1]
        turned = self._attitude.jets(t)
        pose[:, LATERAL] = turned[:, 0]
        pose[:, PELVIS_PITCH : PELVIS_YAW + 1] = turned[:, 1:4]
        pose[:, CHEST_PITCH:LEGS] = turned[:, 4:6]
        return pose

    def _hip(self, pose: Array, leg: int) -> Array:
        hip = hip_offset(self._anatomy, pose, leg)
        hip[:, 0] += pose[:, FORWARD]
        hip[:, 1] += pose[:, HEIGHT]
        hip[:, 2] += pose[:, LATERAL]
        return hip

    def _standing_leg(self, pose: Array, t: Array, leg: int) -> Array:
        """Jets (3, 3, N) of roll, thigh, shank over the planted foot."""
        tracks = self._legs[leg]
        pitch = tracks.foot.jets(t)[:, 0]
        ankle = planted_ankle(self._sole, pitch, tracks.ground.jets(t)[:, :3])
        return solve_leg(self._anatomy, ankle - self._hip(pose, leg))

    def _set_leg(self, pose: Array, t: Array, leg: int) -> None:
        tracks = self._legs[leg]
        target = pose[:, leg_slice(leg)]
        target[:, FOOT] = tracks.foot.jets(t)[:, 0]
        target[:, ROLL : ROLL + 3] = tracks.swing.jets(t)
        planted = tracks.ground.jets(t)[0, 3] > 0.5
        if planted.any():
            target[:, ROLL : ROLL + 3, planted] = self._standing_leg(
                pose[:, :, planted], t[planted], leg
            )
        target[:, THIGH_AXIAL] = tracks.axial.jets(t)[:, 0]
        target[:, SHANK_AXIAL] = -target[:, THIGH_AXIAL]
        target[0, TOE_OUT] = -SIDE_SIGN[leg] * TOE_OUT_ANGLE

    def _plan_step(self) -> None:
        plan = self._plans[-1]
        after = self._draw(plan.index + 1, 1 - plan.leg, plan.next_ic_s)
        self._plans.append(after)
        self._plan_attitude(plan, after)
        if plan.walking:
            self._plan_walking_path(plan, after)
        else:
            self._plan_running_path(plan, after)
        if len(self._plans) > 2:
            self._plan_leg(self._plans[-3])

    def _plan_attitude(self, plan: StepPlan, after: StepPlan) -> None:
        start = attitude(plan, self._knobs, 0.0)
        middle = attitude(plan, self._knobs, 0.5)
        end = attitude(after, self._knobs, 0.0)
        half = 0.5 * plan.step_s
        self._attitude.append(plan.ic_s + half, quintic(half, start, middle))
        self._attitude.append(after.ic_s, quintic(half, middle, end))

    def _landing_height(self, plan: StepPlan) -> float:
        """Height of mid-hip at which the leg of `plan` lands with its planned angles."""
        body = self._anatomy
        turned = attitude(plan, self._knobs, 0.0)
        side = SIDE_SIGN[plan.leg]
        hip_z = turned[0, 0] + side * body.hip_half_width
        thigh, shank = np.radians([plan.thigh_ic, plan.shank_ic])
        leg = body.thigh * np.cos(thigh) + body.shank * np.cos(shank)
        down = np.sqrt(leg**2 - (hip_z - side * 0.5 * self._knobs.step_width_m) ** 2)
        give = self._landing(plan)[1] * landing_time(plan) * GIVE[0]
        ankle = self._sole.ankle(np.radians(plan.foot_ic))[0] + give
        return float(ankle + down + side * body.hip_half_width * np.sin(turned[2, 0]))

    def _plan_running_path(self, plan: StepPlan, after: StepPlan) -> None:
        forward, height = self._state
        stance_x, flight_x = running_advance(plan, forward, flight_speed(after))
        stance_y, flight_y = running_height(plan, height, self._landing_height(after))
        self._path.append(plan.to_s, np.stack([stance_x, stance_y]))
        self._path.append(after.ic_s, np.stack([flight_x, flight_y]))
        threshold = FORCE_THRESHOLD_N / self._knobs.mass_kg
        self._remember_contact(plan, *force_onset(stance_y, plan.contact_s, threshold))
        self._remember_state(after)

    def _plan_walking_path(self, plan: StepPlan, after: StepPlan) -> None:
        """Over the stance leg like a pendulum: lowest in the middle of double support."""
        low = self._landing_height(plan) - 0.004
        straight = self._sole.ankle(np.array(0.0))[0] + self._anatomy.reach(_WALKING_KNEE)
        rise = max(float(straight) - low, 0.01)
        rate = 2 * np.pi / plan.step_s
        lag = 0.5 * plan.double_support_s / plan.step_s
        knots = []
        for step, phase, base in (
            (plan, 0.0, low),
            (plan, 0.5, low),
            (after, 0.0, self._landing_height(after) - 0.004),
        ):
            angle = 2 * np.pi * (phase - lag)
            wave = 0.5 * rise * np.array([1 - np.cos(angle), np.sin(angle), np.cos(angle)])
            height = wave * rate ** np.arange(3.0)
            surge = 0.03 * step.speed * np.array([0, 1 + np.cos(angle), -rate * np.sin(angle)])
            height[0] += base
            surge[1] += step.speed
            knots.append((height, surge))
        half = 0.5 * plan.step_s
        position = self._state[0, 0]
        for i in (0, 1):
            start, end = knots[i], knots[i + 1]
            end_position = position + 0.5 * half * (start[1][1] + end[1][1])
            jets_x = np.array([start[1], end[1]])
            jets_x[:, 0] = position, end_position
            piece = quintic(half, np.stack([jets_x[0], start[0]]), np.stack([jets_x[1], end[0]]))
            self._path.append(plan.ic_s + half * (i + 1), piece)
            position = end_position
        self._remember_contact(plan, 0.0, plan.contact_s)
        self._remember_state(after)

    def _remember_contact(self, plan: StepPlan, first: float, last: float) -> None:
        self._contacts.append(Contact(plan.leg, plan.ic_s + first, plan.ic_s + last, plan.walking))

    def _remember_state(self, after: StepPlan) -> None:
        self._state = self._path.jets(np.array([after.ic_s]))[:2, :, 0].T.copy()

    def _plan_leg(self, plan: StepPlan) -> None:
        """The swing that ends with the landing of `plan`, and the contact that follows."""
        tracks = self._legs[plan.leg]
        lands = np.array([plan.ic_s])
        trunk = self._trunk_pose(lands)
        hip = self._hip(trunk, plan.leg)[:, :, 0]
        foot_rate = _landing_foot_rate(plan)
        pitch_ic = np.radians(plan.foot_ic)
        landing = self._landing(plan)
        foothold = self._foothold(plan, hip, pitch_ic, landing)
        stance = self._foot_stance(plan, pitch_ic, foot_rate, foothold)

        previous_end = tracks.foot.end_s
        swing_foot_end = np.array([pitch_ic, foot_rate, 2 * stance[0][0][2]])
        if tracks.last is None:
            tracks.skip_to(plan.ic_s)
        else:
            before = self._trunk_pose(np.array([previous_end]))
            leaves = self._standing_leg(before, np.array([previous_end]), plan.leg)[:, :, 0].T
            foot_leaves = tracks.foot.jets(np.array([previous_end]))[:, 0, 0]
            tracks.swing_foot(plan, foot_leaves, swing_foot_end)
        tracks.contact(plan, landing, foothold, stance, self._knobs)
        if tracks.last is not None:
            arrives = self._standing_leg(trunk, lands, plan.leg)[:, :, 0].T
            tracks.swing_leg(previous_end, plan, leaves, arrives)
        tracks.hold(plan.to_s)
        tracks.last = plan

    def _landing(self, plan: StepPlan) -> Array:
        """(2,) forward and upward speed of the sole at IC, beyond rolling."""
        body = self._anatomy
        rate = _landing_foot_rate(plan)
        height, slope, _, _ = (float(x) for x in self._sole.ankle(np.radians(plan.foot_ic)))
        thigh, shank = np.radians([plan.thigh_ic, plan.shank_ic])
        ahead = max(_LANDING_SPEED_RATIO * plan.speed, -height * rate)
        fall = _WALKING_FALL_MPS if plan.walking else landing_speed(plan)
        sweep = ahead - plan.speed  # of the ankle relative to the hip
        shank_rate = (sweep - body.thigh * np.cos(thigh) * _THIGH_RATE_IC) / (
            body.shank * np.cos(shank)
        )
        closing = body.thigh * np.sin(thigh) * _THIGH_RATE_IC
        closing += body.shank * np.sin(shank) * shank_rate
        sink = np.clip(fall + closing - slope * rate, *_LANDING_SINK_MPS)
        return np.array([ahead + height * rate, sink])

    def _foothold(self, plan: StepPlan, hip: Array, pitch: float, landing: Array) -> float:
        """Where a flat foot's ankle would be along the way."""
        body = self._anatomy
        thigh, shank = np.radians([plan.thigh_ic, plan.shank_ic])
        ahead = body.thigh * np.sin(thigh) + body.shank * np.sin(shank)
        rolled = self._sole.ankle(np.array(pitch))[3]
        give = landing[0] * landing_time(plan) * GIVE[0]
        return float(hip[0, 0] + ahead + rolled - give)

    def _foot_stance(
        self, plan: StepPlan, pitch_ic: float, rate_ic: float, foothold: float
    ) -> tuple[Array, Array]:
        """Pieces (K-1, ORDER) of the foot's pitch and their ends in seconds from IC: flat soon
        after landing, then as far on the toes as an evenly stretching leg needs."""
        body = self._anatomy
        times = np.array([0.0, 0.22, 0.45, 0.6, 0.725, 0.85, 1.0]) * plan.contact_s
        push = np.linspace(0.0, 1.0, 23)
        start, end = times[2], times[6]
        hip = self._hip(self._trunk_pose(plan.ic_s + start + push * (end - start)), plan.leg)

        pitch = np.radians(np.linspace(-75.0, 10.0, 86))
        height, slope, _, rolled = self._sole.ankle(pitch)
        across = SIDE_SIGN[plan.leg] * 0.5 * self._knobs.step_width_m - hip[0, 2]
        ahead = (foothold - rolled)[:, None] - hip[0, 0]
        up = height[:, None] - hip[0, 1]
        reach = np.sqrt(ahead**2 + up**2 + across**2)  # (pitch, push)

        rolls = np.radians(-5.0 if plan.walking else -7.0)
        at_start = float(np.interp(rolls, pitch, reach[:, 0]))
        knee_to = np.radians(plan.knee_to)
        at_end = body.reach(knee_to)
        share = 0.5 - 0.5 * np.cos(np.pi * (push**2 if plan.walking else push))
        wanted = at_start + (at_end - at_start) * share
        needed = np.array([np.interp(w, reach[:, i], pitch) for i, w in enumerate(wanted)])
        needed = np.minimum.accumulate(np.minimum(needed, rolls))

        # length' = (ankle' - hip') . unit vector, with ankle' = pitch' (-height, slope)
        i = int(np.argmin(np.abs(pitch - needed[-1])))
        reach_rate = -body.thigh * body.shank * np.sin(knee_to) / at_end * plan.knee_rate_to
        hip_part = (
            hip[1, 0, -1] * ahead[i, -1] + hip[1, 1, -1] * up[i, -1] + hip[1, 2, -1] * across[-1]
        )
        rate_to = (np.radians(reach_rate) * at_end + hip_part) / (
            slope[i] * up[i, -1] - height[i] * ahead[i, -1]
        )
        knots = np.full((len(times), 3), FREE)
        knots[0, :2] = pitch_ic, rate_ic
        knots[1, 0] = np.radians(-1.0 if plan.foot_ic > 0 else -2.0)
        knots[2:, 0] = np.interp(times[2:], start + push * (end - start), needed)
        knots[-1, 1] = np.clip(rate_to, *np.radians(_PUSH_OFF_DPS))
        return minimum_jerk(times, knots), times[1:]


def _landing_foot_rate(plan: StepPlan) -> float:
    """Rad/s at IC: the more the toes are up, the faster they come down."""
    return float(-np.radians(100.0 + 12.0 * plan.foot_ic))
