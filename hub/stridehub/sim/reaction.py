"""How the runner answers a cue."""

import math
from dataclasses import dataclass

import numpy as np

from stridehub.model import CueKind
from stridehub.sim.knobs import ReactionKnobs


@dataclass(frozen=True, slots=True)
class _Answer:
    kind: CueKind
    leg: int | None  # both when None
    cue_s: float
    size_deg: float


class Reaction:
    """Answers cues with some probability, after some strides, fading slowly."""

    def __init__(self, knobs: ReactionKnobs, rng: np.random.Generator) -> None:
        self._knobs = knobs
        self._rng = rng
        self._answers: list[_Answer] = []

    def cue(self, kind: CueKind, leg: int | None, t: float) -> bool:
        """Feel a cue at time t; returns whether the runner will respond."""
        responds = bool(self._rng.random() < self._knobs.probability)
        if responds:
            size: float = getattr(self._knobs, f"{kind}_deg")
            self._answers.append(_Answer(kind, leg, t, size))
        return responds

    def change_deg(self, kind: CueKind, leg: int, t: float, stride_s: float) -> float:
        """The change of `kind` in force for a step of `leg` that lands at t."""
        k = self._knobs
        total = 0.0
        for answer in self._answers:
            if answer.kind != kind or answer.leg not in (None, leg):
                continue
            strides = (t - answer.cue_s) / stride_s - k.delay_strides
            if strides > 0:
                rise = min(strides / max(k.rise_strides, 1e-9), 1.0)
                held = k.kept_ratio + (1 - k.kept_ratio) * math.exp(-strides / k.hold_strides)
                total += answer.size_deg * rise * held
        # a further cue of the same kind renews an answer, it does not pile up without end
        size: float = getattr(k, f"{kind}_deg")
        limit = 1.5 * abs(size)
        return max(-limit, min(limit, total))
