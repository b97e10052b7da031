"""docs/RADIO.md says what the code does."""

from pathlib import Path

import pytest

from stridehub import timing
from stridehub.pods import measures
from stridehub.pods.backoff import Failure


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "RADIO.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_stands_there_with_its_waits_and_advice(page: str, failure: Failure) -> None:
    manner = failure.value
    row = f"| {manner.reason} | {manner.first_s:g} to {manner.most_s:g} | {manner.advice} |"
    assert row in page.splitlines()


def test_the_measures_and_times_stand_there(page: str) -> None:
    text = " ".join(page.split())
    assert f"wrong services for it {measures.FORGET_AT} times in a row" in text
    assert f"| {measures.POWER_CYCLE_AT} | switch the adapter off and on" in page
    assert f"| {measures.DEGRADED_AT} | degraded" in page
    for sentence in (
        f"connected but silent for {timing.SILENT_S:g} s",
        f"windows of {timing.SCAN_WINDOW_S:g} s",
        f"with {timing.SCAN_PAUSE_S:g} s between them",
        f"({timing.SCAN_LONG_PAUSE_S:g} s after five minutes",
        f"Every {timing.TIME_REQUEST_S:g} s a round trip",
        f"{timing.STEADY_S:g} s of good streaming",
        f"every {timing.DEGRADED_PAUSE_S:g} s",
        f"after {timing.FOREIGN_LINK_WINDOWS} windows",
    ):
        assert sentence in text, sentence
    assert timing.LONG_MISSING_S == 5 * 60
    assert (timing.POWER_CYCLE_EVERY_S, timing.POWER_CYCLE_BUSY_EVERY_S) == (60, 600)
