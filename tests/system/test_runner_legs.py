"""The leg picture: its geometry, and how it moves in a real browser."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from browsing import visit
from runner_words import POINTS, Track, a_cycle, both_sides, runner_page, until
from stridehub.model import Side

LEG = 220.0  # of the picture, see leg.js


@pytest.fixture(scope="module")
def page(browser: Browser, url: str) -> Iterator[Page]:
    with visit(browser, url) as opened:
        yield opened


def gait(page: Page, call: str, *arguments: Any) -> Any:
    """Calls a function of the module as the page has it."""
    return page.evaluate(
        f"async (given) => (await import('/runner/gait.js')).{call}(...given)", list(arguments)
    )


@pytest.mark.parametrize(
    ("thigh_deg", "shank_deg", "knee", "ankle"),
    [
        (0, 0, (0, 0.5), (0, 1)),  # straight down
        (30, 30, (0.25, 0.433), (0.5, 0.866)),  # ahead, straight
        (0, -90, (0, 0.5), (-0.5, 0.5)),  # shin parallel to the ground, behind
        (90, 0, (0.5, 0), (0.5, 0.5)),  # thigh level ahead, shin hanging
        (-30, -120, (-0.25, 0.433), (-0.683, 0.183)),  # heel above the knee: a flick
        (None, 90, (0, 0.5), (0.5, 0.5)),  # no thigh pod
    ],
)
def test_a_pose_follows_from_its_angles(
    page: Page,
    thigh_deg: float | None,
    shank_deg: float,
    knee: tuple[float, float],
    ankle: tuple[float, float],
) -> None:
    pose = gait(page, "poseOf", thigh_deg, shank_deg, 0.5)
    assert (pose["knee"]["x"], pose["knee"]["y"]) == pytest.approx(knee, abs=1e-3)
    assert (pose["ankle"]["x"], pose["ankle"]["y"]) == pytest.approx(ankle, abs=1e-3)


def test_a_cycle_closes_and_its_moments_are_found(page: Page) -> None:
    own = a_cycle("any").sides[Side.LEFT]
    side = {
        "thighDeg": list(own.thigh_deg or ()),
        "shankDeg": list(own.shank_deg),
        "toeOffShare": own.toe_off_share,
        "strides": own.strides,
    }
    for point in (0, 1, 24, 49):
        assert gait(page, "valueAt", side["shankDeg"], point / POINTS) == pytest.approx(
            own.shank_deg[point]
        )
    between = gait(page, "valueAt", side["shankDeg"], 0.995)
    assert between == pytest.approx(-42.5 - 47.5 * math.cos(2 * math.pi * 0.395), abs=0.1)
    assert gait(page, "valueAt", side["shankDeg"], -0.005) == pytest.approx(between)
    moments = gait(page, "keyMoments", side, 0.5)
    highest = gait(page, "poseAt", side, 0.5, moments["heelUp"])["ankle"]["y"]
    others = [gait(page, "poseAt", side, 0.5, i / 40)["ankle"]["y"] for i in range(15, 40)]
    assert moments["kickback"] == pytest.approx(0.6, abs=0.01)
    assert moments["toeOff"] == pytest.approx(0.36)
    assert moments["midStance"] == pytest.approx(0.18)
    assert highest <= min(others) + 1e-6


@pytest.mark.parametrize(
    ("left", "right", "lag"),
    [
        ([10.0, 10.7, 11.4], [10.35, 11.05, 11.75], 0.5),
        ([10.0, 10.7], [10.28, 10.98], 0.4),
        ([10.0, 10.7], [10.001, 10.699, 11.399], 0.0),  # together: about the turn of a stride
        ([], [10.0], 0.5),  # not known
        ([10.0], [99.0], 0.5),  # too long ago
    ],
)
def test_contacts_tell_how_far_the_right_leg_is_behind(
    page: Page, left: list[float], right: list[float], lag: float
) -> None:
    found = gait(page, "rightLag", left, right, 0.7)
    assert math.cos(2 * math.pi * (found - lag)) == pytest.approx(1.0, abs=1e-3)


def bone(page: Page, side: str = "left") -> str | None:
    return page.locator(f".leg.{side} .bone").get_attribute("d")


def test_legs_move_and_stand_still_at_a_moment(browser: Browser, url: str, track: Track) -> None:
    track.cycle(a_cycle(track.runner))
    with runner_page(browser, url, track) as page:
        track.runs()
        expect(page.locator(".leg.left")).to_be_visible()
        seen = {bone(page, side) for side in ("left", "right")}
        assert len(seen) == 2  # half a stride apart
        until(page, lambda: bone(page) not in seen, "the leg does not move")
        page.get_by_role("button", name="Landing").click()
        thigh, shank = math.radians(20.0), math.radians(-42.5 - 47.5 * math.cos(1.2 * math.pi))
        x = LEG * 0.5 * (math.sin(thigh) + math.sin(shank))
        y = LEG * 0.5 * (math.cos(thigh) + math.cos(shank))
        for side in ("left", "right"):  # each at its own landing
            expect(page.locator(f".leg.{side} .ankle")).to_have_attribute(
                "transform", f"translate({x:.2f} {y:.2f})"
            )
        expect(page.locator(".leg.left")).to_have_class("leg left stance")
        page.get_by_role("button", name="Heel up").click()
        expect(page.locator(".leg.left")).to_have_class("leg left")


def test_who_wants_no_motion_gets_none(browser: Browser, url: str, track: Track) -> None:
    track.cycle(a_cycle(track.runner))
    with runner_page(browser, url, track, reduced_motion="reduce") as page:
        expect(page.locator(".leg.left")).to_be_visible()
        expect(page.get_by_role("button", name="Heel up")).to_have_attribute("aria-pressed", "true")
        still = bone(page)
        page.evaluate(
            "() => new Promise((done) => { let n = 0; const frame = () =>"
            " ++n > 20 ? done() : requestAnimationFrame(frame); frame(); })"
        )
        assert bone(page) == still
        page.get_by_role("button", name="Slow ¼").click()
        until(page, lambda: bone(page) != still, "it does not move when asked to")


def test_the_kickback_zone_stands_around_the_legs(browser: Browser, url: str, track: Track) -> None:
    track.cycle(a_cycle(track.runner))
    with runner_page(browser, url, track) as page:
        for deg, words in ((60.0, "60 ▼ below"), (83.0, "83 ● in"), (110.0, "110 ▲ above")):
            track.runs(metrics={"kickback_deg": both_sides(deg, deg, 71.0, 95.0)})
            expect(page.locator(".leg-words td.left").first).to_have_text(words)
            is_in_zone = (
                page.locator(".gauge")
                .first.locator("> .left")
                .evaluate(
                    """(ring) => {
                  const { e: x, f: y } = ring.querySelector(".marker").transform.baseVal[0].matrix;
                  return ring.querySelector(".zone").isPointInStroke(new DOMPoint(x, y));
                }"""
                )
            )
            assert is_in_zone is ("in" in words)
        # Its numbers stand at its ends, the higher one further up behind the runner.
        low, high = (page.get_by_text(f"{bound}°", exact=True).bounding_box() for bound in (71, 95))
        assert low is not None
        assert high is not None
        assert high["y"] < low["y"]


def test_without_a_thigh_pod_nothing_is_said_of_the_ankle(
    browser: Browser, url: str, track: Track
) -> None:
    track.cycle(a_cycle(track.runner, has_thigh=False))
    with runner_page(browser, url, track) as page:
        track.runs(metrics={})
        expect(page.locator(".leg-note")).to_contain_text("no pod")
        expect(page.locator(".leg.left .unknown-thigh")).to_have_attribute(
            "d", "M0.0 0.0L0.0 110.0"
        )
        expect(page.locator(".trail.left")).to_be_hidden()
