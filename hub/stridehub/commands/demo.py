"""Synthetic runners, measured live in the terminal and on the page."""

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stridehub.broadcast.hub_bulletins import HubView
from stridehub.checklist import Checklist, Item
from stridehub.commands.coach_side import CoachSide, coach_side
from stridehub.commands.demo_session import CONFIG, HEAD_START_S, Session
from stridehub.commands.scratch import scratch_folder
from stridehub.commands.stopping import stop_requested
from stridehub.config import BrokerConfig, DashboardConfig, HubConfig
from stridehub.display import live_table
from stridehub.live import wearer
from stridehub.pods.played import Pace

UPDATE_S = 1.0
UNATTENDED_S = 60.0  # nobody at a terminal can end it

# Packets are made half a second at a time; a machine that falls this far behind is too slow.
TOO_LATE_S = 2.0

HUB = "demo"  # its name in topics
_CONTROL_CHARACTERS = 6  # their place in what tcgetattr returns


@dataclass(frozen=True, slots=True)
class Ports:
    """Where others find the demo; one that is taken moves to a free one, as 0 does."""

    mqtt: int
    ws: int
    http: int


def demo(*, runners: int, seconds: float | None, seed: int, ports: Ports, browser: bool) -> None:
    """Runs until the time is over, Ctrl-C or the key S; then prints the summary.

    Raises BrokerError, PageError.
    """
    if seconds is None and not sys.stdout.isatty():
        seconds = UNATTENDED_S
    with scratch_folder("stridehub-demo-") as folder:
        session, elapsed_s = asyncio.run(
            _run(_config(folder, ports), runners, seed, seconds, browser=browser)
        )
    print(f"{session.progress_line(elapsed_s)}; medians of all running strides:")
    print("\n".join(session.summary()))


def _config(folder: Path, ports: Ports) -> HubConfig:
    """Nothing of it outlives the demo."""
    return msgspec.structs.replace(
        CONFIG,
        hub=HUB,
        state_dir=str(folder),
        runtime_dir=str(folder),
        broker=BrokerConfig(port=ports.mqtt, ws_port=ports.ws),
        dashboard=DashboardConfig(port=ports.http),
    )


async def _run(
    config: HubConfig, runners: int, seed: int, seconds: float | None, *, browser: bool
) -> tuple[Session, float]:
    """The session, and the seconds it ran."""
    with stop_requested() as stop:
        async with coach_side(config, insists=True) as side:
            print(side.where, flush=True)
            session = Session(runners, seed, side.uplink.chronicle)
            async with side.uplink.running(session.team, _view(session, side)) as told:
                if browser:
                    side.open_browser()
                elapsed_s = await _show(session, side, seconds, stop, told)
                session.team.finish()
            return session, elapsed_s


async def _show(
    session: Session,
    side: CoachSide,
    seconds: float | None,
    stop: asyncio.Event,
    told: asyncio.Task[None],
) -> float:
    clock = asyncio.get_running_loop().time
    begin_s = clock()
    with _keys(stop), live_table() as show:
        player = asyncio.create_task(session.play(Pace(HEAD_START_S)))
        ended = asyncio.create_task(stop.wait())
        while not (stop.is_set() or player.done() or told.done()):
            elapsed_s = clock() - begin_s
            if seconds is not None and elapsed_s >= seconds:
                break
            show(session.view(_footer(session, elapsed_s), side.where))
            left_s = UPDATE_S if seconds is None else min(UPDATE_S, seconds - elapsed_s)
            await asyncio.wait(
                {player, ended, told}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED
            )
        elapsed_s = clock() - begin_s
        show(session.view(_footer(session, elapsed_s), side.where))
        for task in (player, ended):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await player
        return elapsed_s


def _view(session: Session, side: CoachSide) -> HubView:
    checklist = Checklist()

    def items() -> Sequence[Item]:
        wearers = [wearer(*known) for known in session.team.pipeline.kernels.items()]
        checklist.update(session.pods(), wearers, {})
        return checklist.items

    return HubView(
        pods=session.pods,
        loss=lambda health: checklist.loss(health.pod.runner, health.pod.placement),
        checklist=items,
        troubles=side.troubles,
    )


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
