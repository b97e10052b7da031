"""What the numbers of a hub mean."""

from stridehub import __version__
from stridehub.mqtt.messages import HubMeta, MetricMeaning, NumberMeaning
from stridehub.rules import Layer, ZoneRule, numbers, rules
from stridehub.summary import EVERY_METRIC, Shown


def meta_message(layers: tuple[Layer, ...], utc_ms: int) -> HubMeta:
    """`layers`: the numbers that were set for the whole hub."""
    zones = rules(*layers).zones
    return HubMeta(
        t=utc_ms,
        version=__version__,
        metrics=tuple(_meaning(shown, getattr(zones, shown.field, None)) for shown in EVERY_METRIC),
        numbers=tuple(
            NumberMeaning(path=path, value=value, unit=unit, source=source)
            for path, value, unit, source in numbers(*layers)
        ),
    )


def _meaning(shown: Shown, rule: ZoneRule | None) -> MetricMeaning:
    return MetricMeaning(
        name=shown.field,
        title=shown.title,
        unit=shown.unit,
        decimals=shown.decimals,
        zone_source=None if rule is None else rule.source,
    )
