"""The kernel's Python face under anything a radio, a broken pod or a caller may do."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from stridehub.errors import PacketError, PodRefusedError, ProfileError
from stridehub.kernel import wire
from stridehub.kernel.stride import KERNEL_BYTES, Findings, StrideKernel
from stridehub.model import (
    Gait,
    GaitEvent,
    Placement,
    PodInfo,
    PodStatus,
    RunnerProfile,
    Side,
    Stride,
)

ALL = tuple(Placement)
RATE_HZ = 208.0
Samples = NDArray[np.int16]

wild_floats = st.floats(allow_nan=True, allow_infinity=True)
any_packet_bytes = st.one_of(
    st.binary(max_size=300),
    # a plausible header, so that more than the version is looked at
    st.builds(
        lambda head, tail: bytes([0x11]) + head + tail,
        st.binary(min_size=11, max_size=11),
        st.binary(max_size=240),
    ),
)


def info(placement: Placement, rate_hz: float = RATE_HZ, batch: int = 8) -> PodInfo:
    return PodInfo(
        placement=placement,
        rate_mhz=round(rate_hz * 1000),
        acc_nm_s2_per_lsb=4_788_000,
        gyr_nrad_s_per_lsb=1_065_000,
        batch=batch,
    )


def kernel_with(placements: Sequence[Placement], rate_hz: float = RATE_HZ) -> StrideKernel:
    kernel = StrideKernel(RunnerProfile(height_m=1.8))
    for placement in placements:
        kernel.add_pod(info(placement, rate_hz))
    return kernel


def is_finite_or_unknown(found: Findings) -> bool:
    events = [getattr(event, name) for event in found.events for name in GaitEvent.__slots__]
    strides = [getattr(one, name) for one in found.strides for name in Stride.__struct_fields__]
    values = [value for value in (*events, *strides) if isinstance(value, float)]
    return all(math.isfinite(value) for value in values)


def cycle_is_finite_or_none(kernel: StrideKernel, side: Side) -> bool:
    cycle = kernel.cycle(side)
    if cycle is None:
        return True
    curves = [cycle.shank_deg] if cycle.thigh_deg is None else [cycle.shank_deg, cycle.thigh_deg]
    return 0.0 < cycle.toe_off_share < 1.0 and bool(np.isfinite(curves).all())


def status_is_finite(status: PodStatus) -> bool:
    values = [getattr(status, name) for name in PodStatus.__dataclass_fields__]
    return all(math.isfinite(value) for value in values if isinstance(value, float))


def packet(placement: Placement, number: int, samples: Samples, clock_us: int) -> bytes:
    return wire.encode(
        wire.Packet(
            placement=placement,
            sequence=number % 65536,
            pod_clock_us=clock_us % 2**32,
            samples=samples,
        )
    )


# ---- memory ----


def test_a_runner_fits_into_256_kib() -> None:
    assert 0 < KERNEL_BYTES <= 256 * 1024


# ---- any bytes ----


@given(
    st.lists(st.tuples(st.integers(-3, 20), any_packet_bytes, wild_floats), max_size=60),
    st.permutations(ALL),
)
def test_any_bytes_at_any_time_to_any_pod(
    calls: list[tuple[int, bytes, float]], order: list[Placement]
) -> None:
    kernel = kernel_with(order)
    for pod, data, arrival_s in calls:
        before = kernel.refused.total()
        found = kernel.push(pod, data, arrival_s)
        assert is_finite_or_unknown(found)
        try:
            right = 0 <= pod < len(order) and wire.decode(data).placement == order[pod]
        except PacketError:
            right = False
        if not right or not math.isfinite(arrival_s):
            assert kernel.refused.total() == before + 1
            assert found == Findings([], [])
    assert is_finite_or_unknown(kernel.finish())
    for pod in range(len(order)):
        assert status_is_finite(kernel.status(pod))


@given(st.binary(max_size=300))
def test_refusals_are_counted_by_reason(data: bytes) -> None:
    kernel = kernel_with([Placement.SHANK_L])
    try:
        wrong = wire.decode(data).placement != Placement.SHANK_L
        reasons = ["wrong placement"] if wrong else []
    except PacketError as error:
        reasons = [error.reason]
    kernel.push(0, data, 1.0)
    assert list(kernel.refused.elements()) == reasons
    assert kernel.status(0).bad_packets == kernel.refused.total()


def test_each_refusal_has_its_name() -> None:
    kernel = kernel_with([Placement.SHANK_L, Placement.SHANK_R])
    still = np.zeros((8, 6), np.int16)
    good = packet(Placement.SHANK_L, 0, still, 0)
    kernel.push(0, good, 1.0)
    kernel.push(0, good, 1.1)
    kernel.push(1, good, 1.2)
    kernel.push(2, good, 1.3)
    kernel.push(-1, good, 1.3)
    kernel.push(0, b"", 1.4)
    kernel.push(0, packet(Placement.SHANK_L, 1, still, 38462), math.nan)
    kernel.push(0, packet(Placement.SHANK_L, 1, still, 38462), 0.2)
    assert kernel.refused == {
        "stale": 1,
        "wrong placement": 1,
        "bad pod": 2,
        "too short": 1,
        "bad time": 2,
    }


# ---- any samples ----


def noise(rng: np.random.Generator, kind: str, count: int) -> Samples:
    """(count, 6) of what a broken, a shaken or a still pod may send."""
    if kind == "full scale":
        values = rng.choice(np.array([-32768, 32767]), (count, 6))
    elif kind == "white":
        values = rng.integers(-32768, 32768, (count, 6))
    elif kind == "zero":
        values = np.zeros((count, 6))
    elif kind == "stuck":
        values = np.tile(rng.integers(-32768, 32768, 6), (count, 1))
    else:  # swinging like a leg, as fast as the range allows
        phase = 2 * np.pi * rng.uniform(0.5, 8.0) * np.arange(count) / RATE_HZ
        size = rng.uniform(0, 32767, 6)
        values = size * np.sin(phase[:, None] + rng.uniform(0, 2 * np.pi, 6))
    samples: Samples = values.astype(np.int16)
    return samples


KINDS = ("full scale", "white", "zero", "stuck", "swinging")


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(KINDS), min_size=5, max_size=5),
    st.integers(0, 2**32 - 1),
    st.permutations([*ALL[:5]]),
    st.floats(0.0, 0.3),
)
def test_any_samples_give_finite_values_or_none(
    kinds: list[str], seed: int, order: list[Placement], loss: float
) -> None:
    """Ten seconds of each, with losses, on five pods."""
    rng = np.random.default_rng(seed)
    kernel = kernel_with(order)
    count = int(10 * RATE_HZ) // 8 * 8
    streams = [noise(rng, kind, count) for kind in kinds]
    clock_start = int(rng.integers(0, 2**32))
    lost = rng.random((len(order), count // 8)) < loss
    for number in range(count // 8):
        first = 8 * number
        clock_us = clock_start + round(first / RATE_HZ * 1e6)
        for pod, placement in enumerate(order):
            if lost[pod, number]:
                continue
            data = packet(placement, number, streams[pod][first : first + 8], clock_us)
            assert is_finite_or_unknown(kernel.push(pod, data, (first + 8) / RATE_HZ))
    assert is_finite_or_unknown(kernel.finish())
    assert all(cycle_is_finite_or_none(kernel, side) for side in Side)
    assert kernel.refused.total() == 0
    for pod in range(len(order)):
        status = kernel.status(pod)
        assert status_is_finite(status)
        assert status.packets + status.lost_packets <= count // 8
        time_s, angle_deg, rate_dps = kernel.series(pod)
        assert len(time_s) == len(angle_deg) == len(rate_dps)
        assert np.isfinite(time_s).all()
        assert np.isfinite(angle_deg).all()
        assert np.isfinite(rate_dps).all()
        assert (np.diff(time_s) > 0).all()


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),
            st.integers(0, 65535),
            st.integers(0, 2**32 - 1),
            st.integers(1, wire.MAX_SAMPLES),
            st.one_of(st.floats(0, 100), wild_floats),
        ),
        max_size=120,
    ),
    st.integers(0, 2**32 - 1),
)
def test_any_clock_sequence_and_arrival(
    calls: list[tuple[int, int, int, int, float]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    order = ALL[:5]
    kernel = kernel_with(order)
    for pod, sequence, clock_us, count, arrival_s in calls:
        refused = kernel.refused.total()
        data = packet(order[pod], sequence, noise(rng, "white", count), clock_us)
        assert is_finite_or_unknown(kernel.push(pod, data, arrival_s))
        if not math.isfinite(arrival_s):
            assert kernel.refused.total() == refused + 1
    assert is_finite_or_unknown(kernel.finish())
    for pod in range(len(order)):
        assert status_is_finite(kernel.status(pod))


@given(st.lists(wild_floats, max_size=30))
def test_time_may_pass_in_any_way(times: list[float]) -> None:
    kernel = kernel_with(ALL[:5])
    for now_s in times:
        assert kernel.advance(now_s) == Findings([], [])
    assert kernel.gait is Gait.UNKNOWN


# ---- what is refused ----


def test_a_placement_is_worn_once() -> None:
    kernel = kernel_with([Placement.SHANK_L])
    with pytest.raises(PodRefusedError, match="bad_pod") as caught:
        kernel.add_pod(info(Placement.SHANK_L))
    assert caught.value.info == info(Placement.SHANK_L)
    assert kernel.pods == [Placement.SHANK_L]
    assert kernel.add_pod(info(Placement.SHANK_R)) == 1


@given(st.permutations(ALL))
def test_pods_are_numbered_as_they_come(order: list[Placement]) -> None:
    kernel = StrideKernel()
    assert [kernel.add_pod(info(placement)) for placement in order] == list(range(8))
    assert kernel.pods == order
    assert [kernel.status(pod).placement for pod in range(8)] == order


@pytest.mark.parametrize(
    ("field", "value"), [("rate_mhz", 49_999), ("acc_nm_s2_per_lsb", 0), ("batch", 20)]
)
def test_an_impossible_pod_is_refused(field: str, value: int) -> None:
    kernel = StrideKernel()
    values = {name: getattr(info(Placement.PELVIS), name) for name in PodInfo.__slots__}
    with pytest.raises(PacketError):
        kernel.add_pod(PodInfo(**values | {field: value}))
    assert kernel.pods == []


@pytest.mark.parametrize("pod", [-1, 1, 8, 2**31 - 1])
def test_there_is_no_status_of_a_pod_that_is_not_there(pod: int) -> None:
    with pytest.raises(IndexError):
        kernel_with([Placement.PELVIS]).status(pod)


@pytest.mark.parametrize("pod", [-1, 1, 8])
def test_there_is_no_series_of_a_pod_that_is_not_there(pod: int) -> None:
    assert [len(values) for values in kernel_with([Placement.PELVIS]).series(pod)] == [0, 0, 0]


LIMITS = {
    "height_m": (0.8, 2.6),
    "mass_kg": (15.0, 300.0),
    "leg_length_left_m": (0.3, 1.5),
    "leg_length_right_m": (0.3, 1.5),
    "standing_thigh_deg": (-45.0, 45.0),
    "standing_shank_deg": (-45.0, 45.0),
    "speed_factor": (0.5, 2.0),
}


@given(st.sampled_from(sorted(LIMITS)), wild_floats)
def test_a_profile_outside_what_a_body_can_have(field: str, value: float) -> None:
    low, high = LIMITS[field]
    values: dict[str, Any] = {field: value}
    profile = RunnerProfile(**values)
    unknown = math.isnan(value) and field not in (
        *("standing_thigh_deg", "standing_shank_deg", "speed_factor"),
    )
    if low <= value <= high or unknown:
        assert StrideKernel(profile).profile is profile
    else:
        with pytest.raises(ProfileError) as caught:
            StrideKernel(profile)
        assert caught.value.profile is profile
