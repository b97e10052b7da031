"""Waits between tries: within their class's limits, never in step, short for a pod just lost."""

import random
from itertools import pairwise
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stridehub.pods.backoff import Backoff, Failure

SEEDS = range(100)
TRIES = 12
# What the air or BlueZ does to a pod that is there and well: nobody has to do anything about it.
PASSING = (
    Failure.BUSY_ADAPTER,
    Failure.LOST,
    Failure.SILENT,
    Failure.TIMED_OUT,
    Failure.ABORTED,
    Failure.STALE_SERVICES,
)


def waits(failure: Failure, seed: int, tries: int = TRIES) -> list[float]:
    backoff = Backoff(random.Random(seed))
    return [backoff.wait_s(failure) for _ in range(tries)]


@given(
    seed=st.integers(),
    story=st.lists(st.one_of(st.sampled_from(Failure), st.none()), min_size=1, max_size=200),
)
def test_every_wait_is_within_the_limits_of_its_class(
    seed: int, story: list[Failure | None]
) -> None:
    """Whatever fails in whatever order, with good times (None) between."""
    backoff = Backoff(random.Random(seed))
    for failure in story:
        if failure is None:
            backoff.reset()
        else:
            manner = failure.value
            assert manner.first_s <= backoff.wait_s(failure) <= manner.most_s


@pytest.mark.parametrize("failure", Failure)
def test_ten_thousand_tries_stay_within_the_limits(failure: Failure) -> None:
    manner = failure.value
    got = waits(failure, 1, 10_000)
    assert manner.first_s <= min(got)
    assert max(got) <= manner.most_s
    assert max(got) > 0.9 * manner.most_s  # and the range is used


@pytest.mark.parametrize("failure", Failure)
def test_waits_grow_on_the_whole(failure: Failure) -> None:
    """One wait may be shorter than the one before; on average they are longer and longer."""
    by_try = [mean(column) for column in zip(*(waits(failure, s) for s in SEEDS), strict=True)]
    assert by_try[0] < by_try[1] < by_try[2]
    assert by_try[-1] > 1.5 * by_try[0]


@pytest.mark.parametrize("failure", Failure)
def test_no_wait_is_more_than_three_times_the_one_before(failure: Failure) -> None:
    for seed in SEEDS:
        assert all(b <= 3 * a * (1 + 1e-9) for a, b in pairwise(waits(failure, seed)))


@pytest.mark.parametrize("failure", Failure)
def test_two_pods_that_fail_alike_do_not_wait_alike(failure: Failure) -> None:
    sequences = {tuple(waits(failure, seed)) for seed in SEEDS}
    assert len(sequences) == len(SEEDS)


def test_pods_that_share_a_source_of_chance_do_not_wait_alike() -> None:
    chance = random.Random(1)
    pods = [Backoff(chance) for _ in range(8)]
    rounds = [[pod.wait_s(Failure.LOST) for pod in pods] for _ in range(3)]
    assert len(set(rounds[-1])) == len(pods)


@pytest.mark.parametrize("failure", Failure)
def test_a_seed_gives_the_same_waits_again(failure: Failure) -> None:
    assert waits(failure, 7) == waits(failure, 7)


@pytest.mark.parametrize("failure", Failure)
def test_after_a_good_time_waits_begin_as_short_as_ever(failure: Failure) -> None:
    for seed in SEEDS:
        backoff = Backoff(random.Random(seed))
        for _ in range(TRIES):
            backoff.wait_s(failure)
        backoff.reset()
        assert backoff.wait_s(failure) <= 2 * failure.value.first_s


def test_each_class_of_failure_grows_by_itself() -> None:
    backoff = Backoff(random.Random(1))
    for _ in range(TRIES):
        backoff.wait_s(Failure.OTHER_VERSION)
    assert backoff.wait_s(Failure.LOST) <= 2 * Failure.LOST.value.first_s


@pytest.mark.parametrize("failure", PASSING, ids=lambda failure: failure.name)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_first_try_after_a_passing_trouble_comes_at_once(failure: Failure, seed: int) -> None:
    assert waits(failure, seed, 1)[0] <= 1.0


def test_pods_that_were_lost_together_do_not_come_back_all_at_once() -> None:
    dice = random.Random(1)
    firsts = [Backoff(dice).wait_s(Failure.LOST) for _ in range(10)]
    assert len(set(firsts)) == 10


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lost_pod_that_is_back_after_a_minute_waits_two_seconds_at_most(seed: int) -> None:
    backoff = Backoff(random.Random(seed))
    passed_s = 0.0
    while passed_s < 60.0:
        wait_s = backoff.wait_s(Failure.LOST)
        assert wait_s <= 2.0
        passed_s += wait_s


@pytest.mark.parametrize("failure", Failure)
def test_no_pod_is_left_alone_for_more_than_a_minute(failure: Failure) -> None:
    assert failure.value.most_s <= 60.0
