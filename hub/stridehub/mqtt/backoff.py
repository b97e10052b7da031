"""How long to wait before the next try: longer and longer, and not all at once."""

import random


class Backoff:
    """Doubles from the first wait to the longest; each is shortened by up to a half by chance."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s

    def wait_s(self) -> float:
        """The next one."""
        wait_s = self._next_s
        self._next_s = min(2 * wait_s, self._longest_s)
        return wait_s * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It went well."""
        self._next_s = self._first_s
