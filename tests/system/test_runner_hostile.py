"""What may come from anybody who can write to the broker does no harm to the runner's view."""

import json
import math
import re
from typing import Any

import msgspec
from playwright.sync_api import Browser, expect

from feed_messages import utc_ms
from feed_runner import FeedRunner
from runner_words import POINTS, Track, a_cycle, runner_page
from stridehub.model import CueKind, Side

MOST_BYTES = 128 * 1024  # longer ones the broker keeps from the page
SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def hostile(track: Track) -> list[tuple[str, bytes]]:
    """Topics of the runner with what no hub says."""
    topics = track.topics
    mine = {what: getattr(topics, what)(track.runner) for what in ("stride", "cycle", "zone")}
    mine |= {what: getattr(topics, what)(track.runner) for what in ("explain", "cue", "summary")}
    never: list[Any] = [None, 1, "x", [], {}, {"v": 1}, {"__proto__": {"v": 1}}, [[[[]]]]]
    told = [(topic, json.dumps(value).encode()) for topic in mine.values() for value in never]
    told += [(topic, payload) for topic in mine.values() for payload in (b"\xff{", b"[" * 9000)]

    def spoilt(what: str, message: Any, **changes: Any) -> None:
        fields = msgspec.to_builtins(message) | changes
        told.append((mine[what], json.dumps(fields).encode()))  # NaN and Infinity too

    cycle = a_cycle(track.runner)
    one_side = msgspec.to_builtins(cycle.sides[Side.LEFT])
    for angles in ([math.nan] * POINTS, ["1"] * POINTS, [0.0] * 100_000, [1e9] * POINTS, [], None):
        spoilt("cycle", cycle, sides={"left": one_side | {"shank_deg": angles}})
    spoilt("cycle", cycle, thigh_of_leg=math.inf)
    spoilt("cycle", cycle, sides={"middle": one_side, "__proto__": one_side})
    stride = FeedRunner(1, 0.0).stride(Side.LEFT, 60.0, utc_ms(), "s1", 10**6)
    for changes in ({"next_ic": stride.ic}, {"side": "up"}, {"seq": "1"}, {"kickback_deg": 1e300}):
        spoilt("stride", stride, **changes)
    explain = FeedRunner(1, 0.0).explain(utc_ms())
    spoilt("explain", explain, associations=[{"text": SCRIPT}] * 10_000)
    spoilt("explain", explain, strike={"left": SCRIPT})
    spoilt("zone", FeedRunner(1, 0.0).zones(60.0, utc_ms()), zones={SCRIPT: {}})
    return told


def test_nothing_that_is_odd_does_harm(browser: Browser, url: str, track: Track) -> None:
    with runner_page(browser, url, track) as page:
        track.runs()
        expect(page.locator(".coach")).to_have_text("watching")
        said = hostile(track)
        for topic, payload in said:
            track.say(topic, payload)
        odd = track.cue(50.0, kind=CueKind.FLICK)
        strange = msgspec.to_builtins(odd) | {"due_s": 60.0, "kind": "constructor", "metric": "x"}
        track.say(track.topics.cue(track.runner), json.dumps(strange).encode())
        # It goes on: what is good is shown after all of that.
        expect(page.locator(".cue-list li")).to_have_count(2)
        expect(page.locator(".cue-list")).to_contain_text("constructor, left")
        expect(page.locator(".leg.left")).to_be_hidden()
        track.cycle(a_cycle(track.runner))
        expect(page.locator(".leg.left")).to_be_visible()
        page.get_by_role("button", name="Settings").click()
        counted = page.locator("#settings-counts")
        expect(counted).to_have_text(re.compile(r"\d+ of them unreadable"))
        (bad,) = re.findall(r"(\d+) of them unreadable", counted.inner_text())
        heard = [payload for _, payload in said if len(payload) < MOST_BYTES]
        assert int(bad) >= len(heard)


def test_text_of_a_hub_stays_text(browser: Browser, url: str, track: Track) -> None:
    with runner_page(browser, url, track) as page:
        track.runs(coach=SCRIPT, drill=(SCRIPT,))
        track.explain(text=SCRIPT)
        expect(page.locator(".coach")).to_have_text(SCRIPT)
        expect(page.locator(".told")).to_have_text(SCRIPT)
        expect(page.locator("main img, main script")).to_have_count(0)
