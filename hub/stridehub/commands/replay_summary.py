"""What a replay has come to, in lines for people."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from stridehub.commands.coaching_lines import coaching_lines
from stridehub.model import ENOUGH_CONFIDENCE, Placement, PodStatus, Stride
from stridehub.pods.recording import Recording
from stridehub.record.raw_reader import RawRecording
from stridehub.summary import summary_lines
from stridehub.team import Team


def imported_lines(
    name: str, recording: Recording, team: Team, strides: Sequence[Stride]
) -> Iterator[str]:
    stood = f", standing until {recording.stand_end_s:g} s" if recording.stand_end_s else ""
    yield (
        f"{name}: {recording.duration_s:.1f} s, {len(recording.placements)} pods"
        f" at {recording.rate_hz:g} Hz{stood}"
    )
    for runner in team.coaches:
        yield from _runner_lines(runner, team, strides)


def captured_lines(recording: RawRecording, team: Team, strides: Sequence[Stride]) -> Iterator[str]:
    facts = recording.facts
    began = datetime.fromtimestamp(facts.started_utc_s, UTC)
    yield (
        f"{recording.path.name}: {recording.duration_s:.1f} s, recorded by {facts.hub}"
        f" (stridehub {facts.version}) from {began:%Y-%m-%d %H:%M} UTC on"
    )
    for runner in team.coaches:
        yield f"{runner}:"
        yield from _runner_lines(runner, team, [s for s in strides if s.runner == runner])


def _runner_lines(runner: str, team: Team, strides: Sequence[Stride]) -> Iterator[str]:
    kernel = team.pipeline.kernels[runner]
    states = list(kernel.statuses())
    yield from summary_lines(strides)
    if not strides:
        yield f"  no strides: {_why_none(states)}"
    packets, samples = sum(s.packets for s in states), sum(s.samples for s in states)
    lost, clipped = sum(s.lost_packets for s in states), sum(s.clipped_samples for s in states)
    yield f"  packets {packets}, lost {lost}; samples {samples}, clipped {clipped}"
    for reason, count in kernel.refused.items():
        yield f"  packets refused, {reason}: {count}"
    yield from coaching_lines(team.coaches[runner])


def _why_none(states: Sequence[PodStatus]) -> str:
    shanks = [s for s in states if s.placement in (Placement.SHANK_L, Placement.SHANK_R)]
    if not shanks:
        return "strides are seen by the shank pods, and none is worn"
    lost = [s.placement.label for s in states if s.alignment_confidence < ENOUGH_CONFIDENCE]
    if lost:
        return f"no gait was recognised by {', '.join(lost)}; too short, not worn, or mixed up?"
    return "nobody walked or ran"
