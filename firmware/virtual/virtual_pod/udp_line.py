"""How far one hub is behind what pods send it over UDP, and whether it is still there."""

MOST_IN_FLIGHT = 64  # notifications; a socket's usual buffer holds four times as many

_STEP_S = 1.0
_MANY_IN_FLIGHT = MOST_IN_FLIGHT // 2  # for a step before its time
_TRY_S, _TRIES = 0.5, 8  # a hub is gone after 4 s without an echo


class Line:
    """To one hub. Times are the event loop's.

    A step is lost like any datagram, and sent again with its tag. What counts against a hub is
    tries, not time: a machine that stands still for long takes one of them.
    """

    def __init__(self, now_s: float) -> None:
        self._sent = 0
        self._echoed = 0
        self._asked_s = now_s
        self._step: int | None = None  # the tag that is to be echoed
        self._sent_before = 0  # that step
        self._tries = 0

    @property
    def in_flight(self) -> int:
        """Notifications that the hub has not echoed; answers come no faster than it asks."""
        return self._sent - self._echoed

    @property
    def has_room(self) -> bool:
        return self.in_flight < MOST_IN_FLIGHT

    def count(self) -> None:
        """A notification is on its way."""
        self._sent += 1

    def is_step_due(self, now_s: float, *, at_once: bool) -> bool:
        """`at_once`: whatever is in flight has to be echoed."""
        passed_s = now_s - self._asked_s
        if self._step is not None:
            return passed_s >= _TRY_S
        return self.in_flight > (0 if at_once else _MANY_IN_FLIGHT) or passed_s >= _STEP_S

    @property
    def is_out_of_tries(self) -> bool:
        """The hub is gone once another step is due."""
        return self._tries == _TRIES

    def next_step(self, new_tag: int, now_s: float) -> int:
        """The tag to send: an old one where the hub has not echoed it."""
        if self._step is None:
            self._step, self._sent_before = new_tag, self._sent
        self._asked_s = now_s
        self._tries += 1
        return self._step

    def take_echo(self, tag: int) -> None:
        if tag == self._step:
            self._step, self._tries = None, 0
            self._echoed = self._sent_before
