"""Where one session ends and the next begins, on a clock that people share."""

from dataclasses import dataclass

import msgspec

from stridehub.coaching.load import is_forefoot_exposure
from stridehub.coaching.memory import OpenSession, RunnerMemory, SessionLoad
from stridehub.rules import LoadRules

RESUME_S = 900.0  # a hub that is back within this goes on with the session
KEPT_LOADS = 1000  # by number: a clock that was wrong once shall not cost them


@dataclass(frozen=True, slots=True)
class Moment:
    """The same instant on both clocks."""

    hub_s: float
    utc_s: float  # Unix time

    def utc_of(self, hub_s: float) -> float:
        return self.utc_s + hub_s - self.hub_s

    def hub_of(self, utc_s: float) -> float:
        return self.hub_s + utc_s - self.utc_s


def begun(memory: RunnerMemory, now: Moment, rules: LoadRules) -> tuple[RunnerMemory, OpenSession]:
    """With a session under way: the one of before where it was a moment ago, else a new one."""
    before = memory.session
    if before is not None and abs(now.utc_s - before.seen_utc_s) < RESUME_S:
        return memory, before
    memory = ended(memory, rules)
    new = OpenSession(seen_utc_s=now.utc_s, load=SessionLoad(started_utc_s=now.utc_s))
    return msgspec.structs.replace(memory, session=new), new


def ended(memory: RunnerMemory, rules: LoadRules) -> RunnerMemory:
    """Without a session under way: its load stands with the earlier ones, if it had a step."""
    if memory.session is None:
        return memory
    load = memory.session.load
    loads = memory.loads
    if load.steps_left or load.steps_right:
        loads = (*loads, load)[-KEPT_LOADS:]
    return msgspec.structs.replace(
        memory,
        session=None,
        loads=loads,
        has_had_forefoot=memory.has_had_forefoot or is_forefoot_exposure(rules, load),
    )
