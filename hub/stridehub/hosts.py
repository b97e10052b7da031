"""Hosts as URLs name them."""


def in_url(host: str) -> str:
    """An IPv6 address gets its brackets."""
    return f"[{host}]" if ":" in host else host
