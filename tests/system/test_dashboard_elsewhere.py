"""Other brokers than the hub's mosquitto, and other web servers than the hub's own."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
from playwright.sync_api import Browser, expect

from browsing import PATIENCE_MS, dashboard, is_live, program, row, visit
from hub_words import a_summary, hub
from mosquitto import Mosquitto, free_port
from stridehub.mqtt.access import Access, Right, Rule
from stridehub.mqtt.programs import Plan


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


@dataclass
class OldBroker:
    """Speaks MQTT 3.1.1, and does not answer to 5."""

    port: int
    ws_port: int


@contextmanager
def old_broker() -> Iterator[OldBroker]:
    broker = OldBroker(free_port(), free_port())
    access = Access((Rule(None, Right.BOTH, "#"),), (), ())
    plan = Plan("127.0.0.1", broker.port, broker.ws_port, access, is_local=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "stridehub.mqtt.amqtt_broker"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it tells of everybody who leaves
    )
    assert process.stdin is not None
    with process.stdin as told:
        told.write(msgspec.json.encode(plan))
    await_port(broker.port)
    await_port(broker.ws_port)
    yield broker
    process.terminate()
    process.wait(PATIENCE_MS / 1e3)


def await_port(port: int) -> None:
    end_s = time.monotonic() + PATIENCE_MS / 1e3
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            assert time.monotonic() < end_s
            time.sleep(0.05)
        else:
            return


def test_a_broker_that_knows_only_mqtt_3(browser: Browser, tmp_path: Path) -> None:
    with (
        old_broker() as broker,
        dashboard(tmp_path, broker) as url,
        hub(broker, protocol=mqtt.MQTTv311) as track,
        visit(browser, url) as page,
    ):
        is_live(page)
        track.is_online()
        track.tells(a_summary())
        expect(row(page, "r7")).not_to_have_attribute("data-stale", "")


def test_any_web_server_will_do(browser: Browser, broker: Mosquitto, root: Path) -> None:
    page_folder = root / "hub/stridehub/dashboard/page"
    port = str(free_port())
    serve = ("-m", "http.server", "--bind", "127.0.0.1", "--directory", str(page_folder), port)
    with program(*serve), hub(broker) as track:
        await_port(int(port))
        track.is_online()
        link = f"http://127.0.0.1:{port}/?broker=ws%3A%2F%2F127.0.0.1%3A{broker.ws_port}"
        no_config = ("Failed to load resource: the server responded with a status of 404",)
        with visit(browser, link, allowed=no_config) as page:
            page.get_by_role("button", name="Connect").click()
            is_live(page)
            expect(page.locator(".hub-name")).to_have_text("track")
            expect(page.locator(".hub-why")).to_contain_text("Read only")
