"""The zones in force for a runner."""

from stridehub.coaching.coach import Coach
from stridehub.coaching.zones import ZONE_METRICS
from stridehub.model import Side
from stridehub.mqtt.messages import ZoneInForce, ZoneMessage

_PACE_DIGITS = 1  # m/s: a zone moves less than anybody cares for in between


def zone_message(coach: Coach, utc_ms: int) -> ZoneMessage:
    readers = {side: coach.reader(side) for side in Side}
    zones = {
        metric: ZoneInForce(
            rule=getattr(coach.rules.zones, metric),
            now={
                side: zone
                for side, reader in readers.items()
                if (zone := reader.zone(metric)) is not None
            },
        )
        for metric in ZONE_METRICS
    }
    speed_mps = coach.speed_mps
    return ZoneMessage(
        t=utc_ms,
        runner=coach.profile.runner,
        speed_mps=None if speed_mps is None else round(speed_mps, 3),
        zones=zones,
    )


def what_moves_zones(coach: Coach) -> object:
    """Changes when the message is worth another one."""
    speed_mps = coach.speed_mps
    pace = None if speed_mps is None else round(speed_mps, _PACE_DIGITS)
    return pace, coach.rules.zones, coach.baselines
