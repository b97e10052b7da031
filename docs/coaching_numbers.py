"""Writes the tables of docs/COACHING.md anew, from the program's own numbers.

    python docs/coaching_numbers.py [--check]

With --check nothing is written; exits 1 where the page differs.
"""

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import msgspec

from stridehub.rules import CoachingRules, Number, ZoneRule, numbers

PAGE = Path(__file__).with_name("COACHING.md")
BEGIN, END = "<!-- numbers -->", "<!-- end of numbers -->"


def main() -> int:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    fresh = "\n".join([before + BEGIN, "", *tables(), END + after])
    if "--check" in sys.argv[1:]:
        return int(fresh != text)
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


def tables() -> Iterator[str]:
    yield from ("### Zones", "", "| `coaching.zones.` | zone | basis |", "| --- | --- | --- |")
    zones = CoachingRules().zones
    for metric in zones.__struct_fields__:
        rule: ZoneRule = getattr(zones, metric)
        yield f"| `{metric}` | {_zone(rule)} | {rule.source} |"
    for part, rows in groupby(numbers(), key=lambda number: number.path.partition(".")[0]):
        yield from ("", f"### {part.replace('_', ' ').capitalize()}", "")
        yield from (f"| `coaching.{part}.` | default | unit | basis |", "| --- | --- | --- | --- |")
        yield from map(_row, rows)
    yield ""


def _zone(rule: ZoneRule) -> str:
    """The rule as a formula."""
    middle = f"{rule.value:g}"
    if rule.per_mps:
        pace = f"(v - {rule.at_mps:g})" if rule.at_mps else "v"
        middle += f" {'+' if rule.per_mps > 0 else '-'} {abs(rule.per_mps):g} {pace}"
    if rule.exponent:
        middle += f" v^{rule.exponent:g}"
    if rule.leg_exponent:
        middle = f"({middle}) (0.90 / L)^{rule.leg_exponent:g}"
    if rule.least is not None:
        middle += f", kept in {rule.least:g}..{rule.most:g}"
    told = [middle, *_reach(rule)]
    if rule.amber:
        told.append(f"amber to +{rule.amber:g}")
    if rule.is_own:
        told.append("around the runner's own")
    elif rule.reach is not None:
        told.append(f"no further than {rule.reach:g} from the runner's own")
    return "; ".join(told)


def _reach(rule: ZoneRule) -> Iterator[str]:
    unit = " %" if rule.is_share else ""
    factor = 100 if rule.is_share else 1
    if rule.below and rule.above:
        yield f"± {rule.above * factor:g}{unit}"
    elif rule.below is None:
        yield "upper bound"
    else:
        yield "lower bound"


def _row(number: Number) -> str:
    name = number.path.partition(".")[2]
    value = msgspec.to_builtins(number.value)
    shown = ", ".join(map(_plain, value)) if isinstance(value, list | tuple) else _plain(value)
    return f"| `{name}` | {shown} | {number.unit} | {number.source} |"


def _plain(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
