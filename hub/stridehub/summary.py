"""How people read metrics, and strides in few words: medians of what is looked at first."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from stridehub.model import Side, Stride


@dataclass(frozen=True, slots=True)
class Shown:
    """A metric, and how people read it."""

    field: str
    title: str
    unit: str
    decimals: int

    def text(self, strides: Iterable[Stride]) -> str:
        """The median of the strides that know the metric, or a dash."""
        known = [value for stride in strides if (value := getattr(stride, self.field)) is not None]
        return f"{median(known):.{self.decimals}f}" if known else "-"


EVERY_METRIC = (
    Shown("speed_mps", "speed", "m/s", 2),
    Shown("cadence_spm", "cadence", "spm", 0),
    Shown("stride_time_ms", "stride time", "ms", 0),
    Shown("contact_time_ms", "contact time", "ms", 0),
    Shown("flight_time_ms", "flight time", "ms", 0),
    Shown("duty_factor", "duty factor", "", 2),
    Shown("step_length_m", "step length", "m", 2),
    Shown("overstride_ratio", "overstride", "of leg", 2),
    Shown("shank_angle_ic_deg", "shank at landing", "deg", 0),
    Shown("knee_flexion_ic_deg", "knee at landing", "deg", 0),
    Shown("peak_knee_flexion_deg", "peak knee flexion", "deg", 0),
    Shown("kickback_deg", "kickback", "deg", 0),
    Shown("heel_lift_ratio", "heel lift", "of leg", 2),
    Shown("heel_trail_ratio", "heel trail", "of leg", 2),
    Shown("swing_lever_ratio", "swing lever", "of leg", 2),
    Shown("knee_lift_deg", "knee lift", "deg", 0),
    Shown("hip_extension_deg", "hip extension", "deg", 0),
    Shown("hip_over_foot_ratio", "hip over foot", "of leg", 2),
    Shown("push_off_angle_deg", "push-off angle", "deg", 0),
    Shown("lean_deg", "pelvis lean", "deg", 1),
    Shown("vertical_oscillation_mm", "vertical oscillation", "mm", 0),
    Shown("impact_g", "impact", "g", 1),
    Shown("foot_strike_angle_deg", "foot strike angle", "deg", 0),
)
_FIRST = (
    "cadence_spm",
    "contact_time_ms",
    "overstride_ratio",
    "kickback_deg",
    "lean_deg",
    "speed_mps",
)
METRICS = tuple(shown for name in _FIRST for shown in EVERY_METRIC if shown.field == name)


def summary_lines(strides: Sequence[Stride]) -> list[str]:
    """A table of medians a side over the strides of one runner, then what marred them."""
    running = [stride for stride in strides if stride.is_running]
    sides = [[stride for stride in running if stride.side is side] for side in Side]
    rows = [("", *Side, "")]
    rows.append(("strides", *(str(len(side)) for side in sides), ""))
    rows += [(shown.title, *map(shown.text, sides), shown.unit) for shown in METRICS]
    lines = [f"  {name:14}{left:>8}{right:>8}  {unit}".rstrip() for name, left, right, unit in rows]
    if walked := len(strides) - len(running):
        lines.append(f"  walking strides, left out above: {walked}")
    doubts = Counter(reason for stride in running for reason in stride.quality)
    if doubts:
        told = ", ".join(f"{reason} {count}" for reason, count in doubts.most_common())
        lines.append(f"  marked: {told}")
    return lines
