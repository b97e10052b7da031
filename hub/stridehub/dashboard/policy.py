"""What browsers are told about the page: what it may load, and whom it may talk to."""

import ipaddress
import re
from urllib.parse import urlsplit

from stridehub.hosts import in_url

# A name, an IPv4 address, or an IPv6 one in its brackets: nothing that could end a directive.
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost")


def host_of(authority: str) -> str | None:
    """The host of "host:port", IPv6 with its brackets; None: it is none."""
    host, _, port = authority.partition("]:") if "]" in authority else authority.partition(":")
    host = f"{host}]" if host.startswith("[") and not host.endswith("]") else host
    is_good = _HOST.fullmatch(host) and (not port or (port.isascii() and port.isdigit()))
    return host.lower() if is_good else None


def is_loopback(host: str) -> bool:
    """Reached from this machine only: a name or an address, IPv6 with or without its brackets."""
    if host.lower().rstrip(".") in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def websocket_origin(url: str) -> str | None:
    """Scheme, host and port of a ws:// or wss:// URL; None: it is none."""
    try:
        parts = urlsplit(url)
        host, port = in_url(parts.hostname or ""), parts.port
    except ValueError:
        return None
    if parts.scheme not in ("ws", "wss") or not _HOST.fullmatch(host):
        return None
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def headers(brokers: list[str]) -> dict[str, str]:
    """Of every answer. `brokers`: origins that the page may talk to, besides its own."""
    content = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        " ".join(("connect-src 'self'", *brokers)),
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(content),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cache-Control": "no-cache",  # asked for anew each time, and mostly answered by 304
    }
