"""The view of one runner in a real browser, with a real broker between it and a hub's messages."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browsing import PATIENCE_MS, PHONE, dashboard, feed, visit
from feed import utc_ms
from feed_runner import FeedRunner
from hub_words import Hub, hub
from mosquitto import Mosquitto
from stridehub.coaching.cue import Response, Withheld
from stridehub.coaching.zones import Position, Zone
from stridehub.model import CueKind, CueSide, Side
from stridehub.mqtt import commands
from stridehub.mqtt.messages import (
    Ack,
    AckState,
    CueMessage,
    CueResponseMessage,
    Cycle,
    Reading,
    SideCycle,
)

POINTS = 50
LEG = 220.0  # of the picture, see leg.js
SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def track(broker: Mosquitto) -> Iterator["Track"]:
    with hub(broker) as on_air:
        yield Track(on_air)


class Track:
    """A hub with one runner: says what is wanted, and answers commands."""

    def __init__(self, on_air: Hub) -> None:
        self.refusal: str | None = None
        self.say, self.topics = on_air.say, on_air.topics
        self._hub = on_air
        self._source = FeedRunner(1, 0.0)
        self.runner = self._source.name
        self._seq = 0
        self._lock = Lock()
        self._heard: list[commands.Command] = []
        on_air.hear(self.topics.commands, self._answer)

    def runs(self, **summary: Any) -> None:
        """So that the page knows the time and the runner."""
        self._hub.is_online()
        told = self._source.summary(60.0, utc_ms(), "s1")
        self._hub.tells(msgspec.structs.replace(told, **summary))

    def strides(self, *ages_s: float, **metrics: float) -> None:
        """Of the left foot, told so long ago; all of them alike."""
        for age_s in ages_s:
            t = utc_ms() - round(age_s * 1e3)
            told = self._source.stride(Side.LEFT, t / 1e3, t, "s1", self._next_seq())
            told = msgspec.structs.replace(told, **metrics)
            self.say(self.topics.stride(self.runner), told)

    def cycle(self, cycle: Cycle) -> None:
        self.say(self.topics.cycle(self.runner), cycle, retain=True)

    def explain(self, **association: Any) -> None:
        told = self._source.explain(utc_ms())
        changed = msgspec.structs.replace(told.associations[0], **association)
        told = msgspec.structs.replace(told, associations=(changed,))
        self.say(self.topics.explain(self.runner), told, retain=True)

    def zones(self) -> None:
        told = self._source.zones(60.0, utc_ms())
        self.say(self.topics.zone(self.runner), told, retain=True)

    def cue(self, due_s: float, **changes: Any) -> CueMessage:
        told = CueMessage(
            t=utc_ms(),
            session="s1",
            seq=self._next_seq(),
            runner=self.runner,
            due_s=due_s,
            kind=CueKind.OVERSTRIDE,
            side=CueSide.LEFT,
            metric="overstride_ratio",
            value=0.36,
            zone=Zone(None, 0.31, 0.0, "[D]"),
            withheld=False,
            why_withheld=None,
            latency_ms=87.0,
            fault_side=Side.LEFT,
            foot_strike_s=due_s,
            arrival_s=due_s,
            decided_s=due_s,
            edge_s=due_s,
        )
        told = msgspec.structs.replace(told, **changes)
        self.say(self.topics.cue(self.runner), told)
        return told

    def response(self, cue: CueMessage, response: Response, change: float | None) -> None:
        told = CueResponseMessage(
            t=utc_ms(),
            session="s1",
            seq=self._next_seq(),
            runner=self.runner,
            due_s=cue.due_s,
            kind=cue.kind,
            side=cue.side,
            metric=cue.metric,
            withheld=cue.withheld,
            why_withheld=cue.why_withheld,
            response=response,
            change=change,
            side_effects={},
        )
        self.say(self.topics.cue(self.runner), told)

    def _answer(self, topic: str, payload: bytes) -> tuple[str, Ack]:
        """Fails, in that no answer comes, where the hub could not read the command."""
        name = topic.rpartition("/")[2]
        command = msgspec.json.decode(payload, type=commands.COMMANDS[name])
        with self._lock:
            self._heard.append(command)
        state = AckState.DONE if self.refusal is None else AckState.REFUSED
        told = Ack(t=utc_ms(), id=command.id, command=name, state=state, reason=self.refusal)
        return self.topics.ack, told

    def last_command(self) -> dict[str, Any]:
        """Its fields but those that all have."""
        with self._lock:
            fields = msgspec.to_builtins(self._heard[-1])
        return {k: v for k, v in fields.items() if k not in ("v", "t", "id") and v is not None}

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq


@contextmanager
def runner_page(browser: Browser, url: str, track: Track, **context: Any) -> Iterator[Page]:
    """It hears all that the hub says from now on: what is retained of its last topic has come."""
    track.explain()
    with visit(browser, f"{url}#/runner/track/{track.runner}", **context) as page:
        expect(page.locator("#connection")).to_have_text("live")
        expect(page.locator(".runner-head h1")).to_contain_text(track.runner)
        expect(page.locator(".how-lands")).to_contain_text("Lands")
        yield page


def both_sides(left: float, right: float, low: float | None, high: float) -> dict[Side, Reading]:
    def reading(value: float) -> Reading:
        position = Position.ABOVE if value > high else Position.IN
        position = Position.BELOW if low is not None and value < low else position
        return Reading(median=value, sd=0.01, position=position, is_amber=False, low=low, high=high)

    return {Side.LEFT: reading(left), Side.RIGHT: reading(right)}


def a_cycle(runner: str, *, has_thigh: bool = True) -> Cycle:
    """Lands at +20/+5 degrees; the shank is furthest back, by 90, at 0.6 of the stride."""
    share = [i / POINTS for i in range(POINTS)]
    shank = tuple(-42.5 - 47.5 * math.cos(2 * math.pi * (s - 0.6)) for s in share)
    thigh = tuple(20.0 * math.cos(2 * math.pi * s) for s in share)
    side = SideCycle(
        strides=10, toe_off_share=0.36, thigh_deg=thigh if has_thigh else None, shank_deg=shank
    )
    return Cycle(t=utc_ms(), runner=runner, sides=dict.fromkeys(Side, side), thigh_of_leg=0.5)


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


def bone(page: Page, side: str = "left") -> str | None:
    return page.locator(f".leg.{side} .bone").get_attribute("d")


def until(page: Page, condition: Any, why: str) -> None:
    """Waits for a condition that Python sees."""
    for _ in range(int(PATIENCE_MS / 50)):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError(why)


# ---- geometry ----


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


def test_the_last_minutes_are_kept_in_order_and_bounded(page: Page) -> None:
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


# ---- what is shown ----


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
        for metric in ("overstride_ratio", "kickback_deg", "cadence_spm", "lean_deg"):
            expect(strip(page, metric).locator(".reading.left")).to_have_text(re.compile("[▼●▲] "))
            until(page, lambda m=metric: rightmost_dot(page, m) > 0, f"no stride in {metric}")
        expect(page.locator(".leg.right")).to_be_visible()
        expect(page.locator(".associations")).to_contain_text("one rose as the other fell")
        expect(page.locator(".caution")).to_contain_text("does not say that one caused the other")
        expect(page.locator(".coach")).to_have_text("watching")


# ---- commands ----


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
        expect(page.locator(".runner-head")).to_have_class("runner-head stale")
        broker.start()
        expect(lap).to_be_enabled()
        with hub(broker) as again:
            Track(again).runs()
            expect(page.locator(".runner-head")).to_have_class("runner-head")


# ---- what may come from anybody ----


def hostile(track: Track) -> list[tuple[str, bytes]]:
    """Topics of the runner with what no hub says."""
    topics = track.topics
    mine = {what: getattr(topics, what)(track.runner) for what in ("stride", "cycle", "zone")}
    mine |= {what: getattr(topics, what)(track.runner) for what in ("explain", "cue", "summary")}
    never: list[Any] = [None, 1, "x", [], {}, {"v": 1}, {"__proto__": {"v": 1}}, [[[[]]]]]
    told = [(topic, json.dumps(value).encode()) for topic in mine.values() for value in never]
    told += [(topic, payload) for topic in mine.values() for payload in (b"\xff{", b"[" * 9000)]

    def spoilt(what: str, message: Any, **changes: Any) -> None:
        fields = msgspec.to_builtins(message) | changes
        told.append((mine[what], json.dumps(fields).encode()))  # NaN and Infinity too

    cycle = a_cycle(track.runner)
    one_side = msgspec.to_builtins(cycle.sides[Side.LEFT])
    for angles in ([math.nan] * POINTS, ["1"] * POINTS, [0.0] * 100_000, [1e9] * POINTS, [], None):
        spoilt("cycle", cycle, sides={"left": one_side | {"shank_deg": angles}})
    spoilt("cycle", cycle, thigh_of_leg=math.inf)
    spoilt("cycle", cycle, sides={"middle": one_side, "__proto__": one_side})
    stride = FeedRunner(1, 0.0).stride(Side.LEFT, 60.0, utc_ms(), "s1", 10**6)
    for changes in ({"next_ic": stride.ic}, {"side": "up"}, {"seq": "1"}, {"kickback_deg": 1e300}):
        spoilt("stride", stride, **changes)
    explain = FeedRunner(1, 0.0).explain(utc_ms())
    spoilt("explain", explain, associations=[{"text": SCRIPT}] * 10_000)
    spoilt("explain", explain, strike={"left": SCRIPT})
    spoilt("zone", FeedRunner(1, 0.0).zones(60.0, utc_ms()), zones={SCRIPT: {}})
    return told


def test_nothing_that_is_odd_does_harm(browser: Browser, url: str, track: Track) -> None:
    with runner_page(browser, url, track) as page:
        track.runs()
        expect(page.locator(".coach")).to_have_text("watching")
        said = hostile(track)
        for topic, payload in said:
            track.say(topic, payload)
        odd = track.cue(50.0, kind=CueKind.FLICK)
        strange = msgspec.to_builtins(odd) | {"due_s": 60.0, "kind": "constructor", "metric": "x"}
        track.say(track.topics.cue(track.runner), json.dumps(strange).encode())
        # It goes on: what is good is shown after all of that.
        expect(page.locator(".cue-list li")).to_have_count(2)
        expect(page.locator(".cue-list")).to_contain_text("constructor, left")
        expect(page.locator(".leg.left")).to_be_hidden()
        track.cycle(a_cycle(track.runner))
        expect(page.locator(".leg.left")).to_be_visible()
        page.get_by_role("button", name="Settings").click()
        counted = page.locator("#settings-counts")
        expect(counted).to_have_text(re.compile(r"\d+ of them unreadable"))
        (bad,) = re.findall(r"(\d+) of them unreadable", counted.inner_text())
        assert int(bad) >= len(said)


def test_text_of_a_hub_stays_text(browser: Browser, url: str, track: Track) -> None:
    with runner_page(browser, url, track) as page:
        track.runs(coach=SCRIPT, drill=(SCRIPT,))
        track.explain(text=SCRIPT)
        expect(page.locator(".coach")).to_have_text(SCRIPT)
        expect(page.locator(".told")).to_have_text(SCRIPT)
        expect(page.locator("main img, main script")).to_have_count(0)


# ---- on any device ----


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
