"""When a pod notifies its status: as it changes, at most once a second."""

from dataclasses import replace

from stridehub.kernel.link import Attribute, PodLinkStatus, decode_status
from virtual_pod.pod import VirtualPod

_PAUSE_S = 1.0


class StatusNews:
    """Of one connection."""

    def __init__(self) -> None:
        self._told: PodLinkStatus | None = None
        self._due_s = 0.0

    def take(self, pod: VirtualPod, now_s: float, longest_bytes: int | None = None) -> bytes | None:
        """The record to notify now, by a clock in seconds; uptime alone is no news.

        One that is too long for the link stays news until the link takes it.
        """
        if now_s < self._due_s:
            return None
        record = pod.read(Attribute.STATUS)
        if longest_bytes is not None and len(record) > longest_bytes:
            return None
        self._due_s = now_s + _PAUSE_S
        status = replace(decode_status(record), uptime_s=0)
        if status == self._told:
            return None
        self._told = status
        return record
