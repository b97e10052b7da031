"""What moves together is told with how sure it is; noise, and left against right, are not."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_strides import STEP_S, made_stride
from stridehub.coaching.explain import (
    OUTCOMES,
    UPSTREAM,
    Association,
    Explanation,
    ranks,
    spearman,
)
from stridehub.model import Side
from stridehub.rules import ExplainRules
from stridehub.sim.variation import PinkNoise

Z = 1.96
few_values = st.lists(st.integers(-3, 3), min_size=3, max_size=30)
tied_pairs = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=3, max_size=30)


def ranks_by_counting(values: Sequence[float]) -> list[float]:
    return [
        sum(other < value for other in values) + (sum(o == value for o in values) + 1) / 2
        for value in values
    ]


def pearson(a: Sequence[float], b: Sequence[float]) -> float:
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    product = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    squares = sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)
    return product / math.sqrt(squares)


@given(few_values)
def test_ranks_average_ties(values: list[int]) -> None:
    assert ranks(np.array(values, float)).tolist() == ranks_by_counting(values)


@given(tied_pairs)
def test_spearman_is_pearson_of_ranks(pairs: list[tuple[int, int]]) -> None:
    a, b = ([pair[i] for pair in pairs] for i in (0, 1))
    found = spearman(np.array(a, float), np.array(b, float), Z)
    if len(set(a)) == 1 or len(set(b)) == 1:
        assert found is None
        return
    assert found is not None
    assert found.n == len(pairs)
    assert found.rho == pytest.approx(pearson(ranks_by_counting(a), ranks_by_counting(b)))
    if found.low is not None and found.high is not None:
        assert -1.0 <= found.low <= found.rho + 1e-9
        assert found.rho - 1e-9 <= found.high <= 1.0


@given(st.lists(st.floats(-5.0, 5.0), min_size=5, max_size=30, unique=True))
def test_only_order_matters(values: list[float]) -> None:
    a = np.array(values)
    found = spearman(a, np.arctan(a) if len(np.unique(np.arctan(a))) == len(a) else a, Z)
    assert found is not None
    assert found.rho == pytest.approx(1.0)


@pytest.mark.parametrize("n", [60, 61, 127, 128, 401])
def test_the_interval_is_of_as_many_pairs_as_the_lags_say(n: int) -> None:
    """Pyper & Peterman 1998, lag by lag."""
    rng = np.random.default_rng(n)
    a, b = np.cumsum(rng.standard_normal((2, n)), axis=1) + 8.0 * rng.standard_normal((2, n))
    found = spearman(a, b, Z)
    assert found is not None
    assert found.low is not None
    x, y = ((r - r.mean()) / r.std() for r in (ranks(a), ranks(b)))
    growth = 1.0
    for lag in range(1, n // 5 + 1):
        rx, ry = (float(np.mean(r[lag:] * r[:-lag])) for r in (x, y))
        growth += 2.0 * (n - lag) / n * rx * ry
    independent = n / max(growth, 1.0)
    half = Z * math.sqrt(1.06 / (independent - 3.0))
    assert found.low == pytest.approx(math.tanh(math.atanh(found.rho) - half))


@pytest.mark.parametrize(("n", "most"), [(60, 0.12), (400, 0.12)])
def test_noise_with_memory_is_rarely_sold_as_a_finding(n: int, most: float) -> None:
    """Strides resemble those before: as many as n independent pairs would say too much."""
    rng, told = np.random.default_rng(n), 0
    for _ in range(150):
        noise = PinkNoise(2, rng)
        a, b = np.array([noise.next() for _ in range(n)]).T
        found = spearman(a, b, Z)
        assert found is not None
        told += found.low is not None and found.high is not None and found.low * found.high > 0
    assert told / 150 <= most


# ---- over a session ----


def session(
    count: int,
    rho: float = 0.0,
    left_right: float = 0.0,
    rules: ExplainRules | None = None,
    seed: int = 0,
) -> Explanation:
    """Overstride and cadence of that correlation, with that difference between the sides in SDs."""
    rng = np.random.default_rng(seed)
    explanation = Explanation(rules or ExplainRules())
    for number in range(2 * count):
        side = Side.RIGHT if number % 2 else Side.LEFT
        apart = left_right if side is Side.LEFT else 0.0
        x, y = rng.standard_normal(2)
        explanation.on_stride(
            made_stride(
                side,
                STEP_S * number,
                overstride_ratio=0.25 + 0.01 * (x + apart),
                cadence_spm=166.0 + 2.0 * (rho * x + math.sqrt(1 - rho**2) * y + apart),
            )
        )
    return explanation


def cadence_beside_overstride(explanation: Explanation) -> list[Association]:
    found = list(explanation.about("overstride_ratio"))
    assert [(a.side, a.metric) for a in found] == [(side, "cadence_spm") for side in Side]
    return found


@pytest.mark.parametrize(("rho", "way"), [(0.8, "together"), (-0.8, "as the other fell")])
def test_what_moves_together_is_told_with_its_figures(rho: float, way: str) -> None:
    for found in cadence_beside_overstride(session(400, rho)):
        assert found.is_clear
        assert found.correlation is not None
        assert found.correlation.rho == pytest.approx(rho, abs=0.1)
        assert found.outcome_median == pytest.approx(0.25, abs=0.015)
        assert way in found.text
        assert f"rho {rho:.1f}, likely " in found.text
        assert ", 400 strides)" in found.text
        assert "caus" not in found.text


def test_too_few_strides_tell_nothing() -> None:
    for found in cadence_beside_overstride(session(59, 0.9)):
        assert (found.correlation, found.is_clear, found.n) == (None, False, 59)
        assert "too few strides to tell (59)" in found.text


@pytest.mark.parametrize("seed", range(5))
def test_legs_that_differ_are_no_association(seed: int) -> None:
    for found in cadence_beside_overstride(session(300, left_right=8.0, seed=seed)):
        assert not found.is_clear
        assert "no clear link" in found.text


def test_a_long_session_is_thinned_evenly_and_stays_small() -> None:
    rules = ExplainRules(most_strides=100, least_strides=20)
    for count in (100, 101, 399, 400, 1000):
        for found in cadence_beside_overstride(session(count, 0.9, rules=rules)):
            assert 50 <= found.n <= 100
            assert found.is_clear
    trend = Explanation(rules)
    for number in range(777):
        trend.on_stride(made_stride(ic=number, overstride_ratio=number, cadence_spm=-number))
    (found,) = trend.about("overstride_ratio")
    assert found.correlation is not None
    assert found.correlation.rho == pytest.approx(-1.0)
    assert found.outcome_median == pytest.approx(771.5)


def test_a_copy_hears_of_no_later_strides() -> None:
    explanation = session(400, 0.8)
    told = cadence_beside_overstride(explanation)
    copy = explanation.copy()
    later = made_stride(ic=1000.0, overstride_ratio=9.0, cadence_spm=90.0)
    explanation.on_stride(later)
    assert cadence_beside_overstride(explanation) != told
    assert cadence_beside_overstride(copy) == told
    copy.on_stride(later)
    assert cadence_beside_overstride(copy) == cadence_beside_overstride(explanation)


def test_walking_and_unknown_metrics_are_left_out() -> None:
    explanation = Explanation(ExplainRules())
    for number in range(100):
        explanation.on_stride(made_stride(ic=number, overstride_ratio=0.2, lean_deg=5.0 + number))
        walk = made_stride(ic=number, overstride_ratio=0.3, cadence_spm=110.0, quality=("walking",))
        explanation.on_stride(walk)
    (found,) = explanation.about("overstride_ratio")
    assert (found.metric, found.n, found.correlation) == ("lean_deg", 100, None)
    assert "never changed" in found.text
    assert not list(explanation.about("foot_strike_angle_deg"))


def test_every_outcome_has_words_for_everything_upstream() -> None:
    explanation = Explanation(ExplainRules())
    values = dict.fromkeys([*OUTCOMES, *UPSTREAM], 1.0)
    explanation.on_stride(made_stride(Side.LEFT, 0.0, **values))
    for outcome in OUTCOMES:
        told = [found.text for found in explanation.about(outcome)]
        assert len(told) == len(UPSTREAM)
        assert all("_" not in text for text in told)
