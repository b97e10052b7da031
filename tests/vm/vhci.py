"""A Bluetooth adapter that the kernel takes for real, by /dev/vhci."""

import asyncio
import os
from collections.abc import Callable

_DEVICE = "/dev/vhci"
_VENDOR = 0xFF  # packets that are not for a controller
_PRIMARY = 0x00
_LONGEST = 4096


class Vhci:
    """Plugged in as it is made. What the kernel sends goes to `heard`, packet by packet."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self._heard = heard
        self._fd: int | None = os.open(_DEVICE, os.O_RDWR | os.O_NONBLOCK)
        asyncio.get_running_loop().add_reader(self._fd, self._read)
        os.write(self._fd, bytes([_VENDOR, _PRIMARY]))

    def on_packet(self, packet: bytes) -> None:
        """To the kernel."""
        if self._fd is not None:
            os.write(self._fd, packet)

    async def unplug(self) -> None:
        """The kernel waits for a last answer for a while: in another thread."""
        fd, self._fd = self._fd, None
        if fd is not None:
            asyncio.get_running_loop().remove_reader(fd)
            await asyncio.to_thread(os.close, fd)

    def _read(self) -> None:
        if self._fd is None:
            return
        try:
            packet = os.read(self._fd, _LONGEST)
        except BlockingIOError:
            return
        if packet and packet[0] != _VENDOR:
            self._heard(packet)
