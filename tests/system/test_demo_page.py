"""The demo as its user sees it: everything from packets to the page is the program's own."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browsing import chromium, is_live, names, program, row, visit
from consumer import Consumer
from mosquitto import program as installed

DEMO = ("-m", "stridehub", "demo", "--no-browser", "--seconds", "600")
PORTS = ("--mqtt-port", "0", "--ws-port", "0", "--http-port", "0")


class Demo:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        assert process.stdout is not None
        where = process.stdout.readline().decode()
        found = re.fullmatch(r"page (http://127\.0\.0\.1:\d+/)   MQTT 127\.0\.0\.1:(\d+)\n", where)
        assert found, where
        self.page, self.mqtt_port = found[1], int(found[2])

    def kill_broker(self) -> None:
        """Its mosquitto is a child of a child."""
        subprocess.run(
            ["pkill", "-KILL", "-P", str(self._process.pid), "-f", "mosquitto"], check=True
        )

    def kill(self) -> None:
        """Without a chance to tidy up."""
        self._process.kill()
        self._process.wait()

    def end(self) -> str:
        """What it prints in the end."""
        self._process.send_signal(signal.SIGINT)
        told, _ = self._process.communicate(timeout=30.0)
        assert self._process.returncode == 0
        return told.decode()


@contextmanager
def demo(*arguments: str, folder: Path | None = None) -> Iterator[Demo]:
    """`folder`: for what is there for its time only."""
    installed()
    env = None if folder is None else {"TMPDIR": str(folder)}
    with program(*DEMO, *PORTS, *arguments, env=env) as process:
        yield Demo(process)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def pressed(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def test_the_page_lives_on_what_the_demo_measures(browser: Browser) -> None:
    with demo("--runners", "2") as running, visit(browser, running.page) as page:
        is_live(page)
        expect(page.locator(".rows .runner-name")).to_have_text(["long-step", "steady"])
        expect(row(page, "steady")).to_contain_text(re.compile(r"5:[0-3]\d"))  # 3.2 m/s
        expect(row(page, "long-step")).to_contain_text("above")  # overstride
        pressed(page, "Mute all")
        expect(page.locator("body")).to_contain_text(re.compile("done", re.IGNORECASE))
        page.get_by_role("link", name="steady", exact=True).click()
        expect(page.locator("body")).to_contain_text("muted by a coach")
        expect(page.locator("body")).to_contain_text("How the legs move")
        assert "speed" in running.end()


def test_the_page_is_back_after_the_broker(browser: Browser) -> None:
    with demo("--runners", "1") as running, visit(browser, running.page) as page:
        is_live(page)
        expect(page.locator(".rows .runner-name")).to_have_count(1)
        running.kill_broker()
        expect(page.locator("#connection")).not_to_have_text("live")
        is_live(page)
        expect(row(page, "steady")).to_contain_text(re.compile(r"5:[0-3]\d"))
        assert names(page) == ["steady"]


def test_what_a_killed_demo_leaves_goes_with_the_next_one(tmp_path: Path) -> None:
    def folders() -> set[Path]:
        return set(tmp_path.glob("stridehub-demo-*"))

    with demo("--runners", "1", folder=tmp_path) as killed:
        left = folders()
        with demo("--runners", "1", folder=tmp_path) as beside:
            assert len(folders()) == 2
            killed.kill()
            beside.end()
        assert folders() == left
    with demo("--runners", "1", folder=tmp_path) as following:
        assert len(folders()) == 1
        assert not folders() & left
        following.end()
    assert not list(tmp_path.iterdir())


def test_all_that_the_demo_says_is_as_documented(root: Path) -> None:
    with demo("--runners", "2") as running, Consumer(running.mqtt_port) as consumer:
        for _ in range(60):
            judge = consumer.judge_for(1.0)
            if {"Summary", "Cycle", "PodHealthMessage", "ZoneMessage"} <= set(judge.kinds) and (
                judge.kinds["StrideMessage"] > 20
            ):
                break
    assert judge.faults == 0, judge.report()["first_faults"]
    assert judge.kinds["StrideMessage"] > 20
    assert {
        "Summary", "Cycle", "Status", "HubMeta", "ChecklistMessage", "PodHealthMessage",
        "ZoneMessage",
    } <= set(judge.kinds)  # fmt: skip
