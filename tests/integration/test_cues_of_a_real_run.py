"""A real runner's recording, with zones moved so that cues fire: exactly where the rules say.

What is expected comes from strides and landings alone, by the rules of docs/COACHING.md written
down once more, plainly.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pytest

from stridehub.app import Feed
from stridehub.coaching.cue import Cue, CueFollowUp
from stridehub.commands.replay import run
from stridehub.config import HapticsConfig, HubConfig, runner_profile
from stridehub.haptics.none import NoDriver
from stridehub.model import CueKind, CueSide, EventKind, GaitEvent, Side, Stride
from stridehub.pods.recording import Recording, load_recording
from stridehub.pods.replayed import ReplayedSource
from stridehub.team import Team

# A recording is half a minute of running: everything is shortened, nothing is left out.
SHORT: dict[str, Any] = {
    "baseline": {"strides": 20},
    "suppress": {"first_s": 8.0, "speed_change_mps": 5.0},
    "cues": {"kinds": ["heel_lift", "overstride"], "least_gap_s": 4.0, "withheld": 0.0},
    "follow_up": {"from_stride": 1, "to_stride": 3},
    "zones": {"overstride_ratio": {"value": 0.60, "per_mps": 0.0}},  # far from where it is
}
HEELS_LOW = {
    "kickback_deg": {"value": 125.0, "per_mps": 0.0},
    "peak_knee_flexion_deg": {"value": 150.0, "per_mps": 0.0},
}
LEFT_HEEL_LOW = {  # the runner lifts the left heel 9 deg less than the right one
    "kickback_deg": {"value": 98.0, "per_mps": 0.0, "below": 9.0},
    "peak_knee_flexion_deg": {"value": 150.0, "per_mps": 0.0},
}
FEET_AHEAD = {"overstride_ratio": {"value": 0.20, "per_mps": 0.0}}


@dataclass(frozen=True)
class Row:
    """One rule, and the settings that bring it out."""

    rule: str
    zones: dict[str, Any]
    change: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def coaching(self) -> dict[str, Any]:
        tables = {**SHORT, "zones": {**SHORT["zones"], **self.zones}}
        return {
            table: {**tables.get(table, {}), **self.change.get(table, {})}
            for table in {*tables, *self.change}
        }


TABLE = [
    Row("a fault on both sides buzzes on both", HEELS_LOW),
    Row("a fault on one side buzzes there", LEFT_HEEL_LOW),
    Row("overstride comes before heel lift", {**HEELS_LOW, **FEET_AHEAD}),
    Row("no cue before so many steady strides", HEELS_LOW, {"baseline": {"strides": 50}}),
    Row("no cue in the first seconds", HEELS_LOW, {"suppress": {"first_s": 18.0}}),
    Row("a pause between cues", HEELS_LOW, {"cues": {"least_gap_s": 9.0}}),
    Row("at most so many in a window", HEELS_LOW, {"cues": {"most_cues": 2}}),
    Row("silence after cues without a response", HEELS_LOW, {"cues": {"ignored_cues": 2}}),
    Row("only the kinds that are wanted", HEELS_LOW, {"cues": {"kinds": ["overstride"]}}),
    Row("nothing while everything is in its zone", {}, {"cues": {"kinds": ["heel_lift"]}}),
    Row(
        "lazy is both: kickback and knee flexion below",
        {"kickback_deg": HEELS_LOW["kickback_deg"]},
        {"cues": {"kinds": ["heel_lift"]}},
    ),
    Row("not yet due within one bandwidth", HEELS_LOW, {"trigger": {"least_deg": 40.0}}),
    Row("all withheld", HEELS_LOW, {"cues": {"withheld": 1.0}}),
    Row("none left by the schedule", HEELS_LOW, {"cues": {"schedule": [0.0]}}),
]


class Seen(NamedTuple):
    """A stride or a landing, and when the hub had it."""

    at_s: float
    what: Stride | GaitEvent


Load = Callable[[str], Recording]


@pytest.fixture(scope="module")
def recorded(recording: Callable[[str], Path]) -> Recording:
    return load_recording(recording("hamner_s02_impact"))


@pytest.fixture(scope="module")
def seen(recorded: Recording) -> list[Seen]:
    """In the order in which a coach hears of it."""
    found: list[Seen] = []
    team = Team(
        HubConfig(haptics=HapticsConfig(drivers=("none",))),
        NoDriver(),
        on_event=[lambda _, event: found.append(Seen(team.pipeline.now_s, event))],
        on_stride=[lambda stride: found.append(Seen(team.pipeline.now_s, stride))],
    )
    profile = runner_profile(recorded.body)
    team.add_runner(profile)
    assert recorded.stand_end_s is not None
    team.pipeline.kernels[profile.runner].expect_standing(recorded.stand_end_s)
    source = ReplayedSource(recorded, profile.runner)
    feed = Feed(team.pipeline, source.pods)
    for arrival in source:
        feed.take(arrival)
    return found


def replayed(recorded: Recording, coaching: dict[str, Any]) -> tuple[list[Cue], list[CueFollowUp]]:
    cues: list[Cue] = []
    answers: list[CueFollowUp] = []

    def keep(told: object) -> None:
        if isinstance(told, Cue):
            cues.append(told)
        elif isinstance(told, CueFollowUp):
            answers.append(told)

    config = HubConfig(coaching=coaching)
    run(recorded, runner_profile(recorded.body), config=config, write_cue=[keep])
    return cues, answers


class Expected(NamedTuple):
    t: float
    kind: CueKind
    side: CueSide
    withheld: bool


class PlainCoach:
    """The rules, without anything that makes them fast or general."""

    def __init__(self, coaching: dict[str, Any], baseline_until: int) -> None:
        self.rules = coaching
        self.strides: list[Stride] = []  # that count
        self.heard = 0
        self.baseline_until = baseline_until
        self.due: set[tuple[CueKind, Side]] = set()
        self.turns_s: list[float] = []
        self.cued: tuple[Side, float] | None = None  # being followed: side, foot strike
        self.ignored = 0
        self.silent_until_s = 0.0

    def last(self, side: Side, metric: str, count: int = 5) -> list[float]:
        values = [getattr(s, metric) for s in self.strides if s.side is side]
        return [value for value in values[-2 * count :] if value is not None][-count:]

    def bound(self, metric: str) -> float:
        zone = self.rules["zones"].get(metric)
        if metric == "overstride_ratio":
            return float(zone["value"])
        return float("-inf") if zone is None else float(zone["value"] - zone.get("below", 12.0))

    def beyond(self, side: Side, metric: str) -> float:
        """In the metric's unit; the baseline SD of this runner is less than the least."""
        values = self.last(side, metric)
        if len(values) < 5:
            return float("-inf")
        middle = median(values)
        high = metric == "overstride_ratio"
        return middle - self.bound(metric) if high else self.bound(metric) - middle

    def look(self, side: Side) -> None:
        least = self.rules.get("trigger", {}).get("least_deg", 3.0)
        for kind, width in ((CueKind.OVERSTRIDE, 0.02), (CueKind.HEEL_LIFT, least)):
            enough = width * (0.5 if (kind, side) in self.due else 1.0)
            if kind is CueKind.OVERSTRIDE:
                is_due = self.beyond(side, "overstride_ratio") > enough
            else:
                is_due = self.beyond(side, "kickback_deg") > enough
                is_due &= self.beyond(side, "peak_knee_flexion_deg") > 0.0
            (self.due.add if is_due else self.due.discard)((kind, side))

    def may(self, now_s: float) -> bool:
        cues, suppress = self.rules["cues"], self.rules["suppress"]
        return (
            self.heard >= self.baseline_until
            and now_s - self.strides[0].ic >= suppress["first_s"]
            and self.cued is None
            and (not self.turns_s or now_s - self.turns_s[-1] >= cues["least_gap_s"])
            and len(self.turns_s) < cues.get("most_cues", 6)
            and now_s >= self.silent_until_s
        )

    def on_stride(self, stride: Stride, now_s: float) -> None:
        self.heard += 1
        self.strides.append(stride)
        self.follow(stride, now_s)
        self.look(stride.side)

    def follow(self, stride: Stride, now_s: float) -> None:
        """Three strides of the faulty side; this runner felt nothing, and changed nothing."""
        if self.cued is None or stride.side is not self.cued[0]:
            return
        after = [s for s in self.strides if s.side is stride.side and s.ic >= self.cued[1] - 0.1]
        if len(after) < 3:
            return
        self.cued = None
        self.ignored += 1
        if self.ignored == self.rules["cues"].get("ignored_cues", 3):
            self.silent_until_s = now_s + 120.0

    def urgent(self) -> tuple[CueKind, Side] | None:
        wanted = self.rules["cues"]["kinds"]
        for kind, metric in (
            (CueKind.OVERSTRIDE, "overstride_ratio"),
            (CueKind.HEEL_LIFT, "kickback_deg"),
        ):
            sides = [side for side in Side if (kind, side) in self.due and kind in wanted]
            if sides:
                return kind, max(sides, key=lambda side: self.beyond(side, metric))
        return None

    def where(self, kind: CueKind, side: Side) -> CueSide:
        metric = "overstride_ratio" if kind is CueKind.OVERSTRIDE else "kickback_deg"
        faulty = {
            of: sum(
                value > self.bound(metric)
                if kind is CueKind.OVERSTRIDE
                else value < self.bound(metric)
                for value in self.last(of, metric, 10)
            )
            for of in Side
        }
        return CueSide(side) if faulty[side] > 0.7 * sum(faulty.values()) else CueSide.BOTH


