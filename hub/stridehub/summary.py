"""Strides in few words: medians of what a runner looks at first."""

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


METRICS = (
    Shown("cadence_spm", "cadence", "spm", 0),
    Shown("contact_time_ms", "contact time", "ms", 0),
    Shown("overstride_ratio", "overstride", "of leg", 2),
    Shown("kickback_deg", "kickback", "deg", 0),
    Shown("lean_deg", "pelvis lean", "deg", 1),
    Shown("speed_mps", "speed", "m/s", 2),
)


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
