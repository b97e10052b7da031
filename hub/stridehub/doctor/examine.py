"""Looks at everything, in bounded time, whatever state the machine is in."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping

from stridehub.doctor import (
    access,
    bluetooth,
    broker,
    clock,
    motors,
    pods,
    power,
    service,
    storage,
    versions,
)
from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.doctor.finding import Finding, Says
from stridehub.timing import DOCTOR_LOOK_S

Look = Callable[[Case], Iterator[Finding]]

# From the ground up: what is missing above makes what stands on it fail, too.
LOOKS: Mapping[str, Look] = {
    "versions": versions.look,
    "power": power.look,
    "clock": clock.look,
    "storage": storage.look,
    "access": access.look,
    "service": service.look,
    "bluetooth": bluetooth.look,
    "pods": pods.look,
    "motors": motors.look,
    "broker": broker.look,
}


def examine(
    case: Case, looks: Mapping[str, Look] = LOOKS, within_s: float = DOCTOR_LOOK_S
) -> Iterator[Finding]:
    """All look at the same time; told in their order. What hangs is left behind, and said."""
    end_s = time.monotonic() + within_s
    at_work = [_Looking(subject, look, case) for subject, look in looks.items()]
    for looking in at_work:
        yield from looking.findings(end_s)


class _Looking:
    """One of them, in a thread that nobody needs to wait for."""

    def __init__(self, subject: str, look: Look, case: Case) -> None:
        self._says = Says(subject)
        self._look = look
        self._case = case
        self._found: list[Finding] = []
        self._thread = threading.Thread(target=self._run, name=f"doctor-{subject}", daemon=True)
        self._begun_s = time.monotonic()
        self._thread.start()

    def _run(self) -> None:
        try:
            for finding in self._look(self._case):
                self._found.append(finding)
        except Exception as error:  # one sick part shall not hide the others
            text = f"cannot be looked at: {type(error).__name__}: {error}"
            self._found.append(self._says.warn(text, Advice.LOOK_BY_HAND))

    def findings(self, end_s: float) -> Iterator[Finding]:
        self._thread.join(max(0.0, end_s - time.monotonic()))
        hangs = self._thread.is_alive()
        yield from tuple(self._found)
        if hangs:
            for_s = time.monotonic() - self._begun_s
            yield self._says.warn(f"no answer for {for_s:.0f} s", Advice.LOOK_BY_HAND)
