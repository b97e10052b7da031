"""Synthetic runners, measured live in the terminal."""

import asyncio
import math
import os
import sys
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from stridehub.coaching.signs import Reader
from stridehub.coaching.zones import Position
from stridehub.commands.coaching_lines import CueNews, coaching_lines, kind_words
from stridehub.commands.stopping import stop_requested
from stridehub.config import HapticsConfig, HubConfig
from stridehub.display import TableView, live_table
from stridehub.haptics.console import ConsoleDriver
from stridehub.haptics.driver import Buzz
from stridehub.model import CueSide, RunnerProfile, Side, Stride
from stridehub.pods.played import Pace, Played
from stridehub.pods.simulated import SimulatedSource
from stridehub.pods.source import PodSource
from stridehub.summary import METRICS, Shown, summary_lines
from stridehub.synthetic import STANDING_S, synthetic_wearers
from stridehub.team import Team

UPDATE_S = 1.0
UNATTENDED_S = 60.0  # nobody at a terminal can end it
WINDOW = 10  # strides a side whose medians are shown

# Packets are made half a second at a time; a machine that falls this far behind is too slow.
TOO_LATE_S = 2.0

# The runners stand first, so that the pods find their zero; nobody wants to watch that.
HEAD_START_S = STANDING_S
# Nor a minute of running and 200 strides without a cue, as in a real session.
IN_A_HURRY = {"suppress": {"first_s": 12.0}, "baseline": {"strides": 30}}
TITLE = (
    f"stridehub demo: synthetic runners; {STANDING_S:g} s of standing skipped, cues after 12 s, not"
    " a minute"
)
BUZZ_SHOWN_S = 3.0

COLUMNS = (
    ("runner", ""),
    ("gait", ""),
    ("strides", ""),
    *((shown.title, shown.unit) for shown in METRICS),
    ("coach", ""),
)
_CONTROL_CHARACTERS = 6  # their place in what tcgetattr returns
_MARKS = {Position.BELOW: "\u2193", Position.IN: "", Position.ABOVE: "\u2191"}


class Session:
    """Runners in a pipeline, and what is to be told of them."""

    def __init__(self, runners: int, seed: int) -> None:
        wearers = synthetic_wearers(runners, seed)
        self.profiles: list[RunnerProfile] = [wearer.profile for wearer in wearers]
        self.cues = CueNews()
        self.team = Team(
            HubConfig(coaching=IN_A_HURRY, haptics=HapticsConfig(drivers=("console",))),
            ConsoleDriver(self._feel),
            on_stride=[self._take],
            on_cue=[self.cues.cue],
            on_follow_up=[self.cues.follow_up],
            seed=seed,
        )
        for profile in self.profiles:
            self.team.add_runner(profile)
        self._wearers = {wearer.runner: wearer for wearer in wearers}
        self._buzzed: dict[str, tuple[float, str]] = {}  # by runner: when, and what
        self.strides: dict[str, list[Stride]] = {profile.runner: [] for profile in self.profiles}
        self._latest: dict[tuple[str, Side], deque[Stride]] = {
            (profile.runner, side): deque(maxlen=WINDOW)
            for profile in self.profiles
            for side in Side
        }

    async def play(self, pace: Pace | None, until_s: float = math.inf) -> None:
        """Up to a packet of that hub time."""
        source: PodSource = Played(
            SimulatedSource(list(self._wearers.values())), pace, until_s=until_s
        )
        await source.run(self.team.pipeline)

    @property
    def now_s(self) -> float:
        """Hub time."""
        return max(HEAD_START_S, self.team.pipeline.now_s)

    def _feel(self, cue: Buzz, runner: str, side: CueSide) -> None:
        now_s = self.team.pipeline.now_s
        if cue.kind is not None:
            self._wearers[runner].cue(cue.kind, side, now_s)
            self._buzzed[runner] = (now_s, f"BUZZ {kind_words(cue.kind)}, {side}")

    def _take(self, stride: Stride) -> None:
        self.strides[stride.runner].append(stride)
        if stride.is_running:
            self._latest[stride.runner, stride.side].append(stride)

    @property
    def stride_count(self) -> int:
        return sum(map(len, self.strides.values()))

    def progress_line(self, elapsed_s: float) -> str:
        states = Counter[str]()
        for _, status in self.team.pipeline.status():
            states.update(packets=status.packets, lost=status.lost_packets)
        return (
            f"{elapsed_s:.0f} s   {self.stride_count} strides"
            f"   {states['packets']} packets, {states['lost']} lost   {self.cues.sum}"
        )

    def view(self, footer: str) -> TableView:
        """Medians of the last WINDOW strides a side."""
        rows = []
        for runner, kernel in self.team.pipeline.kernels.items():
            latest = [stride for side in Side for stride in self._latest[runner, side]]
            readers = [self.team.coaches[runner].reader(side) for side in Side]
            metrics = (shown.text(latest) + _mark(readers, shown) for shown in METRICS)
            coach = self._coach_says(runner)
            rows.append(
                (runner, kernel.gait.value, str(len(self.strides[runner])), *metrics, coach)
            )
        return TableView(TITLE, COLUMNS, rows, "\n".join([*self.cues.latest, footer]))

    def _coach_says(self, runner: str) -> str:
        buzzed_s, what = self._buzzed.get(runner, (float("-inf"), ""))
        if self.now_s - buzzed_s < BUZZ_SHOWN_S:
            return what
        coach = self.team.coaches[runner]
        return coach.why_silent(self.team.conditions(runner)) or "watching"

    def summary(self) -> Iterator[str]:
        for profile in self.profiles:
            yield f"{profile.runner}: {profile.height_m} m, {profile.mass_kg:g} kg"
            yield from summary_lines(self.strides[profile.runner])
            yield from coaching_lines(self.team.coaches[profile.runner])


