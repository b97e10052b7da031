"""A recording through the pipeline, as fast as it goes or at its own pace."""

import asyncio
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from stridehub.app import OnStride, Pipeline
from stridehub.config import load_profile, runner_profile
from stridehub.display import progress
from stridehub.model import ENOUGH_CONFIDENCE, Placement, PodStatus, RunnerProfile, Stride
from stridehub.pods.played import Pace, Played
from stridehub.pods.recording import Recording, load_recording
from stridehub.pods.replayed import ReplayedSource
from stridehub.pods.source import Arrival
from stridehub.summary import summary_lines

STDOUT = Path("-")
_PROGRESS_STEP_S = 1.0  # of recorded time


def replay(
    path: Path, *, strides_to: Path | None, realtime: bool, profile_path: Path | None
) -> None:
    """Prints a summary, unless the strides themselves go to standard output.

    Raises StrideHubError, and OSError where the strides cannot be written.
    """
    profile_settings = [load_profile(profile_path)] if profile_path else []
    recording = load_recording(path)
    profile = runner_profile(recording.body, *profile_settings)
    strides: list[Stride] = []
    with _stride_writer(strides_to) as write:
        pipeline = run(recording, profile, [strides.append, write], path.name, realtime)
    if strides_to != STDOUT:
        print("\n".join(_summary(path, recording, pipeline, strides)))


def run(
    recording: Recording,
    profile: RunnerProfile,
    on_stride: Sequence[OnStride],
    title: str = "replay",
    realtime: bool = False,
) -> Pipeline:
    """Hands every stride of the recording to each of `on_stride`, then returns the pipeline."""
    pipeline = Pipeline(on_stride=on_stride)
    pipeline.add_runner(profile)
    if recording.stand_end_s is not None:
        pipeline.kernels[profile.runner].expect_standing(recording.stand_end_s)
    source = ReplayedSource(recording, profile.runner)
    with progress(title, recording.duration_s) as show:
        shown_s = 0.0

        def tell(arrival: Arrival) -> None:
            nonlocal shown_s
            if arrival.arrival_s - shown_s >= _PROGRESS_STEP_S:
                shown_s = arrival.arrival_s
                show(shown_s)

        asyncio.run(Played(source, Pace() if realtime else None, tell).run(pipeline))
        show(recording.duration_s)
    pipeline.finish()
    return pipeline


@contextmanager
def _stride_writer(path: Path | None) -> Iterator[Callable[[Stride], None]]:
    """Writes one JSON object a line; a file appears under its name only once it is whole."""
    if path is None:
        yield lambda _: None
    elif path == STDOUT:
        yield _json_lines(sys.stdout.buffer, flush=True)
    elif path.exists() and not stat.S_ISREG(path.stat().st_mode):  # a pipe or device is no file
        with path.open("wb") as file:
            yield _json_lines(file, flush=True)
    else:
        whole = path.resolve()
        part = whole.with_name(f".{whole.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                yield _json_lines(file, flush=False)
            part.replace(whole)
        finally:
            part.unlink(missing_ok=True)


def _json_lines(file: BinaryIO, *, flush: bool) -> Callable[[Stride], None]:
    encoder = msgspec.json.Encoder()

    def write(stride: Stride) -> None:
        file.write(encoder.encode(stride) + b"\n")
        if flush:
            file.flush()

    return write


def _why_none(states: Sequence[PodStatus]) -> str:
    shanks = [s for s in states if s.placement in (Placement.SHANK_L, Placement.SHANK_R)]
    if not shanks:
        return "strides are seen by the shank pods, and none is worn"
    lost = [s.placement.label for s in states if s.alignment_confidence < ENOUGH_CONFIDENCE]
    if lost:
        return f"no gait was recognised by {', '.join(lost)}; too short, not worn, or mixed up?"
    return "nobody walked or ran"


def _summary(
    path: Path, recording: Recording, pipeline: Pipeline, strides: list[Stride]
) -> Iterator[str]:
    stood = f", standing until {recording.stand_end_s:g} s" if recording.stand_end_s else ""
    yield (
        f"{path.name}: {recording.duration_s:.1f} s, {len(recording.placements)} pods"
        f" at {recording.rate_hz:g} Hz{stood}"
    )
    yield from summary_lines(strides)
    states = [status for _, status in pipeline.status()]
    if not strides:
        yield f"  no strides: {_why_none(states)}"
    packets, samples = sum(s.packets for s in states), sum(s.samples for s in states)
    lost, clipped = sum(s.lost_packets for s in states), sum(s.clipped_samples for s in states)
    yield f"  packets {packets}, lost {lost}; samples {samples}, clipped {clipped}"
    for kernel in pipeline.kernels.values():
        for reason, count in kernel.refused.items():
            yield f"  packets refused, {reason}: {count}"