def expected(seen: Sequence[Seen], coaching: dict[str, Any], counted: int) -> Iterator[Expected]:
    """`counted`: the stride, from 1, with which the baseline is complete."""
    coach = PlainCoach(coaching, counted)
    armed: tuple[CueKind, Side] | None = None
    armed_s = 0.0
    withheld = coaching["cues"]["withheld"] == 1.0 or coaching["cues"].get("schedule") == [0.0]
    for now_s, what in seen:
        if isinstance(what, Stride):
            coach.on_stride(what, now_s)
            armed = coach.urgent() if coach.may(now_s) else None
            armed_s = now_s
        elif armed and what.kind is EventKind.INITIAL_CONTACT and not what.refined:
            kind, side = armed
            if what.side is side and now_s - armed_s <= 1.5 and coach.may(now_s):
                yield Expected(now_s, kind, coach.where(kind, side), withheld)
                coach.turns_s.append(now_s)
                coach.cued = (side, what.time_s)
                armed = None
                if withheld:  # what is not felt is not ignored
                    coach.ignored = -1000


def baseline_complete(seen: Sequence[Seen], strides: int) -> int:
    """Strides of a calibrated runner: angles are known."""
    steady = 0
    for number, stride in enumerate((s.what for s in seen if isinstance(s.what, Stride)), 1):
        steady += "not_calibrated" not in stride.quality
        if steady == strides:
            return number
    raise AssertionError("the recording is too short")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.rule)
