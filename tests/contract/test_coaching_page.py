"""docs/COACHING.md: its numbers are the program's, its examples are read, its commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from stridehub.coaching.plan import Plan, ready_made
from stridehub.config import HubConfig, load_hub_config
from stridehub.model import CueKind
from stridehub.rules import rules
from stridehub.team import rules_of


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "COACHING.md").read_text(encoding="utf-8")


def examples(page: str) -> list[str]:
    return re.findall(r"```toml\n(.*?)```", page, re.DOTALL)


def test_the_tables_are_the_programs_own_numbers(root: Path) -> None:
    command: list[str | Path] = [sys.executable, root / "docs" / "coaching_numbers.py", "--check"]
    done = subprocess.run(command, check=False)
    assert done.returncode == 0, "python docs/coaching_numbers.py writes them anew"


def test_the_plan_of_the_page_is_one(page: str) -> None:
    plan = msgspec.toml.decode(examples(page)[0], type=Plan)
    assert plan.cues == (CueKind.HEEL_LIFT, CueKind.FLICK)
    assert rules_of(HubConfig(), "anyone", plan).load.cap_units == 4000


def test_the_settings_of_the_page_are_read(page: str, tmp_path: Path) -> None:
    path = tmp_path / "stridehub.toml"
    path.write_text(examples(page)[1])
    config = load_hub_config(path)
    assert rules(*config.layers("r7")).zones.kickback_deg.value == 40
    assert rules(*config.layers("r7")).cues.least_gap_s == 30


def test_every_plan_and_cue_is_on_the_page(page: str) -> None:
    for name in (*ready_made(), *CueKind):
        assert f"`{name}`" in page


def test_every_make_target_on_the_page_exists(root: Path, page: str) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z-]+)", page):
        assert f"\n{target}:" in makefile
