"""What a coach may tell the team: mute, set a zone, buzz for a test, begin and end a session."""

import msgspec
import pytest

from stridehub.coaching.cue import Withheld
from stridehub.coaching.memory import RunnerMemory
from stridehub.coaching.zones import ZONE_METRICS, Position, bounded, zone_at
from stridehub.errors import MotorError
from stridehub.model import CueSide, Side
from stridehub.rules import ZoneRules
from team_scene import RUN_S, RUNNER, Motor, Scene


def test_a_muted_runner_is_measured_and_never_buzzed() -> None:
    scene = Scene()
    scene.team.mute(RUNNER, is_muted=True)
    scene.run()
    coach = scene.team.coaches[RUNNER]
    assert scene.cues == []
    assert coach.watch.load.steps_left > 10
    assert coach.why_silent(scene.team.conditions(RUNNER)) == "muted by a coach"


def test_an_unmuted_runner_is_buzzed_again() -> None:
    scene = Scene()
    scene.team.mute(RUNNER, is_muted=True)
    scene.team.mute(RUNNER, is_muted=False)
    scene.run()
    assert scene.motor.waiting


def test_being_muted_outlives_a_restart() -> None:
    scene = Scene()
    scene.run(8.0)
    scene.team.mute(RUNNER, is_muted=True)
    memory = scene.team.to_keep()[RUNNER]
    kept = msgspec.json.decode(msgspec.json.encode(memory), type=RunnerMemory)
    assert kept.is_muted


def test_being_muted_outlives_the_session() -> None:
    scene = Scene()
    scene.team.mute(RUNNER, is_muted=True)
    scene.team.begin_session()
    assert scene.team.coaches[RUNNER].is_muted


def test_a_test_buzz_reaches_the_motor_at_once() -> None:
    scene = Scene()
    scene.team.test_buzz(RUNNER, CueSide.LEFT)
    assert len(scene.motor.waiting) == 1


def test_a_test_buzz_without_a_motor_says_why_not() -> None:
    with pytest.raises(MotorError, match="no motor"):
        Scene(Motor(can_play=False)).team.test_buzz(RUNNER, CueSide.BOTH)


def test_a_zone_that_is_set_judges_from_now_on_and_is_kept() -> None:
    scene = Scene()
    scene.run(ends_with_cue=True)
    coach = scene.team.coaches[RUNNER]
    assert coach.reader(Side.LEFT).position("overstride_ratio") is Position.ABOVE
    scene.team.set_zone(RUNNER, "overstride_ratio", None, 2.0, None)
    assert coach.reader(Side.LEFT).position("overstride_ratio") is Position.IN
    zone = coach.reader(Side.LEFT).zone("overstride_ratio")
    assert zone is not None
    assert zone.high == pytest.approx(2.0)
    assert (zone.low, zone.source) == (None, "set by a coach")
    assert set(scene.team.to_keep()[RUNNER].zones) == {"overstride_ratio"}
    scene.team.set_zone(RUNNER, "overstride_ratio", None, None, None)
    assert coach.reader(Side.LEFT).position("overstride_ratio") is Position.ABOVE
    assert scene.team.to_keep()[RUNNER].zones == {}


def test_a_zone_needs_a_pace() -> None:
    with pytest.raises(ValueError, match="pace"):
        Scene().team.set_zone(RUNNER, "kickback_deg", 60.0, 90.0, None)


@pytest.mark.parametrize("metric", ZONE_METRICS)
def test_a_zone_with_bounds_has_them_at_its_pace_and_scales_as_before(metric: str) -> None:
    rule = getattr(ZoneRules(), metric)
    set_rule = bounded(rule, 60.0, 90.0, 3.1, 0.85)
    zone = zone_at(set_rule, 3.1, 0.85)
    assert zone is not None
    assert zone.low == pytest.approx(60.0)
    assert zone.high == pytest.approx(90.0)
    assert (set_rule.per_mps, set_rule.exponent) == (rule.per_mps, rule.exponent)


def test_a_new_session_begins_with_nothing_counted() -> None:
    scene = Scene()
    scene.run(RUN_S)
    scene.team.begin_session()
    coach = scene.team.coaches[RUNNER]
    assert coach.watch.load.steps_left == 0
    (ended,) = scene.team.to_keep()[RUNNER].loads
    assert ended.steps_left > 10


def test_a_new_session_is_kept_before_anybody_strides() -> None:
    scene = Scene()
    scene.run(15.0)
    scene.team.to_keep()
    scene.team.begin_session()
    assert set(scene.team.to_keep()) == {RUNNER}


def test_a_cue_under_way_belongs_to_the_session_that_ends() -> None:
    scene = Scene()
    scene.run(ends_with_cue=True)
    assert scene.cues == []
    scene.team.end_session()
    assert scene.motor.waiting == []
    (cue,) = scene.cues
    assert cue.why_withheld is Withheld.NO_MOTOR
    (answer,) = scene.answers
    assert answer.t == cue.t


def test_between_sessions_nothing_buzzes() -> None:
    scene = Scene()
    scene.team.end_session()
    scene.run()
    assert scene.motor.waiting == []
    scene.team.begin_session()
    scene.run(from_s=2 * RUN_S)
    assert scene.motor.waiting != []
