"""Packets lost, late, twice, out of order, broken; pods that fall silent, and that start anew."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stridehub.app import Feed, Pipeline
from stridehub.config import runner_profile
from stridehub.kernel import wire
from stridehub.model import Placement, RunnerProfile, Side, Stride
from stridehub.pods.recording import load_recording
from stridehub.pods.replayed import ReplayedSource
from stridehub.pods.source import Arrival, WornPod
from support import (
    METRICS,
    TIMES,
    known,
    largest_changes,
    measured,
    settled,
    side_by_side,
    without_match,
)

NAMES = ("hamner_s02_impact", "biomac_jk_impact", "rbds_s001_impact")
ALL = tuple(Placement)[:7]

# A pod without samples for HOLE_S loses its orientation; strides are away from a hole that end
# before it, or begin once the pod has found its orientation again and some seconds of strides.
# One lost packet is bridged, two in a row are a hole.
HOLE_S, PACKET_S, BRIDGE_S = 0.3, 0.04, 0.06
RECOVERED_S = 5.0
HOLES_AT_S = (12.0, 19.6, 27.43)
# What is away from a hole: the bars of a turned pod; the foot, whose angle changes fastest as it
# lands, a degree.
SAME = {
    "foot_strike_angle_deg": 1.0,
    "_deg": 0.5,
    "_ratio": 0.005,
    "duty_factor": 0.005,
    "_ms": 3.0,
    "_spm": 1.0,
    "_mm": 3.0,
}
SAME |= {"ic": 3.0, "to": 3.0, "_g": 0.05, "_mps": 0.05, "_m": 0.03}
# What that pod itself measures then: it found its vertical anew from a few strides, and what was
# off is halved every 2 s (its filter's 3 s). Half of the bars of accuracy.
FOUND_AGAIN = SAME | {"foot_strike_angle_deg": 2.5, "_deg": 1.5, "_ratio": 0.02, "_mm": 5.0}
# What is nearer and not flagged: a lost packet bridged within a stride, or events without one of
# the pods that show force. The bars of accuracy; of the foot twice as much: at 1000 deg/s and more
# a bridged packet costs its pod 5 deg, which it finds again within some strides.
NEAR = {"foot_strike_angle_deg": 6.0, "_deg": 3.0, "_ratio": 0.03, "duty_factor": 0.03}
NEAR |= {"_ms": 15.0, "_spm": 5.0, "_mm": 10.0}
NEAR |= {"ic": 15.0, "to": 15.0, "_g": 0.5, "_mps": 0.2, "_m": 0.08}
# A contact is found by the swing before it, and refined by what follows.
BEFORE_CONTACT_S, AFTER_CONTACT_S = 0.4, 0.2

# The join waits 0.25 s for a late pod, from where the refined contact has its samples: 0.17 s.
LONGEST_DELAY_S = 0.45
LATE_BY_S, LATE_FROM_S, LATE_UNTIL_S = 0.4, 15.0, 18.0
GONE_S = 18.0


@dataclasses.dataclass(frozen=True, eq=False)
class Sent:
    """A recording as packets, and what they give when all arrive."""

    pods: Sequence[WornPod]
    arrivals: list[Arrival]
    profile: RunnerProfile
    strides: list[Stride]

    def received(self, arrivals: Iterable[Arrival]) -> list[Stride]:
        return measured(self.pods, arrivals, self.profile).strides

    def number(self, placement: Placement) -> int:
        return [worn.info.placement for worn in self.pods].index(placement)


@pytest.fixture(scope="module", params=NAMES)
def sent(request: pytest.FixtureRequest, recording: Callable[[str], Path]) -> Sent:
    return packets_of(recording(request.param))


@pytest.fixture(scope="module")
def real(recording: Callable[[str], Path]) -> Sent:
    return packets_of(recording(NAMES[0]))


def packets_of(path: Path) -> Sent:
    whole = load_recording(path)
    source, profile = ReplayedSource(whole), runner_profile(whole.body)
    arrivals = list(source)
    strides = measured(source.pods, arrivals, profile).strides
    return Sent(source.pods, arrivals, profile, strides)


def is_trusted(stride: Stride) -> bool:
    """Not flagged, or only for what it leaves out: `bridged` takes impact or oscillation."""
    return set(stride.quality) <= {"bridged"}


def beyond(matched: Iterable[tuple[Stride, Stride]], limits: dict[str, float]) -> dict[str, float]:
    return {
        field: round(change, 4)
        for field, change in largest_changes(matched).items()
        if change > next(limit for end, limit in limits.items() if field.endswith(end))
    }


def first_sample_s(arrival: Arrival) -> float:
    return wire.decode(arrival.packet).pod_clock_us * 1e-6


# ---- lost packets ----


def holes_of(lost: Sequence[Arrival]) -> dict[int, list[float]]:
    """By pod, where two packets in a row and more are lost; each within HOLE_S from there."""
    times: dict[int, list[float]] = {}
    for arrival in lost:
        times.setdefault(arrival.pod, []).append(first_sample_s(arrival))
    return {
        pod: [one for one, after in pairwise(sorted(mine)) if after - one < BRIDGE_S]
        for pod, mine in times.items()
    }


@pytest.mark.parametrize("seed", range(1, 7))
def test_two_percent_of_packets_lost(sent: Sent, seed: int) -> None:
    rng = np.random.default_rng(seed)
    kept: list[Arrival] = []
    lost: list[Arrival] = []
    for arrival in sent.arrivals:
        (kept if rng.random() >= 0.02 else lost).append(arrival)
    assert len(lost) > 50
    holes = holes_of(lost)
    strides = sent.received(kept)
    assert without_match(strides, sent.strides) == []
    for missed in without_match(settled(sent.strides), strides):
        # a contact in a hole of its own shank is not known; a bridged one is
        assert any(may_be_lost(missed, pod, holes.get(sent.number(pod), [])) for pod in ALL), missed
    matched = list(side_by_side(settled(strides), sent.strides))
    trusted = [(mine, usual) for mine, usual in matched if is_trusted(mine)]
    assert len(trusted) >= 0.5 * len(matched)
    assert beyond(trusted, NEAR) == {}


def is_away(stride: Stride, holes: Iterable[float]) -> bool:
    return all(
        stride.next_ic + AFTER_CONTACT_S < hole or stride.ic > hole + HOLE_S + RECOVERED_S
        for hole in holes
    )


def may_be_lost(stride: Stride, pod: Placement, holes: Iterable[float]) -> bool:
    """Its own shank was silent as one of its contacts came."""
    return pod.label == f"shank_{stride.side[0]}" and any(
        stride.ic - BEFORE_CONTACT_S < hole + HOLE_S and hole < stride.next_ic + AFTER_CONTACT_S
        for hole in holes
    )


def with_holes(sent: Sent, pod: Placement, holes: Iterable[float]) -> list[Arrival]:
    """Without the packets of that pod that begin in a hole."""
    number = sent.number(pod)
    return [
        arrival
        for arrival in sent.arrivals
        if arrival.pod != number
        or not any(hole <= first_sample_s(arrival) < hole + HOLE_S for hole in holes)
    ]


def uses(stride: Stride, pod: Placement) -> bool:
    return pod is Placement.PELVIS or pod.label[-1] == stride.side[0]


@pytest.mark.parametrize("pod", ALL, ids=lambda pod: pod.label)
def test_holes_of_one_pod(sent: Sent, pod: Placement) -> None:
    strides = sent.received(with_holes(sent, pod, HOLES_AT_S))
    assert without_match(strides, sent.strides) == []
    missed = without_match(settled(sent.strides), strides)
    assert [stride for stride in missed if not may_be_lost(stride, pod, HOLES_AT_S)] == []
    away: list[tuple[Stride, Stride]] = []
    again: list[tuple[Stride, Stride]] = []
    near: list[tuple[Stride, Stride]] = []
    for mine, usual in side_by_side(settled(strides), sent.strides):
        if is_away(usual, HOLES_AT_S):
            found_again = uses(mine, pod) and mine.ic > HOLES_AT_S[0]
            (again if found_again else away).append((mine, usual))
        elif is_trusted(mine):
            near.append((mine, usual))
            overlaps = any(
                mine.ic < hole + HOLE_S and hole + PACKET_S < mine.next_ic for hole in HOLES_AT_S
            )
            assert not (overlaps and uses(mine, pod)), mine
    assert len(away) + len(again) >= 15
    assert all(mine.quality == usual.quality for mine, usual in [*away, *again])
    assert beyond(away, SAME) == {}
    assert beyond(again, FOUND_AGAIN) == {}
    assert beyond(near, NEAR) == {}


@pytest.mark.parametrize("seed", [1, 2])
def test_losses_and_holes_of_all_pods_in_turn(sent: Sent, seed: int) -> None:
    rng = np.random.default_rng(seed)
    holes = {sent.number(pod): 11.0 + 3.3 * turn for turn, pod in enumerate(ALL)}
    kept: list[Arrival] = []
    lost: list[Arrival] = []
    for arrival in sent.arrivals:
        inside = 0 <= first_sample_s(arrival) - holes[arrival.pod] < HOLE_S
        (lost if rng.random() < 0.02 or inside else kept).append(arrival)
    silent = holes_of(lost)
    strides = sent.received(kept)
    assert without_match(strides, sent.strides) == []
    for stride in without_match(settled(sent.strides), strides):
        assert any(may_be_lost(stride, pod, silent[sent.number(pod)]) for pod in ALL), stride
    matched = side_by_side(settled(strides), sent.strides)
    assert beyond([(mine, usual) for mine, usual in matched if is_trusted(mine)], NEAR) == {}


# ---- late packets ----


def told_at(sent: Sent, arrivals: Iterable[Arrival]) -> list[tuple[float, Stride]]:
    """Each stride with the arrival of the packet that ended its wait; those at the end left out."""
    told: list[tuple[float, Stride]] = []
    now_s = 0.0
    pipeline = Pipeline(on_stride=[lambda stride: told.append((now_s, stride))])
    pipeline.add_runner(sent.profile)
    feed = Feed(pipeline, sent.pods)
    for arrival in arrivals:
        now_s = arrival.arrival_s
        feed.take(arrival)
    return told


def delayed(sent: Sent, pod: Placement) -> list[Arrival]:
    """For some seconds the pod's packets come late; order within the pod is kept."""
    number, latest_s, moved = sent.number(pod), 0.0, []
    for arrival in sent.arrivals:
        if arrival.pod == number:
            late = LATE_FROM_S <= arrival.arrival_s < LATE_UNTIL_S
            latest_s = max(latest_s, arrival.arrival_s + LATE_BY_S * late)
            moved.append(arrival._replace(arrival_s=latest_s))
        else:
            moved.append(arrival)
    return sorted(moved, key=lambda arrival: arrival.arrival_s)


