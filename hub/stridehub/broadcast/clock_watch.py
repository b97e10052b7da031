"""What follows when somebody sets the clock while the hub is at work."""

import asyncio
import logging
import time
from datetime import timedelta

from stridehub.broadcast.chronicle import Chronicle
from stridehub.broadcast.orders import Orders
from stridehub.coaching.session import RESUME_S
from stridehub.team import Team
from stridehub.timing import CLOCK_LATE_S, CLOCK_TOLD_S, TELL_S
from stridehub.wall_clock import WallClock

log = logging.getLogger(__name__)


class ClockWatch:
    """Its dates are put right, and whoever looks at the hub is told."""

    def __init__(self, clock: WallClock, chronicle: Chronicle, team: Team, orders: Orders) -> None:
        """As the hub starts."""
        self._clock = clock
        self._chronicle = chronicle
        self._team = team
        self._orders = orders
        self._first = chronicle.session
        self._started_s = self._set_s = time.monotonic()
        self._news: str | None = None

    @property
    def news(self) -> str | None:
        """For people, for a while."""
        return self._news if time.monotonic() - self._set_s < CLOCK_TOLD_S else None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            by_s = self._clock.look()
            if by_s:
                self._was_set(by_s)
            await asyncio.sleep(TELL_S)

    def _was_set(self, by_s: float) -> None:
        self._set_s = time.monotonic()
        where = "ahead" if by_s > 0 else "back"
        self._news = f"the clock was set {where} by {timedelta(seconds=round(abs(by_s)))}"
        log.warning("%s", self._news)
        self._chronicle.clock_was_set(by_s)
        self._team.clock_was_set(by_s)
        if by_s > RESUME_S and self._set_s - self._started_s < CLOCK_LATE_S:
            self._was_away()

    def _was_away(self) -> None:
        """For longer than the clock said as the hub started: nothing goes on from before."""
        if self._chronicle.session == self._first:
            self._chronicle.continues_nothing()
        if self._chronicle.session and any(c.goes_on for c in self._team.coaches.values()):
            log.warning("the session before was not a moment ago: another one begins")
            self._orders.begin_session()
