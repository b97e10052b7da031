"""The clock that people share: what is a step, and what time it tells meanwhile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stridehub.wall_clock import WallClock

DAY_S = 86400.0


class Machine:
    """Its two clocks, to be turned by hand."""

    def __init__(self) -> None:
        self.utc_s = 1.8e9
        self.steady_s = 12.5
        self.clock = WallClock(lambda: self.utc_s, lambda: self.steady_s)

    def wait(self, seconds: float, *, ahead_s: float = 0.0) -> None:
        self.utc_s += seconds + ahead_s
        self.steady_s += seconds


@pytest.mark.parametrize("by_s", [400 * DAY_S, 3600.0, 6.0, -6.0, -50 * 365 * DAY_S])
def test_a_step_is_told_once(by_s: float) -> None:
    machine = Machine()
    machine.wait(10.0, ahead_s=by_s)
    assert machine.clock.look() == pytest.approx(by_s)
    machine.wait(1.0)
    assert machine.clock.look() == 0.0
    assert machine.clock.utc_s() == pytest.approx(machine.utc_s)


def test_until_the_look_it_goes_on_as_before() -> None:
    """So that all that was stamped before the step was noticed has missed it alike."""
    machine = Machine()
    before_s = machine.clock.utc_s()
    machine.wait(1.0, ahead_s=DAY_S)
    assert machine.clock.utc_s() == pytest.approx(before_s + 1.0)
    machine.clock.look()
    assert machine.clock.utc_ms() == round(machine.utc_s * 1e3)


@given(st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=50))
def test_a_clock_that_is_moved_slowly_is_followed_and_nobody_is_told(by_s: list[float]) -> None:
    machine = Machine()
    for some_s in by_s:
        machine.wait(1.0, ahead_s=some_s)
        assert machine.clock.look() == 0.0
    assert machine.clock.utc_s() == pytest.approx(machine.utc_s)


def test_the_machines_own_goes_on() -> None:
    clock = WallClock()
    first_ms = clock.utc_ms()
    assert clock.look() == 0.0
    assert first_ms <= clock.utc_ms() < first_ms + 60_000
