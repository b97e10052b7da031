"""A network that fails on demand, between a hub and a broker."""

import select
import socket
import threading
from types import TracebackType
from typing import Self

_TICK_S = 0.05
_BYTES = 65536


class TcpProxy:
    """Forwards connections to a port of this machine, while in a `with` block."""

    def __init__(self, target: int) -> None:
        self.connections = 0  # that were ever made
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._is_black_hole = False
        self._is_cut = False
        self._is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over = True
        self._thread.join()

    def swallow(self) -> None:
        """Connections stay, and nothing comes through any more: a link that is gone."""
        self._is_black_hole = True

    def cut(self) -> None:
        """All connections end, and new ones end at once."""
        self._is_cut = True

    def heal(self) -> None:
        """What was swallowed is lost, and so are its connections."""
        if self._is_black_hole:
            self._is_cut = True
            self._thread_turns()
        self._is_black_hole = self._is_cut = False

    def _thread_turns(self) -> None:
        """Returns when the thread has ended all connections."""
        while self._pairs:
            self._thread.join(_TICK_S)

    def _run(self) -> None:
        while not self._is_over:
            if self._is_cut:
                self._end_all()
            watched = [self._server, *([] if self._is_black_hole else self._pairs)]
            ready, _, _ = select.select(watched, [], [], _TICK_S)
            for stream in ready:
                if stream is self._server:
                    self._accept()
                elif stream in self._pairs:
                    self._forward(stream)
        self._end_all()
        self._server.close()

    def _accept(self) -> None:
        near, _ = self._server.accept()
        self.connections += 1
        try:
            far = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            near.close()
            return
        self._pairs |= {near: far, far: near}

    def _forward(self, stream: socket.socket) -> None:
        try:
            data = stream.recv(_BYTES)
            self._pairs[stream].sendall(data)
        except OSError:
            data = b""
        if not data:
            self._end(stream)

    def _end(self, stream: socket.socket) -> None:
        other = self._pairs.pop(stream)
        del self._pairs[other]
        stream.close()
        other.close()

    def _end_all(self) -> None:
        while self._pairs:
            self._end(next(iter(self._pairs)))
