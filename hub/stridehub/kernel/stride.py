"""The stride kernel of one runner: packets in, gait events and strides out.

A thin face of native/include/stride_kernel.h, where every field and result is described.
"""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stridehub.errors import PodRefusedError, ProfileError
from stridehub.kernel._native import ffi, lib
from stridehub.kernel.cycle import MeanCycle
from stridehub.kernel.wire import Bytes, encode_info
from stridehub.model import (
    EventKind,
    Gait,
    GaitEvent,
    Placement,
    PodInfo,
    PodStatus,
    RunnerProfile,
    Side,
    Stride,
)

KERNEL_BYTES: int = lib.stride_kernel_size()

_SIDES = (Side.LEFT, Side.RIGHT)
_GAITS = (Gait.UNKNOWN, Gait.STANDING, Gait.WALKING, Gait.RUNNING)
_KINDS = {
    lib.STRIDE_EVENT_INITIAL_CONTACT: EventKind.INITIAL_CONTACT,
    lib.STRIDE_EVENT_TOE_OFF: EventKind.TOE_OFF,
}


def _names(prefix: str) -> dict[int, str]:
    """Value to lower-case name of the C constants with that prefix."""
    return {
        getattr(lib, name): name.removeprefix(prefix).lower()
        for name in dir(lib)
        if name.startswith(prefix)
    }


_QUALITY = _names("STRIDE_QUALITY_")
_RESULTS = {
    getattr(lib, name): name.removeprefix("STRIDE_KERNEL_").lower()
    for name in (
        "STRIDE_KERNEL_BAD_POD",
        "STRIDE_KERNEL_BAD_PACKET",
        "STRIDE_KERNEL_WRONG_PLACEMENT",
        "STRIDE_KERNEL_BAD_TIME",
        "STRIDE_KERNEL_STALE",
    )
}
_METRICS = [
    name
    for name in Stride.__struct_fields__
    if name not in ("runner", "side", "index", "ic", "to", "next_ic", "quality")
]


class Findings(NamedTuple):
    """What one call found; strides in the order they ended."""

    events: list[GaitEvent]
    strides: list[Stride]


NOTHING = Findings([], [])


