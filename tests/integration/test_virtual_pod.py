"""The firmware's core, driven by synthetic runners and recordings, gives what the hub expects."""

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stridehub.config import runner_profile
from stridehub.kernel import link, wire
from stridehub.kernel.link import Attribute, Charging, LinkResult, Opcode, PodCondition, PodState
from stridehub.kernel.wire import PacketFlag
from stridehub.model import Placement, RunnerProfile, Stride
from stridehub.pods.recording import load_recording
from stridehub.pods.source import Arrival, WornPod
from stridehub.sim.knobs import LinkKnobs, RunnerKnobs, Segment
from stridehub.sim.link import PodLink
from stridehub.sim.runner import SyntheticRunner
from stridehub.sim.sampling import OwnInstants
from support import METRICS, TIMES, measured, side_by_side, strides_of, without_match
from virtual_pod import build_core
from virtual_pod.crystal import Crystal
from virtual_pod.drive import (
    Air,
    Body,
    DrivenPod,
    Spread,
    dressed_recording,
    dressed_runner,
    runner_motion,
    start_all,
    stream,
    team,
)
from virtual_pod.pod import (
    Fifo,
    ImuHealth,
    Light,
    MotorEdge,
    Radio,
    ReadRefusedError,
    VirtualPod,
)

LEGS = (Placement.SHANK_L, Placement.SHANK_R, Placement.THIGH_L, Placement.THIGH_R)
HIPS = (*LEGS, Placement.PELVIS)
RUN = RunnerKnobs(script=(Segment("stand", 5.0), Segment("run", float("inf"), 3.2)))
PROFILE = RunnerProfile(height_m=RUN.height_m, mass_kg=RUN.mass_kg)
END_S, RATE_HZ = 30.0, 208
JUST_BEFORE_THE_WRAP_US = 2**32 - 3_000_000

# How far apart two measurements of one stride may be.
SAME_EVENT_S, SAME_ANGLE_DEG, SAME_MM = 0.005, 1.0, 2.0
SAME_RATIO, SAME_MS, SAME_SPM, SAME_G, SAME_MPS, SAME_M = 0.02, 5.0, 1.0, 0.5, 0.1, 0.05


# ---- strides ----


def over_virtual_pods(knobs: RunnerKnobs, error: float, seed: int) -> list[Stride]:
    worn = [
        DrivenPod(VirtualPod(place, crystal=Crystal(40.0, JUST_BEFORE_THE_WRAP_US)), place, error)
        for place in HIPS
    ]
    body = Body(runner_motion(SyntheticRunner(knobs, HIPS, seed)), worn)
    start_all(body)
    pods = [WornPod("runner", driven.pod.info()) for driven in worn]
    found = measured(pods, stream(body, END_S), PROFILE)
    assert found.refused == 0
    return found.strides


def over_pod_links(knobs: RunnerKnobs, error: float, seed: int) -> list[Stride]:
    runner = SyntheticRunner(knobs, HIPS, seed)
    air = LinkKnobs(imu_rate_error_ratio=error, clock_skew_ppm=40.0, stall_probability=0.0)
    links = [PodLink(air, place, seed) for place in HIPS]
    arrivals: list[Arrival] = []
    while runner.time_s < END_S:
        chunk = runner.next_chunk()
        for number, (place, way) in enumerate(zip(HIPS, links, strict=True)):
            arrivals += [
                Arrival(number, sent.data, sent.arrival_s)
                for sent in way.send(chunk.t, chunk.acc[place], chunk.gyr[place])
            ]
    arrivals.sort(key=lambda arrival: arrival.arrival_s)
    pods = [WornPod("runner", way.info) for way in links]
    return measured(pods, arrivals, PROFILE).strides


def is_same(one: Stride, other: Stride) -> bool:
    limits = {"_deg": SAME_ANGLE_DEG, "_mm": SAME_MM, "_ratio": SAME_RATIO, "factor": SAME_RATIO}
    limits |= {"_ms": SAME_MS, "_spm": SAME_SPM, "_g": SAME_G, "_mps": SAME_MPS, "_m": SAME_M}
    for field in (*TIMES, *METRICS):
        a, b = getattr(one, field), getattr(other, field)
        limit = next((at for end, at in limits.items() if field.endswith(end)), SAME_EVENT_S)
        if (a is None) != (b is None) or (a is not None and abs(a - b) > limit):
            return False
    return True