@pytest.mark.parametrize("pod", ALL, ids=lambda pod: pod.label)
def test_a_late_pod_delays_a_stride_by_a_bounded_time(real: Sent, pod: Placement) -> None:
    told = told_at(real, delayed(real, pod))
    strides = [stride for _, stride in told]
    assert without_match(strides, real.strides) == []
    assert without_match([s for s in settled(real.strides) if s.next_ic < 37.0], strides) == []
    shank = pod in (
        Placement.SHANK_L,
        Placement.SHANK_R,
    )  # only it can tell that there was a stride
    longest_s = LONGEST_DELAY_S + LATE_BY_S * shank
    assert max(now_s - stride.next_ic for now_s, stride in told) <= longest_s
    for mine, usual in side_by_side(settled(strides), real.strides):
        inside = mine.ic > LATE_FROM_S + 0.2 and mine.next_ic < LATE_UNTIL_S - 0.6
        if inside and uses(mine, pod) and not shank:
            assert "late" in mine.quality
            assert known(mine) < known(usual)
        elif mine.next_ic < LATE_FROM_S - 0.6 or mine.ic > LATE_UNTIL_S + 0.2:
            assert mine.quality == ()
    unflagged = [
        pair for pair in side_by_side(settled(strides), real.strides) if not pair[0].quality
    ]
    assert beyond(unflagged, NEAR) == {}


