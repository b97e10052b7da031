"""Every command and file that the docs name is there; every example of settings is read."""

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from docs_checker import command_names, file_problem, problem
from docs_pages import Page, commands_of, pages
from stridehub.coaching.plan import Plan
from stridehub.config import load_hub_config, load_profile
from stridehub.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
PAGES = pages(ROOT)

each_page = pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])


def test_the_pages_are_found() -> None:
    assert {"README.md", "docs/SECURITY.md", "firmware/README.md"} <= {p.name for p in PAGES}
    assert sum(len(page.commands) for page in PAGES) > 100


@each_page
def test_every_command_is_one(page: Page) -> None:
    found = {" ".join(words): problem(words, ROOT) for words in page.commands}
    assert {line: why for line, why in found.items() if why} == {}


@each_page
def test_every_shell_block_is_one(page: Page) -> None:
    for fence in page.fences:
        if fence.language == "sh":
            done = subprocess.run(
                ["bash", "-n"], input=fence.body, capture_output=True, text=True, check=False
            )
            assert not done.stderr, fence.body


@each_page
def test_every_link_leads_somewhere(page: Page) -> None:
    by_name = {other.name: other for other in PAGES}
    for link in page.links:
        target = urlsplit(link)
        if target.scheme:
            assert target.scheme == "https", link
            continue
        path = (ROOT / page.name).parent / target.path if target.path else ROOT / page.name
        assert path.exists(), link
        if target.fragment:
            name = str(path.resolve().relative_to(ROOT))
            assert target.fragment in by_name[name].anchors, link


@each_page
def test_every_file_that_is_named_is_there(page: Page) -> None:
    folder = (ROOT / page.name).parent
    assert [why for code in page.codes if (why := file_problem(code, folder, ROOT))] == []


@each_page
def test_every_example_of_settings_is_read(page: Page, tmp_path: Path) -> None:
    for fence in page.fences:
        if fence.language == "toml":
            read(fence.body, tmp_path / "example.toml")


def read(example: str, path: Path) -> None:
    """As a hub's settings, a runner's profile, or a plan: none of them takes unknown keys."""
    path.write_text(example, encoding="utf-8")
    reasons = []
    for load in (load_hub_config, load_profile):
        try:
            load(path)
        except ConfigError as error:
            reasons.append(str(error))
        else:
            return
    try:
        msgspec.toml.decode(example, type=Plan)
    except msgspec.DecodeError as error:
        pytest.fail("\n".join((example, *reasons, str(error))))


@pytest.mark.parametrize(
    "line",
    [
        "stridehub flee",
        "stridehub --versoin",
        "stridehub replay RECORDING.npz --stride out.jsonl",
        "stridehub replay --strides out.jsonl",
        "stridehub demo --runners 300",
        "sudo LANG=C stridehub check-config --confg FILE",
        "cd /tmp && /opt/stridehub/bin/stridehub run --conf FILE",
        "make demoo",
        "make demo ARGS='--runner 3'",
        "make bench-page ARGS='--slow 4'",
        "make fuzz FUZZ_SECOND=5",
        "make -C native fuz",
        "make -C nativ fuzz",
        "python tests/bench/rotation.py RECORDING",
        "python docs/coaching_numbers.py --chek",
        "python -m stridehub demo --second 3",
        "pytest tests/unit/test_nothing.py",
        "systemctl status stridehubd",
        "--no-such-option",
        ".ci/vendor --updat",
    ],
)
def test_a_slip_is_noticed(line: str) -> None:
    assert any(problem(words, ROOT) for words in commands_of(line)), line


def test_no_option_of_the_docs_can_be_misspelt() -> None:
    """Each in turn, of each command of the hub's program."""
    slips = 0
    for words in (words for page in PAGES for words in page.commands):
        if words[0].endswith("stridehub"):
            for place, word in enumerate(words):
                if word.startswith("--"):
                    slips += 1
                    wrong = [*words[:place], f"{word}z", *words[place + 1 :]]
                    assert problem(wrong, ROOT), wrong
                    shorter = [*words[:place], word[:-1], *words[place + 1 :]]
                    assert problem(shorter, ROOT), shorter
    assert slips > 5


@pytest.mark.parametrize("example", ["[radio]\nrate = 208", "[dashbord]", "[[runners]]\nname='x'"])
def test_settings_that_are_none_are_noticed(example: str, tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception):
        read(example, tmp_path / "example.toml")


@pytest.mark.parametrize("code", ["docs/NOTHING.md", "tests/unit/test_nothing*.py", "docs/x.svg"])
def test_files_that_are_not_there_are_noticed(code: str) -> None:
    assert file_problem(code, ROOT / "docs", ROOT)


def test_every_command_of_the_program_is_in_the_docs() -> None:
    commands = [words for page in PAGES for words in page.commands]
    named = {words[1] for words in commands if words[0] == "stridehub" and len(words) > 1}
    assert command_names() <= named