def away_from_the_ends(strides: Iterable[Stride]) -> list[Stride]:
    return [stride for stride in strides if 9.0 < stride.ic < END_S - 2.0]


def assert_same(some: list[Stride], others: list[Stride]) -> None:
    """But for a rare stride whose contact could be seen in two places."""
    middle = away_from_the_ends(some)
    assert not without_match(middle, others)
    assert not without_match(away_from_the_ends(others), some)
    pairs = list(side_by_side(middle, others))
    assert len(pairs) > 40
    assert sum(is_same(*pair) for pair in pairs) >= 0.95 * len(pairs)


@pytest.mark.parametrize(("error", "seed"), [(0.0, 1), (0.02, 4), (-0.02, 5)])
def test_strides_are_those_of_the_simulated_link(error: float, seed: int) -> None:
    assert_same(over_virtual_pods(RUN, error, seed), over_pod_links(RUN, error, seed))


def test_strides_are_those_of_the_replayed_recording(recording: Callable[[str], Path]) -> None:
    whole = load_recording(recording("hamner_s02_impact"))
    body = dressed_recording(whole, seed=1, spread=Spread(40.0, 0.02))
    start_all(body)
    pods = [WornPod("runner", driven.pod.info()) for driven in body.pods]
    found = measured(pods, stream(body, whole.duration_s), runner_profile(whole.body))
    assert found.refused == 0
    assert_same(found.strides, strides_of(whole))


# ---- sample times ----


def numbered(first: int, count: int) -> NDArray[np.int16]:
    samples = np.zeros((count, 6), dtype=np.int16)
    samples[:, 0] = np.arange(first, first + count)
    samples[:, 5] = -samples[:, 0]
    return samples


class Bench:
    """A streaming pod that is fed numbered samples at times of an oscillator of their own."""

    def __init__(self, pod: VirtualPod, error: float = 0.02) -> None:
        self.pod = pod
        self.true_s: list[float] = []
        self._begin_s = pod.crystal.true_s(pod.now_us)
        self._period_s = 1.0 / (pod.wishes.imu_rate_hz * (1 + error))

    def feed(self, seconds: float) -> None:
        count = round(seconds / self._period_s)
        first = len(self.true_s)
        times_s = self._begin_s + (first + np.arange(1.0, count + 1)) * self._period_s
        self.true_s += times_s.tolist()
        self.pod.feed(numbered(first, count), self.pod.crystal.pod_times_us(times_s))

    def packets(self, seconds: float, pause_s: float = 0.03) -> list[wire.Packet]:
        found: list[wire.Packet] = []
        for _ in range(round(seconds / pause_s)):
            self.feed(pause_s)
            found += [wire.decode(packet) for packet in self.pod.take_packets()]
        return found


def streaming(pod: VirtualPod | None = None, error: float = 0.02) -> Bench:
    pod = pod or VirtualPod(Placement.SHANK_L)
    pod.connect_hub()
    assert pod.start() == LinkResult.OK
    return Bench(pod, error)


@pytest.mark.parametrize("fifo", Fifo)
@pytest.mark.parametrize("error", [-0.02, 0.0, 0.02])
@pytest.mark.parametrize(("rate_hz", "batch"), [(52, 8), (208, 8), (208, 19), (416, 1)])
def test_samples_are_all_there_and_their_times_true(
    fifo: Fifo, error: float, rate_hz: int, batch: int
) -> None:
    crystal = Crystal(40.0, JUST_BEFORE_THE_WRAP_US)
    pod = VirtualPod(
        Placement.SHANK_L, rate_hz=rate_hz, batch=batch, crystal=crystal, fifo=fifo, power_on=False
    )
    pod.set_read_delay_us(2000)
    bench = streaming(pod, error)
    packets = bench.packets(12.0)
    samples = np.concatenate([packet.samples for packet in packets])
    np.testing.assert_array_equal(samples, numbered(0, len(samples)))
    assert len(bench.true_s) - len(samples) <= batch
    assert {packet.dropped for packet in packets} == {0}
    assert [packet.sequence for packet in packets] == list(range(len(packets)))
    settled = [packet for packet in packets if packet.samples[0, 0] > rate_hz / 2]
    for packet in settled:
        truth = bench.true_s[int(packet.samples[0, 0])]
        assert crystal.true_s_of_stamp(packet.pod_clock_us, truth) == pytest.approx(
            truth, abs=0.0002
        )
    measured_mhz = pod.status().rate_mhz
    assert measured_mhz == pytest.approx(rate_hz * (1 + error) / (1 + 40e-6) * 1e3, rel=1e-4)


