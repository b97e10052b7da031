"""What a session is for: blocks one after the other, and cues in technique only."""

import msgspec
import pytest

from stridehub.coaching.plan import (
    Block,
    BlockKind,
    DrillKind,
    Plan,
    ready_made,
    ready_made_plan,
)
from stridehub.errors import ConfigError
from stridehub.model import CueKind
from stridehub.rules import Layer, rules

TOML = """
name = "mixed"
cues = ["overstride", "flick"]

[[blocks]]
kind = "warm_up"
minutes = 5

[[blocks]]
kind = "drill"
drill = "foot_pull"
minutes = 2.5

[[blocks]]
kind = "technique"
minutes = 10

[[blocks]]
kind = "free"
minutes = 5
"""


def read(toml: str) -> Plan:
    return msgspec.toml.decode(toml, type=Plan)


@pytest.mark.parametrize(
    ("minute", "kind", "cues"),
    [
        (0.0, "warm_up", False),
        (4.99, "warm_up", False),
        (5.0, "drill", False),
        (7.49, "drill", False),
        (7.5, "technique", True),
        (17.49, "technique", True),
        (17.5, "free", False),
        (22.49, "free", False),
        (22.5, None, False),
        (999.0, None, False),
    ],
)
def test_blocks_follow_each_other_and_cues_come_in_technique_only(
    minute: float, kind: str | None, cues: bool
) -> None:
    plan = read(TOML)
    block = plan.block_at(60.0 * minute)
    assert (block and block.kind.value) == kind
    assert plan.allows_cues(60.0 * minute) == cues


@pytest.mark.parametrize("session_s", [0.0, 1e6])
def test_without_blocks_it_is_all_technique(session_s: float) -> None:
    plan = Plan(name="all", cues=(CueKind.FLICK,))
    assert plan.block_at(session_s) is None
    assert plan.allows_cues(session_s)


def test_a_plan_is_read_as_it_stands() -> None:
    plan = read(TOML)
    assert plan.cues == (CueKind.OVERSTRIDE, CueKind.FLICK)
    assert plan.blocks[1] == Block(kind=BlockKind.DRILL, minutes=2.5, drill=DrillKind.FOOT_PULL)


@pytest.mark.parametrize(
    ("toml", "path"),
    [
        ('goal = "no name"', "name"),
        ('name = ""', "$.name"),
        ('name = "x"\ncues = ["foot_strike"]', "$.cues[0]"),
        ('name = "x"\nbuzz = true', "buzz"),
        ('name = "x"\n[[blocks]]\nkind = "sprint"\nminutes = 1', "$.blocks[0].kind"),
        ('name = "x"\n[[blocks]]\nkind = "free"\nminutes = 0', "$.blocks[0].minutes"),
        ('name = "x"\n[[blocks]]\nkind = "free"\nminutes = 601', "$.blocks[0].minutes"),
        ('name = "x"\n[[blocks]]\nkind = "free"\nminutes = nan', "$.blocks[0].minutes"),
        ('name = "x"\n[[blocks]]\nkind = "free"', "$.blocks[0]"),
        ('name = "x"\n[[blocks]]\nkind = "drill"\nminutes = 1', "$.blocks[0]"),
        (
            'name = "x"\n[[blocks]]\nkind = "free"\nminutes = 1\ndrill = "foot_pull"',
            "$.blocks[0]",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(toml: str, path: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        read(toml)
    assert path in str(caught.value)


@pytest.mark.parametrize("name", ready_made())
def test_every_ready_made_plan_can_be_asked_for_by_name(name: str) -> None:
    plan = ready_made_plan(name)
    assert plan.name
    assert plan.goal
    assert rules(Layer("plan", plan.coaching))


@pytest.mark.parametrize("name", ready_made())
def test_a_ready_made_plan_warms_up_first_and_ends_free(name: str) -> None:
    kinds = [block.kind for block in ready_made_plan(name).blocks]
    assert kinds == [] or (kinds[0], kinds[-1]) == (BlockKind.WARM_UP, BlockKind.FREE)


def test_whoever_just_measures_is_never_cued() -> None:
    assert ready_made_plan("just-measure").cues == ()


@pytest.mark.parametrize("name", ["", "nope", "../plan", "just-measure.toml"])
def test_a_plan_that_is_not_there_is_told_with_those_that_are(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ready_made_plan(name)
    assert "just-measure" in str(caught.value)
