"""What the page is told of this hub."""

from stridehub.config import HubConfig
from stridehub.dashboard.policy import is_loopback
from stridehub.dashboard.settings import PageSettings
from stridehub.hosts import in_url


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