def test_a_worn_pod_samples_at_the_rate_it_is_told() -> None:
    body = dressed_runner(RUN, [Placement.SHANK_L], seed=2, spread=Spread(0.0, 0.0))
    pod = body.pods[0].pod
    body.run_until(1.3)
    pod.connect_hub()
    assert pod.control(Opcode.RATE, 104) == LinkResult.OK
    assert pod.start() == LinkResult.OK
    body.run_until(4.3)
    count = sum(len(wire.decode(packet).samples) for packet in pod.take_packets())
    assert count == pytest.approx(3.0 * 104, abs=8)
    body.run_until(8.3)
    assert pod.status().rate_mhz == pytest.approx(104_000, rel=1e-4)


def acc_norms(packets: list[wire.Packet], lsb_mps2: float = 4785645e-9) -> NDArray[np.float64]:
    acc = np.concatenate([packet.samples[:, :3] for packet in packets]) * lsb_mps2
    return np.asarray(np.linalg.norm(acc, axis=1))


@pytest.mark.parametrize("step_s", [0.01, 0.03, 3.0])
@pytest.mark.parametrize("ahead_s", [0.0, 0.6, 2.0])
def test_a_change_of_rate_is_felt_from_where_the_pod_is(step_s: float, ahead_s: float) -> None:
    """Wherever the motion stands that has been worked out."""
    for begin_s in np.arange(1.0, 2.0, 0.17):
        body = dressed_runner(RUN, [Placement.SHANK_L], seed=2, spread=Spread(0.0, 0.0))
        pod = body.pods[0].pod
        body.run_until(begin_s)
        while body.feel_ahead(begin_s + ahead_s):
            pass
        pod.connect_hub()
        assert pod.control(Opcode.RATE, 104) == LinkResult.OK
        assert pod.start() == LinkResult.OK
        packets: list[wire.Packet] = []
        for time_s in np.arange(begin_s + step_s, begin_s + 3.0 + step_s / 2, step_s):
            body.run_until(time_s)
            while body.feel_ahead(time_s + ahead_s):
                pass
            packets += [wire.decode(packet) for packet in pod.take_packets()]
        norms = acc_norms(packets)  # of a runner who stands
        assert norms.max() < 10.8
        assert norms.min() > 8.8
        assert not any(packet.flags & PacketFlag.CLIPPED for packet in packets)
        if step_s < 1.0:
            assert len(norms) == pytest.approx(3.0 * 104, abs=9)


def test_a_signal_is_not_sampled_before_it_begins() -> None:
    t = np.arange(8) / 208
    instants = OwnInstants(1 / 104, start_s=1.0)
    with pytest.raises(ValueError, match="before the signal"):
        instants.take(t + 1.01, t[:, None])
    times_s, values = instants.take(t + 1.0, t[:, None])
    np.testing.assert_allclose(values[:, 0], times_s - 1.0, atol=1e-12)


# ---- the link ----


def test_a_slow_link_loses_the_oldest_whole_packets_and_says_how_many() -> None:
    bench = streaming()
    bench.feed(5.0)
    made = len(bench.true_s) // 8
    packets = [wire.decode(packet) for packet in bench.pod.take_packets()]
    lost = made - len(packets)
    assert lost > 10
    assert [packet.sequence for packet in packets] == list(range(lost, made))
    assert {packet.dropped for packet in packets} == {lost}
    assert bench.pod.status().packets_dropped == lost
    assert len({len(packet.samples) for packet in packets}) == 1
    assert [packet.samples[0, 0] for packet in packets] == list(range(8 * lost, 8 * made, 8))
    after = bench.packets(1.0)
    assert after[0].sequence == made
    assert {packet.dropped for packet in after} == {lost}


def test_a_link_that_takes_too_little_is_told_of_every_gap() -> None:
    body = dressed_runner(RUN, [Placement.SHANK_L], seed=3)
    start_all(body)
    arrivals = list(stream(body, 20.0, Air(interval_s=0.05, most_packets=1)))
    packets = [wire.decode(arrival.packet) for arrival in arrivals]
    for one, after in itertools.pairwise(packets):
        assert after.sequence - one.sequence == 1 + after.dropped - one.dropped
    assert packets[-1].dropped > 20


