"""A synthetic runner's session as coaches are told it."""

import asyncio
import time
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import msgspec
import pytest

from stridehub import __version__
from stridehub.broadcast.alarms import Alarm, Alarms
from stridehub.broadcast.chronicle import Chronicle
from stridehub.broadcast.hub_bulletins import HubBulletins, HubView
from stridehub.broadcast.meta import meta_message
from stridehub.broadcast.orders import Orders
from stridehub.broadcast.outlet import Outlet
from stridehub.broadcast.pods import battery_pct
from stridehub.broadcast.runner_bulletins import RunnerBulletins
from stridehub.coaching.session import RESUME_S
from stridehub.coaching.zones import ZONE_METRICS, Position
from stridehub.config import HubConfig
from stridehub.haptics.console import ConsoleDriver
from stridehub.model import KnownPod, LinkState, Placement, PodHealth, Side, Stride
from stridehub.mqtt.commands import COMMANDS, Command
from stridehub.mqtt.desk import Refused
from stridehub.mqtt.messages import (
    AlertLevel,
    CueMessage,
    CueResponseMessage,
    Cycle,
    Explain,
    HubState,
    PodHealthMessage,
    Status,
    StrideMessage,
    Summary,
    ZoneMessage,
)
from stridehub.mqtt.publisher import BrokerState
from stridehub.mqtt.topics import Topics
from stridehub.pods.simulated import SimulatedSource
from stridehub.record.entries import (
    AlertEntry,
    CueEntry,
    Entry,
    FollowUpEntry,
    MarkEntry,
    SessionBegun,
    SessionEnded,
    StrideEntry,
)
from stridehub.synthetic import STYLES, SyntheticWearer
from stridehub.team import Team
from team_scene import RUNNER, STRICT

TOPICS = Topics("h1")
UTC_MS = 1_750_000_000_000
RUN_S = 60.0


class Kept:
    """What was put, in order."""

    trouble: str | None = None
    lost = 0
    notices = ()

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def count(self) -> int:
        return len(self.entries)

    def put(self, *entries: Entry) -> None:
        self.entries += entries

    def of(self, kind: type[Any]) -> list[Any]:
        return [entry for entry in self.entries if isinstance(entry, kind)]

    def posted(self, topic: str) -> list[Any]:
        postings = (entry.posting for entry in self.entries)
        return [posting.message for posting in postings if posting and posting.topic == topic]


