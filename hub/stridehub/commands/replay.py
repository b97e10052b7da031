"""A recording through the pipeline, as fast as it goes or at its own pace."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from stridehub.app import OnStride
from stridehub.captured import CapturedSource
from stridehub.commands.json_lines import STDOUT, Write, json_lines
from stridehub.commands.replay_summary import captured_lines, imported_lines
from stridehub.commands.replay_times import since
from stridehub.config import HubConfig, RunnerSettings, load_profile, runner_profile
from stridehub.display import progress
from stridehub.errors import ConfigError
from stridehub.haptics.console import ConsoleDriver
from stridehub.model import RunnerProfile, Stride
from stridehub.pods.played import Pace, Played
from stridehub.pods.recording import Recording, load_recording
from stridehub.pods.replayed import ReplayedSource
from stridehub.pods.source import Arrival
from stridehub.record.raw_reader import RawRecording, is_raw, load_raw
from stridehub.team import Team
from stridehub.timing import ADVANCE_S

log = logging.getLogger(__name__)

_SEED = 0  # of what is withheld: a replay gives the same each time

_Show = Callable[[float], None]  # the seconds that have been played


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
    recording = load_raw(path) if is_raw(path) else load_recording(path)
    if isinstance(recording, RawRecording):
        settings = _addressed(settings, recording, profile_path)
        for defect in recording.defects:
            log.warning("%s: %s", path.name, defect)
    profiles = _profiles(recording, settings)
    strides: list[Stride] = []
    with json_lines(strides_to) as write_stride, json_lines(cues_to) as write_cue:
        if isinstance(recording, RawRecording):
            begin_s = recording.first_packet_s or 0.0
            write_stride, write_cue = since(begin_s, write_stride), since(begin_s, write_cue)
        team = run(
            recording,
            *profiles,
            config=_config(settings, profiles),
            on_stride=[strides.append, write_stride],
            write_cue=[write_cue],
            title=path.name,
            realtime=realtime,
        )
    if STDOUT in (strides_to, cues_to):
        return
    if isinstance(recording, RawRecording):
        print("\n".join(captured_lines(recording, team, strides)))
    else:
        print("\n".join(imported_lines(path.name, recording, team, strides)))


def _addressed(
    settings: RunnerSettings, recording: RawRecording, profile_path: Path | None
) -> RunnerSettings:
    """A profile says whose it is, unless there is but one runner. Raises ConfigError."""
    names = [own.runner for own in recording.runners]
    if profile_path is None or settings.runner in names:
        return settings
    there = ", ".join(f'"{name}"' for name in names) or "nobody"
    if settings.runner is not None:
        reason = f'runner "{settings.runner}" is not in the recording, which has {there}'
        raise ConfigError(profile_path, reason)
    if len(names) != 1:
        raise ConfigError(profile_path, f"whose is it? runner = one of {there}")
    return msgspec.structs.replace(settings, runner=names[0])


def _profiles(
    recording: Recording | RawRecording, settings: RunnerSettings
) -> tuple[RunnerProfile, ...]:
    if isinstance(recording, Recording):
        return (runner_profile(recording.body, settings),)
    return tuple(
        runner_profile(own, settings) if own.runner == settings.runner else runner_profile(own)
        for own in recording.runners
    )


def _config(settings: RunnerSettings, profiles: Sequence[RunnerProfile]) -> HubConfig:
    """A hub of these runners alone, whose cues are felt at once."""
    names = [profile.runner for profile in profiles]
    others = RunnerSettings()
    return HubConfig(
        runners=tuple(
            msgspec.structs.replace(
                settings if name == settings.runner or len(names) == 1 else others,
                runner=name,
                haptics=("console",),
            )
            for name in names
        )
    )


def run(
    recording: Recording | RawRecording,
    *profiles: RunnerProfile,
    config: HubConfig | None = None,
    on_stride: Sequence[OnStride] = (),
    write_cue: Sequence[Write] = (),
    title: str = "replay",
    realtime: bool = False,
) -> Team:
    """The whole recording through the hub, of the runners it is of. Raises StrideHubError."""
    team = Team(
        config or HubConfig(),
        ConsoleDriver(lambda cue, runner, side: None),
        on_stride=on_stride,
        on_cue=write_cue,
        on_follow_up=write_cue,
        seed=_SEED,
    )
    with progress(title, recording.duration_s) as show:
        if isinstance(recording, RawRecording):
            playing = _play_captured(recording, profiles, team, show, realtime=realtime)
        else:
            playing = _play_imported(recording, profiles[0], team, show, realtime=realtime)
        asyncio.run(playing)
        show(recording.duration_s)
    team.finish()
    return team


async def _play_imported(
    recording: Recording, profile: RunnerProfile, team: Team, show: _Show, *, realtime: bool
) -> None:
    team.add_runner(profile)
    if recording.stand_end_s is not None:
        team.pipeline.kernels[profile.runner].expect_standing(recording.stand_end_s)
    looked_s = 0.0

    def tell(arrival: Arrival) -> None:
        nonlocal looked_s
        if arrival.arrival_s - looked_s >= ADVANCE_S:
            looked_s = arrival.arrival_s
            team.look(looked_s)
            show(looked_s)

    source = ReplayedSource(recording, profile.runner)
    await Played(source, Pace() if realtime else None, tell).run(team.pipeline)


async def _play_captured(
    recording: RawRecording,
    profiles: Sequence[RunnerProfile],
    team: Team,
    show: _Show,
    *,
    realtime: bool,
) -> None:
    begin_s = recording.facts.started_s
    team.advance(begin_s)  # before there are coaches: their time begins then
    for profile in profiles:
        team.add_runner(profile)

    def tell(now_s: float) -> None:
        team.advance(now_s)
        show(now_s - begin_s)

    source = CapturedSource(recording, tell, Pace(begin_s) if realtime else None)
    await source.run(team.pipeline)
    if source.lost_packets:
        log.warning("%d packets reached the hub and were not recorded", source.lost_packets)