def test_start_waits_for_all_that_it_needs() -> None:
    pod = VirtualPod()
    assert pod.start() == LinkResult.NOT_ENCRYPTED
    pod.connect()
    assert pod.start() == LinkResult.NOT_ENCRYPTED
    pod.encrypt()
    assert pod.start() == LinkResult.NOT_SUBSCRIBED
    pod.subscribe()
    assert pod.start() == LinkResult.NO_PLACE
    with pytest.raises(ReadRefusedError) as refusal:
        pod.info()
    assert refusal.value.result == LinkResult.NO_PLACE
    assert pod.configure(link.PodConfig(Placement.CHEST, "ü1", "r7")) == LinkResult.OK
    assert pod.start() == LinkResult.SMALL_MTU
    pod.set_mtu(247)
    pod.set_battery(3400)
    assert pod.start() == LinkResult.LOW_BATTERY
    pod.set_battery(3400, Charging.CHARGING)
    assert pod.start() == LinkResult.OK
    assert pod.status().state == PodState.STREAMING
    assert pod.status().writes_refused == 6
    assert pod.info().placement == Placement.CHEST
    assert pod.configure(link.PodConfig(Placement.CHEST, "", "")) == LinkResult.BUSY
    assert pod.write(Attribute.CONTROL, b"\x13\x09") == LinkResult.BAD_OPCODE
    assert pod.write(Attribute.CONTROL, b"\x23\x01") == LinkResult.BAD_VERSION


def test_a_further_central_is_counted_and_changes_nothing() -> None:
    bench = streaming()
    bench.pod.further_central()
    assert bench.pod.status().centrals_refused == 1
    assert len(bench.packets(1.0)) > 20


def test_a_small_mtu_makes_small_packets() -> None:
    pod = VirtualPod(Placement.PELVIS)
    pod.connect_hub(mtu=63)
    assert pod.start() == LinkResult.OK
    packets = Bench(pod).packets(1.0)
    assert {len(packet.samples) for packet in packets} == {4}


def test_the_time_of_the_pod_is_answered() -> None:
    pod = VirtualPod(crystal=Crystal(start_us=2**32 - 1000))
    pod.connect_hub()
    assert pod.write(Attribute.TIME, link.encode_time_request(77)) == LinkResult.OK
    asked_us = pod.now_us
    reply = pod.take_time_reply(asked_us + 5000)
    assert reply is not None
    assert link.decode_time_reply(reply) == link.TimeReply(77, asked_us, 4000)
    assert pod.take_time_reply() is None


def test_time_never_runs_backwards() -> None:
    pod = VirtualPod()
    pod.wait(1.0)
    with pytest.raises(ValueError, match="backwards"):
        pod.tap(pod.now_us - 1)
    with pytest.raises(ValueError, match="backwards"):
        pod.feed(numbered(0, 2), np.array([pod.now_us + 5, pod.now_us + 4], dtype=np.uint64))
    with pytest.raises(ValueError, match="samples"):
        pod.feed(numbered(0, 2), np.array([pod.now_us], dtype=np.uint64))
    for earlier_us in (pod.now_us - 1, -5):
        with pytest.raises(ValueError, match="backwards"):
            pod.run_until(earlier_us)
    for never_us in (2**63, 2**64):
        with pytest.raises(ValueError, match="lives to see"):
            pod.run_until(never_us)


@pytest.mark.parametrize(
    ("samples", "times_us"),
    [
        (np.zeros((1, 6)), np.array([-1.0])),
        (np.zeros((1, 6)), np.array([-1])),
        (np.zeros((1, 6)), np.array([np.nan])),
        (np.zeros((1, 6)), np.array([2.0**64])),
        (np.zeros((1, 6)), np.array([2**63], dtype=np.uint64)),
        (np.zeros((2, 6)), np.array([5, 2**63], dtype=np.uint64)),
        (np.full((1, 6), 32768), np.array([5])),
        (np.full((1, 6), np.nan), np.array([5])),
        (np.zeros((1, 5)), np.array([5])),
    ],
)
def test_what_no_imu_samples_is_refused(samples: NDArray[Any], times_us: NDArray[Any]) -> None:
    pod = VirtualPod(crystal=Crystal())
    with pytest.raises(ValueError, match=r"not all from|lives to see|samples"):
        pod.feed(samples, times_us)
    assert pod.now_us == 0


@pytest.mark.parametrize("mtu", [-1, 0, 22, 65536])
def test_an_mtu_that_no_link_has_is_refused(mtu: int) -> None:
    pod = VirtualPod()
    pod.connect()
    with pytest.raises(ValueError, match="MTU"):
        pod.set_mtu(mtu)


