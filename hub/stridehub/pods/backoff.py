"""How long to wait before the next try, by what the last one failed of."""

import random
from dataclasses import dataclass
from enum import Enum

_GROWTH = 3.0  # decorrelated jitter: up to three times the last wait
_FIRST_SPREAD = 2.0  # the first wait has some already: pods that were lost together come apart


@dataclass(frozen=True, slots=True)
class Manner:
    """How one class of failure is met."""

    reason: str
    first_s: float
    most_s: float
    advice: str = ""
    climbs: bool = False  # the same again calls for stronger measures

    @property
    def told(self) -> str:
        return f"{self.reason}; {self.advice}" if self.advice else self.reason


class Failure(Enum):
    """Why a pod is not connected; the values say what is done about it.

    The first wait is as long as the cause usually lasts, the longest keeps a pod that comes
    back from being overlooked.
    """

    BUSY_ADAPTER = Manner(
        "the adapter is busy, or hangs",
        0.3,
        5.0,
        "close other Bluetooth programs on this machine",
    )
    ADAPTER_GONE = Manner("the adapter is not there", 1.0, 5.0, "plug it in, or switch it on")
    NO_BLUEZ = Manner("Bluetooth of this machine does not answer", 1.0, 5.0, "is bluetoothd up?")
    NO_SLOT = Manner(
        "the adapter holds no more links",
        4.0,
        30.0,
        "add a USB adapter and provision some pods with it",
    )
    LOST = Manner("the link was lost", 0.1, 2.0)
    HUNG_UP = Manner(
        "the pod hung up at once",
        0.5,
        10.0,
        "if it goes on, it has forgotten this hub: double-tap it, then `stridehub provision`",
    )
    SILENT = Manner("connected but silent", 0.1, 5.0, climbs=True)
    TIMED_OUT = Manner("no answer", 0.5, 5.0, "bring the pod closer", climbs=True)
    ABORTED = Manner("the connection failed", 0.3, 5.0, climbs=True)
    NOT_BONDED = Manner(
        "pod and hub have no bond with each other any more",
        5.0,
        30.0,
        "double-tap the pod, then `stridehub provision`",
    )
    STALE_SERVICES = Manner("the pod shows other services than before", 0.5, 10.0, climbs=True)
    OTHER_VERSION = Manner(
        "the pod speaks another version of the protocol", 10.0, 60.0, "update pod or hub"
    )
    REFUSED = Manner("the pod refused", 1.0, 20.0)
    NOT_TAKEN = Manner("the hub cannot use the pod", 10.0, 60.0)


class Backoff:
    """The waits of one pod; reset() when it streams well."""

    def __init__(self, random_source: random.Random) -> None:
        self._random = random_source
        self._last_s: dict[Failure, float] = {}

    def wait_s(self, failure: Failure) -> float:
        """Between the class's first and longest wait, longer from time to time."""
        manner = failure.value
        last_s = self._last_s.get(failure, _FIRST_SPREAD * manner.first_s / _GROWTH)
        top_s = max(manner.first_s, min(manner.most_s, last_s * _GROWTH))
        wait_s = self._random.uniform(manner.first_s, top_s)
        self._last_s[failure] = wait_s
        return wait_s

    def reset(self) -> None:
        self._last_s.clear()
