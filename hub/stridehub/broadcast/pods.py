"""Pods and checklist, as messages."""

from collections.abc import Sequence

import numpy as np

from stridehub.checklist import Item
from stridehub.model import PodHealth
from stridehub.mqtt.messages import ChecklistItem, ChecklistMessage, PodHealthMessage

# A lithium polymer cell at a light load: from full over the long flat part to the steep end, where
# it has minutes left. [D]
_DISCHARGE_MV = (3300, 3600, 3700, 3800, 3950, 4150)
_DISCHARGE_PCT = (0, 10, 25, 50, 75, 100)


def pod_id(health: PodHealth) -> str:
    """For a topic: the address without its colons."""
    return health.pod.address.replace(":", "") or health.pod.name


def health_message(health: PodHealth, loss: float | None, utc_ms: int) -> PodHealthMessage:
    """`loss`: share of the packets of the last minute."""
    mv = health.battery_mv
    return PodHealthMessage(
        t=utc_ms,
        name=health.pod.name,
        placement=health.pod.placement.label,
        runner=health.pod.runner,
        state=health.state,
        reason=health.reason,
        battery_mv=mv,
        battery_pct=None if mv is None else battery_pct(mv),
        rssi_dbm=health.rssi_dbm,
        loss_pct=None if loss is None else round(100.0 * loss, 2),
        age_ms=None if health.age_s is None else round(1e3 * health.age_s),
    )


def battery_pct(mv: int) -> int:
    """Of a pod's cell."""
    return round(float(np.interp(mv, _DISCHARGE_MV, _DISCHARGE_PCT)))


def checklist_message(items: Sequence[Item], utc_ms: int) -> ChecklistMessage:
    return ChecklistMessage(
        t=utc_ms,
        items=tuple(
            ChecklistItem(
                code=item.code,
                subject=item.subject,
                text=item.text,
                placement=item.placement.label if item.placement else None,
            )
            for item in items
        ),
    )
