"""Synthetic runners of different styles, dressed with pods."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stridehub.model import CueKind, CueSide, Placement, PodInfo, RunnerProfile
from stridehub.sim.knobs import LinkKnobs, ReactionKnobs, RunnerKnobs, Segment
from stridehub.sim.link import PodLink
from stridehub.sim.runner import SyntheticRunner

PODS = (
    Placement.PELVIS,
    Placement.THIGH_L,
    Placement.THIGH_R,
    Placement.SHANK_L,
    Placement.SHANK_R,
)
STANDING_S = 5.0  # the pods find their zero
LINK = LinkKnobs(loss_ratio=0.005, imu_rate_error_ratio=0.01)


@dataclass(frozen=True, slots=True)
class Style:
    """A way of running that the metrics tell apart."""

    name: str
    speed_mps: float
    height_m: float
    mass_kg: float
    overstride_deg: float = 0.0
    heel_lift_deg: float = 0.0
    flick_deg: float = 0.0
    sitting_back_deg: float = 0.0
    lean_deg: float = 0.0
    contact_asymmetry_ratio: float = 0.0
    answers: float = 0.7  # share of cues
    learns: float = 0.15  # share of each answer that stays

    def knobs(self, standing_s: float = STANDING_S) -> RunnerKnobs:
        return RunnerKnobs(
            script=(
                Segment("stand", standing_s),
                Segment("run", float("inf"), self.speed_mps),
            ),
            height_m=self.height_m,
            mass_kg=self.mass_kg,
            overstride_deg=self.overstride_deg,
            heel_lift_deg=self.heel_lift_deg,
            flick_deg=self.flick_deg,
            sitting_back_deg=self.sitting_back_deg,
            lean_deg=self.lean_deg,
            contact_asymmetry_ratio=self.contact_asymmetry_ratio,
            reaction=ReactionKnobs(probability=self.answers, kept_ratio=self.learns),
        )


STYLES = (
    Style("steady", 3.2, 1.78, 70.0),
    Style("long-step", 2.8, 1.72, 78.0, overstride_deg=6.0),
    Style("low-heels", 3.0, 1.69, 64.0, heel_lift_deg=-18.0),
    Style("sprightly", 4.4, 1.83, 68.0, heel_lift_deg=4.0),
    Style("sitting", 2.5, 1.76, 82.0, sitting_back_deg=6.0, lean_deg=-5.0),
    Style("flicker", 3.5, 1.66, 57.0, flick_deg=8.0),
    Style("leaner", 3.8, 1.80, 74.0, lean_deg=6.0),
    Style("uneven", 2.7, 1.74, 71.0, contact_asymmetry_ratio=0.08),
)


class SyntheticWearer:
    """A synthetic runner and the links of the pods."""

    def __init__(self, runner: str, style: Style, seed: int, link: LinkKnobs = LINK) -> None:
        self.runner = runner
        self.profile = RunnerProfile(runner=runner, height_m=style.height_m, mass_kg=style.mass_kg)
        knobs = style.knobs()
        self._body = SyntheticRunner(knobs, PODS, seed)
        self._links = [PodLink(link, pod, seed, knobs.rate_hz, knobs.imu) for pod in PODS]
        self.infos: Sequence[PodInfo] = [pod_link.info for pod_link in self._links]

    @property
    def time_s(self) -> float:
        return self._body.time_s

    def cue(self, kind: CueKind, side: CueSide, hub_s: float) -> bool:
        """The runner feels it; whether there will be a response."""
        return self._body.cue(kind, side, hub_s)

    def next_packets(self) -> Iterator[tuple[int, bytes, float]]:
        chunk = self._body.next_chunk()
        for number, (pod, link) in enumerate(zip(PODS, self._links, strict=True)):
            for sent in link.send(chunk.t, chunk.acc[pod], chunk.gyr[pod]):
                yield number, sent.data, sent.arrival_s


def synthetic_wearers(count: int, seed: int) -> list[SyntheticWearer]:
    """`count` runners named after their styles; the same ones for the same seed."""
    wearers = []
    for number in range(count):
        turn, place = divmod(number, len(STYLES))
        style = STYLES[place]
        name = f"{style.name}-{turn + 1}" if turn else style.name
        wearers.append(SyntheticWearer(name, style, seed * 1000 + number))
    return wearers
