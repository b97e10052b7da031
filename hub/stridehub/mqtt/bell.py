"""Wakes a thread that waits in poll()."""

import socket
from contextlib import suppress


class Bell:
    """ring() from any thread; poll() sees it as readable until hush()."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)

    def fileno(self) -> int:
        return self._near.fileno()

    def ring(self) -> None:
        with suppress(OSError):  # it rings already, or is closed
            self._far.send(b"!")

    def hush(self) -> None:
        with suppress(BlockingIOError):
            self._near.recv(4096)

    def close(self) -> None:
        self._near.close()
        self._far.close()
