"""Which cue, when, and whether it is given: one at a time, rare, faded, some withheld."""

import random
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from stridehub.coaching.cue import Response, Withheld
from stridehub.coaching.signs import Sign
from stridehub.coaching.window import Window
from stridehub.model import CueKind, CueSide, Side
from stridehub.rules import CueRules, TriggerRules

_FRESH_S = 3.0  # strides of a side are at most a second apart


class Bandwidth:
    """Which faults are due: on beyond one bandwidth, off again within half of one."""

    def __init__(self, rules: TriggerRules) -> None:
        self._rules = rules
        self._due: dict[tuple[CueKind, Side], Sign] = {}
        self._seen_s = dict.fromkeys(Side, float("-inf"))

    def update(self, side: Side, signs: Iterable[Sign], now_s: float) -> None:
        """The signs of a side whose stride has just ended."""
        self._forget_stale(now_s)
        self._seen_s[side] = now_s
        shown = {sign.kind: sign for sign in signs}
        for kind in CueKind:
            sign, key = shown.get(kind), (kind, side)
            enough = self._rules.clear_sd if key in self._due else self._rules.due_sd
            if sign is not None and sign.beyond_sd > enough:
                self._due[key] = sign
            else:
                self._due.pop(key, None)

    def _forget_stale(self, now_s: float) -> None:
        """What sides showed that have not been seen lately."""
        for kind, side in list(self._due):
            if now_s - self._seen_s[side] > _FRESH_S:
                del self._due[kind, side]

    def most_urgent(self, kinds: Sequence[CueKind], now_s: float) -> tuple[Side, Sign] | None:
        """By priority, then by how far beyond the zone it is."""
        self._forget_stale(now_s)
        for kind in CueKind:
            due = [(side, sign) for (of, side), sign in self._due.items() if of is kind]
            if due and kind in kinds:
                return max(due, key=lambda found: found[1].beyond_sd)
        return None


def where_it_buzzes(rules: TriggerRules, sign: Sign, side: Side, window: Window) -> CueSide:
    """On the faulty side where most of the last faulty strides are of that side, else on both."""
    faulty = {of: sum(map(sign.is_fault, window.lately(of, rules.fault_strides))) for of in Side}
    total = sum(faulty.values())
    if total and faulty[side] / total > rules.both_sides_share:
        return CueSide(side.value)
    return CueSide.BOTH


class Schedule:
    """Cues fade over the sessions in which they were due."""

    def __init__(
        self, rules: CueRules, sessions_cued: Mapping[CueKind, int], kinds_due: Iterable[CueKind]
    ) -> None:
        """`sessions_cued` with this session, where it was due in it already: `kinds_due`."""
        self._shares = rules.schedule
        self.sessions_cued = dict(sessions_cued)
        self.kinds_due = list(kinds_due)

    def share(self, kind: CueKind) -> float:
        """Of the due cues of this kind that are given in this session."""
        earlier = self.sessions_cued.get(kind, 0) - (kind in self.kinds_due)
        return self._shares[min(max(earlier, 0), len(self._shares) - 1)]

    def count(self, kind: CueKind) -> bool:
        """The session counts, from the first cue of the kind on; whether this was the first."""
        if kind in self.kinds_due:
            return False
        self.kinds_due.append(kind)
        self.sessions_cued[kind] = self.sessions_cued.get(kind, 0) + 1
        return True

    def uncount(self, kind: CueKind) -> None:
        """The first one was neither felt nor withheld on purpose."""
        self.kinds_due.remove(kind)
        self.sessions_cued[kind] -= 1


def why_withheld(rules: CueRules, share: float, dice: random.Random) -> Withheld | None:
    """At random, so that what follows can be compared; None: the cue is given."""
    if dice.random() < rules.withheld:
        return Withheld.CONTROL
    return Withheld.SCHEDULE if dice.random() >= share else None


_MOST_DOUBLINGS, _MOST_GROWTH = 10, 1000.0  # no session is as long


class Patience(NamedTuple):
    """With a runner who does not answer."""

    ignored: int = 0  # cues in a row
    silences: int = 0  # kept since the last answer
    silent_until_s: float = float("-inf")


class Pauses:
    """How often: withheld cues take their turn as given ones do, so that both compare."""

    def __init__(
        self, rules: CueRules, earlier_s: Iterable[float] = (), patience: Patience | None = None
    ) -> None:
        """`earlier_s`: of cues before this began, in order; `patience`: as it was then."""
        self._rules = rules
        self._turns_s = deque(earlier_s)
        self.patience = patience or Patience()

    def reason(self, now_s: float) -> str | None:
        """Why it is not yet time for a cue."""
        rules = self._rules
        while self._turns_s and self._turns_s[0] <= now_s - max(rules.window_s, rules.least_gap_s):
            self._turns_s.popleft()
        if self._turns_s and now_s - self._turns_s[-1] < rules.least_gap_s:
            return "a pause after the last cue"
        within = sum(turn_s > now_s - rules.window_s for turn_s in self._turns_s)
        if within >= rules.most_cues:
            return f"enough cues for {rules.window_s / 60:g} min"
        if now_s < self.patience.silent_until_s:
            return "left in peace: cues were not answered"
        return None

    def turn(self, now_s: float) -> None:
        """A cue was given or withheld."""
        self._turns_s.append(now_s)

    def answered(self, response: Response, now_s: float) -> None:
        """To a cue that was given. Whoever does not respond is left in peace, ever longer."""
        if response is Response.UNKNOWN:
            return
        rules, now = self._rules, self.patience
        if response is Response.RESPONDED:
            self.patience = Patience(silent_until_s=now.silent_until_s)
        elif now.ignored + 1 < rules.ignored_cues:
            self.patience = now._replace(ignored=now.ignored + 1)
        else:
            growth = min(
                min(rules.silence_growth, _MOST_GROWTH) ** min(now.silences, _MOST_DOUBLINGS),
                _MOST_GROWTH,
            )
            self.patience = Patience(0, now.silences + 1, now_s + rules.silence_s * growth)

    @property
    def turns_s(self) -> Sequence[float]:
        return tuple(self._turns_s)
