"""Coaching in words, for a terminal."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence

from stridehub.coaching.coach import Coach
from stridehub.coaching.cue import Cue, CueFollowUp, Response
from stridehub.coaching.explain import OUTCOMES
from stridehub.coaching.pod_watch import Conditions
from stridehub.coaching.proof import in_words
from stridehub.coaching.tally import contact_balance
from stridehub.coaching.zones import ZONE_METRICS, Position
from stridehub.model import CueKind, Side
from stridehub.summary import METRICS

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
    """What a session has come to, of one runner."""
    yield f"  plan: {coach.plan.name}"
    yield from _proof_lines(coach)
    for drill in coach.programme.drills:
        for line in drill.lines:
            yield f"  {line}"
    yield from _zone_lines(coach)
    yield from _load_lines(coach)
    if coach.watch.fading.state is not None:
        yield f"  {coach.watch.fading.state.text}"
    yield from _strike_lines(coach)


def _proof_lines(coach: Coach) -> Iterator[str]:
    z = coach.rules.follow_up.confidence_z
    for kind, responses in coach.responses.items():
        yield f"  {kind_words(kind)}: {in_words(responses, z)}"
    for kind, responses in coach.all_responses.items():
        if responses != coach.responses.get(kind):
            yield f"  {kind_words(kind)}, all sessions: {in_words(responses, z)}"


def _zone_lines(coach: Coach) -> Iterator[str]:
    shares = [
        f"{shown.title} {share:.0%}"
        for shown in METRICS
        if shown.field in ZONE_METRICS
        and (share := coach.watch.tally.share(shown.field)) is not None
    ]
    if shares:
        yield f"  strides in their zone: {', '.join(shares)}"
    if coach.watch.tally.over_lean_share:
        yield f"  signs of leaning too far: {coach.watch.tally.over_lean_share:.0%} of strides"
    balance = contact_balance(coach.window, coach.rules.balance)
    if balance is not None and balance.position is not Position.IN and not balance.is_amber:
        foot = Side.LEFT if balance.position is Position.ABOVE else Side.RIGHT
        yield f"  longer on the {foot} foot: {balance.left_pct:.1f} % of the contact is left"


def _load_lines(coach: Coach) -> Iterator[str]:
    load = coach.watch.load
    weighed = "" if load.is_strike_known else ", every step as one on the heel"
    yield (
        f"  calf load: {load.units_left:.0f} left, {load.units_right:.0f} right"
        f" ({load.steps_left} and {load.steps_right} steps{weighed})"
    )
    for advice in coach.watch.guard.advice:
        yield f"  {advice}"


def _strike_lines(coach: Coach) -> Iterator[str]:
    """Foot strike and overstride beside what is upstream of them."""
    classes = [f"{side} {strike}" for side in Side if (strike := coach.watch.strike.of(side))]
    if classes:
        yield f"  foot strike, an outcome: {', '.join(classes)}"
    for outcome in OUTCOMES:
        for association in coach.watch.explanation.about(outcome):
            if association.is_clear:
                yield f"  together, not because: {association.text}"


def state_line(coach: Coach, now: Conditions) -> str:
    """What the coach of a runner is at, right now."""
    told = [coach.why_silent(now) or "watching"]
    if coach.programme.drill is not None:
        told += coach.programme.drill.lines
    if coach.watch.is_enough:
        told += coach.watch.guard.advice[:1]
    if coach.watch.fading.state is not None and coach.watch.fading.state.is_fading:
        told.append(coach.watch.fading.state.text)
    return f"{coach.profile.runner}: {'; '.join(told)}"
