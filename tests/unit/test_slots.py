"""What an adapter holds is found out by what it refuses."""

import pytest

from stridehub.pods.backoff import Failure
from stridehub.pods.failures import LinkEndedError
from stridehub.pods.slots import Slots


def slots(most: int = 7, measured: int | None = None) -> tuple[Slots, list[int]]:
    told: list[int] = []
    return Slots(most, measured, told.append), told


def test_one_refusal_is_not_believed_and_two_are() -> None:
    made, told = slots()
    for pod in "abc":
        made.joined(pod)
    made.refused()
    assert told == []
    made.refused()
    assert told == [3]
    made.refused()
    assert told == [3]


def test_refusals_at_different_numbers_are_of_something_else() -> None:
    made, told = slots()
    made.joined("a")
    made.refused()
    made.joined("b")
    made.refused()
    assert told == []


def test_an_adapter_without_links_is_never_taken_to_hold_none() -> None:
    made, told = slots()
    made.refused()
    made.refused()
    assert told == []


def test_one_link_more_than_it_was_known_to_hold_corrects_it() -> None:
    made, told = slots(measured=2)
    for pod in "abc":
        made.joined(pod)
    assert told == [3]


def test_what_is_configured_is_the_limit() -> None:
    made, _ = slots(most=1)
    with made.reserve():
        with pytest.raises(LinkEndedError, match="add a USB adapter") as caught, made.reserve():
            pass
        assert caught.value.failure is Failure.NO_SLOT
    with made.reserve():
        pass


@pytest.mark.parametrize(
    ("links", "tries", "failure", "is_suspected"),
    [
        (3, 3, Failure.TIMED_OUT, True),
        (3, 3, Failure.ABORTED, True),
        (2, 9, Failure.TIMED_OUT, False),
        (5, 2, Failure.TIMED_OUT, False),
        (5, 9, Failure.NOT_BONDED, False),
    ],
)
def test_a_mute_adapter_is_suspected_where_many_are_linked(
    links: int, tries: int, failure: Failure, is_suspected: bool
) -> None:
    made, _ = slots()
    for pod in range(links):
        made.joined(str(pod))
    assert made.may_be_full(failure, tries) is is_suspected
