"""What a made-up hub tells of itself and its pods."""

import time
from collections.abc import Iterator

from stridehub import __version__
from stridehub.model import LinkState, Placement
from stridehub.mqtt.messages import (
    Alert,
    AlertLevel,
    ChecklistItem,
    ChecklistMessage,
    HubMeta,
    MetricMeaning,
    NumberMeaning,
    PodHealthMessage,
)
from stridehub.rules import ZoneRules, numbers
from stridehub.summary import METRICS

_PODS = (
    Placement.PELVIS,
    Placement.THIGH_L,
    Placement.THIGH_R,
    Placement.SHANK_L,
    Placement.SHANK_R,
)


def utc_ms() -> int:
    return time.time_ns() // 1_000_000


def checklist(runner: str, is_ready: bool) -> ChecklistMessage:
    item = ChecklistItem(
        code="no_standing",
        subject=runner,
        text=f"{runner}, thigh_l: stand still for some seconds",
        placement="thigh_l",
    )
    return ChecklistMessage(t=utc_ms(), items=() if is_ready else (item,))


def alert(runner: str, session: str, seq: int) -> Alert:
    return Alert(
        t=utc_ms(),
        session=session,
        seq=seq,
        level=AlertLevel.WARNING,
        code="battery_low",
        subject=f"{runner}-shank_l",
        text=f"{runner}, shank_l: battery low; charge it",
    )


def meta() -> HubMeta:
    zones = ZoneRules()
    shown = {metric.field: metric for metric in METRICS}
    return HubMeta(
        t=utc_ms(),
        version=__version__,
        metrics=tuple(
            MetricMeaning(
                name=metric.field,
                title=metric.title,
                unit=metric.unit,
                decimals=metric.decimals,
                zone_source=rule.source if (rule := getattr(zones, metric.field, None)) else None,
            )
            for metric in shown.values()
        ),
        numbers=tuple(
            NumberMeaning(path=n.path, value=n.value, unit=n.unit, source=n.source)
            for n in numbers()
        ),
    )


def pods(runner: str, t: int) -> Iterator[PodHealthMessage]:
    for number, placement in enumerate(_PODS):
        quirk = (sum(runner.encode()) * 11 + number * 7) % 40
        yield PodHealthMessage(
            t=t,
            name=f"{runner}-{placement.label}",
            placement=placement.label,
            runner=runner,
            state=LinkState.STREAMING,
            reason=None,
            battery_mv=3500 + 15 * quirk,
            battery_pct=8 + 2 * quirk,
            rssi_dbm=-48 - quirk,
            loss_pct=0.1 * (quirk % 12),
            age_ms=20.0 + quirk,
        )
