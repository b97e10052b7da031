"""The drawings show what the pages say."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from stridehub.model import Placement

ROOT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def words(name: str) -> list[str]:
    """All that is written in the drawing."""
    drawing = ElementTree.parse(ROOT / "docs" / name)
    return ["".join(text.itertext()) for text in drawing.iter(f"{SVG}text")]


def test_every_placement_is_on_the_leggings() -> None:
    assert {placement.label for placement in Placement} <= set(words("pods.svg"))


@pytest.mark.parametrize(
    "part", ["1N5817", "AO3400", "IRLML6244", "100 Ω", "10 kΩ", "60 to 120 mA"]
)
def test_the_parts_of_the_wiring_are_those_of_the_page(part: str) -> None:
    page = (ROOT / "docs" / "HAPTICS.md").read_text(encoding="utf-8")
    assert any(part in text for text in words("wiring.svg"))
    assert part in " ".join(page.split())


def test_the_pins_of_the_wiring_are_those_of_the_settings() -> None:
    page = (ROOT / "docs" / "HAPTICS.md").read_text(encoding="utf-8")
    shown = [text for text in words("wiring.svg") if text.startswith("BCM ")]
    assert sorted(shown) == ["BCM 18", "BCM 19"]
    assert "left = 18 " in page
    assert "right = 19\n" in page
