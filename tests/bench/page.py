"""Frames a second of the live page with a group of runners, in Chromium.

    python tests/bench/page.py --runners 30 --slower 4

The browser's processor can be slowed down, to be that of a tablet.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Page, expect

from browsing import chromium, dashboard, feed, visit
from mosquitto import Mosquitto

_COUNT = """(seconds) => new Promise((resolve) => {
    const gaps = [];
    let last = performance.now();
    const end = last + seconds * 1000;
    const frame = (now) => {
        gaps.push(now - last);
        last = now;
        if (now < end) requestAnimationFrame(frame);
        else resolve(gaps.slice(1));
    };
    requestAnimationFrame(frame);
})"""
_AGES = """() => [...document.querySelectorAll(".rows .row")]
    .filter((row) => row.hasAttribute("data-stale")).length"""


def measure(page: Page, seconds: float, slower: float) -> dict[str, Any]:
    cdp = page.context.new_cdp_session(page)
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    cdp.send("Performance.enable")
    before = metrics(cdp)
    gaps_ms = sorted(page.evaluate(_COUNT, seconds))
    after = metrics(cdp)
    took_s = after["Timestamp"] - before["Timestamp"]

    def share_pct(name: str) -> float:
        return 100 * (after[name] - before[name]) / took_s

    return {
        "frames/s": len(gaps_ms) / (sum(gaps_ms) / 1e3),
        "longest frame, ms": gaps_ms[-1],
        "99 % of frames within, ms": gaps_ms[int(0.99 * len(gaps_ms))],
        "main thread busy, %": share_pct("TaskDuration"),
        "of it scripts, %": share_pct("ScriptDuration"),
        "of it styles, %": share_pct("RecalcStyleDuration"),
        "of it layout, %": share_pct("LayoutDuration"),
        "memory, MB": after["JSHeapUsedSize"] / 1e6,
        "rows greyed at the end": page.evaluate(_AGES),
    }


def metrics(cdp: Any) -> dict[str, float]:
    told = cdp.send("Performance.getMetrics")["metrics"]
    return {metric["name"]: metric["value"] for metric in told}


def main() -> None:
    parser = argparse.ArgumentParser(description="Frames a second of the live page.")
    parser.add_argument("--runners", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--slower", type=float, default=1.0, help="times, the browser's processor")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Mosquitto() as broker,
        dashboard(Path(folder), broker) as url,
        feed(broker, runners=options.runners),
        chromium() as browser,
        visit(browser, url) as page,
    ):
        expect(page.locator(".rows .row:not([data-stale])")).to_have_count(options.runners)
        for name, value in measure(page, options.seconds, options.slower).items():
            print(f"{name:28}{value:10.1f}")


if __name__ == "__main__":
    main()
