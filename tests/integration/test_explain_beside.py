"""Coaches are told what moved together while strides go on."""

import asyncio

import numpy as np

from made_strides import STEP_S, made_stride
from on_the_loop import run
from stridehub.broadcast.explain import explain_message
from stridehub.coaching.coach import Coach
from stridehub.coaching.explain import OUTCOMES, UPSTREAM
from stridehub.coaching.memory import RunnerMemory
from stridehub.coaching.session import Moment
from stridehub.model import RunnerProfile, Side
from stridehub.mqtt.messages import Explain
from stridehub.rules import CoachingRules
from stridehub.team import OPEN_PLAN


def coach_of_a_long_run() -> Coach:
    """All that there is room for."""
    rules = CoachingRules()
    coach = Coach(RunnerProfile("r7"), rules, OPEN_PLAN, RunnerMemory(), Moment(0.0, 0.0), seed=0)
    for number in range(2 * rules.explain.most_strides):
        _run_on(coach, number)
    return coach


def _run_on(coach: Coach, number: int) -> None:
    metrics = (*OUTCOMES, *UPSTREAM)
    values = np.random.default_rng(number).standard_normal(len(metrics)).tolist()
    side = Side.RIGHT if number % 2 else Side.LEFT
    stride = made_stride(side, STEP_S * number, **dict(zip(metrics, values, strict=True)))
    coach.watch.on_stride(stride)


def test_the_loop_goes_on_meanwhile_and_later_strides_change_nothing() -> None:
    async def scene() -> None:
        coach = coach_of_a_long_run()
        first = 2 * coach.rules.explain.most_strides
        alone = await explain_message(coach, 7)
        told: asyncio.Task[Explain] = asyncio.create_task(explain_message(coach, 7))
        turns = 0
        while not told.done():
            await asyncio.sleep(0)
            _run_on(coach, first + turns)  # of which the first ones thin the sample
            turns += 1
        assert told.result() == alone
        assert turns > len(alone.associations) == 2 * len(OUTCOMES) * len(UPSTREAM)
        assert await explain_message(coach, 7) != alone

    run(scene(), nothing_left=True)
