"""Messages and links of people who mean harm, in a real browser."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from playwright.sync_api import Browser, expect

from browsing import is_live, row, visit
from feed_messages import utc_ms
from hub_words import a_summary, hub
from mosquitto import Mosquitto
from stridehub.mqtt.messages import HubState

SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def test_what_is_hostile_does_nothing(browser: Browser, broker: Mosquitto, url: str) -> None:
    good = json.loads(msgspec.json.encode(a_summary()))
    with hub(broker) as track, visit(browser, url) as page:
        is_live(page)
        track.is_online(reasons=(SCRIPT,), state=HubState.DEGRADED)
        topics = track.topics
        others = itertools.cycle(
            (
                *(topics.status, topics.meta, topics.checklist, topics.alert, topics.ack),
                *(topics.cue("r7"), topics.health("p1")),
            )
        )
        for payload in hostile(good):
            track.say(topics.summary("r7"), payload)
            track.say(next(others), payload)
        for runner in ("__proto__", "constructor", "toString"):
            track.tells(a_summary(runner))
        for runner in ("x' onclick='alert(3)", SCRIPT.replace("/", ""), "x" * 1000):
            track.say(topics.summary(runner), good)
        item = {"code": "x", "subject": SCRIPT, "text": SCRIPT, "placement": None}
        track.say(topics.checklist, {"v": 1, "t": utc_ms(), "items": [item]})
        track.tells(a_summary("last", coach=SCRIPT, plan=SCRIPT))
        track.wake_until(lambda: row(page, "last").count() == 1)

        expect(row(page, "__proto__").locator(".pace")).to_have_text(re.compile(r"^\d:\d\d$"))
        expect(page.locator(".rows .row")).to_have_count(5)
        expect(page.locator("#checklist-todo li")).to_have_text(SCRIPT)
        expect(page.locator("#banner-text")).to_have_text(f"Hub track: {SCRIPT}")
        assert (
            page.locator("#view img, #checklist img, #banner img, script:not([src])").count() == 0
        )
        assert page.evaluate("({}).polluted === undefined && ({}).summary === undefined")
        expect(row(page, "r7")).to_have_count(1)
        page.get_by_role("button", name="Settings").click()
        expect(page.locator("#settings-counts")).to_have_text(
            re.compile(r"[1-9]\d+ of them unreadable")
        )


def hostile(good: dict[str, Any]) -> Iterator[bytes]:
    """Payloads that are wrong in one way each."""
    yield b""
    yield b"\x00\xff\xfe"
    yield b"{"
    yield b"[" * 100_000
    yield b'"' + b"x" * 1_000_000 + b'"'
    values: tuple[Any, ...] = (
        None,
        SCRIPT,
        -1e300,
        [],
        {"__proto__": {"polluted": 1}},
        {"left": 1},
    )
    for value in (*values, True, -1, 1e308, "x", [[]], {}):
        yield json.dumps(value).encode()
    for field in good:
        for value in values:
            yield json.dumps({**good, field: value}).encode()
    yield json.dumps({**good, "metrics": {f"m{n}": {} for n in range(5000)}}).encode()
    yield b'{"__proto__": {"polluted": 1, "v": 1, "t": 1}}'
    yield json.dumps(good).replace('"v": 1', '"v": 2').encode()
    yield json.dumps(good).replace("60", "NaN").encode()


def test_the_policy_stops_inline_scripts(browser: Browser, url: str) -> None:
    complaints = ("Executing inline", "Connecting to", "Fetch API cannot load")
    with visit(browser, url, allowed=complaints) as page:
        page.evaluate(
            """() => {
                const link = document.createElement("a");
                link.setAttribute("onclick", "window.isBroken = true");
                document.body.append(link);
                link.click();
            }"""
        )
        assert page.evaluate("window.isBroken") is None
        assert page.evaluate("fetch('https://example.org/').catch((error) => error.name)") == (
            "TypeError"
        )
