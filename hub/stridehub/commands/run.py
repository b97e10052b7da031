"""The service: real pods, measured until it is told to end."""

import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stridehub.broadcast.alarms import Alarm
from stridehub.broadcast.chronicle import Chronicle
from stridehub.broadcast.hub_bulletins import HubView, mending
from stridehub.checklist import Item
from stridehub.commands.cells import HEALTH_COLUMNS, health_row
from stridehub.commands.coach_side import CoachSide, coach_side
from stridehub.commands.coaching_lines import CueNews, coaching_lines, state_line
from stridehub.commands.stopping import stop_requested
from stridehub.config import HubConfig, load_hub_config
from stridehub.display import TableView, live_table
from stridehub.kernel.self_test import self_test
from stridehub.live import Live
from stridehub.model import LinkState, PodHealth, Stride
from stridehub.mqtt.messages import AlertLevel
from stridehub.record.check import check_database
from stridehub.record.coach_store import SqliteCoachStore
from stridehub.record.health import Notice
from stridehub.record.raw_space import tidy
from stridehub.record.roster import Roster
from stridehub.record.snapshot import (
    SNAPSHOT_EVERY_S,
    refuse_beside_running_hub,
    remove_snapshot,
    write_snapshot,
)
from stridehub.service.health import Health
from stridehub.service.notify import Notifier
from stridehub.team import check_plans
from stridehub.timing import ADVANCE_HANGS_S, TELL_S

if TYPE_CHECKING:  # it loads what only few hubs need
    from stridehub.record.raw import RawRecorder

log = logging.getLogger(__name__)


def run(config_path: Path | None) -> None:
    """Raises ConfigError, HubRunsError, KernelError, StoreError."""
    notifier = Notifier()
    config = load_hub_config(config_path)
    check_plans(config)
    self_test()
    refuse_beside_running_hub(config.runtime)
    asyncio.run(_run(config, check_database(config.database), notifier))


async def _run(config: HubConfig, mended: Notice | None, notifier: Notifier) -> None:
    """`mended`: what was done about the hub's small database."""
    roster = Roster(config.database)
    with stop_requested() as stop:
        async with coach_side(config) as side:
            if mended is not None:
                side.uplink.chronicle.alert(mending(mended))
            with recording(config, side.uplink.chronicle) as recorder:
                await _measure(config, roster, side, recorder, notifier, stop)


async def _measure(
    config: HubConfig,
    roster: Roster,
    side: CoachSide,
    recorder: "RawRecorder | None",
    notifier: Notifier,
    stop: asyncio.Event,
) -> None:
    chronicle = side.uplink.chronicle
    strides = Counter[str]()

    def count(stride: Stride) -> None:
        strides[stride.runner] += 1

    cues = CueNews()
    hub = Live(
        config,
        roster,
        coaching=SqliteCoachStore(config.database),
        recorder=recorder,
        on_stride=[count, chronicle.on_stride],
        on_cue=[cues.cue, chronicle.on_cue],
        on_follow_up=[cues.follow_up, chronicle.on_follow_up],
        on_checklist=_tell_checklist,
        utc_s=side.uplink.wall_clock.utc_s,
    )
    snapshots = Snapshots(config.runtime, hub)
    with live_table(is_quiet=True) as show:
        async with (
            hub.running() as at_work,
            side.uplink.running(hub.team, _hub_view(hub, recorder, side), hub.remember) as told,
            Health(
                notifier,
                lambda: _status(hub, side, strides, cues),
                lambda: _why_ill(hub, [at_work, told, *hub.parts, *side.uplink.parts]),
            ).running() as watching,
        ):
            stopped = asyncio.create_task(stop.wait())
            try:
                while not any(task.done() for task in (at_work, told, watching, stopped)):
                    show(_view(hub, side, strides, cues))
                    await snapshots.keep()
                    await asyncio.wait(
                        {at_work, told, watching, stopped},
                        timeout=TELL_S,
                        return_when=asyncio.FIRST_COMPLETED,
                    )
            finally:
                stopped.cancel()
                hub.end()
    snapshots.end()
    print(_sum(hub.source.health(), strides, cues))
    for runner, coach in hub.team.coaches.items():
        print("\n".join([f"{runner}:", *coaching_lines(coach)]))