def test_cues_come_exactly_where_the_rules_say(
    recorded: Recording, seen: list[Seen], row: Row
) -> None:
    cues, _ = replayed(recorded, row.coaching)
    complete = baseline_complete(seen, row.coaching["baseline"]["strides"])
    wanted = list(expected(seen, row.coaching, complete))
    assert [Expected(cue.t, cue.kind, cue.side, cue.withheld) for cue in cues] == wanted


def test_the_table_has_cues_in_it(recorded: Recording) -> None:
    """None of the rows is true for want of cues."""
    counts = {row.rule: len(replayed(recorded, row.coaching)[0]) for row in TABLE}
    silent = {rule for rule, count in counts.items() if count == 0}
    assert silent == {
        "nothing while everything is in its zone",
        "only the kinds that are wanted",
        "lazy is both: kickback and knee flexion below",
        "not yet due within one bandwidth",
    }
    assert counts["a fault on both sides buzzes on both"] > 2


def test_by_default_a_short_run_is_not_cued(recorded: Recording) -> None:
    assert replayed(recorded, {}) == ([], [])


def test_every_cue_has_one_answer(recorded: Recording) -> None:
    cues, answers = replayed(recorded, TABLE[0].coaching)
    assert [answer.t for answer in answers] == [cue.t for cue in cues]
