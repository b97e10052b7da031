"""What a coach tells the hub about a runner, with the answers, in a real browser."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect

from browsing import dashboard, visit
from hub_words import hub
from mosquitto import Mosquitto
from runner_words import Track, runner_page
from stridehub.mqtt.commands import BOUNDS

SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def test_commands_say_what_the_buttons_say(browser: Browser, url: str, track: Track) -> None:
    own = {"runner": track.runner}
    with runner_page(browser, url, track) as page:
        track.runs(is_muted=False, can_buzz=True)
        newest = page.locator(".answers li").first

        def is_done(words: str, **fields: Any) -> None:
            expect(newest).to_have_text(f"✓ {words}: done")
            assert track.last_command() == own | fields

        page.get_by_role("button", name="Mute cues").click()
        is_done("Mute cues")
        track.runs(is_muted=True, can_buzz=True)
        page.get_by_role("button", name="Unmute cues").click()
        is_done("Unmute cues")
        buzz = page.get_by_role("group", name="Test buzz")
        for side in ("left", "both", "right"):
            buzz.get_by_role("button", name=side).click()
            is_done(f"Test buzz {side}", side=side)
        page.get_by_role("button", name="Mark a lap").click()
        is_done("Lap", kind="lap", text="")
        page.get_by_role("slider", name="Pain").fill("4")
        page.get_by_label("Side of the pain").select_option("right")
        page.get_by_role("button", name="Mark pain").click()
        is_done("Pain 4 of 10 right", kind="pain", level=4, side="right", text="")
        page.get_by_role("textbox", name="Note").fill("  new shoes ")
        page.get_by_role("textbox", name="Note").press("Enter")
        is_done("Note", kind="note", text="new shoes")


def test_a_zone_is_set_and_given_back(browser: Browser, url: str, track: Track) -> None:
    track.zones()
    with runner_page(browser, url, track) as page:
        track.runs()
        page.get_by_text("Set a zone").click()
        form = page.locator(".zone-form")
        form.get_by_label("Metric").select_option("kickback_deg")
        expect(form).to_contain_text("parallel to the ground at 4 m/s")  # where it comes from
        form.get_by_label("Low").fill("95")
        form.get_by_label("High").fill("90")
        form.get_by_role("button", name="Set at this pace").click()
        expect(form.get_by_role("alert")).to_have_text("Low is not below high.")
        form.get_by_label("Low").fill("70")
        form.get_by_role("button", name="Set at this pace").click()
        newest = page.locator(".answers li").first
        expect(newest).to_have_text("✓ Kickback 70° – 90°: done")
        zone = {"runner": track.runner, "metric": "kickback_deg"}
        assert track.last_command() == zone | {"low": 70, "high": 90}
        form.get_by_role("button", name="Back to the settings").click()
        expect(newest).to_have_text("✓ Kickback as in the settings: done")
        assert track.last_command() == zone


def test_what_is_typed_as_a_zone_is_what_is_set(browser: Browser, url: str, track: Track) -> None:
    track.zones()
    with runner_page(browser, url, track) as page:
        track.runs()
        page.get_by_text("Set a zone").click()
        form = page.locator(".zone-form")
        low, high, trouble = (
            form.get_by_label("Low"),
            form.get_by_label("High"),
            form.get_by_role("alert"),
        )
        press = form.get_by_role("button", name="Set at this pace")
        newest = page.locator(".answers li").first
        form.get_by_label("Metric").select_option("overstride_ratio")
        high.fill("0,30")
        press.click()
        expect(newest).to_have_text("✓ Overstride up to 0.30 of leg: done")
        own = {"runner": track.runner, "metric": "overstride_ratio"}
        assert track.last_command() == own | {"high": 0.3}
        high.fill("30")
        press.click()
        expect(trouble).to_have_text("High is not within -1 to 2.")
        form.get_by_label("Metric").select_option("kickback_deg")
        for odd in ("7-0", "1e2", "0x40", "7 0", "1,2,3", "Infinity", "-", "."):
            low.fill(odd)
            press.click()
            expect(trouble).to_have_text("Low is no number.")
        low.fill("")
        high.fill("90")
        press.click()
        expect(trouble).to_contain_text("Remove the lower bound?")
        assert track.last_command() == own | {"high": 0.3}  # nothing yet
        press.click()
        expect(newest).to_have_text("✓ Kickback up to 90°: done")
        assert track.last_command() == own | {"metric": "kickback_deg", "high": 90}


def test_the_page_takes_the_bounds_that_the_hub_takes(browser: Browser, url: str) -> None:
    with visit(browser, url) as page:
        ranges = page.evaluate("async () => [...(await import('/runner/bound.js')).RANGES]")
    assert {unit: tuple(ends) for unit, ends in ranges} == BOUNDS


def test_a_refusal_is_shown_with_its_reason(browser: Browser, url: str, track: Track) -> None:
    track.refusal = f"no motor of {SCRIPT} answers"
    with runner_page(browser, url, track) as page:
        track.runs(can_buzz=True)
        page.get_by_role("group", name="Test buzz").get_by_role("button", name="Left").click()
        expect(page.locator(".answers li").first).to_have_text(f"✕ Test buzz left: {track.refusal}")


def test_without_a_motor_there_is_no_test_buzz(browser: Browser, url: str, track: Track) -> None:
    with runner_page(browser, url, track) as page:
        track.runs(can_buzz=False)
        buzz = page.get_by_role("group", name="Test buzz")
        expect(buzz.get_by_role("button", name="Left")).to_be_disabled()
        expect(page.locator(".controls-panel")).to_contain_text("No motor")
        expect(page.get_by_role("button", name="Mark a lap")).to_be_enabled()


def test_without_a_session_there_is_no_lap_and_nothing_goes_together(
    browser: Browser, url: str, track: Track
) -> None:
    with runner_page(browser, url, track) as page:
        track.runs()
        lap = page.get_by_role("button", name="Mark a lap")
        expect(lap).to_be_enabled()
        expect(page.locator(".outcome")).not_to_have_count(0)
        track.runs(session=None)
        expect(lap).to_be_disabled()
        expect(page.locator(".outcome")).to_have_count(0)


def test_who_may_only_read_is_told_why(
    browser: Browser, broker: Mosquitto, track: Track, tmp_path: Path
) -> None:
    with (
        dashboard(tmp_path, broker, commands=False) as url,
        runner_page(browser, url, track) as page,
    ):
        track.runs(can_buzz=True)
        expect(page.locator(".controls-panel .reason")).to_contain_text("Read only")
        for name in ("Mute cues", "Mark a lap", "Mark pain", "Add note"):
            expect(page.get_by_role("button", name=name)).to_be_disabled()


def test_a_broker_that_goes_and_comes_back(
    browser: Browser, broker: Mosquitto, url: str, track: Track
) -> None:
    with runner_page(browser, url, track) as page:
        lap = page.get_by_role("button", name="Mark a lap")
        track.runs()
        expect(lap).to_be_enabled()
        broker.stop()
        expect(lap).to_be_disabled()
        expect(page.locator(".controls-panel .reason")).to_have_text("Not connected.")
        expect(page.locator(".runner-view")).to_have_class("runner-view stale")
        for figures in (".figures", ".reading >> nth=0", ".leg-words td >> nth=0"):
            expect(page.locator(figures)).to_have_css("opacity", "0.45")
        broker.start()
        expect(lap).to_be_enabled()
        with hub(broker) as again:
            Track(again).runs()
            expect(page.locator(".runner-view")).to_have_class("runner-view")
