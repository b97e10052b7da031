"""Coaching in words, for a terminal."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence

from stridehub.coaching.coach import Coach
from stridehub.coaching.cue import Cue, CueFollowUp, Response
from stridehub.coaching.proof import in_words
from stridehub.model import CueKind

log = logging.getLogger(__name__)

_SHOWN = 3  # cues

_OF = {
    Response.RESPONDED: "it changed",
    Response.NO_CHANGE: "no change",
    Response.WORSE: "worse",
    Response.UNKNOWN: "not known",
}


def kind_words(kind: CueKind) -> str:
    return kind.value.replace("_", " ")


class CueNews:
    """The cues of all runners, as they come."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, float], str] = {}
        self._counts: Counter[str] = Counter()

    def cue(self, cue: Cue) -> None:
        what = f"withheld ({cue.why_withheld})" if cue.withheld else f"buzzed {cue.side}"
        told = f"{cue.runner}: {kind_words(cue.kind)} {cue.value:.2f}, {what}"
        if cue.latency_ms is not None:
            told = f"{told}, {cue.latency_ms:.0f} ms after the foot strike"
        self._tell(cue.runner, cue.t, told)
        self._counts["withheld" if cue.withheld else "given"] += 1

    def follow_up(self, answer: CueFollowUp) -> None:
        before = self._latest.get((answer.runner, answer.t))
        said = (
            f"{before or f'{answer.runner}: {kind_words(answer.kind)}'} -> {_OF[answer.response]}"
        )
        self._tell(answer.runner, answer.t, said)
        if answer.response is Response.RESPONDED and not answer.withheld:
            self._counts["responded"] += 1

    def _tell(self, runner: str, cue_s: float, told: str) -> None:
        log.info("%s", told)
        self._latest[runner, cue_s] = told
        while len(self._latest) > _SHOWN:
            del self._latest[next(iter(self._latest))]

    @property
    def latest(self) -> Sequence[str]:
        """The last ones, oldest first."""
        return tuple(self._latest.values())

    @property
    def sum(self) -> str:
        count = self._counts
        return (
            f"{count['given']} cues given, {count['withheld']} withheld,"
            f" {count['responded']} answered"
        )


def coaching_lines(coach: Coach) -> Iterator[str]:
    """What a session's cues have done, of one runner."""
    yield f"  plan: {coach.plan.name}"
    for kind, responses in coach.responses.items():
        yield f"  {kind_words(kind)}: {in_words(responses)}"
