"""What has happened to a runner in a session, as far as live messages tell it."""

from dataclasses import dataclass, field

import msgspec

from stridehub.coaching.cue import Cue, CueFollowUp
from stridehub.model import Side, Stride
from stridehub.mqtt.messages import LastCue


@dataclass(slots=True)
class RunnerNews:
    """Of one runner and session; None: between two."""

    session: str | None
    strides: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    stride_utc_ms: int | None = None
    cue: LastCue | None = None
    _cue_s: float | None = None  # what its follow-up calls it by

    @property
    def all_strides(self) -> int:
        return sum(self.strides.values())

    def on_stride(self, stride: Stride, utc_ms: int) -> None:
        self.strides[stride.side] += 1
        self.stride_utc_ms = utc_ms

    def on_cue(self, cue: Cue, utc_ms: int) -> None:
        self._cue_s = cue.t
        self.cue = LastCue(
            t=utc_ms, kind=cue.kind, side=cue.side, withheld=cue.withheld, response=None
        )

    def clock_was_set(self, by_ms: int) -> None:
        """All of it was so much later than it says."""
        if self.stride_utc_ms is not None:
            self.stride_utc_ms += by_ms
        if self.cue is not None:
            self.cue = msgspec.structs.replace(self.cue, t=self.cue.t + by_ms)

    def on_follow_up(self, answer: CueFollowUp) -> None:
        if self.cue is not None and answer.t == self._cue_s:
            self.cue = msgspec.structs.replace(self.cue, response=answer.response)
