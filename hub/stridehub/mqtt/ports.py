"""Ports for a broker of the hub's own: those that are wanted, or free ones."""

import socket
from collections.abc import Iterable
from contextlib import ExitStack

from stridehub.errors import BrokerError


def free_ports(listen: str, wanted: Iterable[int]) -> list[int]:
    """One for each, the wanted one where it is free. Raises BrokerError."""
    with ExitStack() as held:  # all at once, so that none is given twice
        return [_held(listen, port, held) for port in wanted]


def _held(listen: str, port: int, held: ExitStack) -> int:
    try:
        family, *_, address = socket.getaddrinfo(
            listen, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        probe = held.enter_context(socket.socket(family))
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            probe.bind((listen, 0))
        return int(probe.getsockname()[1])
    except OSError as error:
        raise BrokerError(listen, f"cannot listen there: {error.strerror}") from error


def bindable(listen: str) -> tuple[str, str]:
    """Its address in figures, and which kind it is, as mosquitto wants them. Raises BrokerError."""
    try:
        family, *_, address = socket.getaddrinfo(
            listen, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise BrokerError(listen, f"cannot listen there: {error.strerror}") from error
    return str(address[0]), "ipv6" if family == socket.AF_INET6 else "ipv4"


def reachable(listen: str) -> str:
    """The address at which this machine itself reaches what listens there."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen, listen)
