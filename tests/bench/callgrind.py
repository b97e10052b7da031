"""Instructions of the C kernel per pod sample: `python tests/bench/callgrind.py [RECORDING.npz]`.

Everything that happens in stride_kernel_push (decode, clock, orientation, alignment, events,
metrics) is counted by `valgrind --tool=callgrind` over two lengths of the same signal and
differenced, so that what happens once cancels out; at -O3, which is what is shipped, and at -O2,
both for the compiler's baseline instruction set. Without a recording the signal is that of a
synthetic runner with seven pods. Exit status 1 when the bar is missed, or valgrind is.
"""

import argparse
import os
import re
import runpy
import shutil
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from stridehub.errors import StrideHubError
from stridehub.kernel.wire import encode_info
from stridehub.model import Placement, PodInfo
from stridehub.pods.recording import load_recording
from stridehub.pods.replayed import ReplayedSource
from stridehub.pods.simulated import SimulatedSource
from stridehub.pods.source import PacketSource
from stridehub.sim.knobs import LinkKnobs, RunnerKnobs, Segment
from stridehub.sim.link import PodLink
from stridehub.sim.runner import SyntheticRunner

ROOT = Path(__file__).resolve().parents[2]
NATIVE = ROOT / "native"

BAR = 800  # instructions per pod sample
SECONDS = (20.0, 30.0)  # both end in steady gait
COUNTED = "stride_kernel_push"
LEVELS = ("-O3", "-O2")
TOP_FUNCTIONS = 12
SEED = 1

_PODS = tuple(placement for placement in Placement if placement is not Placement.CHEST)
_KNOBS = RunnerKnobs(script=(Segment("stand", 5.0), Segment("run", float("inf"), 3.3)))
_LINK = LinkKnobs(loss_ratio=0.005, imu_rate_error_ratio=0.01)


class SevenPods:
    """A synthetic runner who wears all pods of the legs and the pelvis."""

    runner = "runner"

    def __init__(self) -> None:
        self._body = SyntheticRunner(_KNOBS, _PODS, SEED)
        self._links = [PodLink(_LINK, pod, SEED, _KNOBS.rate_hz, _KNOBS.imu) for pod in _PODS]
        self.infos: Sequence[PodInfo] = [link.info for link in self._links]

    @property
    def time_s(self) -> float:
        return self._body.time_s

    def next_packets(self) -> Iterator[tuple[int, bytes, float]]:
        chunk = self._body.next_chunk()
        for number, (pod, link) in enumerate(zip(_PODS, self._links, strict=True)):
            for sent in link.send(chunk.t, chunk.acc[pod], chunk.gyr[pod]):
                yield number, sent.data, sent.arrival_s


@dataclass(frozen=True)
class Count:
    """What one run cost and did."""

    samples: int
    packets: int
    strides: int
    instructions: Counter[str]  # by function, without those it calls

    def since(self, shorter: "Count") -> "Count":
        # not Counter's own difference, which drops what became less
        each = Counter(self.instructions)
        each.subtract(shorter.instructions)
        return Count(
            self.samples - shorter.samples,
            self.packets - shorter.packets,
            self.strides - shorter.strides,
            each,
        )


def write_packets(source: PacketSource, seconds: float, path: Path) -> None:
    """In the format of native/tests/bench_kernel.c."""
    with path.open("wb") as file:
        file.write(bytes([len(source.pods)]))
        for worn in source.pods:
            file.write(encode_info(worn.info))
        for arrival in takewhile(lambda arrival: arrival.arrival_s <= seconds, source):
            head = struct.pack("<BBd", arrival.pod, len(arrival.packet), arrival.arrival_s)
            file.write(head + arrival.packet)


def shipped_flags() -> list[str]:
    """As native/build_kernel.py gives them to the compiler, but for the optimisation."""
    flags: list[str] = runpy.run_path(str(NATIVE / "build_kernel.py"))["FLAGS"]
    return [flag for flag in flags if not flag.startswith("-O")]


def build(level: str) -> Path:
    """The program, by `make bench`."""
    name = f"bench{level}"
    flags = " ".join([*shipped_flags(), level])
    command = ["make", "-s", "-C", str(NATIVE), "bench", f"BENCH={name}", f"BENCH_FLAGS={flags}"]
    subprocess.run(command, check=True)
    return NATIVE / "build" / name / "bench_kernel"


def count(program: Path, packets: Path, out: Path) -> Count:
    """Runs it under callgrind."""
    callgrind = [
        "valgrind",
        "--tool=callgrind",
        f"--toggle-collect={COUNTED}",
        f"--callgrind-out-file={out}",
        str(program),
        str(packets),
    ]
    run = subprocess.run(callgrind, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise SystemExit(f"{program.name} failed under valgrind:\n{run.stderr}")
    samples, sent, strides = (int(number) for number in run.stdout.split())
    return Count(samples, sent, strides, _by_function(out))


def _by_function(out: Path) -> Counter[str]:
    listing = subprocess.run(
        ["callgrind_annotate", "--threshold=100", "--show-percs=no", str(out)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    each: Counter[str] = Counter()
    for line in listing.splitlines():
        if found := re.match(r"\s*([\d,]+)\s+\S*?:(\w+)", line):
            each[found[2]] += int(found[1].replace(",", ""))
    return each


def measure(level: str, files: Sequence[Path], scratch: Path) -> Count:
    """Between the two lengths."""
    program = build(level)
    shorter, longer = (count(program, path, scratch / "callgrind.out") for path in files)
    return longer.since(shorter)


def report(level: str, cost: Count) -> float:
    """Prints it; instructions per pod sample."""
    each = cost.instructions
    per_sample = each.total() / cost.samples
    verdict = f"{BAR - per_sample:.0f} below" if per_sample <= BAR else "ABOVE"
    print(
        f"{level}: {per_sample:.1f} instructions per pod sample, {verdict} the bar of {BAR}"
        f" ({cost.samples} samples in {cost.packets} packets, {cost.strides} strides)"
    )
    for function, spent in each.most_common(TOP_FUNCTIONS):
        print(f"  {spent / cost.samples:7.1f}  {function}")
    return per_sample


def _source(recording: Path | None) -> PacketSource:
    if recording is None:
        return SimulatedSource([SevenPods()])
    return ReplayedSource(load_recording(recording))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recording", nargs="?", type=Path, help=".npz, instead of a synthetic run")
    arguments = parser.parse_args()
    if missing := [tool for tool in ("valgrind", "callgrind_annotate") if not shutil.which(tool)]:
        raise SystemExit(f"{missing[0]} is not installed (Debian: apt install valgrind)")
    recording = arguments.recording.resolve() if arguments.recording else None
    os.chdir(ROOT)  # where build_kernel.py finds its sources
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        files = [scratch / f"{seconds:g}.packets" for seconds in SECONDS]
        try:
            for path, seconds in zip(files, SECONDS, strict=True):
                write_packets(_source(recording), seconds, path)
        except StrideHubError as error:
            raise SystemExit(str(error)) from error
        per_sample = [report(level, measure(level, files, scratch)) for level in LEVELS]
    sys.exit(per_sample[0] > BAR)


if __name__ == "__main__":
    main()
