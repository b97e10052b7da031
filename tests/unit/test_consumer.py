"""How the consumer of the tests judges: gaps, duplicates, order, sessions, payloads, latency."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer import Arrival, Judge, percentiles
from stridehub.mqtt.messages import Alert, AlertLevel, ChecklistMessage

NOW_MS = 1_790_000_000_000
ALERTS = "stridehub/1/h1/alert"
CHECKLIST = "stridehub/1/h1/checklist"


def alert(seq: int, session: str = "s1", topic: str = ALERTS, age_ms: float = 20.0) -> Arrival:
    message = Alert(
        t=NOW_MS, session=session, seq=seq, level=AlertLevel.NOTICE, code="c", subject="", text=""
    )
    return Arrival(topic, msgspec.json.encode(message), 1, False, NOW_MS + age_ms)


def checklist(made_ms: int, *, is_retained: bool = True) -> Arrival:
    payload = msgspec.json.encode(ChecklistMessage(t=made_ms, items=()))
    return Arrival(CHECKLIST, payload, 0, is_retained, NOW_MS + 5.0)


def judged(*arrivals: Arrival, since_utc_ms: float = 0.0) -> Judge:
    judge = Judge(since_utc_ms)
    for arrival in arrivals:
        judge.take(arrival)
    return judge


def alerts(*numbers: int) -> Judge:
    return judged(*map(alert, numbers))


def the_sequence(judge: Judge) -> dict[str, Any]:
    (sequence,) = judge.report()["sequences"]
    assert isinstance(sequence, dict)
    return sequence


def test_a_whole_sequence_is_good() -> None:
    judge = alerts(*range(100))
    assert judge.is_good
    assert (judge.in_sequence, judge.kinds) == (100, {"Alert": 100})


def test_nothing_at_all_is_no_fault_but_counts_as_nothing() -> None:
    assert (Judge().is_good, Judge().in_sequence) == (True, 0)


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ((0, 1, 3), [2]),
        ((1, 2, 3), [0]),  # the beginning
        ((5,), [0, 1, 2, 3, 4]),
        ((0, 2, 2, 4), [1, 3]),
    ],
)
def test_a_gap_is_found(numbers: tuple[int, ...], missing: list[int]) -> None:
    judge = alerts(*numbers)
    assert not judge.is_good
    assert judge.missing == len(missing)
    assert the_sequence(judge)["first_missing"] == missing


def test_many_gaps_are_counted_and_some_are_told() -> None:
    judge = alerts(*range(0, 1001, 2))
    assert judge.missing == 500
    assert the_sequence(judge)["first_missing"] == list(range(1, 41, 2))


def test_duplicates_are_counted_and_are_no_fault() -> None:
    judge = alerts(0, 1, 1, 2, 0, 1, 3)
    assert judge.is_good
    assert judge.report()["duplicates"] == 3
    assert judge.report()["latency_ms"]["Alert"]["max"] == 20.0


def test_what_comes_after_a_later_one_for_the_first_time_is_out_of_order() -> None:
    judge = alerts(0, 2, 1, 3)
    assert not judge.is_good
    assert (judge.missing, judge.report()["out_of_order"]) == (0, 1)


def test_topics_and_sessions_are_sequences_of_their_own() -> None:
    other = "stridehub/1/h2/alert"
    judge = judged(alert(0), alert(0, "s2"), alert(1), alert(0, topic=other), alert(1, "s2"))
    assert judge.is_good
    assert [row["received"] for row in judge.report()["sequences"]] == [2, 2, 1]
    judge.take(alert(3, "s2"))
    assert [row["missing"] for row in judge.report()["sequences"]] == [0, 1, 0]


@given(st.integers(1, 60).flatmap(lambda n: st.lists(st.integers(0, n), max_size=80)))
def test_any_order_is_judged_by_what_it_lacks(numbers: list[int]) -> None:
    judge = alerts(*numbers)
    firsts = list(dict.fromkeys(numbers))
    assert judge.missing == len(set(range(max(numbers, default=-1) + 1)) - set(numbers))
    assert judge.is_good == (firsts == list(range(len(firsts))))
    assert judge.report()["duplicates"] == len(numbers) - len(firsts)


@pytest.mark.parametrize(
    "arrival",
    [
        alert(0)._replace(payload=b"{}"),
        alert(0)._replace(payload=b"\xff"),
        alert(0)._replace(topic="stridehub/1/h1/alarm"),
        alert(0)._replace(qos=0),
        alert(0)._replace(is_retained=True),
        checklist(NOW_MS, is_retained=False),
    ],
)
def test_what_is_not_as_documented_is_a_fault(arrival: Arrival) -> None:
    judge = judged(arrival)
    assert (judge.is_good, judge.faults, judge.in_sequence) == (False, 1, 0)
    assert arrival.topic in judge.report()["first_faults"][0]


def test_bad_commands_are_the_fault_of_others() -> None:
    judge = judged(Arrival("stridehub/1/h1/cmd/mute", b"{}", 1, False, NOW_MS))
    assert (judge.is_good, judge.bad_commands) == (True, 1)


def test_a_retained_message_that_is_taken_back_is_counted() -> None:
    judge = judged(checklist(NOW_MS)._replace(payload=b""))
    assert (judge.is_good, judge.cleared) == (True, 1)


def test_latency_is_of_messages_that_did_not_wait_for_the_consumer() -> None:
    judge = judged(checklist(NOW_MS - 60_000), checklist(NOW_MS), since_utc_ms=NOW_MS - 1000)
    assert judge.kinds == {"ChecklistMessage": 2}
    assert judge.report()["latency_ms"] == {"ChecklistMessage": percentiles([5.0])}


def test_percentiles_are_values_that_were_there() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert percentiles(values) == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    assert percentiles([7.0]) == {"p50": 7.0, "p95": 7.0, "p99": 7.0, "max": 7.0}
