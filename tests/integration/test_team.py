"""Runners with their coaches around a pipeline: sessions, pain, plans, motors that fail."""

from pathlib import Path

import pytest

from stridehub.coaching.cue import Withheld
from stridehub.coaching.session import RESUME_S
from stridehub.config import load_hub_config, load_profile
from stridehub.errors import ConfigError
from stridehub.model import CueKind
from stridehub.synthetic import STYLES, SyntheticWearer
from stridehub.team import check_plans, plan_of
from stridehub.timing import CUE_EDGE_S
from team_scene import RUN_S, RUNNER, Motor, Scene


def test_after_a_long_pause_another_session_begins() -> None:
    scene = Scene()
    scene.run()
    (first,) = scene.team.to_keep().values()
    scene.run(from_s=RUN_S + RESUME_S + 60.0)
    (second,) = scene.team.to_keep().values()
    assert first.session is not None
    assert second.session is not None
    assert [load.steps_left for load in second.loads] == [first.session.load.steps_left]
    assert second.session.load.started_utc_s > first.session.seen_utc_s + RESUME_S
    assert first.sessions_cued == {CueKind.OVERSTRIDE: 1}
    assert second.sessions_cued == {CueKind.OVERSTRIDE: 2}
    assert len(scene.motor.waiting) == 2


def test_after_a_short_pause_it_is_the_same_session() -> None:
    scene = Scene()
    scene.run()
    scene.run(from_s=RUN_S + 60.0)
    (memory,) = scene.team.to_keep().values()
    assert memory.loads == ()
    assert memory.sessions_cued == {CueKind.OVERSTRIDE: 1}


def test_pain_is_kept_though_nobody_moves_any_more() -> None:
    scene = Scene()
    scene.run()
    scene.team.to_keep()
    assert scene.team.to_keep() == {}
    scene.team.mark_pain(RUNNER, 6)
    assert scene.team.to_keep()[RUNNER].pain == 6
    scene.team.mark_pain(RUNNER, 0)
    assert scene.team.to_keep()[RUNNER].pain is None


def test_pain_silences_the_coach() -> None:
    scene = Scene()
    scene.team.mark_pain(RUNNER, 1)
    scene.run()
    assert scene.motor.waiting == []


@pytest.mark.parametrize("level", [-1, 11])
def test_pain_is_from_0_to_10(level: int) -> None:
    with pytest.raises(ValueError, match="0 to 10"):
        Scene().team.mark_pain(RUNNER, level)


def test_an_edge_that_never_comes_is_told_and_does_not_count() -> None:
    scene = Scene()
    scene.run(ends_with_cue=True)
    (cue,) = scene.motor.waiting
    assert scene.cues == []
    scene.team.look(scene.team.pipeline.now_s + CUE_EDGE_S + 0.1)
    assert [cue.why_withheld for cue in scene.cues] == [Withheld.NO_MOTOR]
    cue(0.0)  # too late
    assert len(scene.cues) == 1
    assert scene.team.to_keep()[RUNNER].sessions_cued.get(CueKind.OVERSTRIDE, 0) == 0


def test_a_motor_that_cannot_play_leaves_the_schedule_as_it_is() -> None:
    scene = Scene(Motor(can_play=False))
    scene.run()
    assert [cue.why_withheld for cue in scene.cues] == [Withheld.NO_MOTOR]
    assert scene.team.to_keep()[RUNNER].sessions_cued.get(CueKind.OVERSTRIDE, 0) == 0


def test_a_cue_whose_edge_is_awaited_at_the_end_is_told_with_its_answer() -> None:
    scene = Scene()
    scene.run()
    scene.team.finish()
    assert [cue.t for cue in scene.cues] == [answer.t for answer in scene.answers]


def test_who_may_not_be_cued_is_measured() -> None:
    scene = Scene()
    scene.team.add_runner(SyntheticWearer("other", STYLES[1], 2).profile, may_cue=False)
    assert scene.team.coaches["other"].plan.cues == ()


# ---- plans ----


def test_a_plan_is_found_from_where_the_settings_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text("name = 'mine'")
    settings = tmp_path / "hub.toml"
    settings.write_text("plan = 'mine.toml'\n[[runners]]\nrunner = 'r1'\nplan = 'mine.toml'\n")
    monkeypatch.chdir("/")
    config = load_hub_config(settings)
    check_plans(config)
    assert plan_of(config.plan_name("r1")).name == plan_of(config.plan_name("r2")).name == "mine"
    assert plan_of(load_profile(settings_of_r1(tmp_path)).plan).name == "mine"


def settings_of_r1(folder: Path) -> Path:
    profile = folder / "profile.toml"
    profile.write_text("plan = 'mine.toml'")
    return profile


@pytest.mark.parametrize(
    "settings",
    [
        "plan = 'none.toml'",
        "plan = '~nobody-of-that-name/p.toml'",
        'plan = "a\\u0000b.toml"',
        "plan = 'no such plan'",
        "[[runners]]\nrunner = 'r1'\nplan = 'none.toml'",
    ],
)
def test_a_plan_that_is_not_there_is_bad_configuration(tmp_path: Path, settings: str) -> None:
    path = tmp_path / "hub.toml"
    path.write_text(settings)
    with pytest.raises(ConfigError):
        check_plans(load_hub_config(path))


def test_a_plan_with_numbers_that_cannot_be_is_bad_configuration(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("name = 'p'\n[coaching.cues]\nwithheld = 2.0\n")
    path = tmp_path / "hub.toml"
    path.write_text("plan = 'p.toml'")
    with pytest.raises(ConfigError, match="withheld"):
        check_plans(load_hub_config(path))
