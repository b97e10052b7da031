"""All pods of one runner, sample by sample: events as they can be refined, strides as they end."""

import math
from dataclasses import dataclass, field

import numpy as np

from twin.alignment import Kind
from twin.body import Body, Profile
from twin.gait_events import Refined, refine_contact, refine_toe_off, slots_needed
from twin.metrics import Stride, Times, measure
from twin.shank_events import Mark
from twin.track import GRID_HZ, Flaw, PodSamples, Track
from twin.vectors import Floats

STRIDE_LEAST_S, STRIDE_MOST_S = 0.4, 1.6
DUTY_LEAST, DUTY_MOST = 0.12, 0.80
RUNNING_DUTY_MOST, RUNNING_STRIDE_MOST_S = 0.5, 1.0  # where flight cannot be seen
LEAST_SWEEP_DEG = 40.0
OTHER_FOOT_FROM, OTHER_FOOT_TO = 0.25, 0.75  # of the stride
LEAST_AXIS_SHARE = 0.6
TWO_STRIDES = 1.4  # times the usual stride, with samples missing


@dataclass(frozen=True)
class Event:
    """Refined."""

    is_contact: bool
    side: int
    time_s: float


@dataclass
class Leg:
    contact: Refined | None = None
    toe_off: Refined | None = None
    last_contact_s: float = -math.inf  # of any stride, for the other leg
    walking: bool = False
    usual_stride_s: float = 0.0


@dataclass
class Kernel:
    """What was found, and the tracks by label with their series."""

    body: Body
    events: list[Event] = field(default_factory=list)
    strides: list[Stride] = field(default_factory=list)
    _legs: tuple[Leg, Leg] = field(default_factory=lambda: (Leg(), Leg()))
    _pending: list[tuple[Mark, Track]] = field(default_factory=list)

    def take_marks(self, track: Track) -> None:
        if track.events.restarted and track.kind is Kind.SHANK:
            assert track.side is not None
            self._legs[track.side].contact = None
            track.events.restarted = False
        for mark in track.events.found:
            if not mark.is_contact or mark.sweep_deg >= LEAST_SWEEP_DEG:
                self._pending.append((mark, track))
        track.events.found = []
        self._pending.sort(key=lambda pending: pending[0].mark_s)

    def refine(self, slots: float) -> None:
        """Whatever needs no slots but those before this one."""
        while self._pending and slots_needed(self._pending[0][0]) < slots:
            mark, track = self._pending.pop(0)
            assert track.side is not None
            self._refine(mark, track, track.side)

    def _refine(self, mark: Mark, track: Track, side: int) -> None:
        leg = self._legs[side]
        if mark.is_contact:
            refined = refine_contact(self.body, side, mark)
            if leg.contact is not None and leg.toe_off is not None:
                self._finish_stride(side, leg, leg.contact, leg.toe_off, refined.time_s)
            leg.contact, leg.toe_off = refined, None
            leg.last_contact_s = refined.time_s
        else:
            refined = refine_toe_off(self.body, side, mark, leg.walking)
            if leg.contact and not leg.toe_off and refined.time_s > leg.contact.time_s:
                leg.toe_off = refined
        track.events.learn(mark, refined.time_s)
        self.events.append(Event(mark.is_contact, side, refined.time_s))

    def _finish_stride(
        self, side: int, leg: Leg, contact: Refined, toe_off: Refined, next_ic: float
    ) -> None:
        other_ic = self._legs[1 - side].last_contact_s
        times = Times(
            side=side,
            ic=contact.time_s,
            to=toe_off.time_s,
            next_ic=next_ic,
            other_ic=other_ic if contact.time_s < other_ic < next_ic else None,
            running=_is_running(contact, toe_off, next_ic),
            from_force=contact.from_force and toe_off.from_force,
        )
        if not self._is_stride(leg, times):
            return
        self._confirm_thigh_sign(times)
        leg.walking = not times.running
        leg.usual_stride_s = next_ic - contact.time_s
        self.strides.append(measure(self.body, times))

    def _is_stride(self, leg: Leg, t: Times) -> bool:
        stride_s = t.next_ic - t.ic
        whole = _is_whole(self.body.shank(t.side), t)
        return (
            STRIDE_LEAST_S < stride_s < STRIDE_MOST_S
            and DUTY_LEAST < (t.to - t.ic) / stride_s < DUTY_MOST
            and self._feet_alternate(t)
            and self._is_worn_upright(t.side)
            and (whole or not 0.0 < TWO_STRIDES * leg.usual_stride_s < stride_s)
        )

    def _feet_alternate(self, t: Times) -> bool:
        other = self.body.shank(1 - t.side)
        if other is None or not other.is_good(*_floor_slots(t), Flaw.OFF):
            return True
        if t.other_ic is None:
            return False
        return OTHER_FOOT_FROM < (t.other_ic - t.ic) / (t.next_ic - t.ic) < OTHER_FOOT_TO

    def _is_worn_upright(self, side: int) -> bool:
        shank = self.body.shank(side)
        assert shank is not None
        return shank.alignment.pose_plausible and shank.alignment.axis_share > LEAST_AXIS_SHARE

    def _confirm_thigh_sign(self, t: Times) -> None:
        """Where the shank swings forward fastest, the thigh is ahead of its mean."""
        thigh, shank = self.body.thigh(t.side), self.body.shank(t.side)
        first, last = _floor_slots(t)
        if (
            thigh is not None
            and shank is not None
            and thigh.alignment.wants_sign
            and thigh.is_good(first, last, Flaw.SETTLING)
            and shank.is_good(first, last, Flaw.SETTLING)
        ):
            angle, rate = (values[first : last + 1] for values in (thigh.angle_deg, shank.rate_dps))
            thigh.confirm_sign(bool(np.cov(angle, rate)[0, 1] > 0.0))


def run(
    profile: Profile, pods: list[PodSamples], time_s: Floats, standing_until_s: float = -math.inf
) -> Kernel:
    """Everything in the samples of the pods, taken at the same times (N,) in s, by a runner asked
    to stand still until then."""
    tracks = {pod.label: Track(pod, time_s, standing_until_s) for pod in pods}
    kernel = Kernel(Body(profile, tracks))
    for i in range(len(time_s)):
        for track in tracks.values():
            track.step(i)
            kernel.take_marks(track)
        kernel.refine(min(track.slots for track in tracks.values()))
    kernel.refine(math.inf)
    return kernel


def _is_running(contact: Refined, toe_off: Refined, next_ic: float) -> bool:
    seen = [event.flight for event in (contact, toe_off) if event.flight is not None]
    if seen:
        return any(seen)
    stride_s, contact_s = next_ic - contact.time_s, toe_off.time_s - contact.time_s
    return contact_s < RUNNING_DUTY_MOST * stride_s and stride_s < RUNNING_STRIDE_MOST_S


def _floor_slots(t: Times) -> tuple[int, int]:
    return math.floor(t.ic * GRID_HZ), math.floor(t.next_ic * GRID_HZ)


def _is_whole(track: Track | None, t: Times) -> bool:
    return track is not None and track.holds(*_floor_slots(t))
