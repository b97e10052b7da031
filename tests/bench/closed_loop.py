"""Runners who feel their cues, for as long as it takes to see that cueing works.

    python tests/bench/closed_loop.py

Prints what became of runners who answer cues, of one who does not, of one with nothing to correct,
and of one over ten sessions. Exits 1 where it is not as it should be.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from closed_loop import Session, session, sessions
from stridehub.coaching.cue import Response
from stridehub.coaching.proof import in_words
from stridehub.synthetic import STYLES

STYLE = {style.name: style for style in STYLES}
TWENTY_MIN_S = 1205.0  # standing first
HOUR_S = 3605.0
SHORT_S = 305.0
SESSIONS = 10
SHARE_S = 300.0


def main() -> int:
    checks = [
        *_answering("long-step", "overstride_ratio"),
        *_answering("low-heels", "kickback_deg"),
        *_ignoring(),
        *_perfect(),
        *_over_sessions(),
    ]
    failed = [what for what, is_good in checks if not is_good]
    print("\n".join(f"not so: {what}" for what in failed) or "all as it should be")
    return 1 if failed else 0


def _answering(name: str, metric: str) -> Iterator[tuple[str, bool]]:
    print(f"{name}, 20 min, answers 7 of 10 cues and keeps a little of each")
    done = session(STYLE[name], TWENTY_MIN_S)
    shares = [done.in_zone(metric, t, t + SHARE_S) for t in range(0, 1200, int(SHARE_S))]
    print(f"  {metric} in zone, by 5 min: {', '.join(f'{share:.0%}' for share in shares)}")
    _tell_cues(done)
    for kind, responses in done.memory.responses.items():
        print(f"  {kind.value}: {in_words(responses)}")
    yield f"{name} comes into the zone", shares[-1] > shares[0] + 0.2
    by_half = [sum(t < cue.t <= t + 600.0 for cue in done.given) for t in (0.0, 600.0)]
    yield f"cues of {name} become rare", by_half[1] < by_half[0]


def _tell_cues(done: Session) -> None:
    by_five = [
        sum(t <= cue.t < t + SHARE_S for cue in done.given) for t in range(0, 1200, int(SHARE_S))
    ]
    latencies_ms = sorted(cue.latency_ms for cue in done.given if cue.latency_ms is not None)
    print(f"  cues given, by 5 min: {', '.join(map(str, by_five))}")
    if latencies_ms:
        print(f"  foot strike to cue: at most {latencies_ms[-1]:.0f} ms")


def _ignoring() -> Iterator[tuple[str, bool]]:
    print("low-heels, 20 min, answers no cue")
    done = session(replace(STYLE["low-heels"], answers=0.0), TWENTY_MIN_S)
    _tell_cues(done)
    last_half = sum(cue.t > 600.0 for cue in done.given)
    yield "who does not answer is left in peace", len(done.given) <= 9 and last_half <= 3


def _perfect() -> Iterator[tuple[str, bool]]:
    print("steady, an hour, nothing to correct")
    done = session(STYLE["steady"], HOUR_S)
    print(f"  {len(done.cues)} cues in {len(done.strides)} strides")
    yield "who runs well is never buzzed", not done.cues


def _over_sessions() -> Iterator[tuple[str, bool]]:
    print(f"low-heels, {SESSIONS} sessions of 5 min, answers 7 of 10 cues and learns nothing")
    done = sessions(replace(STYLE["low-heels"], learns=0.0), SHORT_S, SESSIONS)
    print(f"  cues given: {', '.join(str(len(one.given)) for one in done)}")
    print(f"  withheld:   {', '.join(str(len(one.cues) - len(one.given)) for one in done)}")
    for kind, responses in done[-1].memory.responses.items():
        print(f"  {kind.value}: {in_words(responses)}")
        given = responses.given_responded / max(responses.given, 1)
        withheld = responses.withheld_responded / max(responses.withheld, 1)
        yield "given cues are answered more often than withheld ones", given > withheld
    early, late = (sum(len(one.given) for one in part) for part in (done[:4], done[-4:]))
    yield "cues fade over the sessions", late < early / 2
    answers = [answer for one in done for answer in one.answers]
    known = sum(answer.response is not Response.UNKNOWN for answer in answers)
    print(f"  {known} of {len(answers)} cues followed up to the end")


if __name__ == "__main__":
    sys.exit(main())
