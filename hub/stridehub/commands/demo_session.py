"""Synthetic runners in a team, as a terminal shows them."""

import math
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from stridehub.broadcast.chronicle import Chronicle
from stridehub.coaching.signs import Reader
from stridehub.coaching.zones import Position
from stridehub.commands.coaching_lines import CueNews, coaching_lines, kind_words
from stridehub.config import HapticsConfig, HubConfig
from stridehub.display import TableView
from stridehub.haptics.console import ConsoleDriver
from stridehub.haptics.driver import Buzz
from stridehub.model import (
    CueSide,
    KnownPod,
    LinkState,
    PodHealth,
    PodStatus,
    RunnerProfile,
    Side,
    Stride,
)
from stridehub.pods.played import Pace, Played
from stridehub.pods.simulated import SimulatedSource
from stridehub.pods.source import PodSource
from stridehub.summary import METRICS, Shown, summary_lines
from stridehub.synthetic import STANDING_S, synthetic_wearers
from stridehub.team import Team

WINDOW = 10  # strides a side whose medians are shown

# The runners stand first, so that the pods find their zero; nobody wants to watch that.
HEAD_START_S = STANDING_S
# Nor a minute of running and 200 strides without a cue, as in a real session.
IN_A_HURRY = {"suppress": {"first_s": 12.0}, "baseline": {"strides": 30}}
CONFIG = HubConfig(coaching=IN_A_HURRY, haptics=HapticsConfig(drivers=("console",)))
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
_MARKS = {Position.BELOW: "\u2193", Position.IN: "", Position.ABOVE: "\u2191"}

# Cells of synthetic pods: between full and so much less, and a day to empty them.
_CHARGED_MV, _USED_MV, _MV_PER_S = 4120, 380, 0.008
_NO_ADAPTER = "00:00:00:00:00:00"


class Session:
    """Runners in a pipeline, and what is to be told of them."""

    def __init__(self, runners: int, seed: int, chronicle: Chronicle | None = None) -> None:
        """`chronicle`: who else is told of all that happens."""
        wearers = synthetic_wearers(runners, seed)
        self.profiles: list[RunnerProfile] = [wearer.profile for wearer in wearers]
        self.cues = CueNews()
        told = [chronicle] if chronicle else []
        self.team = Team(
            CONFIG,
            ConsoleDriver(self._feel),
            on_stride=[self._take, *(other.on_stride for other in told)],
            on_cue=[self.cues.cue, *(other.on_cue for other in told)],
            on_follow_up=[self.cues.follow_up, *(other.on_follow_up for other in told)],
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
        what = "test"
        if cue.kind is not None:
            self._wearers[runner].cue(cue.kind, side, now_s)
            what = kind_words(cue.kind)
        self._buzzed[runner] = (now_s, f"BUZZ {what}, {side}")

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

    def view(self, footer: str, where: str = "") -> TableView:
        """Medians of the last WINDOW strides a side; `where` there is more to see."""
        rows = []
        for runner, kernel in self.team.pipeline.kernels.items():
            latest = [stride for side in Side for stride in self._latest[runner, side]]
            readers = [self.team.coaches[runner].reader(side) for side in Side]
            metrics = (shown.text(latest) + _mark(readers, shown) for shown in METRICS)
            coach = self._coach_says(runner)
            rows.append(
                (runner, kernel.gait.value, str(len(self.strides[runner])), *metrics, coach)
            )
        title = f"{TITLE}\n{where}" if where else TITLE
        return TableView(title, COLUMNS, rows, "\n".join([*self.cues.latest, footer]))

    def _coach_says(self, runner: str) -> str:
        buzzed_s, what = self._buzzed.get(runner, (float("-inf"), ""))
        if self.now_s - buzzed_s < BUZZ_SHOWN_S:
            return what
        return self.team.why_silent(runner) or "watching"

    def pods(self) -> list[PodHealth]:
        """As a radio would see them."""
        return [
            _health(number, runner, status, self.team.pipeline.now_s)
            for number, (runner, status) in enumerate(self.team.pipeline.status())
        ]

    def summary(self) -> Iterator[str]:
        for profile in self.profiles:
            yield f"{profile.runner}: {profile.height_m} m, {profile.mass_kg:g} kg"
            yield from summary_lines(self.strides[profile.runner])
            yield from coaching_lines(self.team.coaches[profile.runner])


def _mark(readers: Sequence[Reader], shown: Shown) -> str:
    """Below or above the zone, on the worse side; nothing within."""
    positions = (reader.position(shown.field) for reader in readers)
    return max((_MARKS[position] for position in positions if position), default="")


def _health(number: int, runner: str, status: PodStatus, now_s: float) -> PodHealth:
    place = status.placement
    age_s = max(0.0, now_s - status.last_sample_s)
    pod = KnownPod(f"02:00:00:00:00:{number:02X}", f"S{number:02d}", place, runner, _NO_ADAPTER)
    return PodHealth(
        pod=pod,
        state=LinkState.STREAMING if status.packets else LinkState.CONNECTING,
        reason=None,
        age_s=age_s if status.packets else None,
        battery_mv=round(_CHARGED_MV - _USED_MV * (number * 0.37 % 1.0) - now_s * _MV_PER_S),
        rssi_dbm=-55 - 7 * number % 23,
        mtu=None,
        interval_ms=None,
        firmware=None,
        connects=1,
        packets=status.packets,
        imu_fault=False,
        samples_a_packet=None,
    )
