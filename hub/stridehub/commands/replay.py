"""A recording through the pipeline, as fast as it goes or at its own pace."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from stridehub.app import OnStride, Pipeline
from stridehub.commands.coaching_lines import coaching_lines
from stridehub.commands.json_lines import STDOUT, Write, json_lines
from stridehub.config import HubConfig, RunnerSettings, load_profile, runner_profile
from stridehub.display import progress
from stridehub.haptics.console import ConsoleDriver
from stridehub.model import ENOUGH_CONFIDENCE, Placement, PodStatus, RunnerProfile, Stride
from stridehub.pods.played import Pace, Played
from stridehub.pods.recording import Recording, load_recording
from stridehub.pods.replayed import ReplayedSource
from stridehub.pods.source import Arrival
from stridehub.summary import summary_lines
from stridehub.team import Team
from stridehub.timing import ADVANCE_S

_SEED = 0  # of what is withheld: a replay gives the same each time


def replay(
    path: Path,
    *,
    strides_to: Path | None,
    cues_to: Path | None,
    realtime: bool,
    profile_path: Path | None,
) -> None:
    """Prints a summary, unless results go to standard output.

    Raises StrideHubError, and OSError where the results cannot be written.
    """
    settings = load_profile(profile_path) if profile_path else RunnerSettings()
    recording = load_recording(path)
    profile = runner_profile(recording.body, settings)
    strides: list[Stride] = []
    with json_lines(strides_to) as write_stride, json_lines(cues_to) as write_cue:
        team = run(
            recording,
            profile,
            config=_config(settings, profile.runner),
            on_stride=[strides.append, write_stride],
            write_cue=[write_cue],
            title=path.name,
            realtime=realtime,
        )
    if STDOUT not in (strides_to, cues_to):
        print("\n".join(_summary(path, recording, team.pipeline, strides)))
        print("\n".join(coaching_lines(team.coaches[profile.runner])))


def _config(settings: RunnerSettings, runner: str) -> HubConfig:
    """A hub of this runner's alone, whose cues are felt at once."""
    only = msgspec.structs.replace(settings, runner=runner, haptics=("console",))
    return HubConfig(runners=(only,))


def run(
    recording: Recording,
    profile: RunnerProfile,
    *,
    config: HubConfig | None = None,
    on_stride: Sequence[OnStride] = (),
    write_cue: Sequence[Write] = (),
    title: str = "replay",
    realtime: bool = False,
) -> Team:
    """The whole recording through the hub. Raises StrideHubError."""
    team = Team(
        config or HubConfig(),
        ConsoleDriver(lambda cue, runner, side: None),
        on_stride=on_stride,
        on_cue=write_cue,
        on_follow_up=write_cue,
        seed=_SEED,
    )
    team.add_runner(profile)
    if recording.stand_end_s is not None:
        team.pipeline.kernels[profile.runner].expect_standing(recording.stand_end_s)
    source = ReplayedSource(recording, profile.runner)
    with progress(title, recording.duration_s) as show:
        looked_s = 0.0

        def tell(arrival: Arrival) -> None:
            nonlocal looked_s
            if arrival.arrival_s - looked_s >= ADVANCE_S:
                looked_s = arrival.arrival_s
                team.look(looked_s)
                show(looked_s)

        asyncio.run(Played(source, Pace() if realtime else None, tell).run(team.pipeline))
        show(recording.duration_s)
    team.finish()
    return team


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
