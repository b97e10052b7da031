"""Form that fades is told once it has lasted; what only looks like it is not."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pytest

from made_strides import STEP_S, made_stride
from stridehub.coaching.drift import DRIFT_METRICS, Drift, DriftState, Fading
from stridehub.model import Side, Stride
from stridehub.rules import DriftRules

MINUTES = 45.0
FADES_FROM_MIN = 20.0
# Of a runner, and the SD from stride to stride.
USUAL = {
    "speed_mps": (3.0, 0.04),
    "cadence_spm": (166.0, 2.0),
    "contact_time_ms": (255.0, 4.0),
    "overstride_ratio": (0.25, 0.012),
    "kickback_deg": (80.0, 1.5),
    "foot_strike_angle_deg": (12.0, 1.0),
}
Changes = Callable[[float], Mapping[str, float]]  # by minute, in SDs


def faded(*metrics: str, by_sd: float = 3.0, until_min: float = np.inf) -> Changes:
    way = {"cadence_spm": -1.0, "kickback_deg": -1.0}

    def changes(minute: float) -> Mapping[str, float]:
        if not FADES_FROM_MIN <= minute < until_min:
            return {}
        return {metric: by_sd * way.get(metric, 1.0) for metric in metrics}

    return changes


def strides(changes: Changes, minutes: float = MINUTES, seed: int = 0) -> Iterator[Stride]:
    rng = np.random.default_rng(seed)
    for number in range(round(60 * minutes / STEP_S)):
        ic = STEP_S * number
        now = changes(ic / 60.0)
        values = {
            metric: middle + sd * (now.get(metric, 0.0) + float(rng.standard_normal()))
            for metric, (middle, sd) in USUAL.items()
        }
        yield made_stride(Side.RIGHT if number % 2 else Side.LEFT, 100.0 + ic, **values)


def states(some: Iterator[Stride]) -> list[DriftState]:
    fading = Fading(DriftRules())
    return [state for stride in some if (state := fading.on_stride(stride)) is not None]


def drift(state: DriftState, metric: str) -> Drift:
    return next(drift for drift in state.drifts if drift.metric == metric)


def test_a_window_ends_every_five_minutes_of_running_after_the_baseline() -> None:
    told = states(strides(faded()))
    assert [state.running_s / 60.0 for state in told] == [15, 20, 25, 30, 35, 40, 45]
    assert all([drift.metric for drift in state.drifts] == list(DRIFT_METRICS) for state in told)
    assert told[0].speed_mps == pytest.approx(3.0, abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_steady_form_holds(seed: int) -> None:
    for state in states(strides(faded(), seed=seed)):
        assert not state.is_fading
        assert state.text == "Your form holds."
        assert all(abs(drift.change_sd or 9.0) < 0.5 for drift in state.drifts)


def test_two_metrics_that_fade_for_ten_minutes_are_told() -> None:
    told = states(strides(faded("cadence_spm", "contact_time_ms")))
    assert [state.is_fading for state in told] == [False] * 3 + [True] * 4
    first = told[3]
    assert first.lasting == ("cadence_spm", "contact_time_ms")
    assert first.since_running_s == 60 * FADES_FROM_MIN
    assert first.since_s == pytest.approx(100.0 + 60 * FADES_FROM_MIN, abs=1.0)
    assert "Since minute 20" in first.text
    assert "fewer steps a minute" in first.text
    assert drift(first, "cadence_spm").change_sd == pytest.approx(-3.0, abs=0.3)
    assert drift(first, "contact_time_ms").change == pytest.approx(12.0, abs=1.0)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(faded("contact_time_ms"), id="one alone"),
        pytest.param(faded("contact_time_ms", "kickback_deg", by_sd=1.5), id="not far enough"),
        pytest.param(faded("cadence_spm", "kickback_deg", by_sd=-3.0), id="the good way"),
        pytest.param(
            faded("cadence_spm", "overstride_ratio", until_min=25.0), id="for five minutes"
        ),
        pytest.param(faded("contact_time_ms", "foot_strike_angle_deg"), id="foot strike"),
        pytest.param(faded("speed_mps", "contact_time_ms", by_sd=9.0), id="another pace"),
    ],
)
def test_what_is_no_fading(changes: Changes) -> None:
    assert not any(state.is_fading for state in states(strides(changes)))


def test_foot_strike_is_told_and_never_bad() -> None:
    last = states(strides(faded("foot_strike_angle_deg", by_sd=-5.0)))[-1]
    assert drift(last, "foot_strike_angle_deg").change_sd == pytest.approx(-5.0, abs=0.5)
    assert not drift(last, "foot_strike_angle_deg").is_bad


def test_form_that_comes_back_is_no_longer_told() -> None:
    told = states(strides(faded("cadence_spm", "kickback_deg", until_min=35.0)))
    assert [state.is_fading for state in told] == [False] * 3 + [True, True, False, False]


def test_a_pause_and_walking_are_no_running() -> None:
    fading, told = Fading(DriftRules()), []
    for stride in strides(faded()):
        late = stride.ic > 1000.0
        moved = {"ic": stride.ic + 900.0 * late, "next_ic": stride.next_ic + 900.0 * late}
        values = {metric: getattr(stride, metric) for metric in USUAL}
        if state := fading.on_stride(made_stride(stride.side, **moved, **values)):
            told.append(state)
        if not late:
            fading.on_stride(made_stride(stride.side, stride.ic, quality=("walking",)))
    assert [state.running_s / 60.0 for state in told] == [15, 20, 25, 30, 35, 40, 45]


def test_legs_that_differ_are_each_held_against_themselves() -> None:
    def uneven() -> Iterator[Stride]:
        for stride in strides(faded("cadence_spm", "contact_time_ms")):
            assert stride.contact_time_ms is not None
            more_ms = 40.0 if stride.side is Side.LEFT else 0.0
            values = {metric: getattr(stride, metric) for metric in USUAL}
            values["contact_time_ms"] += more_ms
            yield made_stride(stride.side, stride.ic, **values)

    last = states(uneven())[-1]
    assert last.is_fading
    assert drift(last, "contact_time_ms").change_sd == pytest.approx(3.0, abs=0.3)


@pytest.mark.parametrize("missing", ["speed_mps", "contact_time_ms"])
def test_what_is_not_known_is_not_told(missing: str) -> None:
    def some() -> Iterator[Stride]:
        for stride in strides(faded("cadence_spm", "contact_time_ms")):
            values = {metric: getattr(stride, metric) for metric in USUAL if metric != missing}
            yield made_stride(stride.side, stride.ic, **values)

    told = states(some())
    assert not any(state.is_fading for state in told)
    if missing == "speed_mps":
        assert told == []
    else:
        assert drift(told[-1], missing).change_sd is None


def test_a_late_baseline_is_taken_from_the_first_minutes_that_are_good() -> None:
    def some() -> Iterator[Stride]:
        for stride in strides(faded()):
            values = {metric: getattr(stride, metric) for metric in USUAL}
            quality = ("no_standing",) if stride.ic < 800.0 else ()
            yield made_stride(stride.side, stride.ic, quality=quality, **values)

    assert [state.running_s / 60.0 for state in states(some())] == [20, 25, 30, 35, 40, 45]
