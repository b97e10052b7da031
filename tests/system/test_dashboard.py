"""The group board in a real browser, with a real broker between it and a hub's messages."""

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser, Locator, Page, expect

from browsing import PATIENCE_MS, PHONE, chromium, dashboard, feed, visit
from feed import utc_ms
from feed_runner import FeedRunner
from mosquitto import Mosquitto
from stridehub.coaching.zones import Position
from stridehub.model import Side
from stridehub.mqtt.messages import HubState, Reading, Status, Summary
from stridehub.mqtt.topics import Topics

SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as at_work:
        yield at_work


@pytest.fixture(scope="module")
def place() -> Mosquitto:
    """Where the broker of each test listens, one after the other."""
    return Mosquitto()


@pytest.fixture
def broker(place: Mosquitto) -> Iterator[Mosquitto]:
    place.start()
    yield place
    place.kill()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, place: Mosquitto) -> Iterator[str]:
    with dashboard(tmp_path_factory.mktemp("hub"), place) as served:
        yield served


@contextmanager
def hub(broker: Mosquitto, name: str = "track") -> Iterator["Hub"]:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    yield Hub(client, Topics(name))
    client.disconnect()
    client.loop_stop()


class Hub:
    """Says what a test wants said."""

    def __init__(self, client: mqtt.Client, topics: Topics) -> None:
        self._client = client
        self.topics = topics

    def say(self, topic: str, message: Any, *, retain: bool = False) -> None:
        payload = message if isinstance(message, bytes) else msgspec.json.encode(message)
        self._client.publish(topic, payload, 1, retain).wait_for_publish(PATIENCE_MS / 1e3)

    def flush(self) -> None:
        """Mosquitto 2.0 sends one message over a WebSocket each time that something wakes it."""
        for _ in range(2000):
            self._client.publish("elsewhere", b"", 1)
        self.say("elsewhere", b"")

    def is_online(self, state: HubState = HubState.ONLINE, **fields: Any) -> None:
        status = Status(t=utc_ms(), state=state, version="1", session="s1", **fields)
        self.say(self.topics.status, status, retain=True)

    def tells(self, summary: Summary) -> None:
        self.say(self.topics.summary(summary.runner), summary, retain=True)


def a_summary(runner: str = "r7", **changes: Any) -> Summary:
    told = FeedRunner(1, 0.0).summary(60.0, utc_ms(), "s1")
    return msgspec.structs.replace(told, runner=runner, **changes)


def readings(
    value: float, position: Position, low: float | None, high: float
) -> dict[Side, Reading]:
    reading = Reading(median=value, sd=0.01, position=position, is_amber=False, low=low, high=high)
    return dict.fromkeys(Side, reading)


def row(page: Page, runner: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=runner, exact=True))


def is_live(page: Page) -> None:
    """Waits until it is."""
    expect(page.locator("#connection")).to_have_text("live")


def names(page: Page) -> list[str]:
    return page.locator(".rows .runner-name").all_inner_texts()


def test_a_row_shows_what_the_summary_says(browser: Browser, broker: Mosquitto, url: str) -> None:
    with hub(broker) as track, visit(browser, url) as page:
        is_live(page)
        track.is_online()
        track.tells(
            a_summary(
                speed_mps=1000 / 300,
                metrics={
                    "cadence_spm": readings(171.6, Position.IN, 160.0, 180.0),
                    "overstride_ratio": readings(0.41, Position.ABOVE, None, 0.31),
                    "kickback_deg": readings(66.0, Position.BELOW, 71.0, 95.0),
                },
            )
        )
        shown = row(page, "r7")
        expect(shown.locator(".pace")).to_have_text("5:00")
        expect(shown.locator(".cadence")).to_have_text("172")
        expect(shown.locator(".overstride .zonebar")).to_have_attribute(
            "aria-label",
            "Overstride: above; left 0.41 of leg, right 0.41 of leg; zone – to 0.31",
        )
        expect(shown.locator(".kickback .zonebar-verdict")).to_have_text("below")
        expect(shown.locator(".contact")).to_contain_text("–")
        expect(shown).not_to_have_attribute("data-stale", "")


