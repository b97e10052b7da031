"""Outcomes beside what is upstream of them."""

import asyncio
from collections.abc import Iterator

from stridehub.coaching.coach import Coach
from stridehub.coaching.explain import OUTCOMES, Association, Explanation
from stridehub.model import Side
from stridehub.mqtt.messages import AssociationReading, Explain


async def explain_message(coach: Coach, utc_ms: int) -> Explain:
    """As of the call; worked out in another thread, so that no cue waits for it."""
    strike = coach.watch.strike
    classes = {side: found for side in Side if (found := strike.of(side)) is not None}
    as_of_now = coach.watch.explanation.copy()
    associations = await asyncio.to_thread(lambda: tuple(_associations(as_of_now)))
    return Explain(t=utc_ms, runner=coach.profile.runner, strike=classes, associations=associations)


def _associations(explanation: Explanation) -> Iterator[AssociationReading]:
    for outcome in OUTCOMES:
        for association in explanation.about(outcome):
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
