"""Draws docs/board.png and docs/runner.png: the live page of a demo, in Chromium.

python docs/page_pictures.py
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

DOCS = Path(__file__).resolve().parent
RUNNERS = 5
SEEN_AFTER_MS = 75_000.0  # cues have come by then, and answers to them
DEMO = [
    sys.executable, "-m", "stridehub", "demo", "--no-browser", "--seconds", "600",
    "--runners", str(RUNNERS), "--mqtt-port", "0", "--ws-port", "0", "--http-port", "0",
]  # fmt: skip


def draw(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.screenshot(path=DOCS / "board.png")
    page.get_by_role("link", name="long-step", exact=True).click()
    page.wait_for_timeout(SEEN_AFTER_MS)
    page.screenshot(path=DOCS / "runner.png", full_page=True)


def main() -> None:
    chromium = shutil.which("chromium") or sys.exit("no chromium here")
    demo = subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert demo.stdout is not None
        found = re.search(r"http://\S+", demo.stdout.readline())
        assert found is not None
        with sync_playwright() as playwright:
            sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path=chromium, args=sandbox)
            size = ViewportSize(width=1280, height=720)
            draw(browser.new_page(viewport=size), found[0])
            browser.close()
    finally:
        demo.terminate()
        demo.wait()


if __name__ == "__main__":
    main()
