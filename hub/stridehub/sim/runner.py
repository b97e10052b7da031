"""A synthetic runner: what every pod on the body reports, chunk by chunk, with exact truth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from stridehub.model import CueKind, CueSide, Placement
from stridehub.sim.activities import Hopping, Lying, Pulling, Standing, Turning
from stridehub.sim.anatomy import SIDES, Anatomy
from stridehub.sim.body import (
    FOOT,
    HEADING,
    HEIGHT,
    PELVIS_PITCH,
    PELVIS_ROLL,
    ROLL,
    SHANK,
    THIGH,
    leg_slice,
    motion,
)
from stridehub.sim.gait import VARIATIONS, Contact, Landing, StepPlanner
from stridehub.sim.knobs import RunnerKnobs
from stridehub.sim.path import Path
from stridehub.sim.reaction import Reaction
from stridehub.sim.script import (
    BLEND_S,
    GAITS,
    Drawer,
    Script,
    State,
    blend_weight,
    mixed_pose,
)
from stridehub.sim.strider import Strider
from stridehub.sim.tracks import Array
from stridehub.sim.truth import StrideTruth, TrueStride
from stridehub.sim.variation import PinkNoise, RandomStreams
from stridehub.sim.worn import WornPods

CHUNK_S = 0.5


_STATES = {"stand": State.STANDING, "stop": State.STANDING, "walk": State.WALKING}
_STATES |= {"run": State.RUNNING, "turn": State.OTHER, "hop": State.OTHER, "lie": State.OTHER}
_STATES |= {"pull": State.OTHER}


class _Activity(Protocol):
    def pose(self, t: Array) -> Array: ...
    def vertical_force(self, t: Array, pose: Array) -> Array: ...
    def landings(self, start_s: float, end_s: float) -> list[Landing]: ...


@dataclass(frozen=True)
class Chunk:
    """Half a second of a runner. Sensor axes; N samples."""

    t: Array  # (N,) s since the first sample
    acc: dict[Placement, Array]  # (N, 3) specific force, m/s^2
    gyr: dict[Placement, Array]  # (N, 3) rad/s
    truth: dict[str, Array]  # series (N,), named as in the recordings without "truth_"
    position: dict[Placement, Array]  # (N, 3) m: x forward at the start, y up, z right
    state: Array  # (N,) State
    strides: list[TrueStride] = field(default_factory=list)  # that ended in this chunk
    contacts: list[Contact] = field(default_factory=list)  # that began in this chunk


class SyntheticRunner:
    """Deterministic for knobs, pods and seed; every call of `next_chunk` goes half a second on."""

    def __init__(
        self,
        knobs: RunnerKnobs,
        pods: Sequence[Placement] = tuple(Placement)[:7],
        seed: int = 0,
    ) -> None:
        self.knobs = knobs
        self.pods = tuple(pods)
        self.anatomy = Anatomy.from_height(knobs.height_m)
        self._rng = RandomStreams(seed)
        self._script = Script(knobs.script)
        self._reaction = Reaction(knobs.reaction, self._rng("reaction"))
        self._planner = StepPlanner(
            self.anatomy, knobs, PinkNoise(len(VARIATIONS), self._rng("variation"))
        )
        self._activities: dict[int, _Activity] = {}
        self._meter = StrideTruth(self.anatomy)
        self._samples = 0
        self._path = Path()
        self._worn = WornPods(knobs, self.anatomy, self.pods, self._rng)
        self.mounts = self._worn.mounts

    @property
    def time_s(self) -> float:
        """Time of the next sample."""
        return self._samples / self.knobs.rate_hz

    def cue(self, kind: CueKind, side: CueSide, t: float) -> bool:
        """The runner feels a cue at time t; returns whether they will respond.

        Steps up to about 1.5 s ahead are planned already.
        """
        leg = {CueSide.LEFT: 0, CueSide.RIGHT: 1, CueSide.BOTH: None}[side]
        return self._reaction.cue(kind, leg, t)

    def next_chunk(self) -> Chunk:
        """The next CHUNK_S of samples."""
        count = round(CHUNK_S * self.knobs.rate_hz)
        t = (self._samples + np.arange(count)) / self.knobs.rate_hz
        self._samples += count
        pose, force, state = self._pose(t)
        self._path.advance(pose, 1.0 / self.knobs.rate_hz)
        body = motion(self.anatomy, pose)
        landings = self._landings(float(t[0]), float(t[-1]) + 1.0 / self.knobs.rate_hz)
        acc, gyr, impact = self._worn.sense(t, body, landings)
        truth = self._truth(pose, body.joint, force) | impact
        began = [landing.contact for landing in landings if landing.contact is not None]
        at = np.searchsorted(t, [c.ic_s for c in began], side="right") - 1
        began = [c for c, i in zip(began, at, strict=True) if state[i] in GAITS]
        return Chunk(
            t=t,
            acc=acc,
            gyr=gyr,
            truth=truth,
            position=self._worn.positions(body, self._path),
            state=state,
            strides=self._meter.strides(t, truth, state, began),
            contacts=began,
        )

    def _landings(self, start_s: float, end_s: float) -> list[Landing]:
        """Feet that land in start_s <= t < end_s, however gently."""
        found = []
        for first, activity in self._activities.items():
            for landing in activity.landings(start_s, end_s):
                share = landing.share * self._script.share(first, landing.t)
                if share > 0.0:
                    found.append(replace(landing, share=share))
        return sorted(found, key=lambda landing: landing.t)

    def _pose(self, t: Array) -> tuple[Array, Array, Array]:
        """Pose jets, vertical force (2, N) and states, blended between activities."""
        parts = self._script.parts(t)
        poses, forces, states = [], [], []
        for index, samples in parts:
            when = t[samples]
            segment = self._script.segment(index)
            pose, force = self._segment_pose(index, when)
            state = np.full(len(when), _STATES[segment.kind], dtype=np.int8)
            before = self._script.blended_from(index)
            begin = self._script.start(index)
            if before is not None and when[0] < begin + BLEND_S:
                weight = blend_weight((when - begin) / BLEND_S)
                old_pose, old_force = self._segment_pose(before, when)
                pose = mixed_pose(old_pose, pose, weight)
                force = old_force + weight[0] * (force - old_force)
                state[when < begin + BLEND_S] = State.TRANSITION
            poses.append(pose)
            forces.append(force)
            states.append(state)
        self._forget({index for index, _ in parts})
        return np.concatenate(poses, 2), np.concatenate(forces, 1), np.concatenate(states)

    def _segment_pose(self, index: int, t: Array) -> tuple[Array, Array]:
        first = self._script.first_of_gait(index)
        if first not in self._activities:
            self._activities[first] = self._begin(first, float(t[0]))
        activity = self._activities[first]
        pose = activity.pose(t)
        force = activity.vertical_force(t, pose)
        self._turn_heading(index, t, pose)
        return pose, force

    def _begin(self, index: int, t: float) -> _Activity:
        kind = self._script.segment(index).kind
        if kind in ("run", "walk"):
            draw = Drawer(self._script, index, self.knobs, self._planner, self._reaction)
            return Strider(self.anatomy, self.knobs, draw, t)
        if kind == "pull":
            start, duration = self._script.start(index), self._script.segment(index).duration_s
            return Pulling(self.anatomy, self.knobs, self._rng("activity"), start, duration)
        choice = {"turn": Turning, "hop": Hopping, "lie": Lying}.get(kind, Standing)
        return choice(self.anatomy, self.knobs, self._rng("activity"))

    def _turn_heading(self, index: int, t: Array, pose: Array) -> None:
        segment = self._script.segment(index)
        if segment.turn_deg == 0.0:
            return
        duration = segment.duration_s
        u = np.clip((t - self._script.start(index)) / duration, 0.0, 1.0)
        rate = math.radians(segment.turn_deg) / duration
        pose[1, HEADING] = 30 * rate * (u * (1 - u)) ** 2
        pose[2, HEADING] = 60 * rate / duration * u * (1 - u) * (1 - 2 * u)

    def _forget(self, current: set[int]) -> None:
        """Drop activities that neither these segments nor their blends need."""
        needed = current | {b for i in current if (b := self._script.blended_from(i)) is not None}
        kept = {self._script.first_of_gait(index) for index in needed}
        self._activities = {k: v for k, v in self._activities.items() if k in kept}

    def _truth(self, pose: Array, joint: Array, force: Array) -> dict[str, Array]:
        truth = {
            "ang_pelvis": np.degrees(pose[0, PELVIS_PITCH]),
            "ang_pelvis_obliq": -np.degrees(pose[0, PELVIS_ROLL]),
            "pelvis_y": pose[0, HEIGHT],
            "forward": self._path.way,
        }
        for leg, side in enumerate(SIDES):
            limb = pose[0, leg_slice(leg)]
            upright = np.cos(limb[ROLL])
            for name, channel in (("thigh", THIGH), ("shank", SHANK)):
                angle = limb[channel]
                # of the limb's picture in the sagittal plane, without a jump at +-180 deg
                truth[f"ang_{name}_{side}"] = np.degrees(
                    angle
                    + np.arctan2(
                        (1 - upright) * np.sin(angle) * np.cos(angle),
                        upright * np.cos(angle) ** 2 + np.sin(angle) ** 2,
                    )
                )
            truth[f"ang_foot_{side}"] = np.degrees(limb[FOOT])
            truth[f"knee_flex_{side}"] = truth[f"ang_thigh_{side}"] - truth[f"ang_shank_{side}"]
            hip, ankle = joint[2 + leg], joint[6 + leg]
            truth[f"ankle_x_hip_{side}"] = ankle[0] - hip[0]
            truth[f"ankle_y_hip_{side}"] = ankle[1] - hip[1]
            heel = self.anatomy.heel_back * np.sin(limb[FOOT])
            heel += self.anatomy.ankle_height * np.cos(limb[FOOT])
            truth[f"heel_h_{side}"] = ankle[1] + pose[0, HEIGHT] - heel
            truth[f"grf_v_{side}"] = force[leg]
        return truth
