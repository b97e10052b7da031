"""A process that outlives the hub for a moment, to drive its pins low.

The kernel takes the pins from a process that died. Raspberry Pi's own kernels leave them at the
level they had (unless config.txt says dtparam=strict_gpiod), and a motor that was on stays on.
The guardian holds the reading end of a pipe from the hub; that ends however the hub does.

    python -m stridehub.haptics.guardian PIN...
"""

import logging
import select
import signal
import subprocess
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress

from stridehub.errors import MotorError
from stridehub.haptics.gpio import GpioPins, load
from stridehub.timing import GUARDIAN_CLAIMS_S, GUARDIAN_ENDS_S, GUARDIAN_STARTS_S

log = logging.getLogger(__name__)

_WHAT = "guardian of the motors"
_READY = b"ready\n"
_GOODBYE = b"goodbye"
_ANY_HZ = 200  # nothing is turned on


class Guardian:
    """The hub's end of it."""

    def __init__(self, pins: Collection[int]) -> None:
        """Ready when it returns. Raises MotorError where it does not get ready."""
        command = [sys.executable, "-m", __name__, *map(str, pins)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is not for it
            )
        except OSError as error:
            raise MotorError(_WHAT, error.strerror or str(error)) from error
        if not self._is_ready():
            self._kill()
            raise MotorError(_WHAT, "it does not get ready")

    def _is_ready(self) -> bool:
        out = self._process.stdout
        assert out is not None
        is_told, _, _ = select.select([out], [], [], GUARDIAN_STARTS_S)
        return bool(is_told) and out.readline() == _READY

    def dismiss(self) -> None:
        """The pins are low: it ends without touching them. Safe to call twice."""
        try:
            self._process.communicate(_GOODBYE, timeout=GUARDIAN_ENDS_S)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self._kill()

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()


class GuardedPins(GpioPins):
    """With a guardian for as long as they are claimed."""

    def __init__(self, pins: Collection[int], pwm_hz: int) -> None:
        """Raises MotorError."""
        self._guardian: Guardian | None = None
        super().__init__(pins, pwm_hz)
        try:
            self._guardian = Guardian(pins)
        except MotorError as error:
            log.warning("a motor that is on when the hub is killed may stay on: %s", error)

    def close(self) -> None:
        super().close()
        guardian, self._guardian = self._guardian, None
        if guardian is not None:
            guardian.dismiss()


def main(arguments: Sequence[str]) -> int:
    """Waits for the hub's end, and makes sure of its pins."""
    # systemd sends them to everything of the service at once; the hub's end is what counts.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    pins = [int(argument) for argument in arguments]
    try:
        load()  # now, so that nothing needs to be loaded then
        sys.stdout.buffer.write(_READY)
        sys.stdout.buffer.flush()
        if sys.stdin.buffer.read() == _GOODBYE:
            return 0
        # Low as they are claimed. Not closed: that would make inputs of them, which float.
        GpioPins(pins, _ANY_HZ, GUARDIAN_CLAIMS_S)
    except MotorError as error:
        print(f"stridehub: motors may be on: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