def _mark(readers: Sequence[Reader], shown: Shown) -> str:
    """Below or above the zone, on the worse side; nothing within."""
    positions = (reader.position(shown.field) for reader in readers)
    return max((_MARKS[position] for position in positions if position), default="")


def demo(*, runners: int, seconds: float | None, seed: int) -> None:
    """Runs until the time is over, Ctrl-C or the key S; then prints the summary."""
    if seconds is None and not sys.stdout.isatty():
        seconds = UNATTENDED_S
    session = Session(runners, seed)
    elapsed_s = asyncio.run(_run(session, seconds))
    session.team.finish()
    print(f"{session.progress_line(elapsed_s)}; medians of all running strides:")
    print("\n".join(session.summary()))


async def _run(session: Session, seconds: float | None) -> float:
    """Returns the seconds it ran."""
    clock = asyncio.get_running_loop().time
    begin_s = clock()
    with stop_requested() as stop, _keys(stop), live_table() as show:
        player = asyncio.create_task(session.play(Pace(HEAD_START_S)))
        ended = asyncio.create_task(stop.wait())
        while not stop.is_set() and not player.done():
            elapsed_s = clock() - begin_s
            if seconds is not None and elapsed_s >= seconds:
                break
            show(session.view(_footer(session, elapsed_s)))
            left_s = UPDATE_S if seconds is None else min(UPDATE_S, seconds - elapsed_s)
            await asyncio.wait({player, ended}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        elapsed_s = clock() - begin_s
        show(session.view(_footer(session, elapsed_s)))
        for task in (player, ended):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await player
        return elapsed_s


def _footer(session: Session, elapsed_s: float) -> str:
    late_s = HEAD_START_S + elapsed_s - session.now_s
    hint = f"this machine is {late_s:.0f} s behind; " if late_s > TOO_LATE_S else ""
    return f"{session.progress_line(elapsed_s)}   ({hint}Ctrl-C or S ends)"


@contextmanager
def _keys(stop: asyncio.Event) -> Iterator[None]:
    """The key S ends it, where a terminal listens."""
    import termios
    import tty

    if not sys.stdin.isatty() or os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp():
        yield
        return
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    loop = asyncio.get_running_loop()

    def pressed() -> None:
        keys = os.read(keyboard, 64)
        if b"s" in keys.lower():
            stop.set()
        elif not keys and not os.isatty(keyboard):  # hung up
            loop.remove_reader(keyboard)

    tty.setcbreak(keyboard)
    mode = termios.tcgetattr(keyboard)
    # Ctrl-C takes away what was typed before it: a read that waits for that would wait for ever.
    mode[_CONTROL_CHARACTERS][termios.VMIN] = 0
    termios.tcsetattr(keyboard, termios.TCSANOW, mode)
    loop.add_reader(keyboard, pressed)
    try:
        yield
    finally:
        loop.remove_reader(keyboard)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
