"""Pods that come, go and come back, into a pipeline that works all the time."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stridehub.app import Pipeline
from stridehub.config import runner_profile
from stridehub.errors import PacketError, PodRefusedError
from stridehub.kernel import wire
from stridehub.model import Placement, PodInfo, PodStatus, RunnerProfile, Side, Stride
from stridehub.pods.recording import Recording, load_recording
from stridehub.pods.replayed import ReplayedSource
from stridehub.pods.source import Arrival, Take, WornPod
from stridehub.sim.knobs import LinkKnobs, Segment
from support import (
    HIPS,
    METRICS,
    between,
    known,
    measured,
    over_the_air,
    settled,
    side_by_side,
    synthetic,
    without_match,
)

GONE_S, SILENCE_S = 18.0, 3.0
BACK_S = GONE_S + SILENCE_S
SETTLED_AGAIN_S = 5.0
LEARNED_ANEW_S = 8.0  # without standing, from movement alone
LOSSY = LinkKnobs(loss_ratio=0.01, imu_rate_error_ratio=0.01)


@dataclasses.dataclass(frozen=True, eq=False)
class Sent:
    """Packets of one runner, and the strides that they give to a source that never changes."""

    profile: RunnerProfile
    pods: Sequence[WornPod]
    arrivals: Sequence[Arrival]
    strides: Sequence[Stride]

    def number(self, placement: Placement) -> int:
        return [worn.info.placement for worn in self.pods].index(placement)


def sent(profile: RunnerProfile, pods: Sequence[WornPod], arrivals: Iterable[Arrival]) -> Sent:
    packets = list(arrivals)
    return Sent(profile, pods, packets, measured(pods, packets, profile).strides)


@pytest.fixture(scope="module")
def whole(recording: Callable[[str], Path]) -> Recording:
    return load_recording(recording("hamner_s02_impact"))


@pytest.fixture(scope="module")
def real(whole: Recording) -> Sent:
    source = ReplayedSource(whole)
    return sent(runner_profile(whole.body), source.pods, source)


@pytest.fixture(scope="module")
def made() -> Sent:
    """A synthetic runner over an air that loses packets."""
    runner = synthetic(Segment("stand", 5.0), Segment("run", 20.0, 3.2), seed=4, pods=HIPS)
    return sent(RunnerProfile(), *over_the_air(runner, LOSSY))


class Hub:
    """A pipeline with ports, as a source that reconnects sees it."""

    def __init__(self, *profiles: RunnerProfile) -> None:
        self.strides: list[Stride] = []
        self.pipeline = Pipeline(on_stride=[self.strides.append])
        for profile in profiles:
            self.pipeline.add_runner(profile)
        self.ports: dict[tuple[str, int], Take] = {}

    def plug(self, pod: int, worn: WornPod) -> None:
        self.ports[worn.runner, pod] = self.pipeline.plug(worn)

    def plug_all(self, pods: Sequence[WornPod]) -> None:
        for number, worn in enumerate(pods):
            self.plug(number, worn)

    def take(self, runner: str, arrival: Arrival) -> None:
        self.ports[runner, arrival.pod](arrival.packet, arrival.arrival_s)

    def status(self) -> dict[tuple[str, Placement], PodStatus]:
        return {(runner, status.placement): status for runner, status in self.pipeline.status()}


def plugged(
    given: Sent,
    arrivals: Iterable[Arrival] | None = None,
    back: Mapping[int, WornPod] | None = None,
    back_s: float = BACK_S,
) -> Hub:
    """Everything through a hub; the pods that are back are plugged with their next packet."""
    hub = Hub(given.profile)
    hub.plug_all(given.pods)
    waiting = dict(back or {})
    for arrival in given.arrivals if arrivals is None else arrivals:
        if arrival.arrival_s >= back_s and arrival.pod in waiting:
            hub.plug(arrival.pod, waiting.pop(arrival.pod))
        hub.take(given.profile.runner, arrival)
    assert waiting == {}
    hub.pipeline.finish()
    return hub


def rebooted(
    arrivals: Iterable[Arrival], pods: Iterable[int], then: Iterable[Arrival] | None = None
) -> list[Arrival]:
    """The pods are silent for a while; then their clocks and sequences have begun from zero.

    What they send from then on may be that of other arrivals.
    """
    gone = set(pods)
    before = [a for a in arrivals if a.pod not in gone or a.arrival_s < GONE_S]
    later = list(arrivals if then is None else then)
    after: list[Arrival] = []
    for pod in gone:
        mine = [a for a in later if a.pod == pod and a.arrival_s >= BACK_S]
        first_us = wire.decode(mine[0].packet).pod_clock_us
        for sequence, arrival in enumerate(mine):
            packet = wire.decode(arrival.packet)
            clock_us = (packet.pod_clock_us - first_us + 700_000) % 2**32
            fresh = dataclasses.replace(packet, sequence=sequence, pod_clock_us=clock_us)
            after.append(arrival._replace(packet=wire.encode(fresh)))
    return sorted([*before, *after], key=lambda arrival: arrival.arrival_s)


def as_worn(worn: WornPod, **changes: int) -> WornPod:
    """The pod says something else of itself now."""
    return dataclasses.replace(
        worn,
        info=dataclasses.replace(worn.info, **changes),  # type: ignore[arg-type]
    )


def assert_no_stride_twice(strides: Sequence[Stride]) -> None:
    for side in Side:
        starts = sorted(stride.ic for stride in strides if stride.side is side)
        assert np.diff(starts).min() > 0.3


# ---- nothing happens ----


def test_plugged_pods_of_a_recording_give_exactly_the_strides_of_fed_ones(real: Sent) -> None:
    assert len(real.strides) > 80
    assert plugged(real).strides == real.strides


def test_plugged_pods_over_a_lossy_air_give_exactly_the_strides_of_fed_ones(made: Sent) -> None:
    assert len(made.strides) > 40
    assert plugged(made).strides == made.strides


@settings(max_examples=15)
@given(data=st.data())
def test_plugging_a_pod_again_changes_nothing(made: Sent, data: st.DataObject) -> None:
    """At any packets, however often, with any batch and firmware."""
    turns = st.dictionaries(
        st.integers(0, len(made.arrivals) - 1),
        st.tuples(st.integers(1, 19), st.integers(0, 0xFFFF)),
        max_size=20,
    )
    again = data.draw(turns)
    hub = Hub(made.profile)
    hub.plug_all(made.pods)
    for place, arrival in enumerate(made.arrivals):
        if place in again:
            batch, firmware = again[place]
            worn = as_worn(made.pods[arrival.pod], batch=batch, firmware=firmware)
            hub.plug(arrival.pod, worn)
        hub.take(made.profile.runner, arrival)
    hub.pipeline.finish()
    assert hub.strides == made.strides
    assert len(hub.status()) == len(made.pods)


def test_a_port_from_before_still_takes_packets(made: Sent) -> None:
    hub = Hub(made.profile)
    hub.plug_all(made.pods)
    old = dict(hub.ports)
    hub.plug_all(made.pods)
    for arrival in made.arrivals:
        old[made.profile.runner, arrival.pod](arrival.packet, arrival.arrival_s)
    hub.pipeline.finish()
    assert hub.strides == made.strides


# ---- a pod comes back ----


@pytest.mark.parametrize("pod", [*HIPS, Placement.FOOT_L], ids=lambda pod: pod.label)
def test_a_pod_that_comes_back_goes_on_as_if_it_had_never_been_unplugged(
    real: Sent, pod: Placement
) -> None:
    number = real.number(pod)
    arrivals = rebooted(real.arrivals, [number])
    hub = plugged(real, arrivals, {number: real.pods[number]})
    assert hub.strides == measured(real.pods, arrivals, real.profile).strides
    status = hub.status()[real.profile.runner, pod]
    assert status.reboots == 1
    assert len(hub.status()) == len(real.pods)
    later = settled(hub.strides, BACK_S + SETTLED_AGAIN_S)
    assert without_match(settled(real.strides, BACK_S + SETTLED_AGAIN_S), later) == []
    assert without_match(later, real.strides) == []
    assert len(later) > 20
    assert all(known(stride) == set(METRICS) and stride.quality == () for stride in later)


def test_all_pods_come_back_at_once(real: Sent) -> None:
    arrivals = rebooted(real.arrivals, range(len(real.pods)))
    hub = plugged(real, arrivals, dict(enumerate(real.pods)))
    assert [status.reboots for status in hub.status().values()] == [1] * len(real.pods)
    later = settled(hub.strides, BACK_S + SETTLED_AGAIN_S)
    assert without_match(settled(real.strides, BACK_S + SETTLED_AGAIN_S), later) == []
    assert without_match(hub.strides, real.strides) == []
    assert all(known(stride) == set(METRICS) and stride.quality == () for stride in later)
    before = [stride for stride in real.strides if stride.next_ic < GONE_S - 0.5]
    assert hub.strides[: len(before)] == before


def test_a_pod_that_is_back_keeps_its_alignment_and_its_zero(real: Sent) -> None:
    hub = Hub(real.profile)
    hub.plug_all(real.pods)
    for arrival in real.arrivals:
        if arrival.arrival_s >= GONE_S:
            break
        hub.take(real.profile.runner, arrival)
    before = hub.status()
    assert all(status.has_standing for status in before.values())
    assert all(status.alignment_confidence > 0.51 for status in before.values())
    for number, worn in enumerate(real.pods):
        hub.plug(number, as_worn(worn, batch=19, firmware=0x0203))
    assert hub.status() == before


@pytest.mark.parametrize("batch", [1, 19])
def test_a_pod_that_is_back_with_other_batch_and_firmware_is_the_same(
    real: Sent, whole: Recording, batch: int
) -> None:
    number = real.number(Placement.SHANK_L)
    other = ReplayedSource(whole, batch=batch)
    arrivals = rebooted(real.arrivals, [number], then=other)
    worn = as_worn(other.pods[number], firmware=0x0301)
    hub = plugged(real, arrivals, {number: worn})
    later = settled(hub.strides, BACK_S + SETTLED_AGAIN_S)
    assert without_match(settled(real.strides, BACK_S + SETTLED_AGAIN_S), later) == []
    for mine, usual in side_by_side(later, real.strides):
        assert mine.quality == ()
        assert mine.ic == pytest.approx(usual.ic, abs=0.01)
        assert mine.shank_angle_ic_deg == pytest.approx(usual.shank_angle_ic_deg, abs=3.0)


# ---- another pod comes back ----


def doubled(info: PodInfo) -> dict[str, int]:
    return {
        "acc_nm_s2_per_lsb": 2 * info.acc_nm_s2_per_lsb,
        "gyr_nrad_s_per_lsb": 2 * info.gyr_nrad_s_per_lsb,
    }


def halved(arrival: Arrival) -> Arrival:
    """The same motion in LSB twice as large."""
    packet = wire.decode(arrival.packet)
    samples = (packet.samples // 2).astype(np.int16)
    return arrival._replace(packet=wire.encode(dataclasses.replace(packet, samples=samples)))


def with_other_scales(given: Sent, placement: Placement) -> Hub:
    number = given.number(placement)
    arrivals = rebooted(given.arrivals, [number], then=map(halved, given.arrivals))
    worn = given.pods[number]
    return plugged(given, arrivals, {number: as_worn(worn, **doubled(worn.info))})


def assert_begun_anew(hub: Hub, given: Sent) -> None:
    before = [stride for stride in given.strides if stride.next_ic < GONE_S - 0.5]
    assert len(before) > 20
    assert [stride for stride in hub.strides if stride.next_ic < GONE_S - 0.5] == before
    later = settled(hub.strides, BACK_S + LEARNED_ANEW_S)
    assert len(later) > 8
    assert without_match(settled(given.strides, BACK_S + LEARNED_ANEW_S), later) == []
    assert without_match(hub.strides, given.strides) == []
    assert all("no_standing" in stride.quality for stride in later)
    assert_no_stride_twice(hub.strides)
    assert len(hub.status()) == len(given.pods)


@pytest.mark.parametrize("pod", HIPS, ids=lambda pod: pod.label)
def test_a_pod_with_other_scales_begins_anew_and_no_stride_before_is_lost(
    real: Sent, pod: Placement
) -> None:
    hub = with_other_scales(real, pod)
    assert_begun_anew(hub, real)
    assert hub.status()[real.profile.runner, pod].reboots == 0


def test_a_pod_with_another_rate_begins_anew_and_no_stride_before_is_lost(
    real: Sent, whole: Recording
) -> None:
    number = real.number(Placement.SHANK_R)
    slower = ReplayedSource(between(whole, 0.0, every=2))
    assert slower.pods[number].info.rate_mhz == 104_000
    arrivals = rebooted(real.arrivals, [number], then=slower)
    hub = plugged(real, arrivals, {number: slower.pods[number]})
    assert_begun_anew(hub, real)
    status = hub.status()[real.profile.runner, Placement.SHANK_R]
    assert status.rate_hz == pytest.approx(104.0, rel=0.02)


def test_a_stride_that_waits_when_its_runner_begins_anew_is_told_before(real: Sent) -> None:
    """What the pods had shown by then comes out with the plug, not at the end of the session."""
    hub = Hub(real.profile)
    hub.plug_all(real.pods)
    arrivals = [arrival for arrival in real.arrivals if arrival.arrival_s < GONE_S]
    for arrival in arrivals:
        hub.take(real.profile.runner, arrival)
    told_before = len(hub.strides)
    worn = real.pods[0]
    hub.plug(0, as_worn(worn, **doubled(worn.info)))
    assert len(hub.strides) == told_before + 1
    assert hub.strides == measured(real.pods, arrivals, real.profile).strides
    hub.pipeline.finish()
    assert hub.strides == measured(real.pods, arrivals, real.profile).strides


def test_another_runner_does_not_notice(real: Sent, made: Sent) -> None:
    other = dataclasses.replace(made.profile, runner="other")
    hub = Hub(real.profile, other)
    hub.plug_all(real.pods)
    hub.plug_all([dataclasses.replace(worn, runner="other") for worn in made.pods])
    both = [(arrival, real.profile.runner) for arrival in real.arrivals]
    both += [(arrival, "other") for arrival in made.arrivals]
    is_due = True
    for arrival, runner in sorted(both, key=lambda item: item[0].arrival_s):
        if arrival.arrival_s >= GONE_S and is_due:
            is_due = False
            hub.plug(0, as_worn(real.pods[0], **doubled(real.pods[0].info)))
        hub.take(runner, arrival)
    hub.pipeline.finish()
    assert not is_due
    mine = [stride for stride in hub.strides if stride.runner == "other"]
    assert mine == [
        type(stride)(
            **{**{f: getattr(stride, f) for f in stride.__struct_fields__}, "runner": "other"}
        )
        for stride in made.strides
    ]


# ---- what is refused ----


def test_a_pod_of_nobody_here_is_refused(made: Sent) -> None:
    hub = Hub(made.profile)
    hub.plug_all(made.pods)
    stranger = dataclasses.replace(made.pods[0], runner="stranger")
    with pytest.raises(PodRefusedError, match="stranger") as caught:
        hub.pipeline.plug(stranger)
    assert caught.value.info == stranger.info
    for arrival in made.arrivals:
        hub.take(made.profile.runner, arrival)
    hub.pipeline.finish()
    assert hub.strides == made.strides


def test_a_pod_without_sense_is_refused_and_the_others_go_on(made: Sent) -> None:
    hub = Hub(made.profile)
    hub.plug_all(made.pods)
    half = len(made.arrivals) // 2
    for arrival in made.arrivals[:half]:
        hub.take(made.profile.runner, arrival)
    with pytest.raises(PacketError):
        hub.pipeline.plug(as_worn(made.pods[1], rate_mhz=0))
    for arrival in made.arrivals[half:]:
        hub.take(made.profile.runner, arrival)
    hub.pipeline.finish()
    assert len(hub.status()) == len(made.pods)
    assert hub.strides == made.strides