def test_zones_move_with_the_pace(browser: Browser, broker: Mosquitto, url: str) -> None:
    def zone_left(page: Page) -> float:
        zone = page.locator(".kickback .zonebar-zone").bounding_box()
        assert zone is not None
        return zone["x"]

    with hub(broker) as track, visit(browser, url) as page:
        is_live(page)
        track.is_online()
        track.tells(a_summary(metrics={"kickback_deg": readings(80.0, Position.IN, 68.0, 92.0)}))
        expect(row(page, "r7").locator(".kickback")).to_contain_text("in")
        slow = zone_left(page)
        track.tells(
            a_summary(metrics={"kickback_deg": readings(80.0, Position.BELOW, 83.0, 107.0)})
        )
        expect(row(page, "r7").locator(".kickback")).to_contain_text("below")
        assert zone_left(page) > slow


def test_rows_live_grey_out_and_come_back(browser: Browser, broker: Mosquitto, url: str) -> None:
    with feed(broker, runners=3) as runners, visit(browser, url) as page:
        fresh = page.locator(".rows .row:not([data-stale])")
        expect(fresh).to_have_count(3)
        expect(fresh.first.locator(".pace")).to_have_text(re.compile(r"^\d:\d\d$"))
        expect(fresh.first.locator(".pods")).to_contain_text("% battery")
        is_live(page)
        runners.freeze()
        expect(page.locator(".rows .row[data-stale]")).to_have_count(3)
        expect(page.locator(".rows .runner-state").first).to_have_text(re.compile(r"^\d+ s old$"))
        runners.thaw()
        expect(fresh).to_have_count(3)


def test_an_old_retained_summary_is_no_news(browser: Browser, broker: Mosquitto, url: str) -> None:
    with hub(broker) as track:
        track.tells(a_summary())
        track.is_online()
        with visit(browser, url) as page:
            expect(row(page, "r7")).to_have_attribute("data-stale", "")


def test_the_page_outlives_its_broker(browser: Browser, broker: Mosquitto, url: str) -> None:
    with feed(broker, runners=2), visit(browser, url) as page:
        fresh = page.locator(".rows .row:not([data-stale])")
        expect(fresh).to_have_count(2)
        broker.stop()
        expect(page.get_by_role("alert").first).to_contain_text("Trying again by itself")
        expect(page.locator("#connection")).to_have_text("not live")
        expect(fresh).to_have_count(0)
        broker.start()
        expect(page.locator("#banner")).to_be_hidden()
        expect(fresh).to_have_count(2)


def test_a_broker_that_hangs_is_noticed(browser: Browser, broker: Mosquitto, url: str) -> None:
    with visit(browser, url) as page:
        is_live(page)
        broker.freeze()
        try:
            expect(page.locator("#banner")).to_be_visible()
        finally:
            broker.thaw()
        is_live(page)


def test_a_broker_that_wants_a_password(browser: Browser, tmp_path: Path) -> None:
    with (
        Mosquitto(passwords={"coach": "lap 4"}) as broker,
        dashboard(tmp_path, broker) as url,
        visit(browser, url) as page,
    ):
        banner = page.locator("#banner")
        expect(banner).to_contain_text("wants a user and a password")
        banner.get_by_role("button", name="Open settings").click()
        page.get_by_label("User").fill("coach")
        page.get_by_label("Password").fill("lap 3")
        page.get_by_role("button", name="Connect").click()
        expect(banner).to_contain_text("does not take this user or password")
        banner.get_by_role("button", name="Open settings").click()
        page.get_by_label("Password").fill("lap 4")
        page.get_by_label("Password").press("Enter")
        is_live(page)
        expect(banner).to_be_hidden()
        page.reload()
        is_live(page)
        assert "lap 4" not in page.evaluate("JSON.stringify(localStorage)")


def test_a_command_and_its_answer(browser: Browser, broker: Mosquitto, url: str) -> None:
    with feed(broker, runners=2), visit(browser, url) as page:
        answer = page.locator("#answer")
        page.get_by_role("button", name="Mute all", exact=True).click()
        expect(answer).to_have_text("Mute all: done")
        page.get_by_role("button", name="End", exact=True).click()
        page.get_by_role("button", name="Really?").click()
        expect(page.locator(".hub-state")).to_have_text("no session")
        expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()


def test_nobody_answers(browser: Browser, broker: Mosquitto, url: str) -> None:
    with hub(broker) as track, visit(browser, url) as page:
        is_live(page)
        track.is_online()
        page.get_by_role("button", name="Lap").click()
        expect(page.locator("#answer")).to_contain_text("No answer from the hub")


