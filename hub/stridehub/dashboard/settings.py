"""Of the page; apart from its server, which a hub never loads."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What the page is told, and where it is handed out."""

    hub: str
    listen: str = "127.0.0.1"
    port: int = 8080
    broker_url: str | None = None  # ws:// or wss://; None: the host of the page
    ws_port: int = 9001  # there
    may_command: bool = False  # without credentials
    user: str | None = None  # at that broker, for whoever gets the page
    password: str | None = field(default=None, repr=False)