# ---- the motor ----

PULSES = link.HapticPattern(intensity_percent=60, pulses=2, on_ms=80, off_ms=120)


def connected() -> VirtualPod:
    pod = VirtualPod(Placement.SHANK_L)
    pod.wait(1.0)
    pod.connect_hub()
    return pod


def test_the_motor_plays_what_is_asked_on_time() -> None:
    pod = connected()
    start_us = pod.now_us
    assert pod.buzz(PULSES) == LinkResult.OK
    assert pod.motor.percent == 60
    assert pod.motor.off_at_us == start_us + 80_000
    pod.wait(2.0)
    assert pod.take_motor_edges() == [
        MotorEdge(start_us + at_us, percent, by_timer=False)
        for at_us, percent in ((0, 60), (80_000, 0), (200_000, 60), (280_000, 0))
    ]
    assert pod.take_motor_edges() == []


def test_the_hardware_ends_a_pulse_that_the_firmware_forgets() -> None:
    pod = connected()
    start_us = pod.now_us
    pod.buzz(PULSES)
    pod.hang()
    pod.wait(1.0)
    assert pod.take_motor_edges()[1:] == [MotorEdge(start_us + 80_000, 0, by_timer=True)]
    assert pod.motor.percent == 0


def test_a_disconnection_cuts_motor_and_stream() -> None:
    bench = streaming()
    bench.feed(0.5)
    bench.pod.buzz(PULSES)
    bench.feed(0.03)
    bench.pod.disconnect()
    cut_us = bench.pod.now_us
    bench.pod.wait(2.0)
    edges = bench.pod.take_motor_edges()
    assert [edge.percent for edge in edges] == [60, 0]
    assert edges[1] == MotorEdge(cut_us, 0, by_timer=False)
    assert bench.pod.take_packets() == []
    assert not bench.pod.wishes.imu_streams
    assert bench.pod.wishes.radio == Radio.FAST


def test_packets_tell_of_the_motor() -> None:
    bench = streaming()
    assert not any(packet.flags & PacketFlag.MOTOR for packet in bench.packets(1.0))
    bench.pod.buzz(PULSES)
    flagged = [packet for packet in bench.packets(1.0) if packet.flags & PacketFlag.MOTOR]
    assert len(flagged) == pytest.approx((0.28 + 0.06) * RATE_HZ / 8, abs=2)


# ---- flash, IMU, battery, fingers ----


def test_settings_outlive_a_boot_and_full_flash_keeps_the_old_ones() -> None:
    pod = connected()
    assert pod.configure(link.PodConfig(Placement.FOOT_L, "f", "r1")) == LinkResult.OK
    assert pod.control(Opcode.BATCH, 16) == LinkResult.OK
    pod.fill_flash()
    assert pod.configure(link.PodConfig(Placement.FOOT_R, "g", "r1")) == LinkResult.NOT_KEPT
    assert pod.status().settings_lost == 1
    assert pod.status().conditions & PodCondition.FLASH_FAULT
    pod.boot()
    assert pod.config() == link.PodConfig(Placement.FOOT_L, "f", "r1")
    assert pod.info().batch == 16
    assert pod.status().state == PodState.ADVERTISING_FAST
    assert pod.wishes.pairing is False


@pytest.mark.parametrize("health", [ImuHealth.SILENT, ImuHealth.DEAD])
def test_an_imu_that_fails_is_reset_until_it_is_a_fault(health: ImuHealth) -> None:
    bench = streaming()
    bench.feed(1.0)
    bench.pod.break_imu(health)
    bench.feed(2.0)
    assert bench.pod.wishes.imu_resets == 3
    assert bench.pod.status().conditions & PodCondition.IMU_FAULT
    bench.pod.break_imu(ImuHealth.WELL)
    bench.feed(1.0)
    assert not bench.pod.status().conditions & PodCondition.IMU_FAULT
    assert bench.pod.status().imu_resets == 3


def test_an_imu_that_a_reset_heals_goes_on_streaming() -> None:
    bench = streaming()
    before = bench.packets(1.0)
    bench.pod.break_imu(ImuHealth.SILENT, heals_at_reset=True)
    after = bench.packets(2.0)
    assert bench.pod.status().imu_resets == 1
    assert after[-1].sequence == before[-1].sequence + len(after)
    assert [bool(packet.flags & PacketFlag.FIFO_OVERFLOW) for packet in after].count(True) == 1
    last = after[-1]
    truth = bench.true_s[int(last.samples[0, 0])]
    assert bench.pod.crystal.true_s_of_stamp(last.pod_clock_us, truth) == pytest.approx(
        truth, abs=0.0002
    )


