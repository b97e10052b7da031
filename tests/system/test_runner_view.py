"""The view of one runner in a real browser: strips and cues, on any device."""

import re
from collections.abc import Mapping

from playwright.sync_api import Browser, Locator, Page, expect

from browsing import PHONE, feed, visit
from feed_messages import utc_ms
from mosquitto import Mosquitto
from runner_words import Track, a_cycle, both_sides, runner_page, until
from stridehub.coaching.cue import Response, Withheld
from stridehub.model import CueKind, CueSide
from stridehub.mqtt.messages import LastCue


def strip(page: Page, metric: str) -> Locator:
    return page.locator(f'.strip[data-metric="{metric}"]')


def rightmost_dot(page: Page, metric: str) -> float:
    """Of the left foot's strides: x in pixels of the canvas; -1: there is none."""
    found: float = strip(page, metric).evaluate(
        """async (strip) => {
          const canvas = strip.querySelector("canvas");
          const probe = document.querySelector(".probe-left-faint");
          const { width, height } = canvas;
          const sheet = new OffscreenCanvas(width, height + 1);
          const copy = sheet.getContext("2d", { willReadFrequently: true });
          copy.drawImage(canvas, 0, 0);
          const { data } = copy.getImageData(0, 0, width, height);
          copy.fillStyle = getComputedStyle(probe).color;
          copy.fillRect(0, height, 1, 1);
          const dot = copy.getImageData(0, height, 1, 1).data;
          const isDot = (i) => [0, 1, 2, 3].every((c) => Math.abs(data[i + c] - dot[c]) < 5);
          let most = -1;
          for (let i = 0; i < data.length; i += 4) {
            if (isDot(i)) most = Math.max(most, (i / 4) % width);
          }
          return most;
        }"""
    )
    return found


def test_the_last_minutes_are_kept_in_order_and_bounded(browser: Browser, url: str) -> None:
    with visit(browser, url) as page:
        kept = page.evaluate(
            """async () => {
              const { History } = await import("/runner/history.js");
              const history = new History();
              const stride = (t, seq) => history.addStride(
                { t, seq, session: "s", side: "left", metrics: new Map() });
              const times = () => history.rows.map(({ t }) => t);
              stride(1000, 0);
              stride(1000, 0);  // twice
              stride(3000, 1);
              history.addSummary({ t: 2000, metrics: new Map() });  // before one that is later
              const ordered = times();
              history.addSummary({ t: 20000, metrics: new Map() });  // a silence before it
              const broken = times();
              stride(9e15, 2);  // a time that cannot be
              history.prune(20000);
              const possible = times();
              history.prune(20000 + 10 * 60000 - 17500);
              const recent = times();
              for (let seq = 3; seq < 20000; seq++) stride(20000 + seq, seq);
              return { ordered, broken, possible, recent, most: history.rows.length };
            }"""
        )
    assert kept["ordered"] == [1000, 2000, 3000]
    assert kept["broken"] == [1000, 2000, 2001, 3000, 20000]
    assert kept["possible"] == kept["broken"]
    assert kept["recent"] == [3000, 20000]
    assert kept["most"] <= 6000


def test_strips_draw_strides_that_move_into_the_past(
    browser: Browser, url: str, track: Track
) -> None:
    with runner_page(browser, url, track) as page:
        track.runs(metrics={"kickback_deg": both_sides(66.4, 85.0, 71.0, 95.0)})
        shown = strip(page, "kickback_deg")
        expect(shown.locator(".reading.left")).to_have_text("66 ▼ below")
        expect(shown.locator(".reading.right")).to_have_text("85 ● in")
        assert rightmost_dot(page, "kickback_deg") == -1
        track.strides(6.0, 5.0, 4.0, 3.0, kickback_deg=80.0)
        until(page, lambda: rightmost_dot(page, "kickback_deg") > 0, "no stride was drawn")
        first = rightmost_dot(page, "kickback_deg")
        until(page, lambda: 0 < rightmost_dot(page, "kickback_deg") < first - 2, "nothing moved")


def test_a_coach_chooses_strips_and_the_browser_remembers(
    browser: Browser, url: str, track: Track
) -> None:
    with runner_page(browser, url, track) as page:
        track.runs()
        expect(page.locator(".strip")).to_have_count(6)
        page.get_by_text("Choose strips").click()
        page.get_by_label("Pelvis lean").uncheck()
        page.get_by_label("Heel trail").check()
        expect(strip(page, "heel_trail_ratio").locator("canvas")).to_be_visible()
        page.reload()
        expect(strip(page, "heel_trail_ratio")).to_be_visible()
        expect(strip(page, "lean_deg")).to_have_count(0)


def test_a_cue_and_what_came_of_it(browser: Browser, url: str, track: Track) -> None:
    with runner_page(browser, url, track) as page:
        track.runs()
        expect(page.locator(".cues-panel")).to_contain_text("No cue")
        given = track.cue(100.0)
        entry = page.locator(".cue-list li").first
        expect(entry).to_contain_text("Overstride, left")
        expect(entry).to_contain_text("Overstride 0.36 of leg, zone up to 0.31 of leg")
        expect(entry).to_contain_text("felt after 87 ms")
        expect(entry.locator(".response")).to_contain_text("watching")
        track.response(given, Response.RESPONDED, -0.04)
        expect(entry.locator(".response")).to_have_text("✓ it changed (-0.04)")
        expect(entry).to_contain_text("felt after 87 ms")  # the answer takes nothing away
        expect(page.locator(".mark.given")).to_have_text("✓")


