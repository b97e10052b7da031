"""How far any metric moves when every pod is turned: `python tests/bench/rotations.py PATH...`

PATH is a recording, or a folder of them. Each of 100 times, every pod gets its own random rotation;
prints the worst change of each metric over all strides against the recording as it is, and where
it passes its bar.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.accuracy import recordings
from stridehub.pods.recording import Recording, load_recording
from support import largest_changes, randomly_turned, settled, side_by_side, strides_of

TURNS = 100
# What a metric may move by, by the unit its name ends in; times of events are ms here. Speed and
# step length follow the leg's angles: 0.5 deg of 60 over stance is 1 %, 0.03 of 3 m/s and m.
BARS = {
    "ic": 3.0,
    "to": 3.0,
    "next_ic": 3.0,
    "_ms": 3.0,
    "_deg": 0.5,
    "_ratio": 0.005,
    "duty_factor": 0.005,
    "_spm": 1.0,  # 3 ms of a stride of 0.6 s
    "_g": 0.05,  # a rotated reading is rounded to whole steps of 0.0005 g anew
    "_mm": 2.0,
    "_mps": 0.03,
    "_m": 0.03,
}


def bar(metric: str) -> float:
    return next(limit for ending, limit in BARS.items() if metric.endswith(ending))


def worst_changes(recording: Recording, turns: int, seed: int = 1) -> dict[str, float]:
    """By metric, and in "strides" how many appear, vanish or know other metrics."""
    usual = settled(strides_of(recording))
    rng = np.random.default_rng(seed)
    worst: dict[str, float] = {"strides": 0.0}
    for _ in range(turns):
        strides = settled(strides_of(randomly_turned(recording, rng)))
        matched = list(side_by_side(usual, strides))
        odd = max(len(usual), len(strides)) - len(matched)
        odd += sum(one.quality != other.quality for one, other in matched)
        worst["strides"] = max(worst["strides"], odd)
        for metric, change in largest_changes(matched).items():
            worst[metric] = max(worst.get(metric, 0.0), change)
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--turns", type=int, default=TURNS)
    arguments = parser.parse_args()
    passed = True
    for file in recordings(arguments.paths):
        print(f"{file.stem}: {arguments.turns} times every pod turned, worst change of any stride")
        worst = worst_changes(load_recording(file), arguments.turns)
        print(f"  {'strides that differ':26}{worst.pop('strides'):>10.0f}")
        for metric, change in worst.items():
            over = change > bar(metric)
            passed = passed and not over
            print(f"  {metric:26}{change:>10.4f}{bar(metric):>10}{'   over' if over else ''}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