def test_a_fifo_that_overflows_is_told_and_time_goes_on_truly() -> None:
    bench = streaming()
    bench.packets(2.0)
    bench.pod.hang()
    bench.feed(3.0)
    bench.pod.hang(hung=False)
    after = bench.packets(1.0)
    status = bench.pod.status()
    assert (status.fifo_overflows, status.fifo_bad_words, status.packets_dropped) == (1, 0, 0)
    assert [bool(packet.flags & PacketFlag.FIFO_OVERFLOW) for packet in after[:3]].count(True) == 1
    for packet in after[1:]:
        truth = bench.true_s[int(packet.samples[0, 0])]
        assert bench.pod.crystal.true_s_of_stamp(packet.pod_clock_us, truth) == pytest.approx(
            truth, abs=0.0002
        )
    bench.pod.overflow_fifo()
    assert bench.pod.status().fifo_overflows == 2


def wished_radio(pod: VirtualPod) -> Radio:
    return pod.wishes.radio


def test_an_empty_cell_sends_the_hub_away_until_it_is_charged() -> None:
    pod = connected()
    pod.set_battery(3550)
    assert pod.status().conditions & PodCondition.LOW_BATTERY
    assert pod.battery_percent() == 27
    assert pod.advertisement().battery_mv == 3550
    pod.set_battery(3200)
    pod.set_battery(3200)  # twice in a row, to be believed
    assert pod.wishes.disconnect
    pod.disconnect()
    assert pod.wishes.sleep_to_end
    pod.move()
    pod.tap()
    assert wished_radio(pod) == Radio.OFF
    pod.set_battery(None, Charging.CHARGING)
    assert wished_radio(pod) == Radio.FAST
    assert pod.status().battery_mv is None
    assert pod.battery_percent() is None


def test_a_pod_nobody_looks_for_falls_asleep_and_wakes_as_it_is_moved() -> None:
    pod = VirtualPod(Placement.SHANK_L, power_on=False)
    assert (pod.wishes.radio, pod.wishes.pairing) == (Radio.FAST, False)
    pod.wait(31.0)
    assert wished_radio(pod) == Radio.SLOW
    pod.wait(300.0)
    assert (pod.wishes.radio, pod.wishes.sleep) == (Radio.OFF, True)
    samples = np.zeros((4, 6), dtype=np.int16)
    samples[2:, 1] = 2000
    pod.feed(samples, pod.now_us + np.arange(1, 5, dtype=np.uint64))
    assert wished_radio(pod) == Radio.FAST
    pod.tap()
    assert pod.wishes.light == Light.PAIRING
    pod.wait(59.0)
    assert pod.wishes.pairing
    pod.wait(2.0)
    assert not pod.wishes.pairing


def test_settings_no_pod_keeps_are_refused() -> None:
    with pytest.raises(ValueError, match="200 Hz"):
        VirtualPod(Placement.SHANK_L, rate_hz=200)
    with pytest.raises(ValueError, match="not written"):
        VirtualPod().write(Attribute.STATUS, b"")
    with pytest.raises(ValueError, match="not read"):
        VirtualPod().read(Attribute.CONTROL)


# ---- bodies and the build ----


def test_a_team_wears_as_many_pods_as_asked() -> None:
    bodies = team(12, seed=1)
    assert [len(body.pods) for body in bodies] == [5, 5, 2]
    pods = [driven.pod for body in bodies for driven in body.pods]
    assert len({(pod.config().runner, pod.config().placement) for pod in pods}) == 12
    assert len({pod.crystal for pod in pods}) == 12


def test_processes_that_need_the_core_at_once_build_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Path] = []

    def build(library: Path) -> None:
        built.append(library)
        library.touch()

    monkeypatch.setattr(build_core, "BUILD", tmp_path / "build")
    monkeypatch.setattr(build_core, "_build", build)
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(lambda _: build_core.built_core(), range(4)))
    assert len(built) == 1
    assert found == set(built)
    monkeypatch.setattr(build_core, "_digest", lambda: "other sources")
    build_core.built_core()
    assert len(built) == 2
