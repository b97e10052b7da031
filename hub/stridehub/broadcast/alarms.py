"""Which troubles are worth an alert: each once, as it begins."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from stridehub.mqtt.messages import AlertLevel

# One that comes and goes is not told again before.
_AGAIN_S = 300.0


class Alarm(NamedTuple):
    """Something that a coach should know of."""

    level: AlertLevel
    code: str  # for programs
    subject: str  # a runner, a pod, an adapter, or ""
    text: str  # for people


class Alarms:
    def __init__(self) -> None:
        self._told_s: dict[tuple[str, str], float] = {}  # when they were last there

    def new(self, alarms: Iterable[Alarm], now_s: float) -> Iterator[Alarm]:
        """Of those that are there now, the ones that were not lately."""
        for alarm in alarms:
            key = alarm.code, alarm.subject
            last_s = self._told_s.get(key)
            self._told_s[key] = now_s
            if last_s is None or now_s - last_s > _AGAIN_S:
                yield alarm
        self._told_s = {key: s for key, s in self._told_s.items() if now_s - s <= _AGAIN_S}
