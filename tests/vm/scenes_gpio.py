"""Motors on the kernel's simulated pins: what the lines did, against what was planned."""

import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rpi_gpio.process import CONFIG, LEFT, RIGHT, hub_process
from stridehub.config import GpioConfig
from stridehub.haptics.driver import Buzz
from stridehub.haptics.gpio import GpioPins
from stridehub.haptics.patterns import pattern_of, pulses, total_s
from stridehub.haptics.wired import WiredDriver
from stridehub.model import CueKind, CueSide
from vm.outcome import Outcome
from vm.sim_lines import SimLines, sim_lines

_SETTINGS = GpioConfig(left=LEFT, right=RIGHT, runner="r1")
_PATTERNS = 20  # of each shape, at each intensity
_PLAN_S = 0.010
_KILLS = 6
_PATIENCE_S = 30.0
_LONG_PATTERN_S = 7.0
_NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


def contract(outcome: Outcome) -> None:
    """The tests that the fake of RPi.GPIO passes, on rpi-lgpio."""
    folder = Path(__file__).resolve().parent.parent / "contract"
    tests = [str(folder / "test_gpio.py"), str(folder / "test_gpio_guardian.py")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--import-mode=importlib", "-rA", "-p",
         "no:cacheprovider", *tests],
        env={**os.environ, "GPIO_LINES": "sim"},
        capture_output=True,
        text=True,
    )  # fmt: skip
    Path("contract.log").write_text(done.stdout + done.stderr)
    outcome.tell(pytest=done.stdout.strip().splitlines()[-1].strip("= "))
    outcome.check(done.returncode == 0, "see contract.log")


# ---- as planned ----


def as_planned(outcome: Outcome) -> None:
    """Every edge of many patterns, from the one that was told."""
    with sim_lines((LEFT, RIGHT)) as lines:
        driver = WiredDriver(_SETTINGS, lambda: GpioPins((LEFT, RIGHT), _SETTINGS.pwm_hz))
        try:
            for percent in (100, 70, 30):
                kinds = (CueKind.OVERSTRIDE, CueKind.HEEL_LIFT) * _PATTERNS
                with outcome.part(f"{percent} %"):
                    read = [_read_back(driver, lines, percent, kind) for kind in kinds]
                    _report(outcome, percent, read)
        finally:
            driver.close()


@dataclass(frozen=True, slots=True)
class _ReadBack:
    """Of one pattern. Empty where pulses cannot be told from each other, see sim_lines."""

    rises_ms: list[float]  # against the plan
    falls_ms: list[float]
    percents: list[float]


def _read_back(driver: WiredDriver, lines: SimLines, percent: int, kind: CueKind) -> _ReadBack:
    pattern = pattern_of(kind, percent)
    told: list[float] = []
    has_begun = threading.Event()

    def hear(edge_s: float) -> None:
        told.append(edge_s)
        has_begun.set()

    if not driver.play(Buzz(pattern, kind), "r1", CueSide.LEFT, hear):
        raise RuntimeError(driver.trouble("r1"))
    has_begun.wait(_PATIENCE_S)
    time.sleep(total_s(pattern) + 0.3)
    highs = lines.pulses(LEFT, is_plain=percent == 100)
    seen = [pulse for pulse in highs if pulse.fall_s > told[0]]
    if len(seen) != pattern.pulses:
        return _ReadBack([], [], [])
    plan = list(zip(seen, pulses(pattern), strict=True))
    return _ReadBack(
        [1e3 * (pulse.rise_s - told[0] - rise_s) for pulse, (rise_s, _) in plan],
        [1e3 * (pulse.fall_s - told[0] - fall_s) for pulse, (_, fall_s) in plan],
        [pulse.percent for pulse in seen],
    )


def _report(outcome: Outcome, percent: int, read: Sequence[_ReadBack]) -> None:
    rises_ms = [error for one in read for error in one.rises_ms]
    falls_ms = [error for one in read for error in one.falls_ms]
    errors_ms = sorted(abs(error) for error in (*rises_ms, *falls_ms))
    within = sum(error <= 1e3 * _PLAN_S for error in errors_ms) / len(errors_ms)
    name = f"at_{percent}_percent"
    outcome.tell(**{
        f"{name}_patterns": len(read),
        f"{name}_unreadable": sum(not one.rises_ms for one in read),
        f"{name}_edges": len(errors_ms),
        f"{name}_error_ms_p50_p95_p99_max": [
            errors_ms[int(share * (len(errors_ms) - 1))] for share in (0.5, 0.95, 0.99, 1.0)
        ],
        f"{name}_rise_ms_min_median_max": _spread(rises_ms),
        f"{name}_fall_ms_min_median_max": _spread(falls_ms),
        f"{name}_within_10_ms_percent": 100 * within,
        f"{name}_measured_percent": _spread([p for one in read for p in one.percents]),
        f"{name}_load": os.getloadavg()[0],
    })  # fmt: skip
    outcome.check(statistics.median(errors_ms) < 1e3 * _PLAN_S, f"{percent} %: not as planned")


def _spread(values: Sequence[float]) -> list[float]:
    return [min(values), statistics.median(values), max(values)]


# ---- the hub's end ----


