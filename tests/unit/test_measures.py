"""Failures in a row call for stronger measures, each once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stridehub.pods.backoff import Failure
from stridehub.pods.measures import DEGRADED_AT, FORGET_AT, POWER_CYCLE_AT, Measure, Series

CLIMBING = [failure for failure in Failure if failure.value.climbs]
OTHERS = [failure for failure in Failure if not failure.value.climbs]


def measures(*failures: Failure) -> list[Measure]:
    """Power cycles succeed."""
    series, taken = Series(), []
    for failure in failures:
        series.add(failure)
        measure = series.measure(failure)
        if measure is Measure.POWER_CYCLE:
            series.has_cycled()
        taken.append(measure)
    return taken


@pytest.mark.parametrize("failure", [f for f in CLIMBING if f is not Failure.STALE_SERVICES])
def test_the_adapter_is_power_cycled_once_in_a_series(failure: Failure) -> None:
    taken = measures(*[failure] * 20)
    assert taken.index(Measure.POWER_CYCLE) == POWER_CYCLE_AT - 1
    assert taken.count(Measure.POWER_CYCLE) == 1
    assert Measure.FORGET not in taken


def test_a_power_cycle_that_was_not_possible_is_asked_for_again() -> None:
    series = Series()
    for _ in range(POWER_CYCLE_AT + 3):
        series.add(Failure.SILENT)
    assert series.measure(Failure.SILENT) is Measure.POWER_CYCLE


def test_a_bond_is_given_up_only_for_services_that_stay_wrong() -> None:
    stale, other = Failure.STALE_SERVICES, Failure.TIMED_OUT
    assert measures(*[stale] * FORGET_AT)[-1] is Measure.FORGET
    mixed = measures(*[other, stale] * 10)
    assert Measure.FORGET not in mixed


@given(st.lists(st.sampled_from(OTHERS)))
def test_what_only_needs_another_try_calls_for_nothing(failures: list[Failure]) -> None:
    assert set(measures(*failures)) <= {Measure.NONE}


def test_a_pod_is_degraded_when_nothing_has_helped() -> None:
    series = Series()
    for count in range(1, DEGRADED_AT + 1):
        series.add(Failure.SILENT)
        assert series.is_degraded == (count == DEGRADED_AT)
