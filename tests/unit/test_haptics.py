"""Patterns, pins in memory, the player's promise, and which driver plays."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stridehub.config import (
    GpioConfig,
    HapticsConfig,
    HubConfig,
    RunnerSettings,
    ShortPattern,
    load_hub_config,
)
from stridehub.errors import ConfigError, LinkRecordError, MotorError
from stridehub.haptics.driver import Buzz
from stridehub.haptics.drivers import Haptics
from stridehub.haptics.guard import Guard
from stridehub.haptics.patterns import pattern_of, pulses, total_s
from stridehub.haptics.pins import Edge, Pins, TimedPins
from stridehub.haptics.wired import WiredDriver
from stridehub.kernel.link import SILENCE, HapticPattern, encode_haptic
from stridehub.model import CueKind, CueSide
from stridehub.timing import MOTOR_GRACE_S, MOTOR_LIMIT_S, MOTOR_REST_S

LEFT, RIGHT = 18, 19
WIRES = GpioConfig(left=LEFT, right=RIGHT, runner="r1")
LONGEST_ON_S = 1.0
AT_ONCE = 40  # drivers, each with pins and threads of its own
EXAMPLES = 1
SLACK_S = 0.1
PATIENCE_S = 10.0
WATCH_TICK_S = 0.01


def nobody_asks(edge_s: float) -> None:
    pass


def until(holds: Callable[[], bool]) -> None:
    begun_s = time.monotonic()
    while not holds():
        assert time.monotonic() < begun_s + PATIENCE_S
        time.sleep(0.002)


def returned(pins: Pins) -> Pins:
    return pins


def on_times_s(edges: Sequence[Edge], pin: int) -> list[float]:
    """Of a pin that ended low."""
    own = [edge for edge in edges if edge.pin == pin]
    assert all(edge.percent for edge in own[::2])
    assert not any(edge.percent for edge in own[1::2])
    return [fall.time_s - rise.time_s for rise, fall in zip(own[::2], own[1::2], strict=True)]


# ---- patterns ----


def test_there_are_two_patterns_within_the_limits_of_what_is_felt() -> None:
    patterns = [pattern_of(kind, 70) for kind in CueKind]
    assert len(set(patterns)) == 2
    for pattern in patterns:
        encode_haptic(pattern)
        assert 2 <= pattern.pulses <= 3
        assert 150 <= pattern.on_ms <= 250
        assert 100 <= pattern.off_ms <= 150
        assert pattern.intensity_percent == 70
    assert patterns.count(pattern_of(CueKind.OVERSTRIDE, 70)) == 1


def test_the_patterns_are_the_settings_within_those_limits(tmp_path: Path) -> None:
    changed = HapticsConfig(short=ShortPattern(on_ms=170))
    assert pattern_of(CueKind.FLICK, 50, changed) == HapticPattern(50, 3, 170, 100)
    assert pattern_of(CueKind.OVERSTRIDE, 50, changed) == HapticPattern(50, 2, 250, 150)
    path = tmp_path / "hub.toml"
    path.write_text("[haptics.long]\npulses = 3\noff_ms = 100\n")
    read = load_hub_config(path).haptics
    assert pattern_of(CueKind.OVERSTRIDE, 50, read) == HapticPattern(50, 3, 250, 100)
    for text in ("[haptics.long]\npulses = 4\n", "[haptics.short]\non_ms = 149\n"):
        path.write_text(text)
        with pytest.raises(ConfigError):
            load_hub_config(path)


def test_none_stands_alone() -> None:
    with pytest.raises(ValueError, match="none"):
        HapticsConfig(drivers=("none", "pod"))
    with pytest.raises(ValueError, match="none"):
        RunnerSettings(haptics=("gpio", "none"))


def test_a_pattern_counts_from_its_first_edge_to_its_last() -> None:
    pattern = HapticPattern(50, 3, 150, 100)
    assert list(pulses(pattern)) == [(0.0, 0.15), (0.25, 0.4), (0.5, 0.65)]
    assert total_s(pattern) == 0.65
    assert list(pulses(SILENCE)) == []


def test_a_pattern_that_no_pod_takes_is_refused() -> None:
    driver = WiredDriver(WIRES, TimedPins)
    try:
        for pattern in (HapticPattern(50, 3, 400, 100), HapticPattern(0, 1, 100, 100)):
            with pytest.raises(LinkRecordError):
                driver.play(Buzz(pattern), "r1", CueSide.LEFT, nobody_asks)
            with pytest.raises(LinkRecordError):
                list(pulses(pattern))
    finally:
        driver.close()


# ---- no motor stays on ----


class Machine:
    """How late threads are on it, for as long as it is watched."""

    def __init__(self) -> None:
        self.worst_s = 0.0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        due_s = time.monotonic()
        while not self._is_over.wait(max(0.0, due_s - time.monotonic())):
            self.worst_s = max(self.worst_s, time.monotonic() - due_s)
            due_s = time.monotonic() + WATCH_TICK_S

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()


PATTERNS = st.integers(1, 10).flatmap(
    lambda count: st.builds(
        HapticPattern,
        st.integers(1, 100),
        st.just(count),
        st.integers(20, 1000 // count),
        st.integers(20, 1000),
    )
)
ORDERS = st.tuples(PATTERNS, st.sampled_from(CueSide), st.floats(0.0, 0.25))


@settings(max_examples=EXAMPLES)
@given(st.lists(ORDERS, min_size=2 * AT_ONCE, max_size=2 * AT_ONCE))
def test_whatever_is_played_no_motor_is_on_for_a_second(
    orders: list[tuple[HapticPattern, CueSide, float]],
) -> None:
    """Two orders for each driver, the second after the pause of the first."""
    pins = [TimedPins() for _ in range(AT_ONCE)]
    with Machine() as machine:
        drivers = [WiredDriver(WIRES, partial(returned, own)) for own in pins]
        due: list[tuple[float, int, tuple[HapticPattern, CueSide, float]]] = []
        for number, (first, second) in enumerate(zip(orders[::2], orders[1::2], strict=True)):
            due += [(0.0, number, first), (first[2], number, second)]
        begun_s = time.monotonic()
        for at_s, number, (pattern, side, _) in sorted(due, key=lambda order: order[:2]):
            time.sleep(max(0.0, begun_s + at_s - time.monotonic()))
            assert drivers[number].play(Buzz(pattern), "r1", side, nobody_asks)
        time.sleep(LONGEST_ON_S)
        for driver in drivers:
            driver.close()
    for own in pins:
        for pin in (LEFT, RIGHT):
            longest_s = max(on_times_s(own.edges, pin), default=0.0)
            assert longest_s <= LONGEST_ON_S + machine.worst_s


class SlowPins(TimedPins):
    """As on a machine that has no time for whoever plays."""

    def __init__(self, slow_s: float) -> None:
        super().__init__()
        self._slow_s = slow_s

    def on(self, pin: int, percent: int) -> None:
        time.sleep(self._slow_s)
        super().on(pin, percent)
        time.sleep(self._slow_s)


def test_a_pattern_that_comes_late_is_cut_not_drawn_out() -> None:
    pins = SlowPins(0.1)
    driver = WiredDriver(WIRES, lambda: pins)
    begun_s = time.monotonic()
    assert driver.play(Buzz(HapticPattern(100, 5, 50, 50)), "r1", CueSide.LEFT, nobody_asks)
    time.sleep(1.1)
    driver.close()
    assert pins.edges[-1].time_s - begun_s < 1.0
    assert max(on_times_s(pins.edges, LEFT)) < 0.3


def hanging(_edge_s: float) -> None:
    time.sleep(1.2)


@pytest.mark.parametrize(("on_ms", "within_s"), [(1000, MOTOR_LIMIT_S), (200, 0.2 + MOTOR_GRACE_S)])
def test_a_player_that_hangs_is_ended_in_time(on_ms: int, within_s: float) -> None:
    pins = TimedPins()
    driver = WiredDriver(WIRES, lambda: pins)
    with Machine() as machine:
        assert driver.play(Buzz(HapticPattern(100, 1, on_ms, 20)), "r1", CueSide.LEFT, hanging)
        until(lambda: len(pins.edges) == 2)
    (on_s,) = on_times_s(pins.edges, LEFT)
    assert abs(on_s - within_s) < SLACK_S + machine.worst_s
    driver.close()


def test_the_longest_pulse_is_shorter_than_what_is_asked_for() -> None:
    pins = TimedPins()
    driver = WiredDriver(WIRES, lambda: pins)
    with Machine() as machine:
        assert driver.play(Buzz(HapticPattern(100, 1, 1000, 20)), "r1", CueSide.LEFT, nobody_asks)
        until(lambda: len(pins.edges) == 2)
    driver.close()
    assert on_times_s(pins.edges, LEFT)[0] < MOTOR_LIMIT_S + SLACK_S + machine.worst_s


class RisingPins(TimedPins):
    """Which take a while to go high."""

    def __init__(self) -> None:
        super().__init__()
        self.is_rising = threading.Event()

    def on(self, pin: int, percent: int) -> None:
        self.is_rising.set()
        time.sleep(0.05)
        super().on(pin, percent)


def test_stop_all_waits_for_a_pin_that_is_just_going_high() -> None:
    pins = RisingPins()
    driver = WiredDriver(WIRES, lambda: pins)
    assert driver.play(Buzz(HapticPattern(100, 1, 500, 20)), "r1", CueSide.LEFT, nobody_asks)
    assert pins.is_rising.wait(PATIENCE_S)
    driver.stop_all()
    assert [edge.percent for edge in pins.edges] == [100, 0]
    time.sleep(0.15)
    assert [edge.percent for edge in pins.edges] == [100, 0]
    driver.close()


def test_between_cues_a_motor_rests() -> None:
    pins = TimedPins()
    driver = WiredDriver(WIRES, lambda: pins)
    for _ in range(2):
        before = len(pins.edges)
        assert driver.play(Buzz(HapticPattern(100, 1, 500, 20)), "r1", CueSide.LEFT, nobody_asks)
        until(lambda before=before: len(pins.edges) > before)  # type: ignore[misc]
    until(lambda: len(pins.edges) == 4)
    driver.close()
    assert pins.edges[2].time_s - pins.edges[1].time_s >= MOTOR_REST_S


def test_the_guard_turns_off_again_and_again_until_it_is_told_to_stop() -> None:
    pins = TimedPins()
    guard = Guard(pins)
    guard.arm(LEFT, time.monotonic())
    for times in (1, 2, 3):
        pins.on(LEFT, 100)
        until(lambda times=times: len(pins.edges) == 2 * times)  # type: ignore[misc]
    guard.disarm(LEFT)
    time.sleep(0.1)
    pins.on(LEFT, 100)
    time.sleep(0.1)
    assert len(pins.edges) == 7
    guard.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_player_that_ended_is_trouble() -> None:
    pins = TimedPins()
    driver = WiredDriver(WIRES, lambda: pins)

    def leave(_edge_s: float) -> None:
        raise SystemExit

    assert driver.play(buzz(), "r1", CueSide.LEFT, leave)
    until(lambda: driver.trouble("r1") is not None)
    assert driver.trouble("r1") == "the thread that plays has ended"
    assert not driver.play(buzz(), "r1", CueSide.LEFT, nobody_asks)
    driver.close()
    assert [edge.percent for edge in pins.edges] == [100, 0]


@pytest.mark.parametrize("name", ["motor guard", "motor player"])
def test_a_thread_that_cannot_begin_is_trouble_and_the_pins_are_given_back(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed(TimedPins):
        is_closed = False

        def close(self) -> None:
            super().close()
            self.is_closed = True

    start = threading.Thread.start

    def start_most(self: threading.Thread) -> None:
        if self.name == name:
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", start_most)
    before = threading.active_count()
    pins = Closed()
    driver = WiredDriver(WIRES, lambda: pins)
    assert driver.trouble("r1") == "can't start new thread"
    assert not driver.play(buzz(), "r1", CueSide.LEFT, nobody_asks)
    assert pins.is_closed
    assert threading.active_count() == before
    driver.close()


class BrokenPins(TimedPins):
    """One of them fails."""

    def __init__(self) -> None:
        super().__init__()
        self.has_failed = threading.Event()

    def on(self, pin: int, percent: int) -> None:
        if pin == RIGHT:
            self.has_failed.set()
            raise MotorError(f"pin {pin}", "burnt")
        super().on(pin, percent)


def test_a_pin_that_fails_does_not_leave_the_other_one_on() -> None:
    pins = BrokenPins()
    driver = WiredDriver(WIRES, lambda: pins)
    try:
        assert driver.play(Buzz(HapticPattern(100, 1, 900, 20)), "r1", CueSide.BOTH, nobody_asks)
        assert pins.has_failed.wait(PATIENCE_S)
        until(lambda: driver.trouble("r1") == f"pin {RIGHT}: burnt")
        time.sleep(0.05)
        assert [edge.percent for edge in pins.edges] == [100, 0]
    finally:
        driver.close()


def test_pins_in_memory_stamp_edges_and_nothing_else() -> None:
    pins = TimedPins()
    pins.off(LEFT)
    pins.on(LEFT, 30)
    pins.on(LEFT, 30)
    pins.on(RIGHT, 100)
    pins.close()
    assert [(edge.pin, edge.percent) for edge in pins.edges] == [
        (LEFT, 30),
        (RIGHT, 100),
        (LEFT, 0),
        (RIGHT, 0),
    ]


# ---- which driver ----


class Shown:
    """What the console was told."""

    def __init__(self) -> None:
        self.cues: list[tuple[str, CueSide]] = []

    def __call__(self, cue: Buzz, runner: str, side: CueSide) -> None:
        self.cues.append((runner, side))


def hub_config(*drivers: str, gpio: GpioConfig | None = WIRES, **of_r2: object) -> HubConfig:
    haptics = HapticsConfig(drivers=drivers, gpio=gpio)  # type: ignore[arg-type]
    return HubConfig(haptics=haptics, runners=(RunnerSettings(runner="r2", **of_r2),))  # type: ignore[arg-type]


def buzz() -> Buzz:
    return Buzz(HapticPattern(100, 1, 20, 20))


def play(haptics: Haptics, runner: str) -> bool:
    return haptics.play(buzz(), runner, CueSide.LEFT, nobody_asks)


def test_the_first_driver_without_trouble_plays() -> None:
    pins, shown = TimedPins(), Shown()
    haptics = Haptics(hub_config("gpio", "console"), show=shown, pins=pins)
    try:
        assert play(haptics, "r1")
        assert play(haptics, "r2")  # whose motors are not those of the hub
        assert shown.cues == [("r2", CueSide.LEFT)]
        assert haptics.trouble("r1") is None
        assert haptics.trouble("r2") is None
    finally:
        haptics.close()
    assert {edge.pin for edge in pins.edges} <= {LEFT}


def test_a_runner_has_an_order_of_their_own() -> None:
    shown = Shown()
    haptics = Haptics(hub_config("gpio", haptics=("pod", "console"), gpio=None), show=shown)
    assert not play(haptics, "r1")
    assert play(haptics, "r2")
    assert haptics.trouble("r2") is None
    assert haptics.ready("r1") is None
    assert haptics.ready("r2") == "console"
    silent = Haptics(hub_config("console", haptics=("none",)), show=shown)
    assert not play(silent, "r2")
    assert silent.trouble("r2") is None
    haptics.close()
    silent.close()


def test_what_is_missing_is_told_of_each_driver() -> None:
    haptics = Haptics(hub_config("gpio", "pod", gpio=None))
    assert haptics.trouble("r1") == (
        "gpio: no pins are set, see [haptics.gpio]; "
        "pod: there are no pods, `stridehub provision` makes some"
    )
    assert not play(haptics, "r1")
    haptics.beat()
    haptics.close()
    assert Haptics(hub_config()).trouble("r1") == "no driver is set"


def test_pins_that_nobody_would_feel_are_not_claimed() -> None:
    class Touched(TimedPins):
        def off(self, pin: int) -> None:
            raise AssertionError

    pins: Pins = Touched()
    haptics = Haptics(hub_config("console"), show=Shown(), pins=pins)
    haptics.stop_all()
    haptics.close()


def test_a_console_stamps_the_edge_at_once() -> None:
    edges: list[float] = []
    shown = Shown()
    haptics = Haptics(hub_config("console"), show=shown)
    before_s = time.monotonic()
    assert haptics.play(buzz(), "r1", CueSide.BOTH, edges.append)
    assert before_s <= edges[0] <= time.monotonic()
    haptics.stop_all()
    haptics.close()
    assert haptics.trouble("r1") == "console: closed"
    assert not play(haptics, "r1")


def test_a_console_that_nobody_looks_at_is_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    haptics = Haptics(hub_config("console"))
    pattern = pattern_of(CueKind.FLICK, 50)
    assert haptics.play(Buzz(pattern, CueKind.FLICK), "r1", CueSide.LEFT, nobody_asks)
    haptics.close()
    assert "r1 would feel flick: left" in caplog.text