@pytest.mark.parametrize("pod", ALL, ids=lambda pod: pod.label)
def test_a_pod_that_dies_leaves_the_others_at_work(real: Sent, pod: Placement) -> None:
    number = real.number(pod)
    told = told_at(real, [a for a in real.arrivals if a.pod != number or a.arrival_s < GONE_S])
    strides = [stride for _, stride in told]
    assert without_match(strides, real.strides) == []
    for missed in without_match([s for s in settled(real.strides) if s.next_ic < 37.0], strides):
        assert pod.label == f"shank_{missed.side[0]}"
        assert missed.next_ic + AFTER_CONTACT_S > GONE_S
    assert max(now_s - stride.next_ic for now_s, stride in told) <= LONGEST_DELAY_S
    for mine, usual in side_by_side(strides, real.strides):
        if mine.ic > GONE_S and uses(mine, pod):
            assert {"gap", "late"} & set(mine.quality)
            assert known(mine) < known(usual)


# ---- a clock that starts anew ----


def rebooted(sent: Sent, pod: Placement, silence_s: float) -> list[Arrival]:
    """The pod restarts: some silence, then another clock and a sequence from zero."""
    number, sequence, back = sent.number(pod), 0, []
    for arrival in sent.arrivals:
        if arrival.pod != number or arrival.arrival_s < GONE_S:
            back.append(arrival)
        elif arrival.arrival_s >= GONE_S + silence_s:
            packet = wire.decode(arrival.packet)
            clock = packet.pod_clock_us - round((GONE_S + silence_s - 0.7) * 1e6)
            fresh = dataclasses.replace(packet, sequence=sequence, pod_clock_us=clock % 2**32)
            back.append(arrival._replace(packet=wire.encode(fresh)))
            sequence += 1
    return back


