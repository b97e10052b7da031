"""All that coaches meet of a hub: its broker, its page, and what is told there."""

import os
import threading
import webbrowser
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from stridehub.broadcast.alarms import Alarm
from stridehub.commands.page_settings import page_settings
from stridehub.commands.supervisor import Supervisor
from stridehub.config import HubConfig
from stridehub.dashboard.child import Page
from stridehub.dashboard.policy import is_loopback
from stridehub.dashboard.settings import PageSettings
from stridehub.mqtt.broker import Broker
from stridehub.mqtt.endpoint import Endpoint, endpoint_of
from stridehub.mqtt.messages import AlertLevel
from stridehub.mqtt.topics import Topics
from stridehub.uplink import Uplink

_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")


@dataclass(frozen=True, slots=True)
class CoachSide:
    uplink: Uplink
    broker: Broker | Endpoint
    page: Page | None
    supervisors: Mapping[str, Supervisor]  # of what is the hub's own

    @property
    def where(self) -> str:
        """For people."""
        told = [f"MQTT {self.broker}", *(trouble.text for trouble in self.troubles())]
        if self.page is not None and self.page.url is not None:
            told.insert(0, f"page {self.page.url}")
        return "   ".join(told)

    def troubles(self) -> Iterator[Alarm]:
        """What is not there now."""
        for name, supervisor in self.supervisors.items():
            if supervisor.failure is not None:
                yield Alarm(AlertLevel.WARNING, name, "", str(supervisor.failure))

    def open_browser(self) -> None:
        """Where there is a screen; never one in the terminal. Nobody waits for it."""
        if self.page is not None and any(os.environ.get(screen) for screen in _SCREENS):
            threading.Thread(target=webbrowser.open, args=(self.page.url,), daemon=True).start()


@asynccontextmanager
async def coach_side(config: HubConfig, *, insists: bool = False) -> AsyncIterator[CoachSide]:
    """Broker and page, where they are the hub's own, are kept up while the block lasts.

    The block begins without them, and goes on without them; where one `insists`, it begins when
    they are there, or raises BrokerError, PageError. Raises ConfigError, StoreError.
    """
    own = None
    if config.mqtt.host is None:
        own = Broker(config.broker, Topics(config.name), config.state)
    # What is wrong with the settings is told at once.
    broker = own or endpoint_of(config.mqtt)
    page = Page(lambda: _told(config, own)) if config.dashboard.is_on else None
    supervisors: dict[str, Supervisor] = {}
    if own is not None:
        supervisors["broker"] = Supervisor(own, on_up=page.refresh if page else lambda: None)
    if page is not None:
        supervisors["page"] = Supervisor(page, after=supervisors.get("broker"))
    async with AsyncExitStack() as stack:
        for supervisor in supervisors.values():
            await stack.enter_async_context(supervisor.running())
            if insists:
                await supervisor.first_try()
        find = own.endpoint if own else lambda: endpoint_of(config.mqtt)
        yield CoachSide(Uplink(config, find), broker, page, supervisors)


def _told(config: HubConfig, own: Broker | None) -> PageSettings:
    """What the page is told of a broker of the hub's own: where it is now, and how to come in."""
    settings = page_settings(config)
    if own is None:
        return settings
    settings = replace(settings, ws_port=own.ws_port)
    if own.page_login is not None and is_loopback(settings.listen):
        login = own.page_login
        settings = replace(settings, user=login.user, password=login.password)
    return settings
