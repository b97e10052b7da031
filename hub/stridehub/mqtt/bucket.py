"""A token bucket: so many a second on the whole, and some at once."""


class TokenBucket:
    """Full at the start. Times are monotonic seconds."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = float(burst)
        self._filled_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Whether there was a token."""
        if self._filled_s is not None:
            grown = self._tokens + (now_s - self._filled_s) * self._per_s
            self._tokens = min(grown, self._burst)
        self._filled_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
