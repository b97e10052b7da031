"""All that coaches meet of a hub: its broker, its page, and what is told there."""

import os
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from stridehub.commands.dashboard import page_settings
from stridehub.config import HubConfig
from stridehub.dashboard.child import page_beside
from stridehub.dashboard.policy import is_loopback
from stridehub.mqtt.broker import Broker
from stridehub.mqtt.endpoint import Endpoint, endpoint_of
from stridehub.mqtt.topics import Topics
from stridehub.uplink import Uplink

_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")


@dataclass(frozen=True, slots=True)
class CoachSide:
    uplink: Uplink
    page: str | None  # its URL
    broker: Callable[[], Endpoint]

    @property
    def where(self) -> str:
        """For people."""
        broker = f"MQTT {self.broker()}"
        return broker if self.page is None else f"page {self.page}   {broker}"

    def open_browser(self) -> None:
        """Where there is a screen; never one in the terminal."""
        if self.page is not None and any(os.environ.get(screen) for screen in _SCREENS):
            webbrowser.open(self.page)


@asynccontextmanager
async def coach_side(config: HubConfig) -> AsyncIterator[CoachSide]:
    """Broker and page, where they are the hub's own, are there while the block lasts.

    Raises BrokerError, ConfigError, PageError, StoreError.
    """
    async with AsyncExitStack() as stack:
        settings = page_settings(config)
        if config.mqtt.host is None:
            broker = Broker(config.broker, Topics(config.name), config.state)
            await stack.enter_async_context(broker.running())
            find = broker.endpoint
            settings = replace(settings, ws_port=broker.ws_port)
            if broker.page_login is not None and is_loopback(settings.listen):
                login = broker.page_login
                settings = replace(settings, user=login.user, password=login.password)
        else:
            endpoint_of(config.mqtt)  # what is wrong with the settings is told at once

            def find() -> Endpoint:
                return endpoint_of(config.mqtt)

        page = None
        if config.dashboard.is_on:
            page = await stack.enter_async_context(page_beside(settings))
        yield CoachSide(Uplink(config, find), page, find)
