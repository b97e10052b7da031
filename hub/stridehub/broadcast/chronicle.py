"""Keeps what happens in a session, and posts it: strides, cues and what came of them, marks."""

import math
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from stridehub import __version__
from stridehub.broadcast.alarms import Alarm
from stridehub.broadcast.news import RunnerNews
from stridehub.coaching.coach import Coach
from stridehub.coaching.cue import Cue, CueFollowUp
from stridehub.coaching.session import RESUME_S
from stridehub.model import KnownPod, Stride
from stridehub.mqtt.commands import Mark
from stridehub.mqtt.messages import Alert, CueMessage, CueResponseMessage, StrideMessage
from stridehub.mqtt.topics import Topics
from stridehub.record.entries import (
    AlertEntry,
    ClockSet,
    CueEntry,
    Entry,
    FollowUpEntry,
    MarkEntry,
    Posting,
    RunnerInSession,
    SessionBegun,
    SessionEnded,
    StrideEntry,
)


class Store(Protocol):
    def put(self, *entries: Entry) -> None:
        """Returns at once, whatever the disk does."""


class Chronicle:
    """A session is under way from the start on. Without one nothing is kept but alerts."""

    def __init__(
        self,
        store: Store,
        topics: Topics,
        *,
        continues: str | None = None,
        utc_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """`continues`: the session of a hub that ended a moment ago."""
        self.utc_ms = utc_ms
        self._store = store
        self._topics = topics
        self._news: dict[str, RunnerNews] = {}
        self._is_under_way = False
        self._session = ""
        self._begun_ms = 0
        self._stride_s = math.inf  # time.monotonic() of the last one
        self.begin_session(continues)

    @property
    def session(self) -> str | None:
        """None between two."""
        return self._session if self._is_under_way else None

    def news(self, runner: str) -> RunnerNews:
        return self._news.setdefault(runner, RunnerNews(self.session))

    def begin_session(self, continues: str | None = None) -> str:
        """Ends the one under way; the id of the new one."""
        self.end_session()
        self._stride_s = math.inf
        now_ms = self.utc_ms()
        begun = datetime.fromtimestamp(now_ms / 1e3, UTC)
        # The clock may be wrong, and tell the same time twice.
        self._session = f"{begun:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self._is_under_way = True
        self._begun_ms = now_ms
        self._put_begun(continues)
        self._news.clear()
        return self._session

    def _put_begun(self, continues: str | None) -> None:
        """Told once more, it replaces what was told before."""
        self._store.put(
            SessionBegun(
                t_ms=self._begun_ms,
                session=self._session,
                hub=self._topics.hub,
                version=__version__,
                continues=continues,
            )
        )

    def clock_was_set(self, by_s: float) -> None:
        """All that was kept so far, of this run, was `by_s` later than it says."""
        by_ms = round(by_s * 1e3)
        self._begun_ms += by_ms
        self._store.put(ClockSet(t_ms=self.utc_ms(), by_ms=by_ms))
        for news in self._news.values():
            news.clock_was_set(by_ms)

    def continues_nothing(self) -> None:
        """The hub was away for longer than its clock had said."""
        self._put_begun(None)

    def end_session(self) -> None:
        if self._is_under_way:
            self._is_under_way = False
            self._store.put(SessionEnded(t_ms=self.utc_ms(), session=self._session))
            self._news.clear()

    # ---- what happens ----

    def on_stride(self, stride: Stride) -> None:
        self._begin_after_pause()
        now_ms = self.utc_ms()
        self.news(stride.runner).on_stride(stride, now_ms)
        if not self._is_under_way:
            return
        fields = msgspec.structs.asdict(stride)
        message = StrideMessage(t=now_ms, session=self._session, **fields)
        posting = Posting(self._topics.stride(stride.runner), message)
        self._store.put(
            StrideEntry(t_ms=now_ms, session=self._session, stride=stride, posting=posting)
        )

    def _begin_after_pause(self) -> None:
        """Everybody was away for so long that it is another session, as it is for the coaches."""
        now_s = time.monotonic()
        if self._is_under_way and now_s - self._stride_s > RESUME_S:
            self.begin_session()
        self._stride_s = now_s

    def on_cue(self, cue: Cue) -> None:
        now_ms = self.utc_ms()
        self.news(cue.runner).on_cue(cue, now_ms)
        if not self._is_under_way:
            return
        fields = msgspec.structs.asdict(cue)
        message = CueMessage(t=now_ms, session=self._session, due_s=fields.pop("t"), **fields)
        posting = Posting(self._topics.cue(cue.runner), message)
        self._store.put(CueEntry(t_ms=now_ms, session=self._session, cue=cue, posting=posting))

    def on_follow_up(self, answer: CueFollowUp) -> None:
        now_ms = self.utc_ms()
        self.news(answer.runner).on_follow_up(answer)
        if not self._is_under_way:
            return
        fields = msgspec.structs.asdict(answer)
        message = CueResponseMessage(
            t=now_ms, session=self._session, due_s=fields.pop("t"), **fields
        )
        posting = Posting(self._topics.cue(answer.runner), message)
        self._store.put(
            FollowUpEntry(t_ms=now_ms, session=self._session, follow_up=answer, posting=posting)
        )

    def mark(self, mark: Mark) -> None:
        """Of the session under way, or the one before."""
        self._store.put(
            MarkEntry(
                t_ms=self.utc_ms(),
                session=self._session,
                runner=mark.runner,
                kind=mark.kind,
                level=mark.level,
                side=mark.side,
                text=mark.text,
                command=mark.id,
            )
        )

    def alert(self, alarm: Alarm) -> None:
        """Of the session under way, or the one before."""
        now_ms = self.utc_ms()
        level, code, subject, text = alarm
        message = Alert(
            t=now_ms, session=self._session, level=level, code=code, subject=subject, text=text
        )
        self._store.put(
            AlertEntry(
                t_ms=now_ms,
                session=self._session,
                level=level,
                code=code,
                subject=subject,
                text=text,
                posting=Posting(self._topics.alert, message),
            )
        )

    def keep_runner(self, coach: Coach, pods: tuple[KnownPod, ...]) -> None:
        """What is known of the runner by now."""
        if not self._is_under_way:
            return
        self._store.put(
            RunnerInSession(
                t_ms=self.utc_ms(),
                session=self._session,
                profile=coach.profile,
                plan=coach.plan.name,
                pods=pods,
                baselines=coach.baselines,
                load=coach.watch.load,
            )
        )