def test_a_withheld_cue_is_marked(browser: Browser, url: str, track: Track) -> None:
    with runner_page(browser, url, track) as page:
        track.runs()
        held = track.cue(
            100.0, withheld=True, why_withheld=Withheld.CONTROL, latency_ms=None, edge_s=None
        )
        entry = page.locator(".cue-list li.withheld")
        expect(entry).to_contain_text("withheld")
        expect(entry).to_contain_text("not buzzed, to compare")
        track.response(held, Response.NO_CHANGE, 0.0)
        expect(page.locator(".mark.withheld")).to_have_text("=")


def test_the_feed_of_a_hub_fills_every_panel(browser: Browser, broker: Mosquitto, url: str) -> None:
    with (
        feed(broker, runners=1, hub="club"),
        visit(browser, f"{url}#/runner/club/r01") as page,
    ):
        told = ("overstride_ratio", "kickback_deg", "cadence_spm", "lean_deg")
        for metric in told:
            expect(strip(page, metric).locator(".reading.left")).to_have_text(re.compile("[▼●▲] "))
        until(page, lambda: all(rightmost_dot(page, m) > 0 for m in told), "strides are missing")
        expect(page.locator(".leg.right")).to_be_visible()
        expect(page.locator(".associations")).to_contain_text("one rose as the other fell")
        expect(page.locator(".caution")).to_contain_text("does not say that one caused the other")
        expect(page.locator(".coach")).to_have_text("watching")


def test_the_last_minutes_are_there_when_a_runner_is_opened(
    browser: Browser, url: str, track: Track
) -> None:
    """Of summaries and cues that came while the board was shown."""
    with runner_page(browser, url, track) as page:
        last = LastCue(
            t=utc_ms(), kind=CueKind.FLICK, side=CueSide.RIGHT, withheld=False, response=None
        )
        track.runs(cue=last)
        entries = page.locator(".cue-list li")
        expect(entries).to_have_count(1)  # nobody heard that cue itself
        expect(entries).to_contain_text("Flick, right")
        expect(page).to_have_title(f"{track.runner} – stridehub")
        expect(page.locator("h1")).to_be_focused()
        page.get_by_role("link", name="All runners").click()
        expect(page.locator(".runner-view")).to_have_count(0)
        expect(page).to_have_title("stridehub")
        given = track.cue(100.0)
        elsewhere = track.cue(50.0, kind=CueKind.FLICK, side=CueSide.RIGHT, t=last.t)
        track.response(given, Response.RESPONDED, -0.04)
        track.response(elsewhere, Response.WORSE, 3.0)
        track.runs(coach="said last")
        page.go_back()
        expect(page.locator(".coach")).to_have_text("said last")
        expect(entries).to_have_count(2)
        expect(entries.first).to_contain_text("Overstride 0.36 of leg")
        expect(entries.first.locator(".response")).to_contain_text("it changed")
        expect(entries.last).to_contain_text("Flick, right")
        expect(entries.last.locator(".response")).to_contain_text("worse")
        kept = page.evaluate(
            """async () => {
              const { History } = await import("/runner/history.js");
              const { Cues } = await import("/runner/cues.js");
              const history = new History();
              const reading = { median: 0.25, low: null, high: 0.5 };
              const metrics = new Map([["overstride_ratio", new Map([["left", reading]])]]);
              history.addSummary({ t: 1, metrics });
              const cues = new Cues();
              cues.add({ t: 1, due_s: 9, kind: "flick", side: "left", response: "worse" });
              const { readings } = history.rows[0];
              return [readings.of("overstride_ratio", "left"),
                readings.of("overstride_ratio", "right").median, cues.all[0].response];
            }"""
        )
        assert kept == [{"median": 0.25, "low": None, "high": 0.5}, None, "worse"]


def test_it_fits_a_phone(browser: Browser, url: str, track: Track) -> None:
    track.cycle(a_cycle(track.runner))
    with runner_page(browser, url, track, size=PHONE, color_scheme="dark") as page:
        track.runs()
        track.cue(100.0, withheld=True, why_withheld=Withheld.SCHEDULE)
        expect(page.locator(".cue-list li")).to_be_visible()
        page.get_by_text("Set a zone").click()
        page.get_by_text("Choose strips").click()
        expect(page.locator(".strip")).to_have_count(3)
        wide: float = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        buttons: list[Mapping[str, float]] = page.locator(".runner-view button").evaluate_all(
            "(all) => all.map((one) => one.getBoundingClientRect().toJSON())"
        )
        assert min(button["height"] for button in buttons if button["height"]) >= 44


def test_a_keyboard_is_enough(browser: Browser, url: str, track: Track) -> None:
    with runner_page(browser, url, track) as page:
        track.runs(can_buzz=True)
        expect(page.get_by_role("button", name="Mark a lap")).to_be_enabled()
        page.get_by_role("button", name="Live speed").focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Slow ¼")).to_have_attribute("aria-pressed", "true")
        page.get_by_role("button", name="Mark a lap").focus()
        page.keyboard.press("Space")
        expect(page.locator(".answers li").first).to_have_text("✓ Lap: done")


def test_nothing_stays_of_a_runner_who_was_left(browser: Browser, url: str, track: Track) -> None:
    track.cycle(a_cycle(track.runner))
    with runner_page(browser, url, track) as page:
        for _ in range(3):
            expect(page.locator(".leg.left")).to_be_visible()
            page.get_by_role("link", name="All runners").click()
            expect(page.locator(".runner-view, .uplot")).to_have_count(0)
            track.runs()
            track.strides(1.0)
            track.cue(100.0)
            page.go_back()
            expect(page.locator(".how-lands")).to_contain_text("Lands")
        expect(page.locator(".runner-view")).to_have_count(1)
        expect(page.locator(".strip canvas")).to_have_count(6)
        # What the board knew of the runner is there at once.
        expect(page.locator(".cue-list li")).to_have_count(1)
        expect(page.locator(".coach")).to_have_text("watching")
