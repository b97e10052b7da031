"""docs/TROUBLESHOOTING.md has every advice that doctor gives, under its subject, and no other."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from docs_checker import command_names
from stridehub.doctor.advice import Advice
from stridehub.doctor.examine import LOOKS
from stridehub.timing import DOCTOR_LOOK_S

ANY = "any subject"
NOTICED = "What people notice"
# What helps a subject's own module.
HELPERS = {"databases": "storage", "gpio_library": "motors", "gpiochip": "motors", "examine": ANY}
# Whose words doctor passes on.
OTHERS = ("mqtt/reasons.py", "mqtt/ports.py", "mqtt/connection.py", "model.py")


class Row(NamedTuple):
    says: str
    advice: str


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "TROUBLESHOOTING.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sections(page: str) -> Mapping[str, list[Row]]:
    """The rows of the tables, by heading."""
    _, *parts = re.split(r"^## ", page, flags=re.MULTILINE)
    return {heading: list(rows(body)) for heading, _, body in (it.partition("\n") for it in parts)}


def rows(body: str) -> Iterator[Row]:
    for line in body.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and not cells[0].startswith(("---", "doctor says", "you notice")):
            yield Row(cells[0], cells[-1])


@pytest.fixture(scope="module")
def modules(root: Path) -> Mapping[str, str]:
    """Source by subject, with that of its helpers."""
    sources = dict.fromkeys((*LOOKS, ANY), "")
    for path in sorted((root / "hub" / "stridehub" / "doctor").glob("*.py")):
        subject = HELPERS.get(path.stem, path.stem)
        if subject in sources:
            sources[subject] += path.read_text(encoding="utf-8")
    return sources


def given(source: str) -> set[Advice]:
    """All that the source can tell people to do."""
    return {
        Advice[node.attr]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Advice"
    }


@pytest.mark.parametrize("subject", [*LOOKS, ANY])
def test_a_section_has_what_its_subject_advises_and_nothing_else(
    sections: Mapping[str, list[Row]], modules: Mapping[str, str], subject: str
) -> None:
    told = [row.advice for row in sections[subject]]
    assert sorted(told) == sorted(advice.value for advice in given(modules[subject]))


def test_every_advice_is_given(modules: Mapping[str, str]) -> None:
    assert set().union(*map(given, modules.values())) == set(Advice)


@pytest.mark.parametrize("subject", [*LOOKS, ANY])
def test_what_it_quotes_is_what_doctor_says(
    sections: Mapping[str, list[Row]], modules: Mapping[str, str], root: Path, subject: str
) -> None:
    package = root / "hub" / "stridehub"
    source = modules[subject] + "".join((package / name).read_text() for name in OTHERS)
    literals = "\n".join(words(source_part) for source_part in [source])
    quotes = [quote for row in sections[subject] for quote in re.findall(r'"([^"]+)"', row.says)]
    assert [quote for quote in quotes if quote not in literals] == []


def words(source: str) -> str:
    """Its strings, as far as they do not depend on anything."""
    found = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return "\n".join(value for value in found if isinstance(value, str))


def test_symptoms_lead_to_subjects(page: str, sections: Mapping[str, list[Row]]) -> None:
    symptoms = page.partition(f"## {NOTICED}")[2].partition("\n## ")[0]
    lines = [line for line in symptoms.splitlines() if line.startswith("| ")][2:]
    assert len(lines) > 10
    for line in lines:
        looked_at = re.findall(r"`([^`]+)`", line.split(" | ")[1])
        assert looked_at
        assert set(looked_at) <= set(LOOKS), line
    assert [*sections] == [NOTICED, ANY, *LOOKS]


def test_what_it_says_of_doctor_is_so(page: str) -> None:
    assert f"within {DOCTOR_LOOK_S:.0f} s" in page
    assert "doctor" in command_names()
