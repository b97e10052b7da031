"""The page and its broker: lost, hanging, wanting a password, or another one."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from browsing import dashboard, feed, is_live, visit
from hub_words import hub
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
            own_log = broker.log
            page.goto(url)
            expect(page).to_have_url(link)
            is_live(page)
            assert broker.log == own_log
            page.get_by_role("button", name="Settings").click()
            page.get_by_role("button", name="The hub's own").click()
            page.get_by_role("button", name="Connect").click()
            expect(page).to_have_url(url)
            is_live(page)


def test_nothing_but_a_broker_is_an_address(browser: Browser, broker: Mosquitto, url: str) -> None:
    with visit(browser, f"{url}?broker=javascript:alert(1)") as page:
        page.get_by_role("button", name="Connect").click()
        expect(page.locator("#settings-error")).to_contain_text("no address of a broker")
