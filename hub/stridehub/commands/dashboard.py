"""The live page by itself, in a process that no buzz ever waits for."""

import asyncio
from pathlib import Path

from stridehub.commands.page_settings import page_settings
from stridehub.commands.stopping import stop_requested
from stridehub.config import load_hub_config
from stridehub.dashboard.server import serving
from stridehub.dashboard.settings import PageSettings
from stridehub.service.health import Health
from stridehub.service.notify import Notifier


def dashboard(config_path: Path | None) -> None:
    """Prints where it is; until Ctrl-C or SIGTERM. Raises ConfigError, OSError."""
    asyncio.run(_serve(page_settings(load_hub_config(config_path)), Notifier()))


async def _serve(settings: PageSettings, notifier: Notifier) -> None:
    with stop_requested() as stop:
        async with serving(settings) as url:
            print(url, flush=True)
            async with Health(notifier, lambda: f"the page is at {url}").running():
                await stop.wait()