class Sent:
    """The last live payload of each topic."""

    def __init__(self) -> None:
        self.payloads: dict[str, bytes] = {}
        self.retained: dict[str, tuple[bool, int | None]] = {}

    def live(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        self.payloads[topic] = payload
        self.retained[topic] = retain, expiry_s

    def __call__(self, topic: str, kind: type[Any]) -> Any:
        """As a consumer reads it."""
        return msgspec.json.decode(self.payloads[topic], type=kind, strict=True)


class Hub:
    """A team whose news goes into lists."""

    def __init__(self) -> None:
        self.kept, self.sent = Kept(), Sent()
        self.chronicle = Chronicle(self.kept, TOPICS, utc_ms=lambda: UTC_MS)
        self.team = Team(
            HubConfig(coaching=STRICT),
            ConsoleDriver(lambda cue, runner, side: None),
            on_stride=[self.chronicle.on_stride],
            on_cue=[self.chronicle.on_cue],
            on_follow_up=[self.chronicle.on_follow_up],
            seed=1,
        )
        self.wearer = SyntheticWearer(RUNNER, STYLES[0], seed=1)
        self.team.add_runner(self.wearer.profile)
        for worn in SimulatedSource([self.wearer]).pods:
            self.team.pipeline.add_pod(worn)
        self.orders = Orders(self.team, self.chronicle)
        self.broker = BrokerState(is_connected=True)
        self.pods: list[PodHealth] = []
        self.troubles: list[Alarm] = []

    def run(self, seconds: float = RUN_S) -> None:
        source = SimulatedSource([SyntheticWearer(RUNNER, STYLES[0], seed=1)])
        for arrival in takewhile(lambda due: due.arrival_s < seconds, source):
            self.team.pipeline.on_packet(RUNNER, arrival.pod, arrival.packet, arrival.arrival_s)

    def tell(self, *, until: str = TOPICS.status) -> None:
        """Until there is something on that topic, and on two at least."""
        outlet = Outlet(self.sent)
        view = HubView(
            pods=lambda: self.pods,
            loss=lambda health: 0.02,
            checklist=list,
            troubles=lambda: self.troubles,
        )

        async def some_time() -> None:
            runners = RunnerBulletins(self.team, self.chronicle, TOPICS, outlet)
            hub = HubBulletins(
                self.team, self.chronicle, TOPICS, outlet, view, self.kept, lambda: self.broker
            )
            tasks = [asyncio.create_task(runners.run()), asyncio.create_task(hub.run())]
            async with asyncio.timeout(10.0):
                while until not in self.sent.payloads or len(self.sent.payloads) < 2:
                    await asyncio.sleep(0.05)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run(some_time())

    def order(self, name: str, **fields: object) -> str | None:
        command: Command = msgspec.convert({"t": UTC_MS, "id": "c1", **fields}, COMMANDS[name])
        return self.orders.carry_out(command)


@pytest.fixture(scope="module")
def after_a_run() -> Hub:
    """Of a minute; nobody changes it."""
    hub = Hub()
    hub.run()
    hub.tell(until=TOPICS.explain(RUNNER))
    return hub


# ---- in sequence ----


def test_every_stride_is_kept_and_posted_as_it_was_measured(after_a_run: Hub) -> None:
    kept = after_a_run.kept.of(StrideEntry)
    posted = after_a_run.kept.posted(TOPICS.stride(RUNNER))
    assert len(kept) == len(posted) > 100
    for entry, message in zip(kept, posted, strict=True):
        assert isinstance(message, StrideMessage)
        assert message.session == entry.session == after_a_run.chronicle.session
        for name in entry.stride.__struct_fields__:
            assert getattr(message, name) == getattr(entry.stride, name)


def test_cues_and_what_came_of_them_are_posted_in_turn(after_a_run: Hub) -> None:
    cue, answer, *_ = after_a_run.kept.posted(TOPICS.cue(RUNNER))
    assert isinstance(cue, CueMessage)
    assert isinstance(answer, CueResponseMessage)
    assert (cue.runner, cue.due_s, cue.kind) == (answer.runner, answer.due_s, answer.kind)
    assert cue.t == UTC_MS


# ---- how a runner is ----


@pytest.fixture(scope="module")
def summary(after_a_run: Hub) -> Summary:
    found: Summary = after_a_run.sent(TOPICS.summary(RUNNER), Summary)
    return found


def test_a_summary_tells_what_the_last_strides_were_like(
    after_a_run: Hub, summary: Summary
) -> None:
    assert after_a_run.sent.retained[TOPICS.summary(RUNNER)] == (True, 60)
    assert summary.session == after_a_run.chronicle.session
    assert summary.strides_left + summary.strides_right == len(after_a_run.kept.of(StrideEntry))
    assert summary.speed_mps == pytest.approx(STYLES[0].speed_mps, rel=0.1)
    cadence = summary.metrics["cadence_spm"][Side.LEFT]
    assert cadence.median == pytest.approx(170.0, abs=15.0)
    assert cadence.low is not None
    assert cadence.high is not None
    assert cadence.low < cadence.high
    assert cadence.sd is not None
    assert summary.load.steps_left == pytest.approx(summary.strides_left, abs=2)
    *_, cue = (m for m in after_a_run.kept.posted(TOPICS.cue(RUNNER)) if isinstance(m, CueMessage))
    assert summary.cue is not None
    assert (summary.cue.kind, summary.cue.withheld) == (cue.kind, cue.withheld)
    assert summary.can_buzz


def test_positions_are_those_of_the_zones(summary: Summary) -> None:
    """STRICT lets nobody land behind the hip by a leg's length."""
    for reading in summary.metrics["overstride_ratio"].values():
        assert reading.position is Position.ABOVE
    for metric, sides in summary.metrics.items():
        for reading in sides.values():
            assert (reading.position is not None) == (metric in ZONE_METRICS)


def test_the_legs_move_as_the_metrics_say(after_a_run: Hub, summary: Summary) -> None:
    cycle: Cycle = after_a_run.sent(TOPICS.cycle(RUNNER), Cycle)
    for side, leg in cycle.sides.items():
        assert leg.thigh_deg is not None
        assert len(leg.thigh_deg) == len(leg.shank_deg) == 50
        kickback = summary.metrics["kickback_deg"][side].median
        assert -min(leg.shank_deg) == pytest.approx(kickback, abs=3.0)


def test_zones_in_force_are_told_with_their_rules(after_a_run: Hub) -> None:
    zones: ZoneMessage = after_a_run.sent(TOPICS.zone(RUNNER), ZoneMessage)
    assert set(zones.zones) == set(ZONE_METRICS)
    assert zones.zones["overstride_ratio"].rule.value == -1.0
    assert zones.zones["kickback_deg"].now[Side.LEFT].low is not None
    assert after_a_run.sent.retained[TOPICS.zone(RUNNER)] == (True, None)


def test_outcomes_are_told_beside_what_is_upstream(after_a_run: Hub) -> None:
    explain: Explain = after_a_run.sent(TOPICS.explain(RUNNER), Explain)
    assert {association.outcome for association in explain.associations} == {"overstride_ratio"}


# ---- how the hub is ----


def test_the_hub_is_online_and_says_what_waits(after_a_run: Hub) -> None:
    status: Status = after_a_run.sent(TOPICS.status, Status)
    assert (status.state, status.version) == (HubState.ONLINE, __version__)
    assert (status.session, status.runners) == (after_a_run.chronicle.session, (RUNNER,))
    assert 0 < status.backlog <= len(after_a_run.kept.entries)


def test_a_hub_with_a_trouble_is_degraded_and_alerts_once() -> None:
    hub = Hub()
    hub.troubles = [Alarm(AlertLevel.ERROR, "disk_full", "", "the card is full")]
    hub.pods = [_degraded_pod()]
    hub.tell()
    status: Status = hub.sent(TOPICS.status, Status)
    assert status.state is HubState.DEGRADED
    assert status.reasons == ("the card is full", f"{RUNNER}, shank_l: no answer")
    alerts = hub.kept.of(AlertEntry)
    assert [alert.code for alert in alerts] == ["disk_full", "pod_degraded"]
    assert [message.text for message in hub.kept.posted(TOPICS.alert)] == list(status.reasons)
    health: PodHealthMessage = hub.sent(TOPICS.health("F0D616000001"), PodHealthMessage)
    assert (health.battery_pct, health.loss_pct, health.age_ms) == (50, 2.0, 1500.0)


def test_a_broker_that_does_not_let_the_hub_do_all_is_told() -> None:
    hub = Hub()
    hub.broker = BrokerState(is_connected=True, trouble="no commands from the broker")
    hub.tell()
    status: Status = hub.sent(TOPICS.status, Status)
    assert status.reasons == ("no commands from the broker",)


def _degraded_pod() -> PodHealth:
    pod = KnownPod("F0:D6:16:00:00:01", "L07", Placement.SHANK_L, RUNNER, "00:00:00:00:00:00")
    return PodHealth(
        pod=pod,
        state=LinkState.DEGRADED,
        reason="no answer",
        age_s=1.5,
        battery_mv=3800,
        rssi_dbm=-60,
        mtu=None,
        interval_ms=None,
        firmware=None,
        connects=3,
        packets=0,
        imu_fault=False,
        samples_a_packet=None,
    )


def test_an_alarm_that_comes_and_goes_is_told_again_after_five_minutes() -> None:
    alarms = Alarms()
    alarm = Alarm(AlertLevel.WARNING, "calf_load", "r1", "enough")

    def told() -> Iterator[float]:
        for now_s, is_there in [(0, 1), (1, 1), (200, 1), (201, 0), (400, 1), (701, 0), (702, 1)]:
            if list(alarms.new([alarm] * is_there, float(now_s))):
                yield now_s

    assert list(told()) == [0, 702]


@pytest.mark.parametrize(("mv", "pct"), [(4300, 100), (3800, 50), (3650, 18), (3000, 0)])
def test_a_cell_is_as_full_as_its_voltage_says(mv: int, pct: int) -> None:
    assert battery_pct(mv) == pct


def test_what_numbers_mean_is_told_with_units_and_sources() -> None:
    meta = meta_message((), UTC_MS)
    meanings = {metric.name: metric for metric in meta.metrics}
    assert set(ZONE_METRICS) <= set(meanings)
    assert "[D]" in (meanings["kickback_deg"].zone_source or "")
    assert meanings["impact_g"].zone_source is None
    assert {"cues.least_gap_s", "load.pain_pauses"} <= {number.path for number in meta.numbers}


# ---- sessions and orders ----


def test_a_new_session_counts_anew() -> None:
    hub = Hub()
    first = hub.chronicle.session
    hub.run(15.0)
    second = hub.order("session_start")
    assert second == hub.chronicle.session != first
    hub.run(30.0)
    assert {entry.session for entry in hub.kept.of(StrideEntry)} == {first, second}
    assert [entry.session for entry in hub.kept.of(SessionBegun)] == [first, second]
    assert [entry.session for entry in hub.kept.of(SessionEnded)] == [first]
    strides = len([entry for entry in hub.kept.of(StrideEntry) if entry.session == second])
    assert hub.chronicle.news(RUNNER).all_strides == strides


def test_what_came_of_the_last_cue_belongs_to_its_session() -> None:
    hub = Hub()
    hub.run()
    first = hub.chronicle.session
    assert len(hub.kept.of(FollowUpEntry)) < len(hub.kept.of(CueEntry))
    hub.order("session_start")
    assert len(hub.kept.of(FollowUpEntry)) == len(hub.kept.of(CueEntry))
    assert {entry.session for entry in hub.kept.of(FollowUpEntry)} == {first}


def test_after_a_long_pause_another_session_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub()
    first = hub.chronicle.session
    stride = next(iter(_strides(hub)))
    hub.chronicle.on_stride(stride)
    later_s = time.monotonic() + RESUME_S + 1.0
    monkeypatch.setattr("stridehub.broadcast.chronicle.time.monotonic", lambda: later_s)
    hub.chronicle.on_stride(stride)
    assert [entry.session for entry in hub.kept.of(SessionBegun)] == [first, hub.chronicle.session]
    assert hub.kept.of(StrideEntry)[-1].session != first


def _strides(hub: Hub) -> list[Stride]:
    hub.run(10.0)
    strides = [entry.stride for entry in hub.kept.of(StrideEntry)]
    hub.kept.entries = [e for e in hub.kept.entries if not isinstance(e, StrideEntry)]
    return strides


def test_between_sessions_nothing_is_kept_and_the_summary_says_why_nothing_buzzes() -> None:
    hub = Hub()
    hub.order("session_stop")
    hub.run(15.0)
    hub.tell()
    summary: Summary = hub.sent(TOPICS.summary(RUNNER), Summary)
    assert hub.kept.of(StrideEntry) == []
    assert (summary.session, summary.coach) == (None, "no session is under way")
    assert summary.metrics
    for refused in ("session_stop", "mark"):
        with pytest.raises(Refused, match="no session"):
            hub.order(refused, **({"kind": "lap"} if refused == "mark" else {}))


def test_pain_reaches_the_coach_and_is_kept() -> None:
    hub = Hub()
    hub.order("mark", kind="pain", runner=RUNNER, level=4, side="left")
    (mark,) = hub.kept.of(MarkEntry)
    assert (mark.runner, mark.kind, mark.level, mark.side, mark.command) == (
        RUNNER, "pain", 4, Side.LEFT, "c1",
    )  # fmt: skip
    assert hub.team.why_silent(RUNNER) == "pain was reported"


def test_all_are_muted_where_nobody_is_named() -> None:
    hub = Hub()
    hub.order("mute")
    assert hub.team.coaches[RUNNER].is_muted
    hub.order("unmute", runner=RUNNER)
    assert not hub.team.coaches[RUNNER].is_muted


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("mute", {}),
        ("test_buzz", {}),
        ("mark", {"kind": "lap"}),
        ("set_zone", {"metric": "kickback_deg", "low": 50.0}),
    ],
)
def test_an_order_for_a_stranger_is_refused(name: str, fields: dict[str, object]) -> None:
    with pytest.raises(Refused, match="no runner stranger here"):
        Hub().order(name, runner="stranger", **fields)


def test_a_zone_without_a_pace_is_refused_with_the_reason() -> None:
    with pytest.raises(Refused, match="pace"):
        Hub().order("set_zone", runner=RUNNER, metric="kickback_deg", low=50.0)
