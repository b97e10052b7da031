"""How a runner runs when nobody interferes: measured first, kept, and mixed with what was kept."""

from collections.abc import Iterable
from statistics import stdev
from typing import Any

import pytest

from stridehub.coaching.baseline import BASELINE_METRICS, BaselinePhase, blended
from stridehub.coaching.memory import Baseline, RunnerMemory
from stridehub.coaching.session import Moment
from stridehub.coaching.zones import ZONE_METRICS
from stridehub.model import Side
from stridehub.rules import BaselineRules
from strides import BEGIN, STRIDE_S, Track, rules_with, stride

CADENCE = "cadence_spm"


def phase(strides: int = 200, seconds: float = 300.0, least: int = 10) -> BaselinePhase:
    return BaselinePhase(BaselineRules(strides=strides, seconds=seconds, least_strides=least))


def run(of: BaselinePhase, count: int, *, is_steady: bool = True, begin_s: float = 0.0) -> int:
    """Strides of both sides in turn; after how many it was over, or all of them."""
    for at in range(count):
        step = stride(list(Side)[at % 2], begin_s + at * STRIDE_S / 2)
        if of.running(step, is_steady=is_steady):
            return at + 1
    return count


def learned(values: Iterable[float], metric: str = CADENCE, **other: Any) -> Baseline | None:
    """From strides of the left side."""
    of = phase()
    for at, value in enumerate(values):
        of.running(stride(Side.LEFT, at * STRIDE_S, **{metric: value}, **other), is_steady=True)
    return of.result()[Side.LEFT].get(metric)


def test_it_is_over_after_200_steady_strides_of_both_sides() -> None:
    of = phase()
    assert (of.is_over, of.strides, of.needed) == (False, 0, 200)
    assert run(of, 300) == 200
    assert of.is_over


def test_strides_at_a_changing_pace_do_not_count() -> None:
    of = phase()
    run(of, 300, is_steady=False)
    assert (of.is_over, of.strides) == (False, 0)


def test_it_is_over_after_five_minutes_whatever_the_pace() -> None:
    of = phase()
    count = run(of, 2000, is_steady=False)
    assert (count + 1) * STRIDE_S / 2 == pytest.approx(300.0, abs=STRIDE_S)


def test_it_ends_once() -> None:
    of = phase(strides=4)
    assert run(of, 4) == 4
    assert not of.running(stride(), is_steady=True)
    assert of.strides == 4


def test_without_strides_to_measure_it_is_over_at_once() -> None:
    assert phase(strides=0).is_over


def test_it_is_the_median_and_the_spread_at_the_pace_it_was_taken() -> None:
    values = [160.0, 162.0, 164.0, 166.0, 300.0] * 4
    found = learned(values, speed_mps=2.7)
    assert found == Baseline(164.0, stdev(values), 2.7, 20)


def test_metrics_that_too_few_strides_knew_are_left_out() -> None:
    assert learned([160.0] * 9) is None
    assert learned([160.0] * 10) == Baseline(160.0, 0.0, 3.0, 10)


def test_one_stride_has_no_spread_whatever_the_numbers_say() -> None:
    of = phase(least=1)
    of.running(stride(), is_steady=True)
    assert of.result() == {Side.LEFT: {}, Side.RIGHT: {}}


def test_a_baseline_without_a_pace_is_one_too() -> None:
    assert learned([160.0] * 10, speed_mps=None) == Baseline(160.0, 0.0, None, 10)


def test_each_side_has_its_own() -> None:
    track = Track(rules_with()).run(202, left={CADENCE: 150.0}, right={CADENCE: 160.0})
    medians = {side: own[CADENCE].median for side, own in track.memory.baselines.items()}
    assert medians == {Side.LEFT: 150.0, Side.RIGHT: 160.0}


