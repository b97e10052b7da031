from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clock_links import BAR_MS, MARKS_S, pair_errors_ms
from stridehub.kernel.clock import ClockEvent, ClockStamp, PodClock

RATE_HZ = 208.0
EXACT_S = 2.5e-6  # pod clocks are rounded to microseconds
LONGEST_S = 1e9  # later arrivals are refused

rates = st.floats(50.0, 850.0)
any_packet = st.tuples(
    st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1) | st.integers(0, 20), st.booleans(),
    st.floats() | st.floats(0.0, 10.0),
)  # fmt: skip
likely_packet = st.tuples(
    st.one_of(st.integers(0, 200_000), st.integers(-(2**31), 2**31)),  # pod clock goes on by, us
    st.integers(1, 19),
    st.booleans(),
    st.one_of(st.floats(0.0, 0.2), st.floats(0.0, 1e5)),  # hub clock goes on by, s
)


def last_of(stamp: ClockStamp, count: int) -> float:
    return stamp.first_s + (count - 1) * stamp.period_s


def assert_sane(stamp: ClockStamp, rate_hz: float) -> None:
    assert np.isfinite(stamp.first_s)
    assert stamp.pod_period_s == pytest.approx(1.0 / rate_hz, rel=0.12)
    assert stamp.period_s == pytest.approx(stamp.pod_period_s, rel=0.06)


@given(rates, st.lists(any_packet))
def test_any_packet_is_taken_or_refused(
    rate_hz: float, packets: list[tuple[int, int, bool, float]]
) -> None:
    clock = PodClock(rate_hz)
    for pod_clock_us, count, contiguous, arrival_s in packets:
        result = clock.packet(pod_clock_us, count, arrival_s, contiguous=contiguous)
        if isinstance(result, ClockStamp):
            assert 1 <= count <= 19
            assert abs(arrival_s) <= LONGEST_S
            assert_sane(result, rate_hz)
    report = clock.report()
    refused = report.stale + report.bad_arrivals + report.bad_counts
    # A restart is told by the last of the packets refused in a row.
    assert report.packets + refused - report.restarts <= len(packets) <= report.packets + refused
    assert abs(report.skew_ppm) <= 200.0 + 1e-9


@given(rates, st.lists(likely_packet, min_size=1, max_size=60))
def test_times_grow_within_an_epoch_and_stay_near_the_arrivals(
    rate_hz: float, packets: list[tuple[int, int, bool, float]]
) -> None:
    clock = PodClock(rate_hz)
    pod_clock_us, arrival_s, last_s = 0, 0.0, -np.inf
    for pod_step_us, count, contiguous, step_s in packets:
        pod_clock_us = (pod_clock_us + pod_step_us) % 2**32
        arrival_s += step_s
        stamp = clock.packet(pod_clock_us, count, arrival_s, contiguous=contiguous)
        if not isinstance(stamp, ClockStamp):
            assert stamp in (ClockEvent.STALE, ClockEvent.BAD_ARRIVAL)
            continue
        assert_sane(stamp, rate_hz)
        if stamp.event in (ClockEvent.OK, ClockEvent.REACQUIRED):
            assert stamp.first_s > last_s
        last_s = last_of(stamp, count)
        assert last_s <= arrival_s + 0.5  # samples are not of the future


@given(
    st.floats(-0.05, 0.05), st.integers(0, 2**32 - 1), st.lists(st.integers(1, 19), min_size=2),
    st.floats(0.0, 1e6),
)  # fmt: skip
def test_splitting_into_other_packets_gives_the_same_times(
    rate_off: float, clock_us: int, counts: list[int], start_s: float
) -> None:
    """Whatever the packets, sample k is at its true time plus the constant delay."""
    period_s = 1.0 / (RATE_HZ * (1.0 + rate_off))
    clock = PodClock(RATE_HZ)
    sample = 0
    for i, count in enumerate(counts):
        pod_us = (clock_us + round(sample * period_s * 1e6)) % 2**32
        arrival_s = start_s + 0.03 + (sample + count - 1) * period_s
        stamp = clock.packet(pod_us, count, arrival_s, contiguous=i > 0)
        assert isinstance(stamp, ClockStamp)
        if i > 0:  # the first packet knows the nominal rate only
            want_s = start_s + 0.03 + sample * period_s
            assert stamp.first_s == pytest.approx(want_s, rel=0, abs=EXACT_S)
            want_last_s = want_s + (count - 1) * period_s
            period_error_s = 1e-6 / sample  # of the period measured so far, by rounding
            assert last_of(stamp, count) == pytest.approx(
                want_last_s, rel=0, abs=EXACT_S + count * period_error_s
            )
        sample += count


@given(st.lists(st.floats(0.0, 0.1), min_size=20, max_size=200), st.floats(-0.05, 0.05))
def test_the_map_is_never_earlier_than_the_truth(late_s: list[float], rate_off: float) -> None:
    """Without skew the envelope lies on or above the true line, by no more than the start did."""
    period_s = 1.0 / (RATE_HZ * (1.0 + rate_off))
    clock = PodClock(RATE_HZ)
    starts_s = 100.0 + np.arange(len(late_s)) * 8 * period_s
    arrivals_s = np.maximum.accumulate(starts_s + 7 * period_s + np.array(late_s))
    errors = []
    for start_s, arrival_s in zip(starts_s.tolist(), arrivals_s.tolist(), strict=True):
        stamp = clock.packet(round(start_s * 1e6), 8, arrival_s, contiguous=start_s > 100.0)
        assert isinstance(stamp, ClockStamp)
        errors.append(stamp.first_s - start_s)
    tilt_s = 50e-6 * len(late_s) * 8 * period_s  # what a wrong skew may do meanwhile
    assert min(errors[1:]) >= -EXACT_S - tilt_s
    assert max(errors[1:]) <= 0.1 + EXACT_S + tilt_s


def test_rate_out_of_range_is_refused() -> None:
    for rate_hz in (0.0, 49.0, 851.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="sampling rate"):
            PodClock(rate_hz)


def test_report_tells_the_health_of_the_link() -> None:
    clock = PodClock(RATE_HZ)
    period_s = 1.0 / RATE_HZ
    times_s = np.arange(0, 60 * RATE_HZ, 8) * period_s
    for i, time_s in enumerate(times_s.tolist()):
        late_s = 0.0 if i % 3 == 0 else 0.02
        pod_us = round(time_s * (1.0 - 30e-6) * 1e6)
        clock.packet(pod_us, 8, time_s + 7 * period_s + late_s, contiguous=i > 0)
    clock.packet(0, 8, 30.0, contiguous=False)
    report = clock.report()
    assert report.packets == len(times_s)
    assert report.bad_arrivals == 1
    assert report.skew_ppm == pytest.approx(30.0, abs=1.0)
    assert report.interval_s == pytest.approx(8 * period_s, rel=0.2)
    assert report.delay_median_s == pytest.approx(0.02, abs=2e-3)
    assert report.spread_s < 0.5e-3


def test_two_pods_agree_over_bad_links() -> None:
    p95_ms = np.percentile(pair_errors_ms(links=60, seed=7, skew_ppm=50.0), 95, axis=0)
    for mark_s, got_ms in zip(MARKS_S, p95_ms, strict=True):
        assert got_ms <= BAR_MS[mark_s], f"after {mark_s} s"
    for earlier, later in pairwise(p95_ms):
        assert later < earlier
