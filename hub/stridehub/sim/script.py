"""What the runner does when: segments in time, the speed they ask for, and blends between them."""

import math
from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise

import numpy as np

from stridehub.model import CueKind
from stridehub.sim.body import FORWARD, HEADING
from stridehub.sim.gait import Answers, StepPlan, StepPlanner
from stridehub.sim.knobs import RunnerKnobs, Segment
from stridehub.sim.reaction import Reaction
from stridehub.sim.tracks import Array

BLEND_S = 1.2  # from one activity into the next
_SPEED_CHANGE_MPS2 = 0.5  # between two speeds of one gait
_KIND = {"stop": "stand"}


class State(IntEnum):
    """What the runner is doing at a sample."""

    STANDING = 0
    WALKING = 1
    RUNNING = 2
    OTHER = 3
    TRANSITION = 4  # blended motion: its events are nobody's truth


GAITS = (State.WALKING, State.RUNNING)


class Script:
    """Segments in time; the last one goes on for ever."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        if not segments:
            raise ValueError("a script needs at least one segment")
        self._segments = list(segments)
        if math.isfinite(self._segments[-1].duration_s) and self._segments[-1].kind != "stop":
            self._segments.append(Segment("stop", math.inf))
        lengths = [s.duration_s for s in self._segments[:-1]]
        if any(not math.isfinite(length) for length in lengths):
            raise ValueError("only the last segment of a script may go on for ever")
        self._starts = np.concatenate([[0.0], np.cumsum(lengths)])

    def segment(self, index: int) -> Segment:
        return self._segments[index]

    def start(self, index: int) -> float:
        return float(self._starts[index])

    def at(self, t: float) -> int:
        return max(int(np.searchsorted(self._starts, t, side="right")) - 1, 0)

    def first_of_gait(self, index: int) -> int:
        """Segments of one kind in a row are one activity."""
        while index > 0 and self._same(index - 1, index):
            index -= 1
        return index

    def _same(self, a: int, b: int) -> bool:
        return _KIND.get(self._segments[a].kind, self._segments[a].kind) == _KIND.get(
            self._segments[b].kind, self._segments[b].kind
        )

    def blended_from(self, index: int) -> int | None:
        if index == 0 or self._same(index - 1, index):
            return None
        return index - 1

    def share(self, first: int, t: float) -> float:
        """How much of the motion at t is the activity that began with segment `first`."""
        index = self.at(t)
        before = self.blended_from(index)
        new = 1.0
        if before is not None:
            new = float(blend_weight(np.array((t - self.start(index)) / BLEND_S))[0])
        if self.first_of_gait(index) == first:
            return new
        return 1.0 - new if before is not None and self.first_of_gait(before) == first else 0.0

    def parts(self, t: Array) -> list[tuple[int, slice]]:
        """Segment by segment, the samples that belong to it; cut again where a blend ends."""
        index = np.searchsorted(self._starts, t, side="right") - 1
        blending = t < self._starts[index] + BLEND_S
        cuts = np.flatnonzero(np.diff(2 * index + ~blending)) + 1
        edges = [0, *cuts.tolist(), len(t)]
        return [(int(index[a]), slice(a, b)) for a, b in pairwise(edges)]


class Drawer:
    """Draws the steps of one stretch of running or walking, following the script's speed."""

    def __init__(
        self,
        script: Script,
        first: int,
        knobs: RunnerKnobs,
        planner: StepPlanner,
        reaction: Reaction,
    ) -> None:
        self._script = script
        self._first = first
        self._knobs = knobs
        self._planner = planner
        self._reaction = reaction
        self._speed = script.segment(first).speed_mps
        self._last_s = -math.inf

    def __call__(self, index: int, leg: int, ic_s: float) -> StepPlan:
        walking = self._script.segment(self._first).kind == "walk"
        speed = self._follow(ic_s)
        stride = 0.7 if not walking else 1.1
        cued = {k: self._reaction.change_deg(k, leg, ic_s, stride) for k in CueKind}
        add = Answers(self._knobs, leg, max(ic_s, 0.0) / 3600.0, cued)
        draw = self._planner.walking if walking else self._planner.running
        return draw(index, leg, ic_s, speed, add)

    def _follow(self, ic_s: float) -> float:
        index = max(self._script.at(ic_s), self._first)
        if self._script.first_of_gait(index) == self._first:
            wanted = self._script.segment(index).speed_mps
            room = _SPEED_CHANGE_MPS2 * max(ic_s - self._last_s, 0.0)
            if math.isfinite(room):
                self._speed += max(-room, min(room, wanted - self._speed))
        self._last_s = ic_s
        return self._speed


def blend_weight(u: Array) -> Array:
    """Jet-like weight (3, N) from 0 to 1 over u in 0..1, its derivatives per u."""
    u = np.clip(u, 0.0, 1.0)
    return np.stack(
        [u**3 * (10 - 15 * u + 6 * u**2), 30 * (u * (1 - u)) ** 2, 60 * u * (1 - u) * (1 - 2 * u)]
    )


def mixed_pose(old: Array, new: Array, weight: Array) -> Array:
    """Pose jets between two; way forward and heading by their rates, as their values drift."""
    w, w_1, w_2 = weight[0], weight[1] / BLEND_S, weight[2] / BLEND_S**2
    gap = new - old
    mixed: Array = old + w * gap
    mixed[1] += w_1 * gap[0]
    mixed[2] += 2 * w_1 * gap[1] + w_2 * gap[0]
    for channel in (FORWARD, HEADING):
        mixed[1, channel] = old[1, channel] + w * gap[1, channel]
        mixed[2, channel] = old[2, channel] + w * gap[2, channel] + w_1 * gap[1, channel]
    return mixed