class StrideKernel:
    """Fixed memory (KERNEL_BYTES), allocated here once; one thread."""

    def __init__(self, profile: RunnerProfile | None = None) -> None:
        """Raises ProfileError where a value is outside what a body can have."""
        self.profile = profile or RunnerProfile()
        settings = _settings(self.profile)
        kernel = lib.stride_kernel_create(settings)
        if kernel == ffi.NULL:
            raise ProfileError(self.profile)
        self._kernel = ffi.gc(kernel, lib.stride_kernel_destroy, KERNEL_BYTES)
        self._output = ffi.new("stride_kernel_output *")
        self.refused: Counter[str] = Counter()  # packets, by reason
        self.pods: list[Placement] = []  # by pod number

    def add_pod(self, info: PodInfo) -> int:
        """The pod's number from now on. Raises PacketError, PodRefusedError."""
        encoded = encode_info(info)
        number = ffi.new("int32_t *")
        result = lib.stride_kernel_add_pod(self._kernel, encoded, len(encoded), number)
        if result != lib.STRIDE_KERNEL_OK:
            raise PodRefusedError(info, _RESULTS[result])
        self.pods.append(info.placement)
        return int(number[0])

    def push(self, pod: int, packet: Bytes, arrival_s: float) -> Findings:
        """Takes one packet, with the hub's monotonic time of its arrival in seconds.

        A packet that cannot be taken is counted in `refused` and finds nothing.
        """
        out = self._output
        result = lib.stride_kernel_push(
            self._kernel, pod, ffi.from_buffer(packet), len(packet), arrival_s, out
        )
        if result != lib.STRIDE_KERNEL_OK:
            self.refused[_reason(result, out.wire_result)] += 1
        if out.event_count == 0 and out.stride_count == 0:
            return NOTHING
        return self._findings()

    def expect_standing(self, until_s: float) -> None:
        """The runner was asked to stand still until that hub time: some fidgeting is still rest."""
        lib.stride_kernel_expect_standing(self._kernel, until_s)

    def advance(self, now_s: float) -> Findings:
        """Lets hub time pass without a packet, so that no stride waits for a lost pod."""
        lib.stride_kernel_advance(self._kernel, now_s, self._output)
        return self._findings()

    def finish(self) -> Findings:
        """What can still be said when no more packets come."""
        lib.stride_kernel_finish(self._kernel, self._output)
        return self._findings()

    @property
    def gait(self) -> Gait:
        return _GAITS[lib.stride_kernel_gait(self._kernel)]

    def status(self, pod: int) -> PodStatus:
        """Raises IndexError where there is no such pod."""
        raw = ffi.new("stride_kernel_pod_status *")
        if lib.stride_kernel_status(self._kernel, pod, raw) != lib.STRIDE_KERNEL_OK:
            raise IndexError(pod)
        fields = {name: getattr(raw, name) for name in PodStatus.__dataclass_fields__}
        fields["placement"] = Placement(raw.placement)
        fields["has_standing"] = bool(raw.has_standing)
        return PodStatus(**fields)

    def statuses(self) -> Iterator[PodStatus]:
        """Of every pod, in the order of their numbers."""
        return map(self.status, range(len(self.pods)))

    def cycle(self, side: Side) -> MeanCycle | None:
        """How that leg moves now; None without a good stride in the last 10 s."""
        raw = ffi.new("stride_cycle *")
        lib.stride_kernel_cycle(self._kernel, _SIDES.index(side), raw)
        return MeanCycle.read(raw)

    def series(
        self, pod: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]:
        """The last 2.5 s of a pod on the kernel's 5 ms grid, each of shape (n,).

        Hub time in s, segment angle in deg (relative to standing) and its rate in deg/s.
        """
        room = 512
        time_s = np.empty(room, np.float64)
        angle_deg = np.empty(room, np.float32)
        rate_dps = np.empty(room, np.float32)
        count = lib.stride_kernel_series(
            self._kernel,
            pod,
            room,
            ffi.from_buffer("double[]", time_s),
            ffi.from_buffer("float[]", angle_deg),
            ffi.from_buffer("float[]", rate_dps),
        )
        return time_s[:count], angle_deg[:count], rate_dps[:count]

    def _findings(self) -> Findings:
        found = Findings([], [])
        out = self._output
        while True:
            found.events.extend(_event(out.events[i]) for i in range(out.event_count))
            found.strides.extend(
                _stride(out.strides[i], self.profile.runner) for i in range(out.stride_count)
            )
            if not out.more:
                return found
            lib.stride_kernel_take(self._kernel, out)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _settings(profile: RunnerProfile) -> object:
    settings = ffi.new("stride_kernel_settings *", lib.stride_kernel_default_settings())
    settings.height_m = _or_nan(profile.height_m)
    settings.mass_kg = _or_nan(profile.mass_kg)
    settings.leg_length_m = [
        _or_nan(profile.leg_length_left_m),
        _or_nan(profile.leg_length_right_m),
    ]
    settings.standing_thigh_deg = profile.standing_thigh_deg
    settings.standing_shank_deg = profile.standing_shank_deg
    settings.speed_factor = profile.speed_factor
    return settings


def _reason(result: int, wire_result: int) -> str:
    if result == lib.STRIDE_KERNEL_BAD_PACKET:
        name: str = ffi.string(lib.pod_wire_result_name(wire_result)).decode()
        return name
    return _RESULTS[result].replace("_", " ")


def _event(raw: Any) -> GaitEvent:
    return GaitEvent(
        kind=_KINDS[raw.kind],
        side=_SIDES[raw.side],
        refined=raw.stage == lib.STRIDE_STAGE_REFINED,
        time_s=raw.time_s,
        seen_s=raw.seen_s,
        shank_angle_deg=_known(raw.shank_angle_deg),
        overstride_ratio=_known(raw.overstride_ratio),
    )


def _stride(raw: Any, runner: str) -> Stride:
    metrics: dict[str, Any] = {name: _known(getattr(raw, name)) for name in _METRICS}
    return Stride(
        runner=runner,
        side=_SIDES[raw.side],
        index=raw.index,
        ic=raw.ic_s,
        to=raw.to_s,
        next_ic=raw.next_ic_s,
        quality=tuple(name for bit, name in _QUALITY.items() if raw.quality & bit),
        **metrics,
    )