def ends(outcome: Outcome) -> None:
    """In the middle of a pulse: told to end, killed, stopped, held, and with a loop that hangs."""
    config = _config()
    with sim_lines((LEFT, RIGHT)) as lines:
        for name, number, arguments in (
            ("sigterm", signal.SIGTERM, ()),
            ("sigkill", signal.SIGKILL, ()),
            ("sigkill_no_guardian", signal.SIGKILL, ("--alone",)),
        ):
            with outcome.part(name):
                took_ms = [_low_after_ms(lines, config, number, arguments) for _ in range(_KILLS)]
                outcome.tell(**{f"{name}_low_after_ms": _spread(took_ms)})
        for name, stop, arguments in (("stopped", signal.SIGSTOP, ()), ("held", None, ("--hold",))):
            with outcome.part(name):
                on_ms = [_on_for_ms(lines, config, stop, arguments) for _ in range(_KILLS)]
                outcome.tell(**{f"{name}_on_for_ms": _spread(on_ms)})
                outcome.check(max(on_ms) < 1000, f"{name}: on for too long")
        with outcome.part("hang"):
            began_s = time.monotonic()
            with hub_process(config, "--hang"):
                time.sleep(_LONG_PATTERN_S)
            seen = [pulse for pulse in lines.pulses(LEFT) if pulse.rise_s > began_s]
            outcome.tell(hung_hub_played_for_s=seen[-1].fall_s - seen[0].rise_s)
            outcome.tell(hung_hub_pulses_of_ten=len(seen))
            outcome.check(len(seen) < 6, "a hub that hangs plays on")


def _low_after_ms(
    lines: SimLines, config: Path, number: signal.Signals, arguments: Sequence[str]
) -> float:
    with hub_process(config, *arguments) as process:
        time.sleep(0.2)
        sent_s = time.monotonic()
        process.send_signal(number)
        return 1e3 * max(_until_low(lines, sent_s))


def _on_for_ms(
    lines: SimLines, config: Path, stop: signal.Signals | None, arguments: Sequence[str]
) -> float:
    """Of a hub that cannot turn its motors off."""
    began_s = time.monotonic()
    with hub_process(config, *arguments) as process:
        time.sleep(0.2)
        if stop is not None:
            process.send_signal(stop)
        process.wait(_PATIENCE_S)
        _until_low(lines, began_s)
        time.sleep(0.2)
    pulses_seen = [
        pulse
        for line in (LEFT, RIGHT)
        for pulse in lines.pulses(line, is_plain=True)
        if pulse.rise_s > began_s
    ]
    return 1e3 * max(pulse.fall_s - pulse.rise_s for pulse in pulses_seen)


def _until_low(lines: SimLines, since_s: float) -> list[float]:
    """How long after that the lines fell. Raises TimeoutError."""
    while time.monotonic() - since_s < _PATIENCE_S:
        falls = [
            [c.time_s for c in lines.changes(line) if not c.level and c.time_s >= since_s]
            for line in (LEFT, RIGHT)
        ]
        if all(falls):
            return [fall[0] - since_s for fall in falls]
        time.sleep(0.01)
    raise TimeoutError("still high")


def guardian(outcome: Outcome) -> None:
    """Lines that are high when nobody has them, as a Pi's own kernel may leave them."""
    config = _config()
    with sim_lines((LEFT, RIGHT)) as lines:
        try:
            for line in (LEFT, RIGHT):
                lines.pull(line, "pull-up")
            took_ms = []
            for _ in range(_KILLS):
                with hub_process(config) as process:
                    time.sleep(0.2)
                    sent_s = time.monotonic()
                    process.kill()
                    took_ms.append(1e3 * max(_until_low(lines, sent_s)))
                    time.sleep(1.0)
            outcome.tell(low_after_ms=_spread(took_ms))
            with hub_process(config, "--alone") as process:
                time.sleep(0.2)
                process.kill()
                time.sleep(1.0)
                high = not lines.is_low(LEFT)
                outcome.tell(without_guardian="high" if high else "low")
                outcome.check(high, "the guardian cannot be told from the kernel")
        finally:
            for line in (LEFT, RIGHT):
                lines.pull(line, "pull-down")


# ---- no motors ----


def refusals(outcome: Outcome) -> None:
    """Each is told, and the hub goes on until it is told to end."""
    config = _config()
    os.environ.update(RPI_LGPIO_CHIP="0", RPI_LGPIO_REVISION="c03114")
    busy = ["gpioset", "--mode=signal", "gpiochip0", f"{RIGHT}=0"]
    for name, prefix, changed in (
        ("not_permitted", _NOBODY, {}),
        ("no_chip", [], {"RPI_LGPIO_CHIP": "9"}),
        ("no_work_folder", [], {"LG_WD": "/nowhere"}),
        ("not_a_pi", [], {"RPI_LGPIO_REVISION": None}),
    ):
        with outcome.part(name):
            _refused(outcome, name, prefix, config, changed)
    with outcome.part("busy"):
        other = subprocess.Popen(busy)
        time.sleep(0.5)
        try:
            _refused(outcome, "busy", [], config, {})
        finally:
            other.terminate()
            other.wait()


def _refused(
    outcome: Outcome,
    name: str,
    prefix: Sequence[str],
    config: Path,
    changed: dict[str, str] | dict[str, None],
) -> None:
    environment = {**os.environ, **changed}
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "rpi_gpio.hub", str(config), "r1"],
        env={key: value for key, value in environment.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd="/",
    )
    assert process.stdout is not None
    told = process.stdout.readline().strip()
    time.sleep(0.5)
    outcome.tell(**{name: told})
    outcome.check(told.startswith("gpio: "), f"{name}: {told!r}")
    outcome.check(process.poll() is None, f"{name}: the hub did not go on")
    process.terminate()
    outcome.check(process.wait(_PATIENCE_S) == 0, f"{name}: the hub did not end well")


def _config() -> Path:
    folder = Path("/tmp/motors")
    folder.mkdir(exist_ok=True)
    path = folder / "hub.toml"
    path.write_text(CONFIG)
    path.chmod(0o644)
    return path
