"""A process that ends motors where the hub cannot: one that was killed, is stopped, or hangs.

The kernel takes the pins from a process that died. Raspberry Pi's own kernels leave them at the
level they had (unless config.txt says dtparam=strict_gpiod), and a motor that was on stays on.
The guardian holds the reading end of a pipe from the hub, which ends however the hub does, and in
which the hub tells when motors are about to be on, and when all of them are off.

    python -m stridehub.haptics.guardian PIN...
"""

import os
import select
import signal
import sys
import time
from collections.abc import Sequence

from stridehub.errors import MotorError
from stridehub.haptics.gpio import GpioPins, load
from stridehub.timing import GUARDIAN_CLAIMS_S, GUARDIAN_LIMIT_S

READY = b"ready\n"
ON = b"1"  # a motor may be on from now
OFF = b"0"  # none is

_PIPE_BYTES = 65536
_ANY_HZ = 200  # nothing is turned on
# systemd sends them to everything of the service at once; the hub's end is what counts.
_DEAF_TO = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGABRT)


def main(arguments: Sequence[str]) -> int:
    """Waits for the hub's end, and makes sure of its pins."""
    for number in _DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    hub = os.getppid()
    pins = [int(argument) for argument in arguments]
    try:
        load()  # now, so that nothing needs to be loaded then
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()
        is_killed = _outlast(hub)
        # Low as they are claimed. Not closed: that would make inputs of them, which float.
        GpioPins(pins, _ANY_HZ, GUARDIAN_CLAIMS_S)
        if is_killed:  # told last: it may take its time
            print("stridehub: killed, since a motor was left on", file=sys.stderr)
    except MotorError as error:
        if "busy" in error.reason:  # of the next hub, which claimed them low
            return 0
        print(f"stridehub: motors may be on: {error}", file=sys.stderr)
        return 1
    return 0


def _outlast(hub: int) -> bool:
    """Returns when the hub has ended: whether it had to be killed, since it left a motor on."""
    pipe = sys.stdin.fileno()
    due_s: float | None = None
    is_killed = False
    while True:
        wait_s = None if due_s is None else max(0.0, due_s - time.monotonic())
        is_told, _, _ = select.select([pipe], [], [], wait_s)
        if not is_told:
            if os.getppid() == hub:
                os.kill(hub, signal.SIGKILL)
                is_killed = True
            due_s = None
        elif told := os.read(pipe, _PIPE_BYTES):
            due_s = _due_s(due_s, told)
        else:
            return is_killed


def _due_s(before_s: float | None, told: bytes) -> float | None:
    """When motors have to be off, after all that was told. None: they are."""
    if told.endswith(OFF):
        return None
    if before_s is None or OFF in told:
        return time.monotonic() + GUARDIAN_LIMIT_S
    return before_s


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
