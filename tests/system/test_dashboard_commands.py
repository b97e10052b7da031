"""What a coach can tell hubs from the page, and when not."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from browsing import dashboard, feed, is_live, visit
from hub_words import hub
from mosquitto import Mosquitto


def test_a_command_and_its_answer(browser: Browser, broker: Mosquitto, url: str) -> None:
    with feed(broker, runners=2), visit(browser, url) as page:
        answer = page.locator("#answer")
        page.get_by_role("button", name="Mute all", exact=True).click()
        expect(answer).to_have_text("Mute all: done")
        expect(page.locator(".rows .cue-what")).to_have_text(["muted", "muted"])
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
