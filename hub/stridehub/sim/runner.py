"""A synthetic runner: what every pod on the body reports, chunk by chunk, with exact truth."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from stridehub.model import Placement
from stridehub.sim.activities import Hopping, Lying, Standing, Turning
from stridehub.sim.anatomy import SIDES, Anatomy, nominal_mounts, pod_positions
from stridehub.sim.body import (
    FOOT,
    FORWARD,
    HEADING,
    HEIGHT,
    LATERAL,
    PELVIS_PITCH,
    PELVIS_ROLL,
    ROLL,
    SHANK,
    THIGH,
    leg_slice,
    motion,
    pod_points,
    pod_signals,
)
from stridehub.sim.gait import VARIATIONS, StepPlanner
from stridehub.sim.imu import FallenPod, Imu, Wobble, mount
from stridehub.sim.knobs import GRAVITY_MPS2, RunnerKnobs
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
from stridehub.sim.strider import Contact, Strider
from stridehub.sim.tracks import Array
from stridehub.sim.truth import StrideTruth, TrueStride
from stridehub.sim.variation import PinkNoise

CHUNK_S = 0.5


_STATES = {"stand": State.STANDING, "stop": State.STANDING, "walk": State.WALKING}
_STATES |= {"run": State.RUNNING, "turn": State.OTHER, "hop": State.OTHER, "lie": State.OTHER}


class _Activity(Protocol):
    def pose(self, t: Array) -> Array: ...
    def vertical_force(self, t: Array, pose: Array) -> Array: ...


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
        self._rng = _Streams(seed)
        self._script = Script(knobs.script)
        self._reaction = Reaction(knobs.reaction, self._rng("reaction"))
        self._planner = StepPlanner(
            self.anatomy, knobs, PinkNoise(len(VARIATIONS), self._rng("variation"))
        )
        self._activities: dict[int, _Activity] = {}
        self._contacts: list[Contact] = []
        self._meter = StrideTruth(self.anatomy)
        self._samples = 0
        self._carry = Path()
        places, mounts = pod_positions(self.anatomy), nominal_mounts()
        self._places = {}
        self.mounts: dict[Placement, Array] = {}
        self._imus = {}
        self._wobbles = {}
        self._fallen = {}
        for pod in self.pods:
            rng = self._rng(f"pod {pod.label}")
            segment, point = places[pod]
            shift = knobs.mount.shift_m * rng.uniform(-1.0, 1.0)
            self._places[pod] = (segment, point + np.array([0.0, shift, 0.0]))
            self.mounts[pod] = mount(mounts[pod], pod, knobs.mount, rng)
            self._imus[pod] = Imu(knobs.imu, knobs.rate_hz, rng)
            self._wobbles[pod] = Wobble(knobs.wobble, pod, rng)
            if pod in knobs.pod_off_s:
                self._fallen[pod] = FallenPod(knobs.pod_off_s[pod], rng)

    @property
    def time_s(self) -> float:
        """Time of the next sample."""
        return self._samples / self.knobs.rate_hz

    def cue(self, kind: str, side: Literal["left", "right", "both"], t: float) -> bool:
        """The runner feels a cue at time t; returns whether they will respond.

        Steps up to about 1.5 s ahead are planned already. Raises ValueError for an unknown kind.
        """
        leg = {"left": 0, "right": 1, "both": None}[side]
        return self._reaction.cue(kind, leg, t)

    def next_chunk(self) -> Chunk:
        """The next CHUNK_S of samples."""
        count = round(CHUNK_S * self.knobs.rate_hz)
        t = (self._samples + np.arange(count)) / self.knobs.rate_hz
        self._samples += count
        pose, force, state = self._pose(t)
        self._carry.advance(pose, 1.0 / self.knobs.rate_hz)
        body = motion(self.anatomy, pose)
        signals = pod_signals(body, self._places)
        began = [c for c in self._contacts if t[0] <= c.ic_s < t[-1] + 1.0 / self.knobs.rate_hz]
        truth = self._truth(pose, body.joint, force, signals)
        acc, gyr = self._sense(t, signals, began)
        points = pod_points(body, self._places)
        strides = self._meter.strides(t, truth, state, began)
        self._contacts = [c for c in self._contacts if c.ic_s >= t[-1]]
        return Chunk(
            t=t,
            acc=acc,
            gyr=gyr,
            truth=truth,
            position={pod: self._carry.world(point) for pod, point in points.items()},
            state=state,
            strides=strides,
            contacts=[c for c in began if state[np.searchsorted(t, c.ic_s) - 1] in GAITS],
        )

    def _pose(self, t: Array) -> tuple[Array, Array, Array]:
        """Pose jets, vertical force (2, N) and states, blended where one activity becomes another."""
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
        self._collect_contacts({index for index, _ in parts})
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

    def _collect_contacts(self, indices: Iterable[int]) -> None:
        for index in indices:
            activity = self._activities[self._script.first_of_gait(index)]
            if isinstance(activity, Strider):
                self._contacts += activity.contacts
                activity.contacts = []
        self._contacts.sort(key=lambda contact: contact.ic_s)

    def _sense(
        self, t: Array, signals: dict[Placement, tuple[Array, Array]], began: list[Contact]
    ) -> tuple[dict[Placement, Array], dict[Placement, Array]]:
        acc, gyr = {}, {}
        for pod, (force, rate) in signals.items():
            own = SIDES.index(pod.label[-1]) if pod.label[-2] == "_" else None
            rate = rate.copy()
            for contact in began:
                share = 0.3 if contact.walking else 1.0
                if own in (None, contact.leg):
                    self._wobbles[pod].land(contact.ic_s, share)
            self._wobbles[pod].add(t, force, rate)
            if pod in self._fallen:
                self._fallen[pod].replace(t, force, rate)
            turned = self.mounts[pod].T
            acc[pod], gyr[pod] = self._imus[pod].read(turned @ force, turned @ rate)
        return acc, gyr

    def _truth(
        self,
        pose: Array,
        joint: Array,
        force: Array,
        signals: dict[Placement, tuple[Array, Array]],
    ) -> dict[str, Array]:
        truth = {
            "ang_pelvis": np.degrees(pose[0, PELVIS_PITCH]),
            "ang_pelvis_obliq": -np.degrees(pose[0, PELVIS_ROLL]),
            "pelvis_y": pose[0, HEIGHT],
            "forward": self._carry.way,
        }
        for leg, side in enumerate(SIDES):
            limb = pose[0, leg_slice(leg)]
            upright = np.cos(limb[ROLL])
            for name, channel in (("thigh", THIGH), ("shank", SHANK)):
                angle = limb[channel]
                # of the limb's picture in the sagittal plane, without a jump at +-180 deg
                truth[f"ang_{name}_{side}"] = np.degrees(
                    angle + np.arctan2((1 - upright) * np.sin(angle) * np.cos(angle),
                                       upright * np.cos(angle) ** 2 + np.sin(angle) ** 2)
                )
            truth[f"ang_foot_{side}"] = np.degrees(limb[FOOT])
            truth[f"knee_flex_{side}"] = truth[f"ang_thigh_{side}"] - truth[f"ang_shank_{side}"]
            hip, ankle = joint[2 + leg], joint[6 + leg]
            truth[f"ankle_x_hip_{side}"] = ankle[0] - hip[0]
            truth[f"ankle_y_hip_{side}"] = ankle[1] - hip[1]
            truth[f"ankle_h_{side}"] = ankle[1] + pose[0, HEIGHT] - self.anatomy.ankle_height
            truth[f"grf_v_{side}"] = force[leg]
            pod = Placement[f"SHANK_{side.upper()}"]
            # impact as the body would show it; what skin and garment add is added with the wobble
            shank = signals.get(pod)
            truth[f"impact_{side}"] = (
                np.full(len(upright), np.nan)
                if shank is None
                else np.linalg.norm(shank[0], axis=0) / GRAVITY_MPS2
            )
        return truth


class _Streams:
    """Independent random streams by name, so that one knob does not move another's draws."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self._seed, *name.encode()])
