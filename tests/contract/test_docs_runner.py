"""docs/RUNNER.md says in words what the rules say in numbers."""

from pathlib import Path

import pytest

from stridehub.config import HapticsConfig, RecordConfig
from stridehub.rules import rules

ROOT = Path(__file__).resolve().parents[2]
OF = rules()


@pytest.mark.parametrize(
    ("words", "numbers", "meant"),
    [
        ("two long ones", HapticsConfig().long.pulses, 2),
        ("three short ones", HapticsConfig().short.pulses, 3),
        ("for a minute always", OF.suppress.first_s, 60),
        (
            "200 even strides, or five minutes",
            (OF.baseline.strides, OF.baseline.seconds),
            (200, 300),
        ),
        ("twenty seconds apart at least", OF.cues.least_gap_s, 20),
        ("six times in ten minutes at most", (OF.cues.most_cues, OF.cues.window_s), (6, 600)),
        ("One in five hints is held back", OF.cues.withheld, 0.2),
        ("a tenth more than on your largest day", OF.load.most_growth, 1.1),
        ("of the last thirty", OF.load.window_days, 30),
        (
            "after five to eight minutes",
            (OF.load.first_forefoot_from_min, OF.load.first_forefoot_min),
            (5, 8),
        ),
        ("from 3 on in the calf", OF.load.pain_pauses, 3),
        ("400 days", RecordConfig().keep_days, 400),
    ],
)
def test_the_words_stand_there_and_mean_the_numbers(
    words: str, numbers: object, meant: object
) -> None:
    page = " ".join((ROOT / "docs" / "RUNNER.md").read_text(encoding="utf-8").split())
    assert words in page
    assert numbers == meant


def test_cues_become_fewer() -> None:
    assert list(OF.cues.schedule) == sorted(OF.cues.schedule, reverse=True)
