"""The page is read in the sun: WCAG contrast of all that is text, on what it stands on."""

import re
from itertools import product
from pathlib import Path

import pytest

IN_THE_SUN = 7.0  # AAA
IN_THE_DARK = 4.5  # AA, and larger is no kinder to eyes at night
LIGHT, DARK = 0, 1

ON_PLAIN = product(
    ("text", "muted", "in", "outside", "between", "bad", "good", "left", "right", "cue"),
    ("surface", "page"),
)
ON_FILLS = (
    ("outside", "outside-fill"),
    ("muted", "outside-fill"),
    ("text", "outside-fill"),
    ("text", "warn-fill"),
    ("text", "bad-fill"),
    ("text", "hover"),
)


@pytest.fixture(scope="module")
def colours(root: Path) -> dict[str, tuple[str, str]]:
    """Light and dark by name."""
    css = (root / "hub/stridehub/dashboard/page/css/theme.css").read_text()
    pairs = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", css)
    return {name: (light, dark) for name, light, dark in pairs}


def luminance(colour: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_itself() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("ink", "ground"), [*ON_PLAIN, *ON_FILLS])
def test_text_is_read(colours: dict[str, tuple[str, str]], ink: str, ground: str) -> None:
    assert contrast(colours[ink][LIGHT], colours[ground][LIGHT]) >= IN_THE_SUN
    assert contrast(colours[ink][DARK], colours[ground][DARK]) >= IN_THE_DARK
