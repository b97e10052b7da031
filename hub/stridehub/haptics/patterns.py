"""What each kind of cue feels like: two patterns in all, since runners tell no more apart."""

from collections.abc import Iterator

from stridehub.config import HapticsConfig
from stridehub.kernel.link import SILENCE, HapticPattern, encode_haptic
from stridehub.model import CueKind

_USUAL = HapticsConfig()


def pattern_of(
    kind: CueKind, intensity_percent: int, haptics: HapticsConfig = _USUAL
) -> HapticPattern:
    """At an intensity of 1..100 %: the long one says to land closer, the short one all else."""
    shape = haptics.long if kind is CueKind.OVERSTRIDE else haptics.short
    return HapticPattern(intensity_percent, shape.pulses, shape.on_ms, shape.off_ms)


def pulses(pattern: HapticPattern) -> Iterator[tuple[float, float]]:
    """When each begins and ends, in seconds from the first rising edge.

    Raises LinkRecordError for a pattern out of the range that pods take. SILENCE has none.
    """
    encode_haptic(pattern)
    for number in range(pattern.pulses):
        begin_ms = number * (pattern.on_ms + pattern.off_ms)
        yield begin_ms / 1000, (begin_ms + pattern.on_ms) / 1000


def total_s(pattern: HapticPattern) -> float:
    """From the first rising edge to the last falling one."""
    if pattern == SILENCE:
        return 0.0
    return (pattern.pulses * (pattern.on_ms + pattern.off_ms) - pattern.off_ms) / 1000