def test_commands_are_off_without_credentials(
    browser: Browser, broker: Mosquitto, tmp_path: Path
) -> None:
    with (
        dashboard(tmp_path, broker, commands=False) as url,
        hub(broker) as track,
        visit(browser, url) as page,
    ):
        track.is_online()
        expect(page.get_by_role("button", name="Mute all", exact=True)).to_be_disabled()
        expect(page.locator(".hub-why")).to_contain_text("Read only")


def test_a_broker_that_takes_no_commands(browser: Browser, tmp_path: Path) -> None:
    acl = "user coach\ntopic read stridehub/#\nuser hub\ntopic readwrite stridehub/#\n"
    with (
        Mosquitto(passwords={"coach": "c", "hub": "h"}, acl=acl) as broker,
        dashboard(tmp_path, broker, commands=False) as url,
        feed(broker, runners=1, user="hub", password="h"),
        visit(browser, url) as page,
    ):
        page.locator("#banner").get_by_role("button", name="Open settings").click()
        page.get_by_label("User").fill("coach")
        page.get_by_label("Password").fill("c")
        page.get_by_role("button", name="Connect").click()
        page.get_by_role("button", name="Mute all", exact=True).click()
        expect(page.locator("#answer")).to_contain_text("does not let this user command")
        expect(page.get_by_role("button", name="Mute all", exact=True)).to_be_disabled()


def test_two_hubs_have_runners_of_the_same_name(
    browser: Browser, broker: Mosquitto, url: str
) -> None:
    with hub(broker, "track") as track, hub(broker, "hill") as hill, visit(browser, url) as page:
        is_live(page)
        for each in (track, hill):
            each.is_online()
            each.tells(a_summary())
        expect(row(page, "r7")).to_have_count(2)
        expect(page.locator(".rows .runner-state").nth(0)).to_contain_text("hill")
        expect(page.locator(".rows .runner-state").nth(1)).to_contain_text("track")
        hill.is_online(HubState.OFFLINE)
        expect(page.locator("#banner-text")).to_have_text("Hub hill is offline.")
        hill.is_online(HubState.DEGRADED, reasons=("the card is full",))
        expect(page.locator("#banner-text")).to_have_text("Hub hill: the card is full")


def test_sorting_by_keyboard(browser: Browser, broker: Mosquitto, url: str) -> None:
    with hub(broker) as track, visit(browser, url) as page:
        is_live(page)
        track.is_online()
        for runner, speed_mps in (("r2", 4.0), ("r10", 3.0), ("r1", None)):
            track.tells(a_summary(runner, speed_mps=speed_mps))
        expect(page.locator(".rows .row")).to_have_count(3)
        assert names(page) == ["r1", "r2", "r10"]
        header = page.get_by_role("columnheader", name="Pace")
        header.get_by_role("button").focus()
        page.keyboard.press("Enter")
        expect(header).to_have_attribute("aria-sort", "descending")
        assert names(page) == ["r2", "r10", "r1"]
        page.keyboard.press("Space")
        expect(header).to_have_attribute("aria-sort", "ascending")
        assert names(page) == ["r10", "r2", "r1"]
        page.reload()
        expect(page.locator(".rows .row")).to_have_count(3)
        assert names(page) == ["r10", "r2", "r1"]


def test_focus_stays_with_its_row(browser: Browser, broker: Mosquitto, url: str) -> None:
    with hub(broker) as track, visit(browser, url) as page:
        is_live(page)
        track.is_online()
        for runner in ("a", "b", "c"):
            track.tells(a_summary(runner))
        expect(page.locator(".rows .row")).to_have_count(3)
        page.get_by_role("link", name="c", exact=True).focus()
        page.locator(".sort[data-column=runner]").evaluate("button => button.click()")
        assert names(page) == ["c", "b", "a"]
        page.get_by_role("link", name="b", exact=True).focus()
        page.locator(".sort[data-column=runner]").evaluate("button => button.click()")
        assert page.evaluate("document.activeElement.textContent") == "b"


