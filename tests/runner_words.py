"""One runner on a hub, and the page that shows them, for tests."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import msgspec
from playwright.sync_api import Browser, Page, expect

from browsing import PATIENCE_MS, visit
from feed_messages import utc_ms
from feed_runner import FeedRunner
from hub_words import Hub
from stridehub.coaching.cue import Response
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

POINTS = 50  # of a cycle


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


def until(page: Page, condition: Callable[[], bool], why: str) -> None:
    """Waits for a condition that Python sees."""
    for _ in range(int(PATIENCE_MS / 50)):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError(why)
