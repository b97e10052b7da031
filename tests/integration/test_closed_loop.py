"""Runners who feel their cues: pods, kernel, coach and motors in one loop."""

from dataclasses import replace

import pytest

from closed_loop import Session, session
from stridehub.coaching.cue import Response
from stridehub.model import CueKind
from stridehub.synthetic import STYLES

SECONDS = 220.0
STYLE = {style.name: style for style in STYLES}


@pytest.fixture(scope="module")
def answering() -> Session:
    return session(replace(STYLE["low-heels"], answers=1.0), SECONDS)


def test_a_runner_who_answers_comes_into_the_zone(answering: Session) -> None:
    first_s = answering.cues[0].t
    assert {cue.kind for cue in answering.cues} == {CueKind.HEEL_LIFT}
    assert answering.in_zone("kickback_deg", 0.0, first_s) < 0.1
    assert answering.in_zone("kickback_deg", first_s, SECONDS) > 0.4
    responses = [answer.response for answer in answering.answers if not answer.withheld]
    assert responses.count(Response.RESPONDED) > len(responses) / 2


def test_every_cue_comes_right_after_a_foot_strike(answering: Session) -> None:
    for cue in answering.given:
        assert cue.latency_ms is not None
        assert 0.0 < cue.latency_ms < 150.0


def test_nothing_buzzes_before_the_baseline_is_known(answering: Session) -> None:
    steady = [stride for stride, _ in answering.strides if stride.next_ic < answering.cues[0].t]
    assert len(steady) >= 200
    assert answering.cues[0].t > 60.0


def test_a_runner_who_does_not_answer_is_left_in_peace() -> None:
    ignored = session(replace(STYLE["low-heels"], answers=0.0), SECONDS)
    times_s = [cue.t for cue in ignored.given]
    assert len(times_s) == 3
    assert times_s[-1] < SECONDS - 60.0


def test_a_runner_in_the_zone_is_never_buzzed() -> None:
    assert session(STYLE["steady"], 150.0).cues == []
