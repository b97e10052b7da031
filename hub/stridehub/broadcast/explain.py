"""Outcomes beside what is upstream of them."""

import asyncio
from collections.abc import Iterator

from stridehub.coaching.coach import Coach
from stridehub.coaching.explain import OUTCOMES, Association, Explanation
from stridehub.model import Side
from stridehub.mqtt.messages import AssociationReading, Explain


async def explain_message(coach: Coach, utc_ms: int) -> Explain:
    """As of the call. The loop goes on after each association, so that no cue waits for all."""
    strike = coach.watch.strike
    classes = {side: found for side in Side if (found := strike.of(side)) is not None}
    associations = []
    for association in _associations(coach.watch.explanation.copy()):
        associations.append(_reading(association))
        await asyncio.sleep(0)
    return Explain(
        t=utc_ms,
        runner=coach.profile.runner,
        strike=classes,
        associations=tuple(associations),
    )


def _associations(explanation: Explanation) -> Iterator[Association]:
    for outcome in OUTCOMES:
        yield from explanation.about(outcome)


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