@contextmanager
def recording(config: HubConfig, chronicle: Chronicle) -> "Iterator[RawRecorder | None]":
    """Of all packets, where the settings want one."""
    if not config.record.raw or chronicle.session is None:
        tidy(config.raw_folder, config.record)  # those of before grow old all the same
        yield None
        return
    from stridehub.record.raw import RawRecorder

    recorder = RawRecorder(
        config.raw_folder,
        chronicle.session,
        config.record,
        hub=config.name,
        now_s=time.monotonic(),
    )
    try:
        yield recorder
    finally:
        recorder.close()


def _hub_view(hub: Live, recorder: "RawRecorder | None", side: CoachSide) -> HubView:
    def troubles() -> Iterator[Alarm]:
        yield from side.troubles()
        for adapter, problem in hub.source.problems().items():
            text = f"adapter {adapter}: {problem}"
            yield Alarm(AlertLevel.WARNING, "adapter", adapter, text)
        ended = recorder.state.problem if recorder is not None else None
        if ended is not None:
            yield Alarm(AlertLevel.NOTICE, "recording", "", f"packets are not recorded: {ended}")

    return HubView(
        pods=hub.source.health,
        loss=lambda health: hub.checklist.loss(health.pod.runner, health.pod.placement),
        checklist=lambda: hub.checklist.items,
        troubles=troubles,
    )


class Snapshots:
    """What other commands see of the hub. Nothing else depends on them."""

    def __init__(self, folder: Path, hub: Live) -> None:
        self._folder = folder
        self._hub = hub
        self._taken_s = -SNAPSHOT_EVERY_S
        self._has_complained = False

    async def keep(self) -> None:
        """Called more often than one is due."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._taken_s < SNAPSHOT_EVERY_S:
            return
        self._taken_s = now_s
        try:
            await asyncio.to_thread(write_snapshot, self._folder, self._hub.source.health())
        except OSError as error:
            if not self._has_complained:
                log.warning("`stridehub pods` does not see this hub: %s", error)
            self._has_complained = True

    def end(self) -> None:
        with suppress(OSError):
            remove_snapshot(self._folder)


def _tell_checklist(items: Sequence[Item]) -> None:
    if sys.stdout.isatty():
        return  # they stand below the table
    todo = "; ".join(item.text for item in items)
    log.info("%s", f"to do: {todo}" if items else "ready")


def _view(hub: Live, side: CoachSide, strides: Counter[str], cues: CueNews) -> TableView:
    healths = hub.source.health()
    coaches = [
        state_line(coach, hub.team.conditions(runner)) for runner, coach in hub.team.coaches.items()
    ]
    last = _sum(healths, strides, cues)
    todo = ["ready"] if hub.checklist.is_good else [f"- {i.text}" for i in hub.checklist.items]
    return TableView(
        "stridehub", HEALTH_COLUMNS, [health_row(health) for health in healths],
        "\n".join([*todo, *coaches, *cues.latest, _where(side), f"{last}   (Ctrl-C ends)"]),
    )  # fmt: skip


def _why_ill(hub: Live, work: Iterable["asyncio.Task[None]"]) -> str | None:
    """Why nobody should believe that this hub works; None: all goes on."""
    ended = [task.get_name() for task in work if task.done()]
    if ended:
        return f"a part of the hub's work has ended: {', '.join(ended)}"
    late_s = asyncio.get_running_loop().time() - hub.advanced_s
    if late_s > ADVANCE_HANGS_S:
        return f"no stride has been looked for within {ADVANCE_HANGS_S:g} s"
    return None


def _status(hub: Live, side: CoachSide, strides: Counter[str], cues: CueNews) -> str:
    """For `systemctl status`."""
    return "; ".join(
        [_sum(hub.source.health(), strides, cues), *dict.fromkeys(side.uplink.wrong())]
    )


def _where(side: CoachSide) -> str:
    trouble = side.uplink.broker.trouble
    return side.where if trouble is None else f"{side.where}   {trouble}"


def _sum(healths: Sequence[PodHealth], strides: Counter[str], cues: CueNews) -> str:
    streaming = sum(health.state is LinkState.STREAMING for health in healths)
    packets = sum(health.packets for health in healths)
    return (
        f"{streaming} of {len(healths)} pods stream, {packets} packets, {strides.total()} strides,"
        f" {cues.sum}"
    )
