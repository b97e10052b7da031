"""A team whose strides and cues go to a broker, and nothing else: no radio, no motors."""

from stridehub.broadcast.hub_bulletins import HubView
from stridehub.config import HubConfig
from stridehub.haptics.console import ConsoleDriver
from stridehub.haptics.driver import Buzz
from stridehub.model import CueSide, Stride
from stridehub.mqtt.endpoint import endpoint_of
from stridehub.team import Team
from stridehub.uplink import Uplink

NO_PODS = HubView(
    pods=lambda: (), loss=lambda health: None, checklist=lambda: (), troubles=lambda: ()
)


class Uplinked:
    """Of the broker in the settings."""

    def __init__(self, config: HubConfig) -> None:
        self.strides = 0
        self.buzzed: list[str] = []
        self.uplink = Uplink(config, lambda: endpoint_of(config.mqtt))
        chronicle = self.uplink.chronicle
        self.team = Team(
            config,
            ConsoleDriver(self._feel),
            on_stride=[self._count, chronicle.on_stride],
            on_cue=[chronicle.on_cue],
            on_follow_up=[chronicle.on_follow_up],
            seed=1,
        )

    def _count(self, _stride: Stride) -> None:
        self.strides += 1

    def _feel(self, _buzz: Buzz, runner: str, side: CueSide) -> None:
        self.buzzed.append(f"{runner} {side}")