def test_no_width_scrolls_sideways(browser: Browser, broker: Mosquitto, url: str) -> None:
    with hub(broker) as track, visit(browser, url) as page:
        is_live(page)
        track.is_online()
        track.tells(a_summary("a-runner-with-a-name-as-long-as-"))
        expect(page.locator(".rows .row")).to_have_count(1)
        for width in (320, 360, 390, 600, 768, 820, 1024, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, width


def test_a_phone_sorts_by_touch(browser: Browser, broker: Mosquitto, url: str) -> None:
    with hub(broker) as track, visit(browser, url, PHONE, has_touch=True) as page:
        track.is_online()
        for runner, speed_mps in (("r1", 3.0), ("r2", 4.0)):
            track.tells(a_summary(runner, speed_mps=speed_mps))
        expect(page.locator(".rows .row")).to_have_count(2)
        page.get_by_label("Sorted by").select_option("pace")
        assert names(page) == ["r2", "r1"]
        page.get_by_role("link", name="r2").tap()
        expect(page).to_have_url(f"{url}#/runner/track/r2")


def test_what_is_hostile_does_nothing(browser: Browser, broker: Mosquitto, url: str) -> None:
    good = json.loads(msgspec.json.encode(a_summary()))
    with hub(broker) as track, visit(browser, url) as page:
        is_live(page)
        track.is_online(reasons=(SCRIPT,), state=HubState.DEGRADED)
        topics = track.topics
        others = itertools.cycle(
            (topics.status, topics.meta, topics.checklist, topics.alert, topics.ack)
            + (topics.cue("r7"), topics.health("p1"))
        )
        for payload in hostile(good):
            track.say(topics.summary("r7"), payload)
            track.say(next(others), payload)
        track.flush()
        for runner in ("__proto__", "constructor", "toString"):
            track.tells(a_summary(runner))
        track.say(topics.summary("x' onclick='alert(3)"), good)
        item = {"code": "x", "subject": SCRIPT, "text": SCRIPT, "placement": None}
        track.say(topics.checklist, {"v": 1, "t": utc_ms(), "items": [item]})
        track.tells(a_summary(coach=SCRIPT, plan=SCRIPT))
        track.flush()

        expect(row(page, "__proto__").locator(".pace")).to_have_text(re.compile(r"^\d:\d\d$"))
        expect(row(page, "constructor")).to_have_count(1)
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
    for value in (None, True, -1, 1e308, "x", [], [[]], {}, {"__proto__": {"polluted": 1}}):
        yield json.dumps(value).encode()
    for field in good:
        for value in (None, SCRIPT, -1e300, [], {"__proto__": {"polluted": 1}}, {"left": 1}):
            yield json.dumps({**good, field: value}).encode()
    yield json.dumps({**good, "metrics": {f"m{n}": {} for n in range(5000)}}).encode()
    yield b'{"__proto__": {"polluted": 1, "v": 1, "t": 1}}'
    yield json.dumps(good).replace('"v": 1', '"v": 2').encode()
    yield json.dumps(good).replace("60", "NaN").encode()


def test_a_link_to_another_broker_asks_first(browser: Browser, broker: Mosquitto, url: str) -> None:
    with Mosquitto() as other, hub(other) as elsewhere:
        elsewhere.is_online()
        link = f"{url}?broker=ws%3A%2F%2F127.0.0.1%3A{other.ws_port}"
        with visit(browser, link) as page:
            dialog = page.get_by_role("dialog")
            expect(dialog).to_contain_text("A link names this broker")
            expect(page.get_by_label("Broker")).to_have_value(f"ws://127.0.0.1:{other.ws_port}")
            assert "page-" not in other.log
            page.get_by_role("button", name="Connect").click()
            is_live(page)
            expect(page.locator(".hub-name")).to_have_text("track")
            assert "page-" in other.log
            page.goto(url)
            is_live(page)
            expect(page).to_have_url(link)
            assert "page-" not in broker.log
            page.get_by_role("button", name="Settings").click()
            page.get_by_role("button", name="The hub's own").click()
            page.get_by_role("button", name="Connect").click()
            expect(page).to_have_url(url)
            is_live(page)


def test_nothing_but_a_broker_is_an_address(browser: Browser, broker: Mosquitto, url: str) -> None:
    with visit(browser, f"{url}?broker=javascript:alert(1)") as page:
        page.get_by_role("button", name="Connect").click()
        expect(page.locator("#settings-error")).to_contain_text("no address of a broker")


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
