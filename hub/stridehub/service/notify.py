"""What systemd is told: sd_notify(3), on a datagram socket."""

import logging
import os
import socket
from collections.abc import MutableMapping

MAX_STATUS = 1000  # characters; systemd itself takes a few thousand bytes in all

log = logging.getLogger(__name__)


class Notifier:
    """Never waits. Without NOTIFY_SOCKET it does nothing.

    What does not get through goes along with what is said next; why not is logged once.
    """

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """What systemd has put there is taken out: it is not meant for programs started by us."""
        self._address = _address(environment.pop("NOTIFY_SOCKET", ""))
        self.watchdog_s = _watchdog_s(
            environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        )
        self._unsaid: dict[str, str] = {}
        self._has_complained = False

    def ready(self) -> None:
        self._say("READY", "1")

    def status(self, text: str) -> None:
        """For people, in `systemctl status`; becomes one line."""
        self._say("STATUS", " ".join(text.split())[:MAX_STATUS])

    def watchdog(self) -> None:
        """To be called more often than every `watchdog_s`, where that is not None."""
        if self.watchdog_s is not None:
            self._say("WATCHDOG", "1")

    def stopping(self) -> None:
        self._say("STOPPING", "1")

    def _say(self, name: str, value: str) -> None:
        if not self._address:
            return
        self._unsaid[name] = value
        message = "\n".join(f"{name}={value}" for name, value in self._unsaid.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
                way.setblocking(False)
                way.sendto(message.encode(errors="replace"), self._address)
        except OSError as error:
            if not self._has_complained:
                log.warning("systemd is not told how the hub is: %s", error.strerror or error)
            self._has_complained = True
        else:
            self._unsaid.clear()


def _address(said: str) -> str:
    """ "" where there is none that we can use."""
    if said.startswith("@"):
        return f"\0{said[1:]}"
    if said and not said.startswith("/"):
        log.warning("systemd is not told how the hub is: %r is no Unix socket", said)
        return ""
    return said


def _watchdog_s(microseconds: str, pid: str) -> float | None:
    """How long systemd waits for a word; None: it does not, or for another process."""
    if pid and pid != str(os.getpid()):
        return None
    if not (microseconds.isascii() and microseconds.isdigit()):
        return None
    return int(microseconds[:18]) / 1e6 or None
