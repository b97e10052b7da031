"""The kernel's GPIO lines, looked at and never touched."""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

# Of linux/gpio.h: names, label and how many lines; a line's name, its user's name, number, how many
# attributes, flags, attributes and room for more.
CHIP = struct.Struct("32s32sI")
LINE = struct.Struct("32s32sIIQ160s16s")
CHIP_INFO = 0x8044B401  # GPIO_GET_CHIPINFO_IOCTL
LINE_INFO = 0xC100B405  # GPIO_V2_GET_LINEINFO_IOCTL
IS_USED = 1  # GPIO_V2_LINE_FLAG_USED


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


def label(device: Path) -> str:
    """Which chip it is, such as "pinctrl-bcm2711". Raises OSError."""
    told = bytearray(CHIP.size)
    with _opened(device) as chip:
        fcntl.ioctl(chip, CHIP_INFO, told)
    return _text(CHIP.unpack(told)[1])


def line(device: Path, number: int) -> Line:
    """Who has it. Raises OSError."""
    told = bytearray(LINE.pack(b"", b"", number, 0, 0, b"", b""))
    with _opened(device) as chip:
        fcntl.ioctl(chip, LINE_INFO, told)
    _, user, _, _, flags, _, _ = LINE.unpack(told)
    return Line(_text(user), bool(flags & IS_USED))


def _text(name: bytes) -> str:
    return name.partition(b"\0")[0].decode(errors="replace")
