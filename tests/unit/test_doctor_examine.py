"""Doctor tells all that it finds, whatever hangs or breaks, and tells it legibly."""

import threading
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from made_machine import case_in, lines
from stridehub.commands.doctor import lines_of
from stridehub.config import HubConfig
from stridehub.doctor.advice import Advice
from stridehub.doctor.asking import said
from stridehub.doctor.case import Case
from stridehub.doctor.examine import LOOKS, examine
from stridehub.doctor.finding import Finding, Says, Verdict

CASE = Case(HubConfig())
SAYS = Says("first")
COLUMNS = 80


def good(case: Case) -> Iterator[Finding]:
    yield SAYS.ok("all is well")


def broken(case: Case) -> Iterator[Finding]:
    yield SAYS.ok("so far")
    raise KeyError("something")


def test_one_that_breaks_does_not_hide_the_others() -> None:
    found = list(examine(CASE, {"first": broken, "second": good}))
    assert lines(found) == [
        "ok: so far",
        "warn: cannot be looked at: KeyError: 'something'",
        "ok: all is well",
    ]
    assert (found[1].subject, found[1].advice) == ("first", Advice.LOOK_BY_HAND)


def test_one_that_hangs_is_left_behind() -> None:
    release = threading.Event()

    def hanging(case: Case) -> Iterator[Finding]:
        yield SAYS.ok("so far")
        release.wait()
        yield SAYS.ok("at last")

    found = lines(examine(CASE, {"first": hanging, "second": good}, within_s=0.2))
    release.set()
    assert found == ["ok: so far", "warn: no answer for 0 s", "ok: all is well"]


def test_they_look_at_the_same_time() -> None:
    """Each waits for the other."""
    both = threading.Barrier(2, timeout=30.0)

    def look(case: Case) -> Iterator[Finding]:
        both.wait()
        yield SAYS.ok("met")

    assert lines(examine(CASE, {"first": look, "second": look})) == ["ok: met", "ok: met"]


def test_every_subject_is_told_under_its_name(tmp_path: Path) -> None:
    """Of a machine that has nothing."""
    found = list(examine(case_in(tmp_path)))
    assert [*dict.fromkeys(finding.subject for finding in found)] == [
        subject for subject in LOOKS if subject != "power"
    ]
    assert not [line for line in lines(found) if "cannot be looked at" in line]


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200).map("x".__add__)


@given(text=WORDS, verdict=st.sampled_from(Verdict), subject=st.sampled_from(sorted(LOOKS)))
def test_lines_fit_a_terminal_and_obey_nobody(text: str, verdict: Verdict, subject: str) -> None:
    says = Says(subject)
    finding = says.ok(text) if verdict is Verdict.OK else says.fail(text, Advice.SET_CLOCK)
    shown = lines_of(finding).split("\n")
    assert all(sign.isprintable() for line in shown for sign in line)
    assert all(len(line) <= COLUMNS or " " not in line.strip()[17:] for line in shown)
    assert shown[0].split()[:2] == [finding.verdict, subject]


def test_what_to_do_stands_below() -> None:
    assert lines_of(SAYS.fail("it is off", Advice.POWER_ON)) == (
        "fail  first      it is off\n"
        "                 -> `sudo rfkill unblock bluetooth`, then `bluetoothctl power\n"
        "                    on`"
    )


def test_programs_are_asked_for_a_while_only() -> None:
    assert said("echo", "here") == "here"