@pytest.mark.parametrize("silence_s", [0.3, 3.0])
@pytest.mark.parametrize("pod", ALL, ids=lambda pod: pod.label)
def test_a_pod_that_starts_anew_is_taken_back(real: Sent, pod: Placement, silence_s: float) -> None:
    found = measured(real.pods, rebooted(real, pod, silence_s), real.profile)
    assert found.pods[pod].reboots == 1
    assert without_match(found.strides, real.strides) == []
    back_s = GONE_S + silence_s + RECOVERED_S
    for missed in without_match(settled(real.strides), found.strides):
        assert pod.label == f"shank_{missed.side[0]}"
        assert missed.next_ic > GONE_S - AFTER_CONTACT_S
        assert missed.ic < GONE_S + silence_s + BEFORE_CONTACT_S
    later = list(side_by_side(settled(found.strides, back_s), real.strides))
    assert len(later) > 30
    assert all(known(mine) == set(METRICS) and mine.quality == () for mine, _ in later)
    # the alignment went on from fewer strides: a degree more of difference than after a hole
    assert beyond(later, NEAR) == {}


# ---- packets twice, out of order, broken ----


def test_packets_that_come_twice_change_nothing(real: Sent) -> None:
    rng = np.random.default_rng(5)
    twice: list[Arrival] = []
    for arrival in real.arrivals:
        twice += [arrival] * (2 if rng.random() < 0.3 else 1)
    found = measured(real.pods, twice, real.profile)
    assert found.strides == real.strides
    assert found.refused == len(twice) - len(real.arrivals)
    assert sum(pod.stale_packets for pod in found.pods.values()) == found.refused


def test_packets_out_of_order_are_lost_ones(real: Sent) -> None:
    """A packet that another of its pod overtakes is refused."""
    rng = np.random.default_rng(6)
    mixed: list[Arrival] = []
    overtaken: dict[int, Arrival] = {}  # by pod
    swaps = 0
    for arrival in real.arrivals:
        if arrival.pod not in overtaken and rng.random() < 0.01:
            overtaken[arrival.pod] = arrival
            continue
        mixed.append(arrival)
        if older := overtaken.pop(arrival.pod, None):
            mixed.append(older._replace(arrival_s=arrival.arrival_s))
            swaps += 1
    found = measured(real.pods, mixed, real.profile)
    assert swaps > 30
    assert found.refused == swaps
    assert without_match(found.strides, real.strides) == []
    assert without_match(settled(real.strides), found.strides) == []
    matched = side_by_side(settled(found.strides), real.strides)
    assert beyond([(mine, usual) for mine, usual in matched if is_trusted(mine)], NEAR) == {}


def test_broken_packets_change_nothing(real: Sent) -> None:
    """Noise, truncated packets, those of another pod, and unknown versions."""
    rng = np.random.default_rng(7)
    noisy, broken = [], 0
    for arrival in real.arrivals:
        if rng.random() < 0.2:
            packet = arrival.packet
            choices = (
                rng.bytes(int(rng.integers(0, 260))),
                packet[: int(rng.integers(0, len(packet)))],
                packet + b"\0",
                bytes([packet[0] ^ 0x20]) + packet[1:],
                bytes([packet[0], packet[1] % 7 + 1]) + packet[2:],
            )
            noisy.append(arrival._replace(packet=choices[int(rng.integers(0, 5))]))
            broken += 1
        noisy.append(arrival)
    found = measured(real.pods, noisy, real.profile)
    assert found.strides == real.strides
    assert found.refused == broken
    assert sum(pod.bad_packets for pod in found.pods.values()) == broken


def test_one_leg_of_pods_is_enough_of_a_link(real: Sent) -> None:
    """All pods of one leg are lost for good: the other leg goes on as if nothing had happened."""
    right = [real.number(p) for p in ALL if p.label.endswith("_r")]
    kept = [a for a in real.arrivals if a.pod not in right or a.arrival_s < GONE_S]
    strides = [s for s in real.received(kept) if s.ic > GONE_S + 3.0]
    usual = [s for s in real.strides if s.ic > GONE_S + 3.0 and s.side is Side.LEFT]
    assert {stride.side for stride in strides} == {Side.LEFT}
    assert without_match(usual, strides) == []
    assert {f for f in (*TIMES, *METRICS) if all(getattr(s, f) is None for s in strides)} == {
        "flight_time_ms"
    }
