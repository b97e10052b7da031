"""A D-Bus daemon of the tests' own, which can be killed and started again at the same address."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

_CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
  <limit name="max_match_rules_per_connection">100000</limit>
  <limit name="max_replies_per_connection">100000</limit>
  <limit name="max_completed_connections">10000</limit>
  <limit name="max_connections_per_user">10000</limit>
</busconfig>
"""
_PATIENCE_S = 5.0
_POLL_S = 0.01


def is_available() -> bool:
    """Whether this machine has the daemon."""
    return shutil.which("dbus-daemon") is not None


def _with_parent() -> list[str]:
    """What lets a command die with the tests, even where they are killed."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") is not None else []


class PrivateBus:
    """Allows everything to everybody who finds its socket, and activates nothing."""

    def __init__(self, folder: Path) -> None:
        """`folder` has a short path: that of a socket is 107 bytes at most."""
        self._socket = folder / "bus"
        self._config = folder / "bus.conf"
        self._config.write_text(_CONFIG.format(socket=self._socket))
        self._daemon: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"unix:path={self._socket}"

    @property
    def pid(self) -> int:
        assert self._daemon is not None
        return self._daemon.pid

    async def start(self) -> None:
        """Returns when it takes connections. Raises TimeoutError."""
        self._socket.unlink(missing_ok=True)
        self._daemon = await asyncio.create_subprocess_exec(
            *_with_parent(),
            "dbus-daemon",
            f"--config-file={self._config}",
            "--nofork",
            "--nopidfile",
            stderr=asyncio.subprocess.DEVNULL,  # it complains where it may not have more files
        )
        async with asyncio.timeout(_PATIENCE_S):
            while not await self._takes_connections():
                await asyncio.sleep(_POLL_S)

    async def _takes_connections(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(self._socket)
        except OSError:
            return False
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True

    async def kill(self) -> None:
        """Whoever is connected sees the connection break."""
        if self._daemon is None:
            return
        with suppress(ProcessLookupError):
            self._daemon.kill()
        await self._daemon.wait()
        self._daemon = None
