"""One runner with a coach on a hub that plays packets, and a motor that obeys the test."""

from itertools import takewhile
from typing import Any

from stridehub.coaching.cue import Cue, CueFollowUp
from stridehub.config import HubConfig
from stridehub.haptics.driver import Buzz, OnEdge
from stridehub.model import CueSide
from stridehub.pods.simulated import SimulatedSource
from stridehub.synthetic import STYLES, SyntheticWearer
from stridehub.team import Team

RUNNER = STYLES[0].name
# Everybody overstrides, and is told so soon.
STRICT: dict[str, Any] = {
    "zones": {"overstride_ratio": {"value": -1.0}},
    "baseline": {"strides": 10},
    "suppress": {"first_s": 2.0, "speed_change_mps": 9.0},
    "cues": {"kinds": ["overstride"], "withheld": 0.0},
}
RUN_S = 24.0  # of it 5 s standing; the first cue comes after some 16 s


class Motor:
    """A HapticDriver whose edges come when the test says so."""

    def __init__(self, *, can_play: bool = True) -> None:
        self.can_play = can_play
        self.waiting: list[OnEdge] = []

    def play(self, cue: Buzz, runner: str, side: CueSide, on_edge: OnEdge) -> bool:
        if self.can_play:
            self.waiting.append(on_edge)
        return self.can_play

    def trouble(self, runner: str) -> str | None:
        return None if self.can_play else "no motor"

    def stop_all(self) -> None:
        self.waiting.clear()

    def close(self) -> None:
        self.stop_all()


class Scene:
    """One runner on a hub that plays packets."""

    def __init__(self, motor: Motor | None = None) -> None:
        self.motor = motor or Motor()
        self.cues: list[Cue] = []
        self.answers: list[CueFollowUp] = []
        self.team = Team(
            HubConfig(coaching=STRICT),
            self.motor,
            on_cue=[self.cues.append],
            on_follow_up=[self.answers.append],
            seed=1,
        )
        self._wearer = SyntheticWearer(RUNNER, STYLES[0], seed=1)
        self.team.add_runner(self._wearer.profile)
        for worn in SimulatedSource([self._wearer]).pods:
            self.team.pipeline.add_pod(worn)

    def run(
        self, seconds: float = RUN_S, from_s: float = 0.0, *, ends_with_cue: bool = False
    ) -> None:
        """Stands, then runs, with pods that have just been switched on."""
        source = SimulatedSource([SyntheticWearer(RUNNER, STYLES[0], seed=1)])
        for arrival in takewhile(lambda due: due.arrival_s < seconds, source):
            at_s = from_s + arrival.arrival_s
            self.team.pipeline.on_packet(RUNNER, arrival.pod, arrival.packet, at_s)
            if self.motor.waiting and ends_with_cue:
                return
