"""Synthetic runners through links, wire and kernel, as the demo and the benchmark show them."""

import asyncio
from itertools import takewhile

import pytest

from stridehub.app import Feed, Pipeline
from stridehub.commands.bench import measure
from stridehub.commands.demo_session import COLUMNS, Session
from stridehub.kernel import wire
from stridehub.model import Placement, Side, Stride
from stridehub.pods.simulated import SimulatedSource
from stridehub.pods.source import Arrival
from stridehub.synthetic import PODS, STANDING_S, STYLES, synthetic_wearers

SECONDS = 25.0


def played(runners: int, seed: int, seconds: float = SECONDS) -> Session:
    session = Session(runners, seed)
    asyncio.run(session.play(None, until_s=seconds))
    session.team.finish()
    return session


@pytest.fixture(scope="module")
def three() -> Session:
    return played(3, seed=1)


def mean(strides: list[Stride], field: str) -> float:
    known = [value for stride in strides if (value := getattr(stride, field)) is not None]
    assert len(known) > 20
    return float(sum(known) / len(known))


def test_every_runner_is_measured_on_both_sides(three: Session) -> None:
    running_s = SECONDS - STANDING_S
    for runner, strides in three.strides.items():
        assert {stride.runner for stride in strides} == {runner}
        for side in Side:
            # 150 to 190 steps a minute, but for the first ones
            count = sum(stride.side is side for stride in strides)
            assert (running_s - 3) * 150 / 120 < count < running_s * 190 / 120
        assert min(stride.ic for stride in strides) > STANDING_S


def test_styles_are_told_apart(three: Session) -> None:
    strides = three.strides
    assert mean(strides["long-step"], "overstride_ratio") > 0.05 + mean(
        strides["steady"], "overstride_ratio"
    )
    assert mean(strides["low-heels"], "kickback_deg") < mean(strides["steady"], "kickback_deg") - 10
    for style in STYLES[:3]:
        assert mean(strides[style.name], "speed_mps") == pytest.approx(style.speed_mps, rel=0.15)


def test_the_table_shows_every_runner(three: Session) -> None:
    view = three.view("the footer")
    assert [row[0] for row in view.rows] == [style.name for style in STYLES[:3]]
    for row in view.rows:
        assert len(row) == len(COLUMNS)
        assert row[1] == "running"
        assert int(row[2]) > 40
        assert all(float(cell.strip("\u2191\u2193")) > 0 for cell in row[3:-1])
        assert row[-1]
    before = Session(3, 1).view("")
    assert [row[2:-1] for row in before.rows] == [("0", *["-"] * (len(COLUMNS) - 4))] * 3


def test_faults_are_marked_and_buzzed(three: Session) -> None:
    place = [heading for heading, _ in COLUMNS].index("overstride")
    marks = {row[0]: row[place][-1] for row in three.view("").rows}
    assert marks["long-step"] == "\u2191"
    assert marks["steady"] not in "\u2191\u2193"
    assert "given" in three.cues.sum
    assert any("long-step: overstride" in line for line in three.cues.latest)


def test_the_summary_tells_of_every_runner(three: Session) -> None:
    text = "\n".join(three.summary())
    for style in STYLES[:3]:
        assert f"{style.name}: {style.height_m} m" in text
    assert text.count("calf load") == text.count("plan: open") == 3
    assert f"{three.stride_count} strides" in three.progress_line(SECONDS)


def test_a_seed_gives_the_same_strides_again(three: Session) -> None:
    assert played(3, seed=1).strides == three.strides
    assert played(3, seed=2).strides != three.strides


def test_a_runner_runs_alike_in_any_company(three: Session) -> None:
    assert played(1, seed=1).strides["steady"] == three.strides["steady"]


def test_many_runners_have_names_of_their_own() -> None:
    wearers = synthetic_wearers(20, 1)
    assert len({wearer.runner for wearer in wearers}) == 20


def arrivals(source: SimulatedSource, until_s: float) -> list[Arrival]:
    return list(takewhile(lambda arrival: arrival.arrival_s < until_s, source))


def test_packets_come_in_order_and_none_is_withheld() -> None:
    source = SimulatedSource(synthetic_wearers(2, 1))
    got = arrivals(source, 5.0)
    times = [arrival.arrival_s for arrival in got]
    assert times == sorted(times)
    wearers = synthetic_wearers(2, 1)
    want = set()
    for number, wearer in enumerate(wearers):
        while wearer.time_s < 5.5:
            for pod, packet, arrival_s in wearer.next_packets():
                if arrival_s < 5.0:
                    want.add((number * len(PODS) + pod, packet, arrival_s))
    assert {tuple(arrival) for arrival in got} == want
    assert len(got) == len(want)
    for arrival in got:
        assert wire.decode(arrival.packet).placement == source.pods[arrival.pod].info.placement


def test_a_pod_that_sends_no_more_loses_its_metrics_only() -> None:
    """The left thigh's pod falls silent; timing goes on, what needs the thigh is not guessed."""
    silent_s = 15.0
    wearers = synthetic_wearers(1, 1)
    source = SimulatedSource(wearers)
    strides: list[Stride] = []
    pipeline = Pipeline(on_stride=[strides.append])
    pipeline.add_runner(wearers[0].profile)
    feed = Feed(pipeline, source.pods)
    thigh = PODS.index(Placement.THIGH_L)
    for arrival in arrivals(source, SECONDS):
        if arrival.pod != thigh or arrival.arrival_s < silent_s:
            feed.take(arrival)
    late = [stride for stride in strides if stride.ic > silent_s + 1.0]
    for side in Side:
        own = [stride for stride in late if stride.side is side]
        assert len(own) > 9
        for stride in own:
            assert stride.contact_time_ms is not None
            assert (stride.overstride_ratio is None) == (side is Side.LEFT)
            assert bool(stride.quality) or side is Side.RIGHT


def test_the_benchmark_counts_what_went_through() -> None:
    wearers = synthetic_wearers(2, 1)
    source = SimulatedSource(wearers)
    got = arrivals(source, 20.0)
    result = measure(wearers, source, got, 20.0)
    assert result.packets == len(got)
    assert result.strides == played(2, seed=1, seconds=20.0).stride_count
    assert result.packet_us.p50 <= result.packet_us.p95 <= result.packet_us.p99
    assert result.packets_per_s * result.wall_s == pytest.approx(result.packets)
    for latency in (result.initial_contact_latency_ms, result.toe_off_latency_ms):
        assert latency is not None
        assert latency.p99 <= 60  # of signal, as cues need it
    assert result.kernel_bytes_per_runner <= 256 * 1024
