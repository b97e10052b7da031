"""The command desk: what is carried out, what is refused and why, and that nothing breaks it."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stridehub.mqtt.commands import COMMANDS, Command, SetZone, TestBuzz
from stridehub.mqtt.desk import (
    ANSWERS_AT_ONCE,
    ANSWERS_PER_S,
    COMMANDS_AT_ONCE,
    COMMANDS_PER_S,
    MAX_COMMAND_BYTES,
    MAX_REASON,
    REMEMBERED,
    STALE_MS,
    Answered,
    Desk,
    Outcome,
    Refused,
)
from stridehub.mqtt.messages import Ack, AckState
from stridehub.mqtt.topics import VERSION

NOW_MS = 1_790_000_000_000

GOOD: dict[str, dict[str, Any]] = {
    "session_start": {},
    "session_stop": {},
    "set_zone": {"runner": "r1", "metric": "kickback_deg", "low": 70, "high": 95.5},
    "mute": {},
    "unmute": {"runner": "r1"},
    "test_buzz": {"runner": "r1", "side": "left"},
    "mark": {"kind": "pain", "runner": "r1", "level": 3, "side": "right", "text": "calf"},
}


def payload(name: str, command_id: str = "c1", **changes: Any) -> bytes:
    """Of a good command, but for the changes; `...` leaves a field out."""
    fields = {"v": VERSION, "t": NOW_MS, "id": command_id, **GOOD[name], **changes}
    return json.dumps({key: value for key, value in fields.items() if value is not ...}).encode()


class Hub:
    """A desk, and all that it did."""

    def __init__(self, known: Iterable[Answered] = ()) -> None:
        self.done: list[Command] = []
        self.answers: list[Ack] = []
        self.kept: list[Answered] = []
        self.now_ms = NOW_MS
        self.time_s = 50.0
        self.act: Callable[[Command], str | None] = lambda _: None
        self.desk = Desk(
            self._carry_out,
            self.answers.append,
            self.kept.append,
            clock_ms=lambda: self.now_ms,
            monotonic_s=lambda: self.time_s,
            known=known,
        )

    def _carry_out(self, command: Command) -> str | None:
        self.done.append(command)
        return self.act(command)

    def pass_s(self, seconds: float) -> None:
        self.time_s += seconds
        self.now_ms += round(1e3 * seconds)

    def tell(self, name: str, data: bytes | None = None, *, retained: bool = False) -> Ack:
        """The one answer; without data that of a good command."""
        before = len(self.answers)
        self.desk.take(name, payload(name) if data is None else data, retained)
        (ack,) = self.answers[before:]
        return ack

    def refused(self, name: str, data: bytes | None = None, *, retained: bool = False) -> str:
        """Why; nothing else has happened."""
        ack = self.tell(name, data, retained=retained)
        assert ack.state is AckState.REFUSED
        assert self.done == []
        assert self.kept == []
        assert ack.reason is not None
        return ack.reason


# ---- carried out ----


@pytest.mark.parametrize("name", COMMANDS)
def test_a_good_command_is_carried_out_and_answered(name: str) -> None:
    hub = Hub()
    assert hub.tell(name) == Ack(t=NOW_MS, id="c1", command=name, state=AckState.DONE)
    (command,) = hub.done
    assert type(command) is COMMANDS[name]
    for field, value in GOOD[name].items():
        assert getattr(command, field) == value


def test_the_session_that_began_is_in_the_answer() -> None:
    hub = Hub()
    hub.act = lambda _: "s-1"
    assert hub.tell("session_start").session == "s-1"


def test_what_the_hub_refuses_is_refused_with_its_reason_and_remembered() -> None:
    hub = Hub()

    def refuse(command: Command) -> str | None:
        assert isinstance(command, TestBuzz)
        raise Refused(f"no runner {command.runner}")

    hub.act = refuse
    ack = hub.tell("test_buzz")
    assert (ack.state, ack.reason) == (AckState.REFUSED, "no runner r1")
    hub.act = lambda _: None
    assert hub.tell("test_buzz") == ack
    assert len(hub.done) == 1


def test_a_bug_is_an_answer_and_the_desk_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    hub = Hub()

    def fail(_: Command) -> str | None:
        raise ZeroDivisionError("secret of the house")

    hub.act = fail
    ack = hub.tell("mute")
    assert (ack.state, ack.id) == (AckState.REFUSED, "c1")
    assert "internal error" in (ack.reason or "")
    assert "secret" not in (ack.reason or "")
    assert "secret of the house" in caplog.text
    hub.act = lambda _: None
    assert hub.tell("mute", payload("mute", "c2")).state is AckState.DONE


# ---- refused ----


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("mute", {"v": 2}, "speaks version 1"),
        ("mute", {"v": ...}, "speaks version 1"),
        ("mute", {"v": "1"}, "speaks version 1"),
        ("mute", {"v": True}, "got `bool`"),
        ("mute", {"v": 1.0}, "got `float`"),
        ("mute", {"t": str(NOW_MS)}, "got `str`"),
        ("mute", {"t": float(NOW_MS)}, "got `float`"),
        ("mute", {"t": None}, "got `null`"),
        ("mute", {"t": ...}, "missing required field `t`"),
        ("mute", {"t": -1}, ">= 0"),
        ("mute", {"t": 10**30}, "`$.t`"),
        ("mute", {"more": 1}, "unknown field `more`"),
        ("mute", {"runner": "../r1"}, "`$.runner`"),
        ("mute", {"runner": "r1\n"}, "`$.runner`"),
        ("mute", {"runner": ["r1"]}, "got `array`"),
        ("unmute", {"runner": "r" * 33}, "`$.runner`"),
        ("set_zone", {"metric": "shoe_size"}, "`$.metric`"),
        ("set_zone", {"low": 96}, "low is not below high"),
        ("set_zone", {"low": "70"}, "got `str`"),
        ("set_zone", {"metric": "overstride_ratio"}, "70 is not within -1 to 2"),
        ("set_zone", {"metric": "cadence_spm", "high": 301}, "301 is not within 50 to 300"),
        ("set_zone", {"high": 1e300}, "<= 10000"),
        ("set_zone", {"speed_mps": 0.0}, ">= 0.5"),
        ("set_zone", {"runner": ...}, "missing required field `runner`"),
        ("test_buzz", {"side": "up"}, "Invalid enum value"),
        ("test_buzz", {"runner": None}, "got `null`"),
        ("mark", {"kind": "smile"}, "Invalid enum value"),
        ("mark", {"level": 11}, "<= 10"),
        ("mark", {"level": ...}, "pain needs a runner and a level"),
        ("mark", {"runner": ...}, "pain needs a runner and a level"),
        ("mark", {"kind": "lap"}, "only pain has a level"),
        ("mark", {"text": "x" * 501}, "<= 500"),
    ],
)
def test_wrong_content_is_refused_with_its_id(name: str, changes: dict[str, Any], why: str) -> None:
    hub = Hub()
    assert why in hub.refused(name, payload(name, **changes))
    assert (hub.answers[-1].command, hub.answers[-1].id) == (name, "c1")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"null",
        b"[]",
        b"[" * MAX_COMMAND_BYTES,
        b'{"v":1,"id":' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'{"v":1e999}',
        payload("set_zone", high=float("nan")),
        payload("set_zone", high=float("-inf")),
        payload("mark", text="\ud83d"),
        b'{"v":1,"id":"\xff"}',
        b"\xef\xbb\xbf" + payload("mute"),
        payload("mute") + b"x",
        payload("mute")[:-1],
        payload("mute").replace(b'"', b"'"),
        payload("mute").decode().encode("utf-16"),
    ],
)
def test_what_is_no_command_is_refused(data: bytes) -> None:
    hub = Hub()
    assert "not understood" in hub.refused("mute", data)
    assert hub.answers[-1].id == ""


@pytest.mark.parametrize(
    "command_id", ["", "a b", "c1\n", "x" * 65, "ü", "<b>", None, 7, ["c1"], {"c1": 1}, ...]
)
def test_an_id_that_is_none_is_refused_and_not_repeated(command_id: Any) -> None:
    hub = Hub()
    hub.refused("mute", payload("mute", command_id))
    assert hub.answers[-1].id == ""


@pytest.mark.parametrize("data", [None, b" " * MAX_COMMAND_BYTES + payload("mute")])
def test_what_is_too_large_is_refused(data: bytes | None) -> None:
    hub = Hub()
    hub.desk.take("mute", data, False)
    assert str(MAX_COMMAND_BYTES) in (hub.answers[-1].reason or "")
    assert hub.done == []


def test_the_largest_command_is_taken() -> None:
    fields = json.loads(payload("mark", "c" * 64, runner="r" * 32, text="\N{RUNNER}" * 500))
    data = json.dumps(fields, ensure_ascii=False).encode()
    assert len(data) < MAX_COMMAND_BYTES
    assert Hub().tell("mark", data.ljust(MAX_COMMAND_BYTES)).state is AckState.DONE


@pytest.mark.parametrize("name", ["", "mutes", "MUTE", "mute\0", "x" * 1000, "<script>"])
def test_an_unknown_command_is_refused_and_not_repeated(name: str) -> None:
    hub = Hub()
    assert "session_start" in hub.refused(name, payload("mute"))
    assert (hub.answers[-1].command, hub.answers[-1].id) == ("", "c1")


def test_a_retained_command_is_refused() -> None:
    assert "never retained" in Hub().refused("session_stop", retained=True)


def test_reasons_are_bounded_and_of_one_line() -> None:
    hub = Hub()
    hostile: dict[str, Any] = {"a\n\u202e" + "x" * 3000: 1}
    reason = hub.refused("mute", payload("mute", **hostile))
    assert len(reason) == MAX_REASON
    assert reason.isprintable()


# ---- time ----


@pytest.mark.parametrize("off_ms", [-STALE_MS, 0, STALE_MS])
def test_a_command_of_now_is_carried_out(off_ms: int) -> None:
    hub = Hub()
    assert hub.tell("mute", payload("mute", t=NOW_MS + off_ms)).state is AckState.DONE


@pytest.mark.parametrize(
    ("off_ms", "told"),
    [(-STALE_MS - 1, "old"), (STALE_MS + 1, "in the future"), (-NOW_MS, "old")],
)
def test_a_stale_command_is_refused_and_told_the_hubs_time(off_ms: int, told: str) -> None:
    reason = Hub().refused("mute", payload("mute", t=NOW_MS + off_ms))
    assert told in reason
    assert str(NOW_MS) in reason


def test_what_was_refused_as_stale_can_be_sent_anew_with_the_hubs_time() -> None:
    hub = Hub()
    hub.refused("mute", payload("mute", t=NOW_MS - 60_000))
    assert hub.tell("mute").state is AckState.DONE


# ---- once ----


@pytest.mark.parametrize("name", COMMANDS)
def test_a_repeated_command_gets_the_same_answer_and_does_nothing(name: str) -> None:
    hub = Hub()
    hub.act = lambda _: "s-1"
    first = hub.tell(name)
    for seconds in (0.5, 30.0, 300.0):
        hub.pass_s(seconds)
        assert hub.tell(name) == first
    assert len(hub.done) == len(hub.kept) == 1
    assert hub.desk.counted == {Outcome.DONE: 1, Outcome.REPEATED: 3}


def test_a_sender_may_try_again_with_a_new_time() -> None:
    hub = Hub()
    first = hub.tell("mute")
    hub.pass_s(3.0)
    assert hub.tell("mute", payload("mute", t=hub.now_ms)) == first
    assert len(hub.done) == 1


@pytest.mark.parametrize(
    ("name", "changes"),
    [("mute", {"runner": "r2"}), ("unmute", {"runner": ...}), ("session_stop", {})],
)
def test_an_id_is_of_one_command_only(name: str, changes: dict[str, Any]) -> None:
    hub = Hub()
    hub.tell("mute")
    ack = hub.tell(name, payload(name, **changes))
    assert (ack.state, ack.id) == (AckState.REFUSED, "c1")
    assert "new one" in (ack.reason or "")
    assert len(hub.done) == 1


def test_a_restarted_hub_knows_what_it_did() -> None:
    hub = Hub()
    hub.act = lambda _: "s-1"
    first = hub.tell("session_start")
    kept = [msgspec.json.decode(msgspec.json.encode(one), type=Answered) for one in hub.kept]
    again = Hub(kept)
    assert again.tell("session_start") == first
    assert again.done == []
    assert again.tell("session_stop").state is AckState.REFUSED


def test_it_is_kept_before_it_is_answered() -> None:
    hub = Hub()
    order: list[str] = []
    Desk(
        lambda _: None,
        lambda _: order.append("answered"),
        lambda _: order.append("kept"),
        clock_ms=lambda: NOW_MS,
        monotonic_s=lambda: 0.0,
    ).take("mute", payload("mute"), False)
    assert order == ["kept", "answered"]
    assert hub.answers == []


def test_the_last_ids_are_remembered() -> None:
    hub = Hub()
    for number in range(REMEMBERED + 1):
        hub.pass_s(1.0)
        hub.tell("mute", payload("mute", f"c{number}", t=hub.now_ms))
    done = len(hub.done)
    for number in (1, REMEMBERED):
        hub.pass_s(1.0)
        assert hub.tell("mute", payload("mute", f"c{number}")).id == f"c{number}"
    assert len(hub.done) == done
    hub.pass_s(1.0)
    forgotten = hub.tell("mute", payload("mute", "c0"))
    assert "old" in (forgotten.reason or "")  # and yet not carried out again


def test_who_is_forgotten_is_stale() -> None:
    assert COMMANDS_AT_ONCE + COMMANDS_PER_S * 60 < REMEMBERED


# ---- too many ----


def flood(hub: Hub, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        hub.desk.take("mute", payload("mute", f"c{number}", t=hub.now_ms), False)


def test_too_many_are_refused_then_not_answered_and_it_passes() -> None:
    hub = Hub()
    flood(hub, 1000)
    assert len(hub.done) == COMMANDS_AT_ONCE
    assert len(hub.answers) == ANSWERS_AT_ONCE
    assert "too many" in (hub.answers[-1].reason or "")
    assert hub.desk.counted[Outcome.DROPPED] == 1000 - ANSWERS_AT_ONCE
    hub.pass_s(1.0)
    assert hub.tell("mute", payload("mute", "c999", t=hub.now_ms)).state is AckState.DONE


def test_a_steady_flood_gets_the_rates_and_no_more() -> None:
    hub = Hub()
    seconds = 20
    for tick in range(seconds * 50):
        hub.pass_s(0.02)
        flood(hub, 2, first=2 * tick)
    assert len(hub.done) == pytest.approx(COMMANDS_AT_ONCE + COMMANDS_PER_S * seconds, abs=1)
    assert len(hub.answers) == pytest.approx(ANSWERS_AT_ONCE + ANSWERS_PER_S * seconds, abs=1)


def test_a_repeated_command_is_answered_in_a_flood_too() -> None:
    hub = Hub()
    first = hub.tell("mute")
    flood(hub, COMMANDS_AT_ONCE + 1)
    assert "too many" in (hub.answers[-1].reason or "")
    assert hub.tell("mute") == first


def test_a_command_at_a_persons_pace_is_never_refused() -> None:
    hub = Hub()
    for number in range(500):
        hub.pass_s(0.25)
        ack = hub.tell("mute", payload("mute", f"c{number}", t=hub.now_ms))
        assert ack.state is AckState.DONE


# ---- anything at all ----

names = st.one_of(st.sampled_from(sorted(COMMANDS)), st.text(max_size=20))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["r1", "c1", "left", "pain", "kickback_deg", NOW_MS, 1, 10**300, -(10**40)]),
)  # fmt: skip
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
fields = sorted({field for kind in COMMANDS.values() for field in kind.__struct_fields__})


def check_anything(name: str, data: bytes, retained: bool = False) -> Hub:
    """One bounded answer; carried out only what strictly is a command of this name and of now."""
    hub = Hub()
    ack = hub.tell(name, data, retained=retained)
    assert len(msgspec.json.encode(ack)) < 2000
    assert len(hub.done) == (ack.state is AckState.DONE) == len(hub.kept)
    for command in hub.done:
        strict = msgspec.json.decode(data, type=COMMANDS[name])
        assert command == strict
        assert abs(strict.t - NOW_MS) <= STALE_MS
        assert not retained
    assert ack.command in ("", *COMMANDS)
    return hub


@given(names, st.binary(max_size=300), st.booleans())
def test_any_bytes(name: str, data: bytes, retained: bool) -> None:
    assert check_anything(name, data, retained).done == []


@given(names, anything, st.booleans())
def test_any_json(name: str, value: Any, retained: bool) -> None:
    check_anything(name, json.dumps(value).encode(), retained)


@given(
    st.sampled_from(sorted(COMMANDS)),
    st.dictionaries(st.sampled_from(fields), anything, max_size=3),
    st.booleans(),
)
def test_good_commands_with_anything_in_their_fields(
    name: str, changes: dict[str, Any], is_ascii: bool
) -> None:
    data = json.dumps(
        {"v": VERSION, "t": NOW_MS, "id": "c1", **GOOD[name], **changes}, ensure_ascii=is_ascii
    )
    check_anything(name, data.encode(errors="surrogatepass"))


@given(st.sampled_from(sorted(COMMANDS)), st.data())
def test_good_commands_with_broken_bytes(name: str, draw: st.DataObject) -> None:
    data = bytearray(payload(name))
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, len(data) - 1))
        data[at : at + draw.draw(st.integers(0, 3))] = draw.draw(st.binary(max_size=3))
        if not data:
            break
    check_anything(name, bytes(data))


@given(st.text(max_size=3 * MAX_REASON))
def test_any_reason_is_bounded(reason: str) -> None:
    hub = Hub()

    def refuse(_: Command) -> str | None:
        raise Refused(reason)

    hub.act = refuse
    told = hub.tell("mute").reason
    assert told is not None
    assert len(told) <= MAX_REASON
    assert told.isprintable()
    assert json.loads(msgspec.json.encode(hub.answers[-1]))["reason"] == told


def test_a_zone_that_goes_back_to_the_settings_is_a_command() -> None:
    hub = Hub()
    hub.tell("set_zone", payload("set_zone", low=None, high=None))
    (command,) = hub.done
    assert isinstance(command, SetZone)
    assert (command.low, command.high) == (None, None)
