"""Synthetic runners, measured live in the terminal."""

import asyncio
import math
import os
import sys
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from stridehub.app import Pipeline
from stridehub.commands.stopping import stop_requested
from stridehub.display import TableView, live_table
from stridehub.model import RunnerProfile, Side, Stride
from stridehub.pods.played import Pace, Played
from stridehub.pods.simulated import SimulatedSource
from stridehub.pods.source import Arrival, PodSource
from stridehub.summary import METRICS, summary_lines
from stridehub.synthetic import STANDING_S, synthetic_wearers

UPDATE_S = 1.0
UNATTENDED_S = 60.0  # nobody at a terminal can end it
WINDOW = 10  # strides a side whose medians are shown

# Packets are made half a second at a time; a machine that falls this far behind is too slow.
TOO_LATE_S = 2.0

# The runners stand first, so that the pods find their zero; nobody wants to watch that.
HEAD_START_S = STANDING_S
TITLE = f"stridehub demo: synthetic runners, their {STANDING_S:g} s of standing fast-forwarded"

COLUMNS = (
    ("runner", ""),
    ("gait", ""),
    ("strides", ""),
    *((shown.title, shown.unit) for shown in METRICS),
)


class Session:
    """Runners in a pipeline, and what is to be told of them."""

    def __init__(self, runners: int, seed: int) -> None:
        wearers = synthetic_wearers(runners, seed)
        self.profiles: list[RunnerProfile] = [wearer.profile for wearer in wearers]
        self.pipeline = Pipeline(on_stride=[self._take])
        for profile in self.profiles:
            self.pipeline.add_runner(profile)
        self._wearers = wearers
        self.now_s = HEAD_START_S  # arrival of the newest packet
        self.strides: dict[str, list[Stride]] = {profile.runner: [] for profile in self.profiles}
        self._latest: dict[tuple[str, Side], deque[Stride]] = {
            (profile.runner, side): deque(maxlen=WINDOW)
            for profile in self.profiles
            for side in Side
        }

    async def play(self, pace: Pace | None, until_s: float = math.inf) -> None:
        """Up to a packet of that hub time."""
        source: PodSource = Played(
            SimulatedSource(self._wearers), pace, self._came_to, until_s=until_s
        )
        await source.run(self.pipeline)

    def _came_to(self, arrival: Arrival) -> None:
        self.now_s = arrival.arrival_s

    def _take(self, stride: Stride) -> None:
        self.strides[stride.runner].append(stride)
        if stride.is_running:
            self._latest[stride.runner, stride.side].append(stride)

    @property
    def stride_count(self) -> int:
        return sum(map(len, self.strides.values()))

    def progress_line(self, elapsed_s: float) -> str:
        states = Counter[str]()
        for _, status in self.pipeline.status():
            states.update(packets=status.packets, lost=status.lost_packets)
        return (
            f"{elapsed_s:.0f} s   {self.stride_count} strides"
            f"   {states['packets']} packets, {states['lost']} lost"
        )

    def view(self, footer: str) -> TableView:
        """Medians of the last WINDOW strides a side."""
        rows = []
        for runner, kernel in self.pipeline.kernels.items():
            latest = [stride for side in Side for stride in self._latest[runner, side]]
            metrics = (shown.text(latest) for shown in METRICS)
            rows.append((runner, kernel.gait.value, str(len(self.strides[runner])), *metrics))
        return TableView(TITLE, COLUMNS, rows, footer)

    def summary(self) -> Iterator[str]:
        for profile in self.profiles:
            yield f"{profile.runner}: {profile.height_m} m, {profile.mass_kg:g} kg"
            yield from summary_lines(self.strides[profile.runner])


def demo(*, runners: int, seconds: float | None, seed: int) -> None:
    """Runs until the time is over, Ctrl-C or the key S; then prints the summary."""
    if seconds is None and not sys.stdout.isatty():
        seconds = UNATTENDED_S
    session = Session(runners, seed)
    elapsed_s = asyncio.run(_run(session, seconds))
    session.pipeline.finish()
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
        if not keys:
            loop.remove_reader(keyboard)
        elif b"s" in keys.lower():
            stop.set()

    tty.setcbreak(keyboard)
    loop.add_reader(keyboard, pressed)
    try:
        yield
    finally:
        loop.remove_reader(keyboard)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
