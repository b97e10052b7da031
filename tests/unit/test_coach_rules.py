"""When a cue comes, which one and where: docs/METRICS.md, "Cues", rule by rule."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean
from typing import Any

import msgspec
import pytest

from stridehub.coaching.cue import Cue, Response, Withheld
from stridehub.coaching.memory import RunnerMemory
from stridehub.coaching.plan import Block, BlockKind, DrillKind, Plan
from stridehub.coaching.session import Moment
from stridehub.model import CueKind, EventKind, Side
from stridehub.rules import CoachingRules, CueRules
from strides import (
    BEGIN,
    EVERY_CUE,
    STRIDE_S,
    Track,
    good_conditions,
    landing,
    rules_with,
)

Form = dict[str, Any]

# At 3 m/s, well outside the zone.
OVER: Form = {"overstride_ratio": 0.34}
LAZY: Form = {"kickback_deg": 60.0, "peak_knee_flexion_deg": 70.0}
FLICK: Form = {"kickback_deg": 100.0}
TRAIL: Form = {"heel_trail_ratio": 0.65}
SITTING: Form = {"hip_over_foot_ratio": -0.05}
NO_THIGHS: Form = dict.fromkeys(
    ("overstride_ratio", "peak_knee_flexion_deg", "heel_trail_ratio", "hip_over_foot_ratio")
)
FOR_A_CUE = 12  # steps of a fault: three faulty strides a side, and a landing

FOOT_PULL = Block(kind=BlockKind.DRILL, minutes=5, drill=DrillKind.FOOT_PULL)
NOTHING: Sequence[str] = ()
ON_BOTH: Sequence[str] = ("overstride both",)


def fresh(plan: Plan = EVERY_CUE, **tables: Form) -> Track:
    """A runner who begins; nothing is left to chance."""
    return Track(rules_with(**tables), plan=plan)


def ready(plan: Plan = EVERY_CUE, **tables: Form) -> Track:
    """A runner in good form who has run 200 steady strides in more than a minute."""
    return fresh(plan, **tables).run(202)


def swaying(metric: str, low: float, high: float) -> Track:
    """Likewise, but with a baseline that spreads: strides are low and high in turn."""
    track = fresh()
    for _ in range(51):
        track.run(2, **Form({metric: low})).run(2, **Form({metric: high}))
    return track


def mixed(pattern: str, fault: Form, **other: Any) -> Track:
    """Strides of both sides in turn: X is faulty, o is not; `other` holds of those that are not."""
    track = ready()
    for letter in pattern:
        track.run(2, **(fault if letter == "X" else other))
    return track


def unsteady(seconds: float) -> Track:
    """A runner who changes pace all the time."""
    track = fresh()
    for turn in range(round(seconds / 5.04)):
        track.run(14, speed_mps=3.4 if turn % 2 else 2.6)
    return track


def at_new_pace(speed_mps: float) -> Track:
    return ready().run(FOR_A_CUE, **OVER, speed_mps=speed_mps)


def rough(track: Track, steps: int, **form: Any) -> Track:
    """The rhythm is lost: stride times vary by a tenth."""
    for turn in range(steps // 2):
        track.run(2, after_s=(0.34 if turn % 2 else 0.38), **form)
    return track


def sides(left: str, right: str) -> Track:
    """Ten strides a side, the last one due on the left: X is faulty, o is not."""
    track = ready()
    unseen: Form = {"age_s": 9.0}  # no cue before all of them have been
    for at, (on_left, on_right) in enumerate(zip(left, right, strict=True)):
        track.run(
            2,
            left=OVER if on_left == "X" else {},
            right=OVER if on_right == "X" else {},
            **(unseen if at < len(left) - 1 else {}),
        )
    return track.run(1)


def planned(**changes: Any) -> Plan:
    return msgspec.structs.replace(EVERY_CUE, **changes)


def blocks(*minutes: tuple[BlockKind, float]) -> Plan:
    return planned(blocks=tuple(Block(kind=kind, minutes=long) for kind, long in minutes))


def in_pain(level: int) -> Track:
    track = ready()
    track.coach.mark_pain(level)
    return track.run(FOR_A_CUE, **OVER)


@dataclass(frozen=True)
class Row:
    """What happens on the track, and the cues that come of it, in order."""

    happens: Callable[[], Track]
    cues: Sequence[str] = NOTHING


ROWS: dict[str, Row] = {
    # 1: one cue, by priority; foot strike has none
    "1 good form": Row(lambda: ready().run(300)),
    "1 overstride": Row(lambda: ready().run(FOR_A_CUE, **OVER), ON_BOTH),
    "1 lazy heel lift": Row(lambda: ready().run(FOR_A_CUE, **LAZY), ["heel_lift both"]),
    "1 flick: kickback": Row(lambda: ready().run(FOR_A_CUE, **FLICK), ["flick both"]),
    "1 flick: trail": Row(lambda: ready().run(FOR_A_CUE, **TRAIL), ["flick both"]),
    "1 sitting back": Row(lambda: ready().run(FOR_A_CUE, **SITTING), ["sitting_back both"]),
    "1 overstride before lazy heel lift": Row(
        lambda: ready().run(FOR_A_CUE, **LAZY, **OVER), ON_BOTH
    ),
    "1 overstride before flick": Row(lambda: ready().run(FOR_A_CUE, **FLICK, **OVER), ON_BOTH),
    "1 overstride before sitting back, be that ever so much worse": Row(
        lambda: ready().run(FOR_A_CUE, **OVER, hip_over_foot_ratio=-0.5), ON_BOTH
    ),
    "1 lazy heel lift before sitting back": Row(
        lambda: ready().run(FOR_A_CUE, **LAZY, **SITTING), ["heel_lift both"]
    ),
    "1 flick before sitting back": Row(
        lambda: ready().run(FOR_A_CUE, **TRAIL, **SITTING), ["flick both"]
    ),
    "1 overstride on one side before sitting back on the other": Row(
        lambda: ready().run(FOR_A_CUE, left=SITTING, right=OVER), ["overstride right"]
    ),
    "1 little kickback with enough knee flexion is not lazy": Row(
        lambda: ready().run(50, kickback_deg=60.0)
    ),
    "1 little knee flexion with enough kickback is not lazy": Row(
        lambda: ready().run(50, peak_knee_flexion_deg=70.0)
    ),
    "1 overstride by the shank where no thigh pod is worn": Row(
        lambda: fresh().run(202, **NO_THIGHS).run(12, **NO_THIGHS | {"shank_angle_ic_deg": 16.0}),
        ON_BOTH,
    ),
    "1 the shank alone is no overstride where the thigh shows none": Row(
        lambda: ready().run(50, shank_angle_ic_deg=16.0)
    ),
    "1 heel strike": Row(lambda: ready().run(100, foot_strike_angle_deg=25.0)),
    "1 forefoot strike": Row(lambda: ready().run(100, foot_strike_angle_deg=-15.0)),
    "1 a foot strike that changes": Row(
        lambda: ready().run(50, foot_strike_angle_deg=-15.0).run(50, foot_strike_angle_deg=25.0)
    ),
    "1 lean, knee lift, contact time and cadence are shown, not cued": Row(
        lambda: ready().run(
            100, lean_deg=25.0, knee_lift_deg=60.0, contact_time_ms=400.0, cadence_spm=120.0
        )
    ),
    # 2: baseline first
    "2 not within 200 strides": Row(lambda: fresh().run(201, **OVER)),
    "2 but after them": Row(lambda: fresh().run(206, **OVER), ON_BOTH),
    "2 not within 5 min where the pace is not steady": Row(
        lambda: unsteady(282).run_for(15, **OVER)
    ),
    "2 but after 5 min": Row(lambda: unsteady(282).run_for(25, **OVER), ON_BOTH),
    # 3: bandwidth
    "3 overstride due above 0.02": Row(lambda: ready().run(12, overstride_ratio=0.321), ON_BOTH),
    "3 overstride not due below 0.02": Row(lambda: ready().run(50, overstride_ratio=0.319)),
    "3 flick due above 3 deg": Row(lambda: ready().run(12, kickback_deg=95.1), ["flick both"]),
    "3 flick not due below 3 deg": Row(lambda: ready().run(50, kickback_deg=94.9)),
    "3 lazy due above 3 deg": Row(
        lambda: ready().run(12, kickback_deg=64.9, peak_knee_flexion_deg=70.0), ["heel_lift both"]
    ),
    "3 lazy not due below 3 deg": Row(
        lambda: ready().run(50, kickback_deg=65.1, peak_knee_flexion_deg=70.0)
    ),
    "3 trail due above 0.02": Row(lambda: ready().run(12, heel_trail_ratio=0.621), ["flick both"]),
    "3 trail not due below 0.02": Row(lambda: ready().run(50, heel_trail_ratio=0.619)),
    "3 shank due above 3 deg": Row(
        lambda: fresh().run(202, **NO_THIGHS).run(12, **NO_THIGHS | {"shank_angle_ic_deg": 14.1}),
        ON_BOTH,
    ),
    "3 shank not due below 3 deg": Row(
        lambda: fresh().run(202, **NO_THIGHS).run(50, **NO_THIGHS | {"shank_angle_ic_deg": 13.9})
    ),
    "3 sitting back due above 0.02": Row(
        lambda: ready().run(12, hip_over_foot_ratio=-0.021), ["sitting_back both"]
    ),
    "3 sitting back not due below 0.02": Row(lambda: ready().run(50, hip_over_foot_ratio=-0.019)),
    # A baseline of 0.25 +- 0.03 has an SD of 0.0302.
    "3 due above 1 SD where the baseline spreads more": Row(
        lambda: swaying("overstride_ratio", 0.22, 0.28).run(12, overstride_ratio=0.331), ON_BOTH
    ),
    "3 not due below 1 SD": Row(
        lambda: swaying("overstride_ratio", 0.22, 0.28).run(50, overstride_ratio=0.329)
    ),
    "3 sitting back due above 1 SD": Row(
        lambda: swaying("hip_over_foot_ratio", 0.02, 0.08).run(12, hip_over_foot_ratio=-0.031),
        ["sitting_back both"],
    ),
    "3 sitting back not due below 1 SD": Row(
        lambda: swaying("hip_over_foot_ratio", 0.02, 0.08).run(50, hip_over_foot_ratio=-0.029)
    ),
    "3 one outlier in five does nothing": Row(
        lambda: mixed("ooXooooXooooXoo", {"overstride_ratio": 0.9})
    ),
    "3 nor do two": Row(lambda: mixed("oXoXooXoXooXoXo", {"overstride_ratio": 0.9})),
    "3 three do": Row(lambda: mixed("oXoXoXo", {"overstride_ratio": 0.9}), ON_BOTH),
    "3 no pace, no zone, no cue": Row(lambda: fresh().run(300, **OVER, speed_mps=None)),
    "3 strides without the metric say nothing": Row(
        lambda: ready().run(50, overstride_ratio=None, shank_angle_ic_deg=None)
    ),
    **{
        f"3 strides marked {word} do not count": Row(
            lambda word=word: ready().run(50, **OVER, quality=(word,))  # type: ignore[misc]
        )
        for word in ("walking", "turning")
    },
    "3 a gap leaves what is known as it is": Row(
        lambda: ready().run(12, **OVER, quality=("gap",)), ON_BOTH
    ),
    "3 half of the strides know the metric": Row(
        lambda: mixed("XoXoXoXo", OVER, overstride_ratio=None, shank_angle_ic_deg=None), ON_BOTH
    ),
    "3 fewer than half of them do": Row(
        lambda: mixed(10 * "o" + 12 * "Xoo", OVER, overstride_ratio=None, shank_angle_ic_deg=None)
    ),
    "3 invalid good strides do not dilute faulty ones": Row(
        lambda: mixed("XooXooXo", OVER, quality=("turning",)), ON_BOTH
    ),
    "3 invalid faulty strides do not count among good ones": Row(
        lambda: mixed("XoXXoXXoX", OVER | {"quality": ("turning",)})
    ),
    # Due, 20 s and more later within the bandwidth, but above half of it: not cleared.
    "3 due until it clears at half: above": Row(
        lambda: ready().run(12, overstride_ratio=0.33).run_for(25, overstride_ratio=0.311),
        ["overstride both", "overstride both"],
    ),
    "3 due until it clears at half: below": Row(
        lambda: ready().run(12, overstride_ratio=0.33).run_for(25, overstride_ratio=0.309),
        ON_BOTH,
    ),
    "3 what has cleared has to be due anew": Row(
        lambda: (
            ready()
            .run(12, overstride_ratio=0.33)
            .run_for(15, overstride_ratio=0.25)
            .run_for(15, overstride_ratio=0.315)
        ),
        ON_BOTH,
    ),
    # 7: on the faulty side where more than 70 % of the faulty strides are on one
    "7 left only": Row(lambda: ready().run(12, left=OVER), ["overstride left"]),
    "7 right only": Row(lambda: ready().run(12, right=OVER), ["overstride right"]),
    "7 both": Row(lambda: ready().run(12, **OVER), ON_BOTH),
    "7 seven of ten on the left": Row(lambda: sides("oooXXXXXXX", "XXXooooooo"), ON_BOTH),
    "7 eight of eleven on the left": Row(
        lambda: sides("ooXXXXXXXX", "XXXooooooo"), ["overstride left"]
    ),
    # 8: suppressed
    "8 first 60 s": Row(lambda: fresh(baseline={"strides": 20}).run_for(59, **OVER)),
    "8 then no more": Row(lambda: fresh(baseline={"strides": 20}).run_for(63, **OVER), ON_BOTH),
    "8 first 60 s after a rest": Row(lambda: ready().pause(31.0).run_for(59, **OVER)),
    "8 after that": Row(lambda: ready().pause(31.0).run_for(63, **OVER), ON_BOTH),
    "8 not after a short stop": Row(lambda: ready().pause(20.0).run_for(10, **OVER), ON_BOTH),
    "8 walking": Row(lambda: ready().run(50, **OVER, quality=("walking",))),
    "8 walking with what was due before": Row(
        lambda: ready().run(5, **OVER).run(12, **OVER, quality=("walking",))
    ),
    "8 first 60 s after a long walk": Row(
        lambda: ready().run_for(40, quality=("walking",)).run_for(59, **OVER)
    ),
    "8 pace up by more than 0.3 m/s": Row(lambda: at_new_pace(3.35)),
    "8 pace up by less": Row(lambda: at_new_pace(3.25), ON_BOTH),
    "8 pace down by more than 0.3 m/s": Row(lambda: at_new_pace(2.65)),
    "8 pace down by less": Row(lambda: at_new_pace(2.75), ON_BOTH),
    "8 the new pace is held": Row(lambda: at_new_pace(3.5).run(10, **OVER, speed_mps=3.5), ON_BOTH),
    "8 one stride of a wrong pace": Row(
        lambda: ready().run(1, speed_mps=9.0).run(12, **OVER), ON_BOTH
    ),
    "8 pod data older than 500 ms": Row(lambda: ready().run(50, **OVER, age_s=0.51)),
    "8 not as old": Row(lambda: ready().run(12, **OVER, age_s=0.49), ON_BOTH),
    "8 nothing heard of a pod": Row(lambda: ready().run(50, **OVER, age_s=float("inf"))),
    "8 more than 10 % missing": Row(lambda: ready().run(50, **OVER, loss=0.11)),
    "8 no more than 10 % missing": Row(lambda: ready().run(12, **OVER, loss=0.10), ON_BOTH),
    "8 not calibrated": Row(lambda: ready().run(50, **OVER, is_calibrated=False)),
    "8 not calibrated any more": Row(
        lambda: ready().run(6, **OVER).run(12, **OVER, is_calibrated=False)
    ),
    "8 rhythm lost while cueing": Row(
        lambda: rough(ready().run(FOR_A_CUE, **OVER), 140, **OVER), ON_BOTH
    ),
    "8 rhythm kept while cueing": Row(
        lambda: ready().run(FOR_A_CUE, **OVER).run(60, **OVER), [*ON_BOTH, *ON_BOTH]
    ),
    "8 rhythm rough, but not while cueing": Row(lambda: rough(ready(), FOR_A_CUE, **OVER), ON_BOTH),
    "8 pain": Row(lambda: in_pain(5)),
    "8 a little pain": Row(lambda: in_pain(1)),
    # 10: a late cue is about another step
    "10 landing told late": Row(lambda: ready().run(50, **OVER, told_s=1.01)),
    "10 landing told in time": Row(lambda: ready().run(12, **OVER, told_s=0.99), ON_BOTH),
    # what the plan is for
    "no cues in the plan": Row(lambda: ready(planned(cues=())).run(50, **OVER)),
    "only what the plan names": Row(
        lambda: ready(planned(cues=(CueKind.SITTING_BACK,))).run(12, **OVER, **SITTING),
        ["sitting_back both"],
    ),
    "only what the numbers allow": Row(
        lambda: ready(cues={"kinds": ["flick"]}).run(12, **OVER, **FLICK), ["flick both"]
    ),
    "no kinds allowed": Row(lambda: ready(cues={"kinds": []}).run(50, **OVER)),
    "warm-up": Row(lambda: ready(blocks((BlockKind.WARM_UP, 5))).run(50, **OVER)),
    "technique": Row(lambda: ready(blocks((BlockKind.TECHNIQUE, 5))).run(12, **OVER), ON_BOTH),
    "free": Row(lambda: ready(blocks((BlockKind.FREE, 5))).run(50, **OVER)),
    "drill": Row(lambda: ready(planned(blocks=(FOOT_PULL,))).run(50, **OVER)),
    "technique after the warm-up": Row(
        lambda: ready(blocks((BlockKind.WARM_UP, 2), (BlockKind.TECHNIQUE, 5))).run_for(50, **OVER),
        ON_BOTH,
    ),
    "not before it": Row(
        lambda: ready(blocks((BlockKind.WARM_UP, 2), (BlockKind.TECHNIQUE, 5))).run_for(46, **OVER)
    ),
    "free after technique": Row(
        lambda: ready(blocks((BlockKind.TECHNIQUE, 1), (BlockKind.FREE, 5))).run(50, **OVER)
    ),
    "after the last block": Row(lambda: ready(blocks((BlockKind.TECHNIQUE, 1))).run(50, **OVER)),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_happens_brings_these_cues_and_no_others(row: Row) -> None:
    assert told(row.happens().cues) == list(row.cues)


def told(cues: Sequence[Cue]) -> list[str]:
    assert not any(cue.withheld for cue in cues)
    return [f"{cue.kind.value} {cue.side.value}" for cue in cues]


# ---- 1: one at a time; foot strike has none ----


def test_foot_strike_has_no_cue() -> None:
    assert set(CueKind) == {"overstride", "heel_lift", "flick", "sitting_back"}


def test_the_kinds_stand_in_the_order_of_their_priority() -> None:
    assert list(CueKind) == ["overstride", "heel_lift", "flick", "sitting_back"]


def test_no_cue_comes_while_the_last_one_is_followed_up() -> None:
    track = ready(cues={"least_gap_s": 0.0, "most_cues": 100, "ignored_cues": 200})
    track.run(400, **OVER)
    assert len(track.cues) > 10
    for cue, answer, following in zip(track.cues, track.answers, track.cues[1:], strict=False):
        assert (answer.t, answer.kind) == (cue.t, cue.kind)
        assert following.t > cue.t + 12 * STRIDE_S


def test_a_cue_says_what_it_stands_on() -> None:
    track = ready().run(FOR_A_CUE, left=OVER)
    (cue,) = track.cues
    assert (cue.metric, cue.value, cue.fault_side) == ("overstride_ratio", 0.34, Side.LEFT)
    assert cue.zone.high == pytest.approx(0.30)
    assert cue.arrival_s == cue.t == pytest.approx(cue.foot_strike_s + 0.045)


def test_a_cue_comes_as_the_faulty_foot_lands() -> None:
    track = ready()
    for side in (Side.LEFT, Side.RIGHT) * 6:
        before = len(track.cues)
        track.run(1, right=OVER)
        assert len(track.cues) == before or side is Side.RIGHT
    assert len(track.cues) == 1


def test_only_the_first_word_of_a_landing_releases_a_cue() -> None:
    track = ready().run(6, **OVER)  # the left foot is next
    at_s = track.time_s + STRIDE_S / 2
    event, now = landing(Side.LEFT, at_s), good_conditions(at_s + 0.045)
    for other in (replace(event, refined=True), replace(event, kind=EventKind.TOE_OFF)):
        assert track.coach.on_landing(other, now) is None
    assert track.coach.on_landing(event, now) is not None


def test_one_landing_releases_one_cue() -> None:
    track = ready().run(6, **OVER)
    at_s = track.time_s + STRIDE_S / 2
    event, now = landing(Side.LEFT, at_s), good_conditions(at_s + 0.045)
    assert track.coach.on_landing(event, now) is not None
    assert track.coach.on_landing(event, now) is None


def test_a_runner_who_stops_gets_no_cue_that_was_due_before() -> None:
    track = ready().run(6, **OVER)
    at_s = track.time_s + 3.0
    assert track.coach.on_landing(landing(Side.LEFT, at_s), good_conditions(at_s + 0.045)) is None


# ---- 2: baseline first ----


@pytest.mark.parametrize("steps", [50, 200, 300])
def test_no_cue_comes_before_the_baseline_is_measured(steps: int) -> None:
    track = fresh(baseline={"strides": steps}, suppress={"first_s": 0.0})
    track.run(steps + 10, **OVER)
    # The first step of each foot ends no stride; the landing comes before the stride is told.
    assert track.cues[0].t > BEGIN.hub_s + (steps + 2) * STRIDE_S / 2
    assert len(track.cues) == 1


def test_why_nothing_comes_is_told_in_words() -> None:
    track = fresh()
    said = set()
    for _ in range(220):
        said.add(track.run(1, **OVER).coach.why_silent(good_conditions(track.time_s + 0.2)))
    assert any("baseline" in (words or "") for words in said)
    assert None in said


# ---- 4: rate ----


def ignoring(seconds: float, **cues: Any) -> list[float]:
    """When cues come, from the first one on, to a runner who never changes."""
    times = [cue.t for cue in ready(cues=cues).run_for(seconds, **OVER).cues]
    return [time - times[0] for time in times]


def test_at_least_20_s_lie_between_cues() -> None:
    times = ignoring(100.0, ignored_cues=200)
    gaps = [after - before for before, after in pairwise(times)]
    assert min(gaps) >= 20.0
    assert max(gaps) < 20.0 + 1.5 * STRIDE_S  # and as soon as they may


def test_at_most_six_come_in_ten_minutes() -> None:
    times = ignoring(1300.0, ignored_cues=200)
    for first, seventh in zip(times, times[6:], strict=False):
        assert seventh - first >= 600.0
    assert len(times) >= 12


def test_after_three_without_a_response_there_is_silence_for_two_minutes() -> None:
    track = ready(cues={"silence_growth": 1.0}).run_for(330.0, **OVER)
    assert {answer.response for answer in track.answers} == {Response.NO_CHANGE}
    told_s = track.cues[2].foot_strike_s + 12 * STRIDE_S  # of the third
    assert track.cues[3].t == pytest.approx(told_s + 120.0, abs=1.5)


def answering(*answers: Form) -> Track:
    """Overstrides until a cue comes, and then runs like that; cue by cue."""
    track = ready(cues={"most_cues": 100})
    for answer in answers:
        heard = len(track.cues)
        for _ in range(70):  # 25 s
            if len(track.cues) == heard:
                track.run(1, **OVER)
        track.run(26, **answer)
    return track


def test_a_response_ends_the_count_of_those_without_one() -> None:
    track = answering(OVER, OVER, {}, OVER, OVER, {}, OVER, OVER)
    assert len(track.cues) == 8
    assert [answer.response for answer in track.answers].count(Response.RESPONDED) == 2


def test_a_cue_whose_answer_is_not_known_is_not_held_against_the_runner() -> None:
    track = answering(*[{"quality": ("turning",)}] * 6)
    assert len(track.cues) == 6
    assert {answer.response for answer in track.answers} == {Response.UNKNOWN}


def test_three_that_made_it_worse_bring_silence_too() -> None:
    track = answering(*[{"overstride_ratio": 0.40}] * 4)
    assert [answer.response for answer in track.answers] == [Response.WORSE] * 3


def test_withheld_cues_take_their_turn() -> None:
    track = Track(rules_with(cues={"withheld": 1.0})).run(202).run_for(1300.0, **OVER)
    times = [cue.t for cue in track.cues]
    assert all(cue.withheld for cue in track.cues)
    assert min(b - a for a, b in pairwise(times)) >= 20.0
    assert all(b - a >= 600.0 for a, b in zip(times, times[6:], strict=False))


def test_withheld_cues_without_a_response_bring_no_silence() -> None:
    track = Track(rules_with(cues={"withheld": 1.0})).run(202).run_for(120.0, **OVER)
    assert len(track.cues) == 6
    assert {answer.response for answer in track.answers} == {Response.NO_CHANGE}


# ---- 5: faded over the sessions, and some withheld ----

AT_ONCE: Form = {
    "baseline": {"strides": 0},
    "suppress": {"first_s": 0.0},
    "trigger": {"median_strides": 1},
}
UNTIL_CUED = 5  # steps: the first stride of a foot ends with the third, the next landing is due
SESSIONS = 9
SEEDS = 200


@pytest.fixture(scope="module")
def first_cues() -> list[list[Cue]]:
    """The first due cue of each of nine sessions, of many runners."""
    numbers = rules_with(**AT_ONCE)
    found: list[list[Cue]] = [[] for _ in range(SESSIONS)]
    for seed in range(SEEDS):
        memory = RunnerMemory()
        for session in range(SESSIONS):
            begin = Moment(0.0, BEGIN.utc_s + 86400.0 * session)
            track = Track(numbers, memory=memory, begin=begin, seed=1000 * seed + session)
            track.run(UNTIL_CUED, **OVER)
            found[session] += track.cues
            memory = track.memory
    return found


@pytest.mark.parametrize(
    ("session", "share"), [*enumerate([1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.1, 0.1])]
)
def test_the_share_of_cues_fades_over_the_sessions(
    session: int, share: float, first_cues: list[list[Cue]]
) -> None:
    cues = first_cues[session]
    assert len(cues) == SEEDS
    assert fmean(not cue.withheld for cue in cues) == pytest.approx(share, abs=0.1)
    assert {cue.why_withheld for cue in cues} <= {None, Withheld.SCHEDULE}


def first_cues_of(numbers: CoachingRules, seeds: int) -> Counter[Withheld | None]:
    return Counter(
        cue.why_withheld
        for seed in range(seeds)
        for cue in Track(numbers, seed=seed).run(UNTIL_CUED, **OVER).cues
    )


def test_a_fifth_is_withheld_at_random_whatever_the_schedule_says() -> None:
    kept = first_cues_of(rules_with(**AT_ONCE, cues={"withheld": CueRules().withheld}), 300)
    assert kept.total() == 300
    assert kept[Withheld.CONTROL] / 300 == pytest.approx(0.2, abs=0.06)
    assert set(kept) == {None, Withheld.CONTROL}


def test_of_what_is_not_withheld_the_schedule_takes_its_share() -> None:
    numbers = rules_with(**AT_ONCE, cues={"withheld": 0.2, "schedule": [0.5]})
    kept = first_cues_of(numbers, 300)
    assert kept[Withheld.CONTROL] / 300 == pytest.approx(0.2, abs=0.06)
    assert kept[None] / 300 == pytest.approx(0.4, abs=0.07)
    assert kept[Withheld.SCHEDULE] / 300 == pytest.approx(0.4, abs=0.06)


def test_a_session_without_a_fault_does_not_count_for_the_schedule() -> None:
    memory = ready().run(100).coach.memory(BEGIN)
    assert memory.sessions_cued == {}


def test_a_session_counts_once_however_many_cues_it_had() -> None:
    track = ready().run_for(200.0, **OVER)
    assert len(track.cues) > 3
    assert track.memory.sessions_cued == {CueKind.OVERSTRIDE: 1}


def test_each_kind_has_its_own_place_in_the_schedule() -> None:
    earlier = RunnerMemory(sessions_cued={CueKind.OVERSTRIDE: 7})
    track = Track(rules_with(), memory=earlier).run(202).run(30, **SITTING).run_for(60, **OVER)
    memory = track.memory
    assert memory.sessions_cued == {CueKind.OVERSTRIDE: 8, CueKind.SITTING_BACK: 1}


# ---- 6: given or withheld, the runner differs in nothing else ----


def test_withheld_cues_are_logged_and_followed_up_as_given_ones_are() -> None:
    given = Track(rules_with()).run(202).run(50, **OVER)
    held = Track(rules_with(cues={"withheld": 1.0})).run(202).run(50, **OVER)
    (cue,), (answer,) = held.cues, held.answers
    assert (cue.withheld, cue.why_withheld) == (True, Withheld.CONTROL)
    assert (answer.withheld, answer.why_withheld) == (True, Withheld.CONTROL)
    assert [
        msgspec.structs.replace(other, withheld=True, why_withheld=Withheld.CONTROL)
        for other in (given.cues[0], given.answers[0])
    ] == [cue, answer]


# ---- 8: suppressed ----


def test_after_pain_nothing_comes_in_this_session() -> None:
    track = ready()
    track.coach.mark_pain(1)
    assert track.run_for(300.0, **OVER).cues == []


def test_pain_that_comes_while_a_cue_waits_silences_it() -> None:
    track = ready().run(6, **OVER)
    track.coach.mark_pain(4)
    assert track.run(1, **OVER).cues == []


def test_data_that_grows_old_while_a_cue_waits_silences_it() -> None:
    track = ready().run(6, **OVER)
    assert track.run(1, **OVER, age_s=0.6).cues == []


def test_once_what_spoke_against_a_cue_is_over_it_comes() -> None:
    track = ready().run(50, **OVER, loss=0.5)
    assert told(track.run(3, **OVER).cues) == list(ON_BOTH)


# ---- what is still wrong ----


def test_five_minutes_of_standing_are_no_baseline() -> None:
    track = fresh().run(6).pause(400.0)
    track.run_for(65.0, **OVER)  # more than 60 s, fewer than 200 strides
    assert track.cues == []


def test_no_cue_stands_on_strides_of_long_ago() -> None:
    track = ready().run(60, left=OVER, age_s=9.0)  # due, but not told
    track.run_for(120.0, quality=("turning",), age_s=9.0)
    assert track.run(12, quality=("turning",)).cues == []


def test_what_was_before_a_stop_brings_no_cue_after_it() -> None:
    track = Track(rules_with(baseline={"strides": 12}, suppress={"first_s": 0.0}))
    track.run(20).run(9, overstride_ratio=0.40)  # not yet due on both sides
    cues = len(track.cues)
    track.pause(20.0)
    track.run(30)
    assert len(track.cues) == cues
