"""Drills are counted once, however the angles come in; what nobody can know is not counted."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from made_strides import STEP_S, made_stride
from stridehub.coaching.after_drill import AfterDrill
from stridehub.coaching.angles import SLOT_S, Series
from stridehub.coaching.foot_pull import FootPull, Pull
from stridehub.coaching.lean_start import LeanStart, Start
from stridehub.coaching.leg import LIMBS
from stridehub.coaching.plan import DrillKind
from stridehub.model import Placement, RunnerProfile, Side, Stride
from stridehub.rules import DrillRules

RULES = DrillRules()
PROFILE = RunnerProfile()
BEGIN_SLOT = 20_000
RING_SLOTS = 512  # as many as the kernel gives at once
LOOK_SLOTS = 50  # at 4 Hz
SURE = dict.fromkeys(Placement, 1.0)
LEGS = tuple(place for limb in LIMBS.values() for place in limb)
SHANKS = tuple(limb.shank for limb in LIMBS.values())

Angle = NDArray[np.float32]


class Worn(NamedTuple):
    """What pods will have told in the end: (n,) deg each, from BEGIN_SLOT on."""

    deg: Mapping[Placement, Angle]

    @property
    def slots(self) -> int:
        return len(next(iter(self.deg.values())))

    def ring(self, end: int, lag: Mapping[Placement, int] | None = None) -> Series:
        """As the kernel has it after `end` slots."""
        cut: dict[Placement, tuple[NDArray[np.float64], Angle]] = {}
        for place, deg in self.deg.items():
            last = max(end - (lag or {}).get(place, 0), 0)
            first = max(last - RING_SLOTS, 0)
            time_s = SLOT_S * np.arange(BEGIN_SLOT + first, BEGIN_SLOT + last, dtype=np.float64)
            cut[place] = time_s, deg[first:last]
        return cut

    def looks(self) -> Iterator[Series]:
        for end in (*range(LOOK_SLOTS, self.slots, LOOK_SLOTS), self.slots):
            yield self.ring(end)


def still(slots: int, seed: int = 0) -> dict[Placement, Angle]:
    """Sensors are never quite still."""
    rng = np.random.default_rng(seed)
    places = (*LEGS, Placement.PELVIS)
    return {place: rng.normal(0.0, 0.1, slots).astype(np.float32) for place in places}


class Move(NamedTuple):
    """A foot that comes up and down."""

    side: Side
    begin: int  # slot
    slots: int = 120
    thigh_deg: float = 48.0
    shank_deg: float = -58.0


def pulling(moves: Sequence[Move], slots: int, seed: int = 0) -> dict[Placement, Angle]:
    deg = still(slots, seed)
    for move in moves:
        limb = LIMBS[move.side]
        lift = np.sin(np.linspace(0.0, np.pi, move.slots)) ** 3
        span = slice(move.begin, move.begin + move.slots)
        deg[limb.thigh][span] += (move.thigh_deg * lift).astype(np.float32)
        deg[limb.shank][span] += (move.shank_deg * lift).astype(np.float32)
    return deg


def in_turn(count: int, thigh_deg: float = 48.0, shank_deg: float = -58.0) -> list[Move]:
    """Left, right, left ..."""
    return [
        Move(list(Side)[number % 2], 100 + 150 * number, 120, thigh_deg, shank_deg)
        for number in range(count)
    ]


def pulls_of(deg: Mapping[Placement, Angle]) -> tuple[FootPull, list[Pull]]:
    drill = FootPull(RULES, PROFILE, 0.0)
    return drill, [pull for look in Worn(deg).looks() for pull in drill.update(look, SURE)]


def counts(drill: FootPull) -> tuple[int, int]:
    sides = drill.result.sides
    return sides[Side.LEFT].count, sides[Side.RIGHT].count


# ---- foot pull ----


def test_pulls_are_counted_and_measured() -> None:
    drill, pulls = pulls_of(pulling(in_turn(11), 1900))
    assert counts(drill) == (6, 5)
    assert [pull.side for pull in pulls[:3]] == [Side.LEFT, Side.RIGHT, Side.LEFT]
    thigh, shank = np.radians([48.0 - 6.0, -58.0 - 6.0])
    length = 0.245 + 0.246
    lift = 1.0 - (0.245 * np.cos(thigh) + 0.246 * np.cos(shank)) / length
    trail = -(0.245 * np.sin(thigh) + 0.246 * np.sin(shank)) / length
    for pull in pulls:
        assert pull.heel_lift_ratio == pytest.approx(lift, abs=0.005)
        assert pull.heel_trail_ratio == pytest.approx(trail, abs=0.005)
        assert pull.shank_deg == pytest.approx(64.0, abs=0.5)
        assert pull.is_under_hip
        assert 0.1 < pull.end_s - pull.start_s < 0.6
    result = drill.result
    assert result.height_balance_pct == pytest.approx(50.0, abs=0.5)
    assert not result.is_interrupted
    assert "both heels alike" in result.lines


def test_the_standing_offsets_of_the_runner_count() -> None:
    upright = RunnerProfile(standing_thigh_deg=0.0, standing_shank_deg=0.0)
    deg = pulling(in_turn(4, shank_deg=-42.0), 900)
    for profile, expected in ((PROFILE, (2, 2)), (upright, (0, 0))):
        drill = FootPull(RULES, profile, 0.0)
        for look in Worn(deg).looks():
            drill.update(look, SURE)
        assert counts(drill) == expected


def test_a_heel_that_trails_is_not_under_the_hip() -> None:
    drill, pulls = pulls_of(pulling(in_turn(4, thigh_deg=0.0, shank_deg=-80.0), 900))
    assert [pull.is_under_hip for pull in pulls] == [False] * 4
    assert drill.result.sides[Side.LEFT].under_hip == 0
    assert "under the hip 0 of 2" in drill.result.lines[0]


def test_the_higher_side_is_told() -> None:
    moves = in_turn(8)
    moves = [m._replace(shank_deg=-75.0) if m.side is Side.RIGHT else m for m in moves]
    drill, _ = pulls_of(pulling(moves, 1500))
    assert drill.result.height_balance_pct is not None
    assert drill.result.height_balance_pct < 49.0
    assert "the right heel comes higher" in drill.result.lines


@pytest.mark.parametrize(
    ("thigh_deg", "shank_deg"),
    [
        pytest.param(48.0, -35.0, id="too low"),
        pytest.param(-12.0, -58.0, id="thigh goes back"),
    ],
)
def test_what_is_no_pull(thigh_deg: float, shank_deg: float) -> None:
    drill, _ = pulls_of(pulling(in_turn(6, thigh_deg, shank_deg), 1200))
    assert counts(drill) == (0, 0)


def test_a_foot_that_swings_ahead_was_a_step() -> None:
    deg = pulling(in_turn(6), 1200)
    for move in in_turn(6):
        limb = LIMBS[move.side]
        landing = slice(move.begin + 110, move.begin + 160)
        deg[limb.shank][landing] += 15.0 * np.sin(np.linspace(0, np.pi, 50)).astype(np.float32)
    assert counts(pulls_of(deg)[0]) == (0, 0)


def test_shanks_alone_are_counted_and_not_judged() -> None:
    deg = pulling(in_turn(6), 1200)
    drill, pulls = pulls_of({place: deg[place] for place in SHANKS})
    assert counts(drill) == (3, 3)
    assert all(pull.heel_lift_ratio is None and pull.is_under_hip is None for pull in pulls)
    assert drill.result.height_balance_pct is None


def test_before_the_drill_nothing_counts() -> None:
    drill = FootPull(RULES, PROFILE, (BEGIN_SLOT + 100 + 4 * 150) * SLOT_S)
    for look in Worn(pulling(in_turn(10), 1800)).looks():
        drill.update(look, SURE)
    assert counts(drill) == (3, 3)


def held(deg: Mapping[Placement, Angle], place: Placement, begin: int, slots: int) -> None:
    """Samples are lost: the kernel holds the last angle."""
    deg[place][begin : begin + slots] = deg[place][begin - 1]


@pytest.mark.parametrize("slots", [20, 60, 200])
@pytest.mark.parametrize("begin", [410, 440, 460, 490, 520, 545])
def test_lost_samples_make_no_pull_and_double_none(begin: int, slots: int) -> None:
    """The third pull, of the left side, lies in slots 400 to 520."""
    deg = pulling(in_turn(11), 1900)
    held(deg, Placement.SHANK_L, begin, slots)
    drill, _ = pulls_of(deg)
    left, right = counts(drill)
    assert left in (4, 5, 6)
    assert right == 5
    assert left == 6 or drill.result.is_interrupted


def test_after_lost_samples_heights_are_doubtful_for_a_while() -> None:
    deg = pulling(in_turn(20), 3200)
    held(deg, Placement.THIGH_L, 450, 40)
    drill, pulls = pulls_of(deg)
    assert counts(drill) == (10, 10)
    left = [pull for pull in pulls if pull.side is Side.LEFT]
    doubtful_until_s = (BEGIN_SLOT + 490) * SLOT_S + RULES.settle_s
    for pull in left:
        begun_before = pull.end_s < (BEGIN_SLOT + 450) * SLOT_S
        assert (pull.is_under_hip is not None) == (begun_before or pull.start_s > doubtful_until_s)
    assert drill.result.sides[Side.LEFT].judged < 10


def test_a_series_that_begins_in_a_pull_does_not_count_it() -> None:
    deg = {place: angle[160:] for place, angle in pulling(in_turn(5), 1000).items()}
    assert counts(pulls_of(deg)[0]) == (2, 2)


def test_pods_without_axes_are_told_of_and_not_counted() -> None:
    drill = FootPull(RULES, PROFILE, 0.0)
    looks = list(Worn(pulling(in_turn(12), 2000)).looks())
    unsure = {**SURE, Placement.SHANK_L: 0.5}
    for look in looks[:12]:  # 600 slots
        drill.update(look, unsure)
    assert set(drill.result.not_judged) == {Side.LEFT}
    assert "run some steps" in " ".join(drill.result.lines)
    for look in looks[12:]:
        drill.update(look, SURE)
    assert not drill.result.not_judged
    assert drill.result.is_interrupted
    assert counts(drill) == (4, 6)


def test_a_missing_pod_is_told_of() -> None:
    deg = pulling(in_turn(6), 1200)
    del deg[Placement.SHANK_R]
    drill, _ = pulls_of(deg)
    assert counts(drill) == (3, 0)
    assert set(drill.result.not_judged) == {Side.RIGHT}


moves_strategy = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.integers(60, 200),  # slots of the movement
        st.integers(5, 120),  # rest before it
        st.floats(-10.0, 60.0),
        st.floats(-90.0, -20.0),
    ),
    min_size=1,
    max_size=8,
)


# Slots from one look at the pods to the next, over and over: at most a ring less the lag.
between_looks = st.lists(st.integers(10, 400), min_size=1, max_size=12)


def ends(between: Sequence[int], slots: int) -> Iterator[int]:
    end = 0
    for more in cycle(between):
        end += more
        if end >= slots:
            return
        yield end


@settings(max_examples=60)
@given(moves_strategy, st.data())
def test_however_the_series_are_cut_each_pull_counts_once(
    some: list[tuple[Side, int, int, float, float]], data: st.DataObject
) -> None:
    moves, at = [], 50
    for side, slots, rest, thigh_deg, shank_deg in some:
        moves.append(Move(side, at + rest, slots, thigh_deg, shank_deg))
        at += rest + slots
    deg = pulling(moves, at + 200)
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.sampled_from(LEGS))
        held(deg, place, data.draw(st.integers(1, at)), data.draw(st.integers(15, 150)))
    worn = Worn(deg)
    plain, expected = pulls_of(deg)
    lag = data.draw(st.fixed_dictionaries(dict.fromkeys(LEGS, st.integers(0, 40))))
    drill, found = FootPull(RULES, PROFILE, 0.0), []
    for end in ends(data.draw(between_looks), worn.slots):
        found += drill.update(worn.ring(end, lag), SURE)
    found += drill.update(worn.ring(worn.slots), SURE)

    def when(pull: Pull) -> tuple[float, Side]:
        return pull.end_s, pull.side

    assert sorted(found, key=when) == sorted(expected, key=when)
    assert drill.result == plain.result
    for side in Side:
        assert drill.result.sides[side].count <= sum(move.side is side for move in moves)


# ---- start-stop lean ----


def starting(
    lean_deg: float, knee_deg: float = 0.0, passes: bool = True, stand: int = 400
) -> dict[Placement, Angle]:
    """Falls forward from the ankles for 0.5 s, then steps with the left foot."""
    slots = stand + 400
    deg = still(slots)
    left, right = LIMBS[Side.LEFT], LIMBS[Side.RIGHT]
    fall = np.clip((np.arange(slots) - stand) / 100, 0.0, 1.0)
    step = np.clip((np.arange(slots) - stand - 100) / 60, 0.0, 1.0)
    over = 25.0 * np.clip((np.arange(slots) - stand - 100) / 100, 0.0, 1.0) if passes else 0.0
    for limb in (left, right):
        deg[limb.thigh] += (-lean_deg * fall).astype(np.float32)
        deg[limb.shank] += (-lean_deg * fall).astype(np.float32)
    deg[Placement.PELVIS] += (-lean_deg * fall).astype(np.float32)
    deg[left.shank] += (-60.0 * np.sin(np.pi * step)).astype(np.float32)
    deg[left.thigh] += (40.0 * step).astype(np.float32)
    deg[right.thigh] += (knee_deg * fall).astype(np.float32) - np.float32(1.0) * np.asarray(
        over, np.float32
    )
    deg[right.shank] -= np.asarray(over, np.float32)
    return deg


def starts_of(deg: Mapping[Placement, Angle]) -> tuple[LeanStart, list[Start]]:
    drill = LeanStart(RULES, PROFILE, 0.0)
    return drill, [start for look in Worn(deg).looks() for start in drill.update(look, SURE)]


def test_a_start_from_the_ankles_is_good() -> None:
    drill, starts = starts_of(starting(10.0))
    (start,) = starts
    assert start.stance is Side.RIGHT
    assert start.is_good
    line = np.sin(np.radians(10.0 + 6.0)) - np.sin(np.radians(6.0))
    assert start.ahead_ratio == pytest.approx(line, abs=0.05)
    assert abs(start.knee_deg) < 3.0
    assert start.pelvis_lean_deg == pytest.approx(10.0, abs=1.0)
    assert drill.result.lines[0] == "1 of 1 starts good"
    assert start.text.startswith("good: hip")


@pytest.mark.parametrize(
    ("lean_deg", "knee_deg"),
    [pytest.param(-8.0, 0.0, id="hips behind"), pytest.param(12.0, 35.0, id="a bent knee")],
)
def test_a_start_that_is_no_line_is_not_good(lean_deg: float, knee_deg: float) -> None:
    drill, starts = starts_of(starting(lean_deg, knee_deg))
    assert [start.is_good for start in starts] == [False]
    assert (drill.result.count, drill.result.good) == (1, 0)


def test_a_foot_lifted_on_the_spot_is_no_start() -> None:
    assert starts_of(starting(0.0, passes=False))[1] == []
    assert starts_of(pulling(in_turn(6), 1300))[1] == []


def test_without_standing_there_is_no_start() -> None:
    assert starts_of(starting(10.0, stand=100))[1] == []


def test_lost_samples_in_a_start_leave_it_unjudged() -> None:
    for begin in (380, 430, 480):
        deg = starting(10.0)
        held(deg, Placement.THIGH_R, begin, 40)
        assert starts_of(deg)[1] == []


def test_starts_need_the_pods_of_both_legs() -> None:
    deg = starting(10.0)
    del deg[Placement.THIGH_L]
    drill, starts = starts_of(deg)
    assert starts == []
    assert drill.result.not_judged is not None
    assert "run some steps" in drill.result.lines[-1]


def test_without_a_pelvis_pod_the_lean_is_not_known() -> None:
    deg = starting(10.0)
    del deg[Placement.PELVIS]
    (start,) = starts_of(deg)[1]
    assert start.pelvis_lean_deg is None
    assert "pelvis" not in start.text


@settings(max_examples=40)
@given(st.data())
def test_however_the_series_are_cut_each_start_counts_once(data: st.DataObject) -> None:
    lean_deg = data.draw(st.floats(-10.0, 15.0))
    deg = starting(lean_deg)
    again = starting(12.0)
    worn = Worn({place: np.concatenate([deg[place], again[place]]) for place in deg})
    expected = starts_of(worn.deg)[1]
    assert len(expected) >= 1
    lag = data.draw(st.fixed_dictionaries(dict.fromkeys(LEGS, st.integers(0, 40))))
    drill, found = LeanStart(RULES, PROFILE, 0.0), []
    for end in ends(data.draw(between_looks), worn.slots):
        found += drill.update(worn.ring(end, lag), SURE)
    found += drill.update(worn.ring(worn.slots), SURE)
    assert found == expected


# ---- running before and after ----


def runs(count: int, seed: int = 0, **middle: float) -> list[Stride]:
    """Left and right in turn; 2 % of spread, and 0.2 m/s less on the left, say, of everything."""
    rng = np.random.default_rng(seed)
    return [
        made_stride(
            list(Side)[number % 2],
            STEP_S * number,
            **{
                name: value * (1.0 + 0.02 * float(rng.standard_normal()))
                for name, value in middle.items()
            },
        )
        for number in range(count)
    ]


def compared(kind: DrillKind, before: list[Stride], after: list[Stride]) -> AfterDrill:
    drill = AfterDrill(RULES, kind)
    drill.before(before)
    for stride in after:
        drill.after(stride)
    return drill


def test_a_change_after_the_drill_is_told() -> None:
    before = runs(100, kickback_deg=70.0, heel_trail_ratio=0.5, speed_mps=3.0)
    after = runs(60, 1, kickback_deg=76.0, heel_trail_ratio=0.5, speed_mps=3.0)
    drill = compared(DrillKind.FOOT_PULL, before, after)
    kickback, trail = drill.comparisons
    assert kickback.metric == "kickback_deg"
    assert kickback.before == pytest.approx(70.0, abs=1.5)
    assert kickback.after == pytest.approx(76.0, abs=1.5)
    assert kickback.is_clear
    assert kickback.text.endswith("(deg), higher")
    assert not trail.is_clear
    assert "no clear change" in trail.text
    assert len(drill.lines) == 2


def test_another_pace_is_told() -> None:
    before = runs(60, overstride_ratio=0.3, lean_deg=6.0, speed_mps=3.0)
    after = runs(60, 1, overstride_ratio=0.25, lean_deg=6.0, speed_mps=3.6)
    drill = compared(DrillKind.START_STOP_LEAN, before, after)
    assert [comparison.metric for comparison in drill.comparisons] == [
        "overstride_ratio",
        "lean_deg",
    ]
    assert "0.6 m/s faster" in drill.lines[-1]


def test_only_the_strides_next_to_the_drill_count() -> None:
    before = [*runs(200, kickback_deg=40.0), *runs(40, kickback_deg=70.0)]
    after = [*runs(40, kickback_deg=70.0), *runs(200, kickback_deg=99.0)]
    (kickback,) = compared(DrillKind.FOOT_PULL, before, after).comparisons
    assert kickback.before == pytest.approx(kickback.after)


def test_too_few_strides_compare_nothing() -> None:
    drill = compared(DrillKind.FOOT_PULL, runs(8, kickback_deg=70.0), runs(60, kickback_deg=80.0))
    assert drill.comparisons == []
    assert drill.lines == ["too few strides before or after the drill to compare"]
    half = compared(DrillKind.FOOT_PULL, runs(60, kickback_deg=70.0), runs(30, kickback_deg=80.0))
    assert half.comparisons


def test_noise_alone_is_rarely_a_clear_change() -> None:
    clear = 0
    for seed in range(200):
        before, after = (runs(40, seed + far, kickback_deg=70.0) for far in (0, 1000))
        clear += compared(DrillKind.FOOT_PULL, before, after).comparisons[0].is_clear
    assert clear <= 0.12 * 200
