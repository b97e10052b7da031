"""Where live messages go."""

from dataclasses import dataclass
from typing import Protocol

import msgspec

from stridehub.mqtt.messages import Message

_encode = msgspec.json.Encoder().encode


class Live(Protocol):
    """A message that cannot be sent at once is not sent; of a retained one the last counts."""

    def live(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Outlet:
    """Messages as payloads."""

    to: Live

    def tell(
        self, topic: str, message: Message, *, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        self.to.live(topic, _encode(message), retain=retain, expiry_s=expiry_s)
