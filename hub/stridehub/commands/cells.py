"""How tables show what pods tell."""

from stridehub.model import PodHealth


def cell(value: float | None, decimals: int = 0, factor: float = 1.0) -> str:
    """A number, or a dash where it is not known."""
    return "-" if value is None else f"{value * factor:.{decimals}f}"


def pod_name(health: PodHealth) -> str:
    """Who wears it where."""
    return f"{health.pod.runner} {health.pod.placement.label}"


HEALTH_COLUMNS = (
    ("pod", ""),
    ("state", ""),
    ("battery", "V"),
    ("RSSI", "dBm"),
    ("age", "s"),
    ("interval", "ms"),
    ("connects", ""),
    ("packets", ""),
)


def health_row(health: PodHealth) -> list[str]:
    """Under HEALTH_COLUMNS."""
    return [
        pod_name(health),
        health.state.value,
        cell(health.battery_mv, 2, 1e-3),
        cell(health.rssi_dbm),
        cell(health.age_s, 1),
        cell(health.interval_ms),
        str(health.connects),
        str(health.packets),
    ]
