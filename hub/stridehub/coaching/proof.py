"""Whether cues help: response rates where they were given against where they were withheld."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from stridehub.coaching.cue import CueFollowUp, Response, Withheld
from stridehub.coaching.memory import Responses
from stridehub.model import CueKind


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of n, with its Wilson score interval; None where n is 0."""

    n: int
    share: float | None
    low: float
    high: float


def wilson(hits: int, n: int, z: float = 1.96) -> Rate:
    """Wilson 1927. Raises ValueError unless 0 <= hits <= n."""
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n}")
    if n == 0:
        return Rate(0, None, 0.0, 1.0)
    share = hits / n
    spread = 1 + z * z / n
    middle = (share + z * z / (2 * n)) / spread
    half = z / spread * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Rate(n, share, max(0.0, middle - half), min(1.0, middle + half))


def difference(given: Rate, withheld: Rate) -> tuple[float, float] | None:
    """Interval of the difference of two shares (Newcombe 1998, from Wilson's intervals)."""
    if given.share is None or withheld.share is None:
        return None
    by = given.share - withheld.share
    low = by - math.hypot(given.share - given.low, withheld.high - withheld.share)
    high = by + math.hypot(given.high - given.share, withheld.share - withheld.low)
    return low, high


def counted(
    responses: Mapping[CueKind, Responses], follow_up: CueFollowUp
) -> dict[CueKind, Responses]:
    """With this answer; one that is not known counts nowhere, nor does a motor that failed."""
    so_far = dict(responses)
    if follow_up.response is Response.UNKNOWN or follow_up.why_withheld is Withheld.NO_MOTOR:
        return so_far
    arm = "withheld" if follow_up.withheld else "given"
    old = so_far.get(follow_up.kind, Responses())
    change = {arm: getattr(old, arm) + 1}
    if follow_up.response is Response.RESPONDED:
        change[f"{arm}_responded"] = getattr(old, f"{arm}_responded") + 1
    so_far[follow_up.kind] = msgspec.structs.replace(old, **change)
    return so_far


def in_words(responses: Responses, z: float = 1.96) -> str:
    """What a runner can make of it."""
    given = wilson(responses.given_responded, responses.given, z)
    withheld = wilson(responses.withheld_responded, responses.withheld, z)
    told = _share("better after", responses.given_responded, given, "buzzes")
    if withheld.n:
        held = _share("after", responses.withheld_responded, withheld, "that were held back")
        told = f"{told}, {held}"
    return f"{told}. {_verdict(given, withheld)}"


def _share(how: str, hits: int, rate: Rate, what: str) -> str:
    if not rate.n:
        return f"no {what} yet"
    likely = f"likely between {rate.low:.0%} and {rate.high:.0%}"
    return f"{how} {hits} of {rate.n} {what} ({rate.share:.0%}; {likely})"


def _verdict(given: Rate, withheld: Rate) -> str:
    by = difference(given, withheld)
    if by is None:
        return "Nothing to compare with yet."
    if by[0] > 0.0:
        return "The buzzes help."
    if by[1] < 0.0:
        return "It goes better without buzzes: talk to your coach."
    return "Too few yet to tell whether the buzzes help."
