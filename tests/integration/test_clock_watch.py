"""What a hub makes of a clock that somebody sets, early and late, in a session and between two."""

import asyncio

import pytest

from stridehub.broadcast.chronicle import Chronicle
from stridehub.broadcast.clock_watch import ClockWatch
from stridehub.broadcast.orders import Orders
from stridehub.coaching.memory import OpenSession, RunnerMemory, SessionLoad
from stridehub.coaching.session import RESUME_S
from stridehub.config import HubConfig
from stridehub.haptics.none import NoDriver
from stridehub.model import RunnerProfile
from stridehub.mqtt.topics import Topics
from stridehub.record.entries import ClockSet, Entry, SessionBegun
from stridehub.team import Clocks, Team
from stridehub.wall_clock import WallClock
from strides import stride

HOUR_S = 3600.0
NOW_S = 1.8e9
BEFORE = OpenSession(
    seen_utc_s=NOW_S,
    load=SessionLoad(started_utc_s=NOW_S - 1800.0, steps_left=900, steps_right=900),
)


class Hub:
    """Back with a session of before; nothing of it is kept but in a list."""

    def __init__(self, memory: RunnerMemory, set_meanwhile_s: float = 0.0) -> None:
        """`set_meanwhile_s`: the clock, after the hub has read it and before it has its runners."""
        self.entries: list[Entry] = []
        self._ahead_s = 0.0
        clock = WallClock(lambda: NOW_S + self._ahead_s, lambda: 0.0)
        self.chronicle = Chronicle(self, Topics("h1"), continues="before", utc_ms=clock.utc_ms)
        self.team = Team(
            HubConfig(),
            NoDriver(),
            on_stride=[self.chronicle.on_stride],
            clocks=Clocks(lambda: 0.0, clock.utc_s),
            seed=1,
        )
        self._ahead_s = set_meanwhile_s
        self.team.add_runner(RunnerProfile(runner="r1"), memory)
        self.orders = Orders(self.team, self.chronicle)
        self.watch = ClockWatch(clock, self.chronicle, self.team, self.orders)

    def put(self, *entries: Entry) -> None:
        self.entries += entries

    def set_clock(self, by_s: float) -> None:
        """And somebody looks."""
        self._ahead_s += by_s

        async def look() -> None:
            watching = asyncio.create_task(self.watch.run())
            await asyncio.sleep(0)
            watching.cancel()

        asyncio.run(look())

    @property
    def goes_on(self) -> bool:
        return self.team.coaches["r1"].goes_on

    @property
    def links(self) -> list[str | None]:
        """What each session continues, as was told last."""
        told = {e.session: e.continues for e in self.entries if isinstance(e, SessionBegun)}
        return list(told.values())


@pytest.fixture
def hub() -> Hub:
    return Hub(RunnerMemory(session=BEFORE))


def test_far_ahead_soon_after_the_start_begins_another_session(hub: Hub) -> None:
    first = hub.chronicle.session
    hub.set_clock(RESUME_S + 1.0)
    assert hub.chronicle.session != first
    assert hub.links == [None, None]
    assert not hub.goes_on
    assert hub.team.to_keep()["r1"].loads == (BEFORE.load,)
    assert hub.watch.news == "the clock was set ahead by 0:15:01"
    second = hub.chronicle.session
    hub.set_clock(HOUR_S)
    assert hub.chronicle.session == second


@pytest.mark.parametrize("by_s", [RESUME_S - 1.0, -HOUR_S])
def test_a_little_ahead_or_back_the_session_goes_on(hub: Hub, by_s: float) -> None:
    first = hub.chronicle.session
    hub.set_clock(by_s)
    assert (hub.chronicle.session, hub.links, hub.goes_on) == (first, ["before"], True)
    shift = hub.entries[-1]
    assert isinstance(shift, ClockSet)
    assert shift.by_ms == round(by_s * 1e3)


def test_long_after_the_start_it_goes_on_too(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stridehub.broadcast.clock_watch.CLOCK_LATE_S", 0.0)
    hub.set_clock(HOUR_S)
    assert (hub.links, hub.goes_on) == (["before"], True)


def test_between_two_sessions_none_begins(hub: Hub) -> None:
    hub.team.end_session()
    hub.chronicle.end_session()
    hub.set_clock(HOUR_S)
    assert hub.chronicle.session is None
    assert hub.team.is_between_sessions


def test_a_session_that_nobody_began_before_goes_on() -> None:
    """Only what it continues was wrong."""
    hub = Hub(RunnerMemory())
    first = hub.chronicle.session
    hub.set_clock(HOUR_S)
    assert (hub.chronicle.session, hub.links) == (first, [None])
    assert hub.team.coaches["r1"].watch.load.started_utc_s == NOW_S + HOUR_S


def test_a_session_that_began_as_the_clock_was_set_is_put_right_once() -> None:
    hub = Hub(RunnerMemory(), set_meanwhile_s=HOUR_S)
    hub.set_clock(0.0)
    assert hub.team.coaches["r1"].watch.load.started_utc_s == NOW_S + HOUR_S


def test_how_long_ago_a_stride_was_does_not_change(hub: Hub) -> None:
    hub.chronicle.on_stride(stride(runner="r1"))
    before_ms = hub.chronicle.news("r1").stride_utc_ms
    assert before_ms is not None
    hub.set_clock(60.0)
    assert hub.chronicle.news("r1").stride_utc_ms == before_ms + 60_000


def test_a_slow_clock_is_no_news(hub: Hub) -> None:
    entries = len(hub.entries)
    hub.set_clock(1.0)
    assert (hub.watch.news, len(hub.entries)) == (None, entries)


def test_it_is_said_for_a_while(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.set_clock(60.0)
    assert hub.watch.news == "the clock was set ahead by 0:01:00"
    monkeypatch.setattr("stridehub.broadcast.clock_watch.CLOCK_TOLD_S", 0.0)
    assert hub.watch.news is None
