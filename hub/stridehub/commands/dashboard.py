"""The live page by itself, in a process that no buzz ever waits for."""

import asyncio
from pathlib import Path

from stridehub.commands.stopping import stop_requested
from stridehub.config import HubConfig, load_hub_config
from stridehub.dashboard.policy import is_loopback
from stridehub.dashboard.server import PageSettings, serving
from stridehub.hosts import in_url


def dashboard(config_path: Path | None) -> None:
    """Prints where it is; until Ctrl-C or SIGTERM. Raises ConfigError, OSError."""
    asyncio.run(_serve(page_settings(load_hub_config(config_path))))


async def _serve(settings: PageSettings) -> None:
    with stop_requested() as stop:
        async with serving(settings) as url:
            print(url, flush=True)
            await stop.wait()


def page_settings(config: HubConfig) -> PageSettings:
    """The broker is reached by the page's own host, unless it is another machine."""
    return PageSettings(
        hub=config.name,
        listen=config.dashboard.listen,
        port=config.dashboard.port,
        broker_url=_broker_url(config),
        ws_port=config.broker.ws_port,
        may_command=_may_command(config),
    )


def _broker_url(config: HubConfig) -> str | None:
    mqtt = config.mqtt
    if mqtt.page_url is not None or mqtt.host is None or is_loopback(mqtt.host):
        return mqtt.page_url
    return f"{'wss' if mqtt.is_secure else 'ws'}://{in_url(mqtt.host)}:{config.broker.ws_port}"


def _may_command(config: HubConfig) -> bool:
    """Without credentials: where the settings say so, else who sits at this machine."""
    if config.dashboard.commands is not None:
        return config.dashboard.commands
    return config.mqtt.host is None and all(
        is_loopback(host) for host in (config.dashboard.listen, config.broker.listen)
    )
