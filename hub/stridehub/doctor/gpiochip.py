"""The kernel's GPIO lines, looked at and never touched."""

import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

# Of linux/gpio.h: names, label and how many lines; a line's name, its user's name, number, how many
# attributes, flags, attributes and room for more.
_CHIP = struct.Struct("32s32sI")
_LINE = struct.Struct("32s32sIIQ160s16s")
_CHIP_INFO = 0x8044B401  # GPIO_GET_CHIPINFO_IOCTL
_LINE_INFO = 0xC100B405  # GPIO_V2_GET_LINEINFO_IOCTL
_IS_USED = 1  # GPIO_V2_LINE_FLAG_USED

Ask = Callable[[int, int, bytearray], object]


class Line(NamedTuple):
    user: str  # as the program names itself; "" where it does not
    is_used: bool


@contextmanager
def _opened(device: Path) -> Iterator[int]:
    descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def label(device: Path, ask: Ask = fcntl.ioctl) -> str:
    """Which chip it is, such as "pinctrl-bcm2711". Raises OSError."""
    told = bytearray(_CHIP.size)
    with _opened(device) as chip:
        ask(chip, _CHIP_INFO, told)
    return _text(_CHIP.unpack(told)[1])


def line(device: Path, number: int, ask: Ask = fcntl.ioctl) -> Line:
    """Who has it. Raises OSError."""
    told = bytearray(_LINE.pack(b"", b"", number, 0, 0, b"", b""))
    with _opened(device) as chip:
        ask(chip, _LINE_INFO, told)
    _, user, _, _, flags, _, _ = _LINE.unpack(told)
    return Line(_text(user), bool(flags & _IS_USED))


def _text(name: bytes) -> str:
    return name.partition(b"\0")[0].decode(errors="replace")
