"""What works, what does not, and what to do about it."""

import sys
import textwrap
from collections import Counter
from pathlib import Path

import msgspec

from stridehub.config import load_hub_config, settings_file
from stridehub.doctor.case import Case
from stridehub.doctor.examine import examine
from stridehub.doctor.finding import Finding, Verdict

_COLUMNS = 80
_INDENT = " " * len("warn  bluetooth  ")


def doctor(config_path: Path | None, as_json: bool) -> bool:
    """Prints what it finds; whether nothing fails. Raises ConfigError."""
    case = Case(load_hub_config(config_path), settings_file(config_path))
    findings = []
    for finding in examine(case):
        findings.append(finding)
        if not as_json:
            print(lines_of(finding), flush=True)
    verdicts = Counter(finding.verdict for finding in findings)
    if as_json:
        print(msgspec.json.encode(findings).decode())
    else:
        print("\n" + ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in Verdict))
    sys.stdout.flush()
    return not verdicts[Verdict.FAIL]


def lines_of(finding: Finding) -> str:
    """For a terminal: what it is, and below what to do."""
    told = _wrapped(finding.text, f"{finding.verdict:4}  {finding.subject:9}  ")
    if not finding.advice:
        return told
    return f"{told}\n{_wrapped(finding.advice, f'{_INDENT}-> ')}"


def _wrapped(text: str, head: str) -> str:
    return textwrap.fill(
        text,
        _COLUMNS,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
