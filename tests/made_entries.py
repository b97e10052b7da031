"""Entries of a session under way, with their postings, as the hub puts them into the store."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from stridehub.coaching.cue import Cue, CueFollowUp, Response
from stridehub.coaching.memory import Baseline, SessionLoad
from stridehub.coaching.zones import Zone
from stridehub.config import RecordConfig
from stridehub.model import CueKind, CueSide, KnownPod, Placement, RunnerProfile, Side
from stridehub.mqtt.messages import Alert, AlertLevel, StrideMessage
from stridehub.mqtt.topics import Topics
from stridehub.record.entries import (
    AlertEntry,
    CueEntry,
    FollowUpEntry,
    MarkEntry,
    OfSession,
    Posting,
    RunnerInSession,
    SessionBegun,
    SessionEnded,
    StrideEntry,
)
from stridehub.record.store import Store
from strides import stride

NOW_MS = 1_795_000_000_000
TOPICS = Topics("hub")
LIMITS = RecordConfig(free_mb=1)


def begun(session: str, t_ms: int = NOW_MS, continues: str | None = None) -> SessionBegun:
    return SessionBegun(session=session, t_ms=t_ms, hub="hub", version="1.0", continues=continues)


def ended(session: str, t_ms: int = NOW_MS) -> SessionEnded:
    return SessionEnded(session=session, t_ms=t_ms)


def stride_entry(
    session: str, index: int, runner: str = "r1", t_ms: int = NOW_MS, **changes: Any
) -> StrideEntry:
    """With values that differ from stride to stride."""
    made = stride(ic=0.1 + index / 1.4, runner=runner, index=index, **changes)
    message = StrideMessage(t=t_ms, session=session, **msgspec.structs.asdict(made))
    posting = Posting(TOPICS.stride(runner), message)
    return StrideEntry(session=session, t_ms=t_ms, stride=made, posting=posting)


def alert_entry(session: str, text: str) -> AlertEntry:
    level = AlertLevel.WARNING
    message = Alert(t=NOW_MS, session=session, level=level, code="test", subject="", text=text)
    return AlertEntry(
        session=session, t_ms=NOW_MS, level=level, code="test", subject="", text=text,
        posting=Posting(TOPICS.alert, message),
    )  # fmt: skip


def one_of_each(session: str) -> list[OfSession]:
    """What comes between the begin of a session and its end, without postings."""
    of: dict[str, Any] = {"session": session, "t_ms": NOW_MS}
    cue = Cue(
        t=12.5, runner="r1", kind=CueKind.FLICK, side=CueSide.BOTH, metric="kickback_deg",
        value=101.25, zone=Zone(60.0, None, 2.0, "default"), withheld=False, latency_ms=81.5,
        fault_side=Side.LEFT, foot_strike_s=12.4, arrival_s=12.45, decided_s=12.46, edge_s=12.48,
    )  # fmt: skip
    answer = CueFollowUp(
        t=12.5, runner="r1", kind=CueKind.FLICK, side=CueSide.BOTH, metric="kickback_deg",
        withheld=False, response=Response.RESPONDED, change=-4.5, side_effects={"cadence_spm": 1.5},
    )  # fmt: skip
    pod = KnownPod("F0:D6:16:00:00:01", "L1", Placement.SHANK_L, "r1", "F0:00:00:00:00:01")
    load = SessionLoad(started_utc_s=1.7e9, running_min=12.5, steps_left=900, is_strike_known=True)
    baselines = {Side.LEFT: {"kickback_deg": Baseline(81.5, 2.5, None, 100)}}
    return [
        RunnerInSession(
            profile=RunnerProfile("r1", height_m=1.8), plan="open", pods=(pod,),
            baselines=baselines, load=load, **of,
        ),
        StrideEntry(stride=stride(quality=("gap", "no_pelvis"), impact_g=None), **of),
        CueEntry(cue=cue, **of),
        FollowUpEntry(follow_up=answer, **of),
        MarkEntry(runner=None, kind="note", level=None, side=None, text='wind, "cold"',
                  command="c1", **of),
        MarkEntry(runner="r1", kind="pain", level=4, side=Side.LEFT, text="", command="c2", **of),
        AlertEntry(level="error", code="motor", subject="r1", text="no motor", **of),
    ]  # fmt: skip


def open_store(path: Path, limits: RecordConfig = LIMITS, **options: Any) -> Store:
    return Store(path, limits, **options)


def wait_until(is_so: Callable[[], bool], timeout_s: float = 20.0) -> None:
    until_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < until_s, "it did not come true"
        time.sleep(0.01)