def test_every_metric_with_a_zone_has_one_and_so_has_the_rhythm() -> None:
    track = Track(rules_with()).run(202)
    assert set(track.memory.baselines[Side.LEFT]) == {*ZONE_METRICS, "stride_time_ms"}
    assert set(BASELINE_METRICS) == {*ZONE_METRICS, "stride_time_ms"}


@pytest.mark.parametrize("word", ["walking", "turning"])
def test_strides_that_say_nothing_of_form_take_no_part(word: str) -> None:
    track = Track(rules_with())
    track.run(100, cadence_spm=120.0, quality=(word,)).run(202)
    assert track.memory.baselines[Side.LEFT][CADENCE].median == 166.0


def test_strides_of_pods_that_are_not_calibrated_take_no_part() -> None:
    track = Track(rules_with())
    track.run(100, cadence_spm=120.0, is_calibrated=False).run(202)
    assert track.memory.baselines[Side.LEFT][CADENCE].median == 166.0


def test_walking_does_not_begin_it() -> None:
    track = Track(rules_with()).run_for(400.0, quality=("walking",)).run(20)
    assert not track.memory.baselines


def test_until_it_is_measured_what_was_kept_holds() -> None:
    kept = {Side.LEFT: {CADENCE: Baseline(150.0, 2.0, 3.0, 100)}}
    track = Track(rules_with(), memory=RunnerMemory(baselines=kept)).run(50)
    assert track.memory.baselines == kept


def test_what_was_kept_follows_what_a_session_shows() -> None:
    kept = {Side.LEFT: {CADENCE: Baseline(150.0, 2.0, 2.0, 100)}}
    track = Track(rules_with(), memory=RunnerMemory(baselines=kept)).run(202)
    found = track.memory.baselines[Side.LEFT][CADENCE]
    assert found == Baseline(158.0, 1.0, 2.5, 100)
    assert track.memory.baselines[Side.RIGHT][CADENCE].median == 166.0


def test_what_a_session_could_not_measure_stays_as_it_was() -> None:
    lean = Baseline(6.0, 1.0, 3.0, 100)
    kept = {Side.LEFT: {"lean_deg": lean}}
    track = Track(rules_with(), memory=RunnerMemory(baselines=kept)).run(202, lean_deg=None)
    assert track.memory.baselines[Side.LEFT]["lean_deg"] == lean


@pytest.mark.parametrize(("share", "median"), [(0.0, 150.0), (0.5, 155.0), (1.0, 160.0)])
def test_how_fast_it_follows_is_a_number(share: float, median: float) -> None:
    old = {Side.LEFT: {CADENCE: Baseline(150.0, 1.0, 3.0, 100)}}
    new = {Side.LEFT: {CADENCE: Baseline(160.0, 1.0, 3.0, 100)}}
    assert blended(old, new, share)[Side.LEFT][CADENCE].median == median


@pytest.mark.parametrize(("old_mps", "new_mps"), [(None, 3.0), (3.0, None), (None, None)])
def test_baselines_of_unknown_pace_are_not_mixed(
    old_mps: float | None, new_mps: float | None
) -> None:
    new = Baseline(160.0, 1.0, new_mps, 100)
    old = Baseline(150.0, 1.0, old_mps, 100)
    mixed = blended({Side.LEFT: {CADENCE: old}}, {Side.LEFT: {CADENCE: new}}, 0.5)
    assert mixed[Side.LEFT][CADENCE] == new


def test_the_next_session_measures_it_again() -> None:
    first = Track(rules_with()).run(202)
    later = Moment(0.0, BEGIN.utc_s + 86400.0)
    second = Track(rules_with(), memory=first.memory, begin=later)
    second.run(202, cadence_spm=176.0)
    assert second.memory.baselines[Side.LEFT][CADENCE].median == 171.0


@pytest.mark.parametrize("speed_mps", [0.0, -1.0, None])
def test_a_pace_that_is_none_is_not_kept(speed_mps: float | None) -> None:
    baseline = learned([165.0, 167.0] * 10, speed_mps=speed_mps)
    assert baseline is not None
    assert baseline.speed_mps is None
