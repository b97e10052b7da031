"""When no cue is given, and what a hub must see of the pods for one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from stridehub.coaching.memory import Baseline, Baselines
from stridehub.coaching.pod_watch import Conditions, PodWatch
from stridehub.coaching.suppress import Suppression
from stridehub.coaching.window import Window
from stridehub.model import Placement, PodStatus, Side
from stridehub.rules import SuppressRules
from strides import STRIDE_S, good_conditions, stride
from support import pod_status

RULES = SuppressRules()
USUAL: Baselines = {
    side: {"stride_time_ms": Baseline(720.0, 7.2, 3.0, 100)}
    for side in Side  # CV 1 %
}


class Run:
    """Strides of both sides in turn, and what speaks against a cue."""

    def __init__(self, rules: SuppressRules = RULES) -> None:
        self.suppression = Suppression(rules)
        self.window = Window()
        self.time_s = 500.0
        self._count = 0

    def steps(self, count: int, **changes: Any) -> "Run":
        for _ in range(count):
            step = stride(list(Side)[self._count % 2], self.time_s - STRIDE_S, **changes)
            self.suppression.add(step)
            self.window.add(step)
            self.time_s += STRIDE_S / 2
            self._count += 1
        return self

    def run_for(self, seconds: float, **changes: Any) -> "Run":
        return self.steps(round(seconds * 2 / STRIDE_S), **changes)

    def wait(self, seconds: float) -> "Run":
        self.time_s += seconds
        return self

    def reason(self, baselines: Baselines | None = None, **changes: Any) -> str | None:
        now = replace(good_conditions(self.time_s), **changes)
        return self.suppression.reason(now, self.window, baselines or {})

    def rough(self, count: int, percent: float) -> "Run":
        """Stride times of a side swing by that much either way."""
        for at in range(count // 2):
            swing = 1 + percent / 100 * (1 if at % 2 else -1)
            self.steps(2, stride_time_ms=720.0 * swing)
        return self


def says(reason: str | None, word: str | None) -> bool:
    """A reason with that word, or none at all."""
    return reason is None if word is None else word in (reason or "")


def settled() -> Run:
    return Run().run_for(70.0)


def test_nobody_runs_before_the_first_stride() -> None:
    assert says(Run().reason(), "not running")


def test_a_settled_runner_with_good_data_may_be_cued() -> None:
    assert settled().reason() is None


def test_the_first_minute_is_free_of_cues() -> None:
    run = Run()
    reasons = [run.steps(1).reason() for _ in range(200)]
    silent_s = reasons.index(None) * STRIDE_S / 2
    assert silent_s == pytest.approx(60.0, abs=2 * STRIDE_S)
    assert all("60 s" in (reason or "60 s") for reason in reasons)
    assert set(reasons[reasons.index(None) :]) == {None}


@pytest.mark.parametrize(("rest_s", "is_new"), [(10.0, False), (28.0, False), (32.0, True)])
def test_whoever_rested_for_long_starts_anew(rest_s: float, is_new: bool) -> None:
    reason = settled().wait(rest_s).steps(8).reason()
    assert (reason is not None) == is_new


def test_whoever_stands_is_not_running() -> None:
    assert says(settled().wait(31.0).reason(), "not running")


def test_whoever_walks_is_not_running() -> None:
    run = settled().steps(4, quality=("walking",))
    assert says(run.reason(), "not running")
    assert run.steps(1).reason() is None


def test_a_long_walk_ends_the_run() -> None:
    run = settled().run_for(35.0, quality=("walking",)).steps(8)
    assert says(run.reason(), "60 s")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"data_age_s": 0.5}, None),
        ({"data_age_s": 0.501}, "data"),
        ({"data_age_s": float("inf")}, "data"),
        ({"loss": 0.1}, None),
        ({"loss": 0.101}, "packets"),
        ({"loss": 1.0}, "packets"),
        ({"is_calibrated": False}, "calibrated"),
    ],
)
def test_bad_data_speaks_against_a_cue(changes: Mapping[str, Any], word: str | None) -> None:
    assert says(settled().reason(**changes), word)


@pytest.mark.parametrize(
    ("speed_mps", "is_change"), [(3.29, False), (3.31, True), (2.71, False), (2.69, True)]
)
def test_a_change_of_pace_speaks_against_a_cue(speed_mps: float, is_change: bool) -> None:
    run = settled().steps(8, speed_mps=speed_mps)
    assert says(run.reason(), "pace" if is_change else None)
    assert run.suppression.is_steady != is_change


def test_a_pace_that_is_held_speaks_against_nothing_after_some_seconds() -> None:
    run = settled().steps(8, speed_mps=3.6)
    assert says(run.reason(), "pace")
    assert run.run_for(6.0, speed_mps=3.6).reason() is None


def test_a_slow_change_of_pace_is_none() -> None:
    run = settled()
    for at in range(100):  # 0.05 m/s each second
        assert run.steps(1, speed_mps=3.0 + 0.05 * at * STRIDE_S / 2).reason() is None


def test_a_few_strides_of_a_wrong_pace_are_no_change() -> None:
    run = settled().steps(2, speed_mps=6.0)
    assert run.reason() is None


def test_strides_without_a_pace_tell_of_no_change() -> None:
    assert Run().run_for(70.0, speed_mps=None).reason() is None


# ---- rhythm ----


def cued() -> Run:
    run = settled()
    run.suppression.cued(run.time_s)
    return run


def test_the_rhythm_counts_while_cueing_only() -> None:
    assert settled().rough(24, 6.0).reason(USUAL) is None
    assert says(cued().rough(24, 6.0).reason(USUAL), "rhythm")


def test_a_minute_after_the_cue_it_counts_no_more() -> None:
    assert cued().rough(2 * 84, 6.0).reason(USUAL) is None


@pytest.mark.parametrize(
    ("usual_cv", "percent", "is_lost"),
    [
        (0.01, 2.5, False),  # a CV of 3 % is never too much
        (0.01, 3.3, True),
        (0.03, 4.0, False),  # else 1.5 times the usual
        (0.03, 5.0, True),
    ],
)
def test_a_lost_rhythm_is_one_that_varies_more_than_usual(
    usual_cv: float, percent: float, is_lost: bool
) -> None:
    usual = {Side.LEFT: {"stride_time_ms": Baseline(720.0, 720.0 * usual_cv, 3.0, 100)}}
    assert (cued().rough(24, percent).reason(usual) is not None) == is_lost


def test_without_a_baseline_nothing_is_known_of_the_rhythm() -> None:
    assert cued().rough(24, 20.0).reason({}) is None


# ---- what the pods send ----


LEGS = (Placement.THIGH_L, Placement.THIGH_R, Placement.SHANK_L, Placement.SHANK_R)
OTHERS = (Placement.PELVIS, Placement.CHEST, Placement.FOOT_L, Placement.FOOT_R)


def looks(
    *seen: tuple[float, Sequence[PodStatus]], rules: SuppressRules = RULES
) -> list[Conditions]:
    watch = PodWatch(rules)
    return [watch.look(now_s, statuses) for now_s, statuses in seen]


def losses(*counts: tuple[float, int, int], rules: SuppressRules = RULES) -> list[float]:
    """Of one pod: when, packets that came, packets that were lost."""
    return [
        now.loss
        for now in looks(
            *[
                (when, [pod_status(Placement.SHANK_L, packets=came, lost_packets=lost)])
                for when, came, lost in counts
            ],
            rules=rules,
        )
    ]


def test_without_pods_the_data_is_infinitely_old() -> None:
    (now,) = looks((40.0, []))
    assert (now.now_s, now.data_age_s, now.loss) == (40.0, float("inf"), 0.0)


@pytest.mark.parametrize("placement", LEGS)
def test_the_leg_pod_that_is_furthest_behind_counts(placement: Placement) -> None:
    pods = [pod_status(leg, last_sample_s=39.2 if leg is placement else 40.0) for leg in LEGS]
    (now,) = looks((40.1, pods))
    assert now.data_age_s == pytest.approx(0.9)


@pytest.mark.parametrize("placement", LEGS)
def test_the_leg_pod_that_loses_most_counts(placement: Placement) -> None:
    before = [pod_status(leg) for leg in LEGS]
    after = [
        pod_status(leg, packets=1080, lost_packets=20 if leg is placement else 0) for leg in LEGS
    ]
    assert looks((40.0, before), (45.0, after))[-1].loss == pytest.approx(0.2)


@pytest.mark.parametrize("placement", LEGS)
@pytest.mark.parametrize("changes", [{"has_standing": False}, {"alignment_confidence": 0.3}])
def test_a_leg_pod_that_does_not_know_how_it_sits_counts(
    placement: Placement, changes: Mapping[str, Any]
) -> None:
    pods = [pod_status(leg, **(changes if leg is placement else {})) for leg in LEGS]
    (now,) = looks((40.1, pods))
    assert not now.is_calibrated
    assert looks((40.1, [pod_status(leg) for leg in LEGS]))[0].is_calibrated


@pytest.mark.parametrize("placement", OTHERS)
def test_pods_elsewhere_do_not_count(placement: Placement) -> None:
    bad = {"last_sample_s": 0.0, "has_standing": False}
    pods = [pod_status(Placement.SHANK_L), pod_status(placement, **bad)]
    worse = [pod_status(Placement.SHANK_L), pod_status(placement, lost_packets=500, **bad)]
    now = looks((40.1, pods), (40.1, worse))[-1]
    assert now == Conditions(40.1, now.data_age_s, 0.0, is_calibrated=True)
    assert now.data_age_s == pytest.approx(0.1)


def test_a_pod_that_has_not_sent_yet_does_not_count() -> None:
    silent = pod_status(Placement.THIGH_L, packets=0, last_sample_s=0.0, has_standing=False)
    (now,) = looks((40.1, [pod_status(Placement.SHANK_L), silent]))
    assert now.data_age_s == pytest.approx(0.1)
    assert now.is_calibrated


def test_what_was_lost_before_anybody_looked_does_not_count() -> None:
    assert losses((0.0, 1000, 900), (1.0, 1026, 900)) == [0.0, 0.0]


def test_what_was_lost_long_ago_does_not_count() -> None:
    seen = [(float(at), 1000 + 26 * at, 0 if at < 5 else 26) for at in range(30)]
    found = losses(*seen)
    assert found[5] == pytest.approx(26 / (26 + 130))
    assert found[14] == pytest.approx(26 / (26 + 260))
    assert found[16:] == [0.0] * 14


def test_counters_that_begin_anew_are_no_loss() -> None:
    assert losses((0.0, 5000, 40), (1.0, 5026, 40), (2.0, 3, 0), (3.0, 29, 0))[1:] == [0.0] * 3


def test_a_pod_of_which_nothing_comes_loses_nothing_but_grows_old() -> None:
    pods = [pod_status(Placement.SHANK_L, last_sample_s=40.0)]
    now = looks((40.0, pods), (41.0, pods))[-1]
    assert (now.data_age_s, now.loss) == (1.0, 0.0)


# ---- what is still wrong ----


def test_one_stride_says_nothing_of_the_rhythm() -> None:
    run = Run(SuppressRules(rhythm_strides=1)).run_for(70.0)
    run.suppression.cued(run.time_s)
    assert run.reason(USUAL) is None
