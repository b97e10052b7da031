"""How far the kernel is from the truth: `python tests/bench/accuracy.py PATH...` (`make accuracy`).

PATH is a recording with truth, or a folder of them. Prints a table per recording: number of
strides, bias, SD, limits of agreement (bias +- 1.96 SD) and mean absolute error of each metric;
times of events in ms.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.truth import TrueStride, Truth
from stridehub.commands.replay import run
from stridehub.config import runner_profile
from stridehub.model import Stride
from stridehub.pods.recording import load_recording

SETTLED_S = 9.5  # earlier strides stand in the artificial blend from standing to running
MATCH_S = 0.15
BAR_BIAS, BAR_SD, BAR_MAE = "bias", "sd", "mae"


@dataclass(frozen=True)
class Agreement:
    """Measured minus true."""

    n: int
    bias: float
    sd: float
    mae: float

    @classmethod
    def of(cls, errors: list[float]) -> "Agreement":
        e = np.array(errors)
        return cls(len(e), float(e.mean()), float(e.std(ddof=1)), float(np.abs(e).mean()))


@dataclass(frozen=True)
class Report:
    missed: int
    extra: int
    agreement: dict[str, Agreement]


def measure(path: Path) -> list[Stride]:
    """The strides of a recording through packets, pipeline and kernel."""
    recording = load_recording(path)
    strides: list[Stride] = []
    run(recording, runner_profile(recording.body), on_stride=[strides.append])
    return strides


def compare(truth: Truth, strides: list[Stride]) -> Report:
    errors: dict[str, list[float]] = {}
    missed = extra = 0
    for side in ("left", "right"):
        true = [s for s in truth.strides(side) if s.ic >= SETTLED_S]
        mine = [s for s in strides if s.side == side]
        starts = np.array([s.ic for s in mine])
        for stride in true:
            match = _nearest(starts, stride.ic)
            if match is None:
                missed += 1
            else:
                _add_errors(errors, stride, mine[match])
        extra += _extra(truth.events("ic", side), [s for s in mine if s.ic >= SETTLED_S])
    return Report(
        missed, extra, {name: Agreement.of(e) for name, e in errors.items() if len(e) > 1}
    )


def _nearest(starts: NDArray[np.float64], time: float) -> int | None:
    if not len(starts):
        return None
    index = int(np.argmin(np.abs(starts - time)))
    return index if abs(starts[index] - time) < MATCH_S else None


def _extra(contacts: NDArray[np.float64], mine: list[Stride]) -> int:
    """Strides that begin where no foot landed, as far as the truth reaches."""
    known = [s for s in mine if s.ic < contacts[-1] + MATCH_S]
    return sum(bool(np.abs(contacts - s.ic).min() > MATCH_S) for s in known)


def _add_errors(errors: dict[str, list[float]], true: TrueStride, mine: Stride) -> None:
    values = {"IC (ms)": 1000 * (mine.ic - true.ic), "TO (ms)": 1000 * (mine.to - true.to)}
    for name, truth in true.metrics.items():
        measured = getattr(mine, name)
        if measured is not None and not np.isnan(truth):
            values[name] = measured - truth
    for name, error in values.items():
        errors.setdefault(name, []).append(error)


# The bars for the one measured runner: metric, what is bounded, the bound.
BARS: list[tuple[str, str, float]] = [
    ("IC (ms)", BAR_BIAS, 15.0),
    ("IC (ms)", BAR_SD, 8.0),
    ("TO (ms)", BAR_BIAS, 15.0),
    ("TO (ms)", BAR_SD, 10.0),
    ("contact_time_ms", BAR_MAE, 15.0),
    ("stride_time_ms", BAR_MAE, 6.0),
    ("shank_angle_ic_deg", BAR_MAE, 3.0),
    ("knee_lift_deg", BAR_MAE, 3.0),
    ("peak_knee_flexion_deg", BAR_MAE, 4.0),
    ("kickback_deg", BAR_MAE, 4.0),
    ("overstride_ratio", BAR_MAE, 0.03),
    ("heel_lift_ratio", BAR_MAE, 0.03),
    ("hip_over_foot_ratio", BAR_MAE, 0.03),
    ("lean_deg", BAR_MAE, 2.0),
]
SPEED_BAR = 0.05  # of the speed


def missed_bars(truth: Truth, report: Report) -> list[str]:
    """The bars a report does not meet, in words."""
    bars = [*BARS, ("speed_mps", BAR_MAE, SPEED_BAR * truth.speed)]
    found = [
        f"{name}: {what} {getattr(report.agreement[name], what):.3g}, bar {bar:.3g}"
        for name, what, bar in bars
        if abs(getattr(report.agreement[name], what)) > bar
    ]
    if report.missed or report.extra:
        found.append(f"{report.missed} strides missed, {report.extra} extra; bar 0")
    return found


def table(name: str, truth: Truth, report: Report) -> str:
    lines = [
        f"{name}: {truth.speed:.2f} m/s, {report.missed} strides missed, {report.extra} extra",
        f"  {'':24}{'n':>4}{'bias':>9}{'SD':>9}{'limits of agreement':>22}{'MAE':>9}",
    ]
    for metric, a in report.agreement.items():
        digits = 3 if metric.endswith(("_ratio", "_mps")) else 1
        limits = f"{a.bias - 1.96 * a.sd:.{digits}f} .. {a.bias + 1.96 * a.sd:.{digits}f}"
        lines.append(
            f"  {metric:24}{a.n:>4}{a.bias:>9.{digits}f}{a.sd:>9.{digits}f}"
            f"{limits:>22}{a.mae:>9.{digits}f}"
        )
    return "\n".join(lines)


def recordings(paths: list[Path]) -> list[Path]:
    """The files named, and those in the folders named."""
    return [f for path in paths for f in (sorted(path.glob("*.npz")) if path.is_dir() else [path])]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    files = recordings(parser.parse_args().paths)
    if not files:
        print("no recordings: nothing measured")
    for file in files:
        truth = Truth(file)
        report = compare(truth, measure(file))
        print(table(file.stem, truth, report))
        print("  " + ("; ".join(missed_bars(truth, report)) or "all bars met"), end="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
