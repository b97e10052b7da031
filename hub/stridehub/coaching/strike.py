"""How the feet land: told beside what produces it, never cued."""

from collections import deque
from enum import StrEnum
from statistics import median

from stridehub.coaching.window import is_valid
from stridehub.model import Side, Stride
from stridehub.rules import StrikeRules


class StrikeClass(StrEnum):
    """Altman & Davis 2012, from rear to front."""

    REARFOOT = "rearfoot"
    MIDFOOT = "midfoot"
    FOREFOOT = "forefoot"


class FootStrike:
    """The class of each side, from the median of its last steps that know their angle.

    A pod's angle errs by some degrees, so no single step has a class, and a side keeps its class
    until the median is beyond the limit by the hysteresis.
    """

    def __init__(self, rules: StrikeRules) -> None:
        self._rules = rules
        self._angles_deg: dict[Side, deque[float]] = {
            side: deque(maxlen=rules.least_steps) for side in Side
        }
        self._classes: dict[Side, StrikeClass] = {}

    def on_stride(self, stride: Stride) -> None:
        """Takes every stride; those without a foot pod, or a zero, change nothing."""
        angle_deg = stride.foot_strike_angle_deg
        if angle_deg is None or not is_valid(stride) or "no_standing" in stride.quality:
            return
        self._angles_deg[stride.side].append(angle_deg)
        middle_deg = self.median_deg(stride.side)
        if middle_deg is not None:
            self._classes[stride.side] = self._class(middle_deg, self._classes.get(stride.side))

    def of(self, side: Side) -> StrikeClass | None:
        """None: too few steps yet, or no foot pod."""
        return self._classes.get(side)

    def median_deg(self, side: Side) -> float | None:
        """Foot against ground at contact, toes up positive; None as for `of`."""
        angles = self._angles_deg[side]
        return median(angles) if len(angles) == self._rules.least_steps else None

    def _class(self, angle_deg: float, before: StrikeClass | None) -> StrikeClass:
        slack_deg = 0.0 if before is None else self._rules.hysteresis_deg
        rear_deg = self._rules.rearfoot_deg
        rear_deg += -slack_deg if before is StrikeClass.REARFOOT else slack_deg
        fore_deg = self._rules.forefoot_deg
        fore_deg += slack_deg if before is StrikeClass.FOREFOOT else -slack_deg
        if angle_deg > rear_deg:
            return StrikeClass.REARFOOT
        return StrikeClass.FOREFOOT if angle_deg < fore_deg else StrikeClass.MIDFOOT
