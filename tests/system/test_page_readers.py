"""The page's readers of messages, in a real browser: whatever comes is read, or refused as such."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from browsing import visit
from feed_messages import alert, checklist, meta, pods, utc_ms
from feed_runner import FeedRunner
from hub_words import a_summary
from runner_words import a_cycle
from stridehub.model import Side

NOW_MS = utc_ms()
GOOD: dict[str, Any] = {
    "summary": a_summary(),
    "meta": meta(),
    "checklist": checklist("r7", is_ready=False),
    "alert": alert("r7", "s1", 0),
    "health": next(pods("r7", NOW_MS)),
    "readStride": FeedRunner(1, 0.0).stride(Side.LEFT, 60.0, NOW_MS, "s1", 0),
    "readCycle": a_cycle("r7"),
}
# All that a module exports and that takes a message; what each makes of each text.
READ = """async (texts) => {
    const { BadMessage } = await import("/js/shape.js");
    const modules = [await import("/js/messages.js"), await import("/runner/read.js")];
    const readers = modules.flatMap(Object.entries);
    const outcome = (read, text) => {
        try {
            return read(JSON.parse(text)) === undefined ? "nothing" : "read";
        } catch (error) {
            return error instanceof BadMessage ? "refused" : `${error}`;
        }
    };
    const told = readers.map(([name, read]) => [name, texts.map((text) => outcome(read, text))]);
    return { outcomes: Object.fromEntries(told), polluted: Object.keys(Object.prototype) };
}"""

words = st.text(max_size=8) | st.sampled_from(["__proto__", "left", "v", "t", "constructor", "1e9"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
)
anything = st.recursive(
    scalars, lambda kind: st.lists(kind) | st.dictionaries(words, kind), max_leaves=12
)


@pytest.fixture(scope="module")
def page(browser: Browser, url: str) -> Iterator[Page]:
    with visit(browser, url) as opened:
        yield opened


def as_json(message: Any) -> Any:
    return json.loads(msgspec.json.encode(message))


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A good message with anything in one of its places."""
    whole = place = as_json(GOOD[draw(st.sampled_from(sorted(GOOD)))])
    while True:
        keys: list[Any] = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
            place[key] = draw(anything)
            return whole
        place = inner


def test_good_messages_are_read(page: Page) -> None:
    told = page.evaluate(READ, [msgspec.json.encode(good).decode() for good in GOOD.values()])
    for number, reader in enumerate(GOOD):
        assert told["outcomes"][reader][number] == "read", reader


@settings(max_examples=60)
@given(messages=st.lists(spoilt() | anything, min_size=5, max_size=20))
def test_whatever_comes_is_read_or_refused(page: Page, messages: list[Any]) -> None:
    told = page.evaluate(READ, [json.dumps(message) for message in messages])
    outcomes = {outcome for reader in told["outcomes"].values() for outcome in reader}
    assert outcomes <= {"read", "refused"}
    assert len(told["outcomes"]) > len(GOOD)
    assert told["polluted"] == []
