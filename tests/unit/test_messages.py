"""Messages fit what is published of them, and what is not one does not."""

from typing import Any

import msgspec
import pytest

from feed_runner import FeedRunner
from stridehub import __version__
from stridehub.coaching.cue import Response
from stridehub.model import LinkState, Side
from stridehub.mqtt.commands import COMMANDS
from stridehub.mqtt.messages import (
    Ack,
    AckState,
    Alert,
    AlertLevel,
    ChecklistItem,
    ChecklistMessage,
    HubMeta,
    HubState,
    MetricMeaning,
    NumberMeaning,
    PodHealthMessage,
    Status,
    Summary,
)
from stridehub.mqtt.topics import Topics
from stridehub.rules import numbers
from wire import WireError, check

NOW_MS = 1_790_000_000_000
TOPICS = Topics("hub-1")


def made() -> dict[str, Any]:
    """A message of every type, by topic; a cue and what came of it share theirs."""
    runner = FeedRunner(1, 0.0)
    cue = runner.cue(30.0, NOW_MS, "s1", 0)
    pod = PodHealthMessage(
        t=NOW_MS, name="r01-sl", placement="shank_l", runner="r01", state=LinkState.WAITING,
        reason="not heard", battery_mv=None, battery_pct=None, rssi_dbm=-70, loss_pct=0.1,
        age_ms=12.5,
    )  # fmt: skip
    number = next(numbers())
    meta = HubMeta(
        t=NOW_MS,
        version=__version__,
        metrics=(
            MetricMeaning(name="lean_deg", title="lean", unit="°", decimals=1, zone_source=None),
        ),
        numbers=(NumberMeaning(**number._asdict()),),
    )
    item = ChecklistItem(code="no_pod", subject="r01", text="put it on", placement=None)
    return {
        TOPICS.status: Status(t=NOW_MS, state=HubState.ONLINE, version=__version__),
        TOPICS.meta: meta,
        TOPICS.checklist: ChecklistMessage(t=NOW_MS, items=(item,)),
        TOPICS.health("F0D616000001"): pod,
        TOPICS.stride("r01"): runner.stride(Side.LEFT, 30.0, NOW_MS, "s1", 0),
        TOPICS.cue("r01"): cue,
        TOPICS.cue("r02"): runner.response(cue, NOW_MS, "s1", 1),
        TOPICS.summary("r01"): runner.summary(30.0, NOW_MS, None),
        TOPICS.cycle("r01"): runner.cycle(NOW_MS),
        TOPICS.zone("r01"): runner.zones(30.0, NOW_MS),
        TOPICS.explain("r01"): runner.explain(NOW_MS),
        TOPICS.alert: Alert(
            t=NOW_MS, session="s1", level=AlertLevel.ERROR, code="disk", subject="", text="full"
        ),
        TOPICS.ack: Ack(t=NOW_MS, id="", command="", state=AckState.REFUSED, reason="no"),
    }  # fmt: skip


MESSAGES = made()


@pytest.mark.parametrize("topic", MESSAGES)
def test_a_message_fits(topic: str) -> None:
    message = MESSAGES[topic]
    assert check(topic, msgspec.json.encode(message)) == type(message).__name__


@pytest.mark.parametrize("topic", MESSAGES)
def test_a_message_survives_the_wire(topic: str) -> None:
    message = MESSAGES[topic]
    assert msgspec.json.decode(msgspec.json.encode(message), type=type(message)) == message


@pytest.mark.parametrize("topic", MESSAGES)
def test_a_message_without_a_field_or_with_another_does_not_fit(topic: str) -> None:
    fields = msgspec.to_builtins(MESSAGES[topic])
    for name in fields:
        less = {key: value for key, value in fields.items() if key != name}
        with pytest.raises(WireError):
            check(topic, msgspec.json.encode(less))
    with pytest.raises(WireError):
        check(topic, msgspec.json.encode({**fields, "secret": 1}))


@pytest.mark.parametrize("topic", MESSAGES)
def test_a_message_of_another_topic_does_not_fit(topic: str) -> None:
    for other, message in MESSAGES.items():
        if other.rpartition("/")[2] != topic.rpartition("/")[2]:
            with pytest.raises(WireError):
                check(topic, msgspec.json.encode(message))


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"t": None},
        {"t": -1},
        {"t": "now"},
        {"gait": "flying"},
        {"strides_left": 1.5},
        {"load": {}},
        {"drill": "pull"},
        {"metrics": {"lean_deg": {"left": {"median": 1.0}}}},
    ],
)
def test_a_wrong_value_does_not_fit(changes: dict[str, Any]) -> None:
    topic = TOPICS.summary("r01")
    message = MESSAGES[topic]
    assert isinstance(message, Summary)
    with pytest.raises(WireError):
        check(topic, msgspec.json.encode({**msgspec.to_builtins(message), **changes}))


@pytest.mark.parametrize(
    "topic",
    [
        "stridehub/1/hub-1",
        "stridehub/2/hub-1/status",
        "stridehub/1/hub-1/status/",
        "stridehub/1/hub 1/status",
        "stridehub/1/hub-1/runner/a/b/stride",
        "stridehub/1/hub-1/runner//stride",
        "stridehub/1/hub-1/cmd/mutes",
    ],
)
def test_a_topic_that_is_none_is_told(topic: str) -> None:
    with pytest.raises(WireError, match="no such topic"):
        check(topic, b"{}")


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b"\xff", b'{"v":NaN}', b'{"v":1'])
def test_what_is_no_object_does_not_fit(payload: bytes) -> None:
    with pytest.raises(WireError):
        check(TOPICS.status, payload)


def test_how_it_was_sent_counts_too() -> None:
    status = msgspec.json.encode(MESSAGES[TOPICS.status])
    stride = msgspec.json.encode(MESSAGES[TOPICS.stride("r01")])
    check(TOPICS.status, status, qos=1, retain=True)  # the last will
    check(TOPICS.stride("r01"), stride, qos=1, retain=False)
    for topic, payload, qos, retain in (
        (TOPICS.status, status, 0, False),
        (TOPICS.stride("r01"), stride, 0, False),
        (TOPICS.stride("r01"), stride, 1, True),
    ):
        with pytest.raises(WireError):
            check(topic, payload, qos=qos, retain=retain)


@pytest.mark.parametrize("kind", COMMANDS.values())
def test_a_command_names_its_version(kind: type[Any]) -> None:
    given: dict[str, Any] = {
        "set_zone": {"runner": "r1", "metric": "lean_deg"},
        "test_buzz": {"runner": "r1"},
        "mark": {"kind": "lap"},
    }.get(kind.name, {})
    fields = {"v": 1, "t": NOW_MS, "id": "c-1", **given}
    topic = TOPICS.command(kind.name)
    assert check(topic, msgspec.json.encode(fields)) == kind.__name__
    for wrong in (fields | {"more": 1}, fields | {"id": "c 1"}, given | {"t": NOW_MS, "id": "c"}):
        with pytest.raises(WireError):
            check(topic, msgspec.json.encode(wrong))


def test_a_response_is_told_from_its_cue() -> None:
    assert check(TOPICS.cue("r9"), msgspec.json.encode(MESSAGES[TOPICS.cue("r02")])) == (
        "CueResponseMessage"
    )
    assert MESSAGES[TOPICS.cue("r02")].response in Response
