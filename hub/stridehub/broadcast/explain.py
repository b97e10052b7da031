"""Outcomes beside what is upstream of them."""

from collections.abc import Iterator

from stridehub.coaching.coach import Coach
from stridehub.coaching.explain import OUTCOMES, Association
from stridehub.model import Side
from stridehub.mqtt.messages import AssociationReading, Explain


def explain_message(coach: Coach, utc_ms: int) -> Explain:
    strike = coach.watch.strike
    return Explain(
        t=utc_ms,
        runner=coach.profile.runner,
        strike={side: found for side in Side if (found := strike.of(side)) is not None},
        associations=tuple(_associations(coach)),
    )


def _associations(coach: Coach) -> Iterator[AssociationReading]:
    for outcome in OUTCOMES:
        for association in coach.watch.explanation.about(outcome):
            yield _reading(association)


def _reading(association: Association) -> AssociationReading:
    found = association.correlation
    return AssociationReading(
        side=association.side,
        outcome=association.outcome,
        metric=association.metric,
        outcome_median=association.outcome_median,
        metric_median=association.metric_median,
        rho=None if found is None else found.rho,
        low=None if found is None else found.low,
        high=None if found is None else found.high,
        strides=association.n,
        is_clear=association.is_clear,
        text=association.text,
    )
