"""Other programs on this machine that use Bluetooth: two scans or connections at once fail."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stridehub.pods.bluez import bus_users

# Programs that scan or connect by themselves, or that people leave open while they do.
_BY_NAME = {
    "TheengsGateway",
    "blueberry-tray",
    "bluedevil",
    "blueman-applet",
    "blueman-manager",
    "bluetoothctl",
    "bluetuith",
    "gatttool",
    "gnome-bluetooth",
    "gnome-control-center",
    "hass",
    "hcitool",
    "home-assistant",
    "overskride",
    "stridehub",
}


@dataclass(frozen=True, slots=True)
class Rival:
    """A process that is likely to get in the way."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


async def find_rivals(own_pid: int) -> list[Rival]:
    """Of those that are connected to D-Bus now. Raises RadioError."""
    pids = sorted(await bus_users() - {own_pid})
    return [Rival(pid, name) for pid in pids if (name := _rival_name(pid)) is not None]


def _rival_name(pid: int) -> str | None:
    return next((name for name in _names(pid) if name in _BY_NAME), None)


def _names(pid: int) -> Iterator[str]:
    """What it is called by: its own name, and the program and script it was started as."""
    folder = Path("/proc") / str(pid)
    try:
        yield (folder / "comm").read_text().strip()
        words = (folder / "cmdline").read_bytes().split(b"\0")
    except OSError:  # it has ended
        return
    yield from (Path(word.decode(errors="replace")).name for word in words[:2])
    if words[1:3] == [b"-m", b"stridehub"]:
        yield "stridehub"
