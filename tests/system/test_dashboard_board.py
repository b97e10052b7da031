"""The group board in a real browser, with a real broker between it and a hub."""

import re

from msgspec.structs import replace
from playwright.sync_api import Browser, Page, expect

from browsing import PHONE, feed, is_live, names, row, visit
from feed_messages import utc_ms
from feed_runner import FeedRunner
from hub_words import a_summary, hub, readings
from mosquitto import Mosquitto
from stridehub.coaching.cue import Response
from stridehub.coaching.zones import Position
from stridehub.model import CueKind, CueSide, LinkState, Side
from stridehub.mqtt.messages import (
    Alert,
    AlertLevel,
    BalanceReading,
    ChecklistMessage,
    HubState,
    PodHealthMessage,
)


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


def test_legs_with_zones_of_their_own_have_a_band_each(
    browser: Browser, broker: Mosquitto, url: str
) -> None:
    own = readings(80.0, Position.IN, 68.0, 92.0)
    other = readings(80.0, Position.BELOW, 83.0, 107.0)
    with hub(broker) as track, visit(browser, url) as page:
        is_live(page)
        track.is_online()
        balance = BalanceReading(left_pct=50.34, position=Position.IN, is_amber=False)
        track.tells(a_summary(metrics={"kickback_deg": own}, balance=balance))
        bands = page.locator(".kickback .zonebar-zone >> visible=true")
        expect(bands).to_have_count(1)
        expect(row(page, "r7").locator(".balance-words")).to_have_text("L 50.3\u00a0%")
        apart = {Side.LEFT: own[Side.LEFT], Side.RIGHT: other[Side.RIGHT]}
        track.tells(a_summary(metrics={"kickback_deg": apart}))
        expect(bands).to_have_count(2)
        expect(page.locator(".kickback .zonebar")).to_have_attribute(
            "aria-label", re.compile("; zone left 68 to 92, right 83 to 107$")
        )


def test_ready_is_said_only_where_nothing_is_lost(
    browser: Browser, broker: Mosquitto, url: str
) -> None:
    with hub(broker) as track, visit(browser, url) as page:
        is_live(page)
        title = page.locator("#checklist-title")
        track.say(track.topics.checklist, ChecklistMessage(t=utc_ms(), items=()))
        track.is_online(session=None)
        expect(title).to_have_text("Ready")
        track.is_online(HubState.DEGRADED, session=None, reasons=("the card is full",))
        expect(title).to_have_text("Not ready")
        track.is_online(session=None)
        expect(title).to_have_text("Ready")
        error = Alert(
            t=utc_ms(), session="s1", level=AlertLevel.ERROR, code="x", subject="", text="lost"
        )
        track.say(track.topics.alert, error)
        expect(title).to_have_text("Not ready")


def test_zones_move_with_the_pace(browser: Browser, broker: Mosquitto, url: str) -> None:
    def zone_left(page: Page) -> float:
        zone = page.locator(".kickback .zonebar-zone.left").bounding_box()
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
        expect(page.locator("#banner-text")).to_contain_text("Hub track has been silent for")
        runners.thaw()
        expect(fresh).to_have_count(3)
        expect(page.locator("#banner")).to_be_hidden()


def test_an_old_retained_summary_is_no_news(browser: Browser, broker: Mosquitto, url: str) -> None:
    with hub(broker) as track:
        track.tells(a_summary())
        track.is_online()
        with visit(browser, url) as page:
            expect(row(page, "r7")).to_have_attribute("data-stale", "")


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
        track.is_online(HubState.DEGRADED, reasons=("a" * 900, "no radio", "no clock"))
        hill.is_online(HubState.OFFLINE)
        expect(page.locator("#banner-text")).to_have_text("Hub hill is offline. And 1 more.")
        hill.is_online()
        expect(page.locator("#banner-text")).to_have_text(f"Hub track: {'a' * 200}…; and 2 more")


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


def test_a_cue_and_what_came_of_it(browser: Browser, broker: Mosquitto, url: str) -> None:
    runner = FeedRunner(7, 0.0)
    with hub(broker) as track, visit(browser, url) as page:
        is_live(page)
        track.is_online()
        topic = track.topics.cue(runner.name)
        cue = replace(runner.cue(60.0, utc_ms(), "s1", 0), kind=CueKind.FLICK, side=CueSide.LEFT)
        given = replace(cue, withheld=False, why_withheld=None)
        track.say(topic, given)
        shown = row(page, runner.name).locator(".cue [data-state]")
        expect(shown).to_have_attribute("data-state", "new")
        expect(shown).to_contain_text("Flick\u00a0L")
        expect(shown).to_have_attribute("data-state", "waiting")
        answer = runner.response(given, utc_ms(), "s1", 1)
        elsewhere = replace(answer, due_s=1.0, response=Response.WORSE)
        track.say(topic, elsewhere)
        track.say(topic, replace(answer, response=Response.RESPONDED))
        expect(shown).to_have_attribute("data-state", "responded")
        expect(shown).to_contain_text("it changed")


def test_pods_that_need_somebody(browser: Browser, broker: Mosquitto, url: str) -> None:
    shank = PodHealthMessage(
        t=utc_ms(),
        name="p1",
        placement="shank_l",
        runner="r7",
        state=LinkState.STREAMING,
        reason=None,
        battery_mv=3900,
        battery_pct=80,
        rssi_dbm=-60,
        loss_pct=0.1,
        age_ms=20.0,
    )
    thigh = replace(shank, name="p2", placement="thigh_l", battery_pct=9, loss_pct=4.5)
    with hub(broker) as track, visit(browser, url) as page:
        is_live(page)
        track.is_online()
        track.say(track.topics.health("p1"), shank)
        track.say(track.topics.health("p2"), thigh)
        lines = row(page, "r7").locator(".pods-line")
        expect(lines).to_have_text(["9 % battery", "4.5 % lost", "20 ms old"])
        expect(row(page, "r7").locator(".pods-line[data-level=warning]")).to_have_count(2)
        missing = replace(thigh, state=LinkState.MISSING, reason="not seen")
        track.say(track.topics.health("p2"), missing)
        expect(lines.first).to_have_text("L thigh away")
