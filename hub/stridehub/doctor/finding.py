"""What is found, a line each."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from stridehub.doctor.advice import Advice


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True):
    verdict: Verdict
    subject: str
    text: str
    advice: str = ""  # what to do; nothing where it is good


@dataclass(frozen=True, slots=True)
class Says:
    """Findings of one subject. Whatever is not good comes with what to do about it.

    `names`: what the capitals of the advice stand for.
    """

    subject: str

    def ok(self, text: str) -> Finding:
        return self._finding(Verdict.OK, text, "")

    def warn(self, text: str, advice: Advice, **names: object) -> Finding:
        return self._finding(Verdict.WARN, text, advice.of(**names))

    def fail(self, text: str, advice: Advice, **names: object) -> Finding:
        return self._finding(Verdict.FAIL, text, advice.of(**names))

    def _finding(self, verdict: Verdict, text: str, advice: str) -> Finding:
        return Finding(verdict, self.subject, _printable(text), _printable(advice))


def _printable(text: str) -> str:
    """One line. Names of devices and answers of brokers can be anything."""
    return "".join(sign if sign.isprintable() else "?" for sign in " ".join(text.split()))


def count(number: int, noun: str) -> str:
    """Such as "1 pod", "2 pods"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
