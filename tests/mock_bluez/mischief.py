"""What tests make a pod do that no pod should."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

_MOST_GARBAGE_BYTES = 244
_TYPE_BITS = 0x0F


@dataclass(slots=True)
class Mischief:
    """Nothing, to begin with."""

    version: int | None = None  # of the protocol, in whatever it says; None: the true one
    swallow: int = 0  # packets, of the next
    garbage: int = 0  # packets of random bytes, to be sent
    flood_per_s: float = 0.0  # packets sent over again
    _dice: random.Random = field(default_factory=lambda: random.Random(1))
    _owed: float = 0.0

    def told(self, record: bytes) -> bytes:
        """As the pod says it."""
        if self.version is None or not record:
            return record
        return bytes([self.version << 4 | record[0] & _TYPE_BITS]) + record[1:]

    def swallows(self) -> bool:
        """Whether it does with the packet at hand."""
        swallowed = self.swallow > 0
        self.swallow -= swallowed
        return swallowed

    def extras(self, last: bytes, elapsed_s: float) -> Iterator[bytes]:
        """What it says besides its packets; `last` is the latest of them."""
        while self.garbage > 0:
            self.garbage -= 1
            yield self._dice.randbytes(self._dice.randint(1, _MOST_GARBAGE_BYTES))
        self._owed += self.flood_per_s * elapsed_s
        while last and self._owed >= 1.0:
            self._owed -= 1.0
            yield last
