"""The page and its broker: lost, hanging, or wanting a password."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from browsing import dashboard, feed, is_live, visit
from mosquitto import Mosquitto


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
