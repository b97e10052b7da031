import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stridehub.errors import LinkRecordError
from stridehub.kernel import link
from stridehub.model import Placement

VECTORS = Path(__file__).resolve().parent.parent / "vectors" / "link_records.json"
CONTENT = json.loads(VECTORS.read_text())
Fields = dict[str, Any]


class Codec(NamedTuple):
    """How to read, write and build one kind of record."""

    decode: Callable[[Any], Any]
    encode: Callable[[Any], bytes]
    build: Callable[[Fields], Any]


def placement(value: str | int | None) -> Any:
    return Placement.from_label(value) if isinstance(value, str) else value


def conditions(value: list[str] | int) -> Any:
    return value if isinstance(value, int) else sum(link.PodCondition[c.upper()] for c in value)


def member(enum: Any, value: str | int | None) -> Any:
    return enum[value.upper()] if isinstance(value, str) else value


def text(value: str | dict[str, str]) -> str:
    """No Python text encodes to bytes that are no UTF-8; surrogates come nearest."""
    if isinstance(value, str):
        return value
    return bytes.fromhex(value["bytes"]).decode(errors="surrogateescape")


def control_of(fields: Fields) -> link.Control:
    return link.Control(member(link.Opcode, fields["opcode"]), fields["argument"])


def haptic_of(fields: Fields) -> link.HapticPattern:
    return link.HapticPattern(**{key: fields[key] for key in fields if key != "pattern"})


def config_of(fields: Fields) -> link.PodConfig:
    return link.PodConfig(
        placement(fields["placement"]), text(fields["name"]), text(fields["runner"])
    )


def status_of(fields: Fields) -> link.PodLinkStatus:
    named = {
        "state": member(link.PodState, fields["state"]),
        "conditions": conditions(fields["conditions"]),
        "charging": member(link.Charging, fields["charging"]),
    }
    return link.PodLinkStatus(**(fields | named))


def advertisement_of(fields: Fields) -> link.Advertisement:
    named = {
        "placement": placement(fields["placement"]),
        "conditions": conditions(fields["conditions"]),
    }
    return link.Advertisement(**(fields | named))


CODECS = {
    "control": Codec(link.decode_control, link.encode_control, control_of),
    "haptic": Codec(link.decode_haptic, link.encode_haptic, haptic_of),
    "config": Codec(link.decode_config, link.encode_config, config_of),
    "time_request": Codec(
        link.decode_time_request, link.encode_time_request, lambda fields: fields["t1"]
    ),
    "time_reply": Codec(
        link.decode_time_reply, link.encode_time_reply, lambda fields: link.TimeReply(**fields)
    ),
    "status": Codec(link.decode_status, link.encode_status, status_of),
    "advertisement": Codec(link.decode_advertisement, link.encode_advertisement, advertisement_of),
}


def vectors(kind: str, wanted: Callable[[Fields], bool]) -> list[Any]:
    return [
        pytest.param(record, vector, id=f"{record}: {vector['name']}")
        for record in CODECS
        for vector in CONTENT[record][kind]
        if wanted(vector)
    ]


def can_be_said(vector: Fields) -> bool:
    """HapticPattern has no field for a pattern that is neither pulses nor silence."""
    return not isinstance(vector["fields"].get("pattern"), int)


@pytest.mark.parametrize(("record", "vector"), vectors("decode", lambda v: v["result"] == "ok"))
def test_vector_both_ways(record: str, vector: Fields) -> None:
    codec = CODECS[record]
    data = bytes.fromhex(vector["hex"])
    fields = codec.build(vector["fields"])
    assert codec.decode(data) == fields
    assert codec.encode(fields) == data


@pytest.mark.parametrize(("record", "vector"), vectors("decode", lambda v: v["result"] != "ok"))
def test_a_refused_record_names_the_reason(record: str, vector: Fields) -> None:
    data = bytes.fromhex(vector["hex"])
    with pytest.raises(LinkRecordError) as caught:
        CODECS[record].decode(data)
    assert caught.value.reason == link.LinkResult[vector["result"].upper()].label
    assert caught.value.record == record.replace("_", " ")
    assert caught.value.value == data


@pytest.mark.parametrize(("record", "vector"), vectors("encode_refused", can_be_said))
def test_a_record_is_not_encoded(record: str, vector: Fields) -> None:
    fields = CODECS[record].build(vector["fields"])
    with pytest.raises(LinkRecordError, match="out of range") as caught:
        CODECS[record].encode(fields)
    assert caught.value.value == fields


def test_vectors_cover_every_result_of_a_decoder() -> None:
    seen = {vector["result"] for record in CODECS for vector in CONTENT[record]["decode"]}
    assert seen == {
        "ok",
        "bad_version",
        "bad_type",
        "bad_length",
        "bad_opcode",
        "out_of_range",
    }
    assert set(CONTENT) == {"about", *CODECS}


def unsigned(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1)


def utf8(limit_bytes: int, **characters: Any) -> st.SearchStrategy[str]:
    """Texts of at most so many bytes."""
    texts = st.text(st.characters(codec="utf-8", **characters), max_size=limit_bytes)
    return texts.filter(lambda text: len(text.encode()) <= limit_bytes)


placements = st.none() | st.sampled_from(Placement)
condition_sets = st.integers(0, 63).map(link.PodCondition)
battery_mv = st.none() | st.integers(0, 0xFFFE)
haptics = st.integers(1, 10).flatmap(
    lambda pulses: st.builds(
        link.HapticPattern,
        intensity_percent=st.integers(1, 100),
        pulses=st.just(pulses),
        on_ms=st.integers(20, 1000 // pulses),
        off_ms=st.integers(20, 1000),
    )
)
RECORDS: dict[str, st.SearchStrategy[Any]] = {
    "control": st.one_of(
        st.builds(link.Control, st.sampled_from([link.Opcode.START, link.Opcode.STOP])),
        st.builds(link.Control, st.just(link.Opcode.RATE), st.sampled_from([52, 104, 208, 416])),
        st.builds(link.Control, st.just(link.Opcode.BATCH), st.integers(1, 19)),
        st.builds(link.Control, st.just(link.Opcode.IDENTIFY), st.integers(0, 60)),
    ),
    "haptic": st.just(link.SILENCE) | haptics,
    "config": st.builds(
        link.PodConfig,
        placement=placements,
        name=utf8(link.MAX_NAME_BYTES, exclude_categories=["Cc"]),
        runner=st.from_regex(r"[A-Za-z0-9_-]{0,24}", fullmatch=True),
    ),
    "time_request": unsigned(64),
    "time_reply": st.builds(link.TimeReply, unsigned(64), unsigned(32), unsigned(32)),
    "status": st.builds(
        link.PodLinkStatus,
        state=st.sampled_from(link.PodState),
        conditions=condition_sets,
        charging=st.none() | st.sampled_from(link.Charging),
        battery_mv=battery_mv,
        rate_mhz=st.none() | st.integers(0, 2**32 - 2),
        uptime_s=unsigned(32),
        packets_dropped=unsigned(32),
        fifo_overflows=unsigned(16),
        fifo_bad_words=unsigned(16),
        imu_resets=unsigned(16),
        writes_refused=unsigned(16),
        settings_lost=unsigned(16),
        centrals_refused=unsigned(16),
    ),
    "advertisement": st.builds(link.Advertisement, placements, battery_mv, condition_sets),
}
any_record = st.sampled_from(sorted(RECORDS)).flatmap(
    lambda record: st.tuples(st.just(record), RECORDS[record])
)


@given(any_record)
def test_every_record_survives_the_link(found: tuple[str, Any]) -> None:
    record, fields = found
    assert CODECS[record].decode(CODECS[record].encode(fields)) == fields


def decodes_to_its_bytes_or_is_refused(record: str, data: bytes) -> None:
    try:
        fields = CODECS[record].decode(data)
    except LinkRecordError:
        return
    assert CODECS[record].encode(fields) == data


@given(any_record, st.data())
def test_a_damaged_record_is_refused_or_still_canonical(
    found: tuple[str, Any], data: st.DataObject
) -> None:
    record, fields = found
    damaged = bytearray(CODECS[record].encode(fields))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    decodes_to_its_bytes_or_is_refused(record, bytes(damaged))


@given(any_record, st.data())
def test_no_other_length_is_accepted(found: tuple[str, Any], data: st.DataObject) -> None:
    record, fields = found
    whole = CODECS[record].encode(fields)
    cut = data.draw(st.integers(0, len(whole) - 1))
    for other in (whole[:cut], whole + data.draw(st.binary(min_size=1, max_size=60))):
        with pytest.raises(LinkRecordError, match="bad length"):
            CODECS[record].decode(other)


@given(st.binary(max_size=60), st.booleans())
@example(b"", False)
def test_any_bytes_are_decoded_or_refused(data: bytes, with_right_start: bool) -> None:
    for number, record in enumerate(CODECS, start=3):
        start = bytes([0x10 | number]) if with_right_start else b""
        decodes_to_its_bytes_or_is_refused(record, start + data)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_texts_are_encoded_or_refused(name: str, runner: str) -> None:
    config = link.PodConfig(None, name, runner)
    try:
        data = link.encode_config(config)
    except LinkRecordError:
        return
    assert link.decode_config(data) == config


@pytest.mark.parametrize("container", [bytes, bytearray, memoryview])
def test_any_buffer_decodes(container: type) -> None:
    assert link.decode_time_request(container(bytes.fromhex("160102030405060708"))) == (
        0x0807060504030201
    )


@pytest.mark.parametrize("argument", [-1, 2**16])
def test_an_argument_beyond_its_width_is_refused(argument: int) -> None:
    with pytest.raises(LinkRecordError, match="control record refused: out of range"):
        link.encode_control(link.Control(link.Opcode.RATE, argument))


@pytest.mark.parametrize("t1", [-1, 2**64])
def test_a_time_beyond_its_width_is_refused(t1: int) -> None:
    with pytest.raises(LinkRecordError, match="time request record refused"):
        link.encode_time_request(t1)


def test_what_would_read_as_unknown_is_refused() -> None:
    advertisement = link.Advertisement(None, 0xFFFF, link.PodCondition.NONE)
    with pytest.raises(LinkRecordError, match="out of range"):
        link.encode_advertisement(advertisement)
    status = status_of(CONTENT["status"]["decode"][0]["fields"] | {"rate_mhz": 2**32 - 1})
    with pytest.raises(LinkRecordError, match="out of range"):
        link.encode_status(status)


@pytest.fixture(scope="module")
def header(root: Path) -> str:
    return (root / "native" / "include" / "pod_link.h").read_text()


def enumerators(header: str, type_: str) -> dict[str, int]:
    """Name, without the prefix that all share, to value."""
    (body,) = re.findall(rf"typedef enum {{([^}}]*)}} pod_link_{type_};", header)
    found = re.findall(r"POD_LINK_(\w+) = (\w+)", body)
    return {name: int(value, 0) for name, value in found}


@pytest.mark.parametrize(
    ("enum", "type_", "prefix"),
    [
        (link.Attribute, "attribute", ""),
        (link.LinkResult, "result", ""),
        (link.Opcode, "opcode", ""),
        (link.PodState, "state", "STATE_"),
        (link.PodCondition, "condition", "CONDITION_"),
        (link.Charging, "charging", ""),
    ],
)
def test_enums_are_those_of_the_header(enum: Any, type_: str, prefix: str, header: str) -> None:
    stated = {
        name.removeprefix(prefix): value
        for name, value in enumerators(header, type_).items()
        if name != "CHARGING_UNKNOWN"
    }
    assert {member.name: member.value for member in enum} == stated


def test_uuids_are_those_of_the_header(header: str) -> None:
    (macro,) = re.findall(r"#define POD_LINK_UUID_BYTES\(attribute\)(.*?[^\\])\n", header, re.S)
    low_first = re.sub(r"\(attribute\)&0xFF", "{low}", macro.replace("\\\n", ""))
    low_first = low_first.replace("(attribute) >> 8", "{high}")
    for attribute in link.Attribute:
        octets = low_first.format(low=attribute & 0xFF, high=attribute >> 8).split(",")
        want = uuid.UUID(bytes=bytes(int(octet, 0) for octet in reversed(octets)))
        assert attribute.uuid == str(want)
    assert link.Attribute.SERVICE.uuid == "d6160001-280d-4356-823c-79f7f367e798"


def test_an_unknown_rate_is_that_of_the_header(header: str) -> None:
    (rate_mhz,) = re.findall(r"#define POD_LINK_UNKNOWN_RATE (\w+)U\n", header)
    data = bytearray(bytes.fromhex(CONTENT["status"]["decode"][0]["hex"]))
    data[6:10] = int(rate_mhz, 0).to_bytes(4, "little")
    assert link.decode_status(data).rate_mhz is None


def test_att_errors_have_reasons() -> None:
    assert link.att_reason(0x84) == "out of range"
    assert link.att_reason(0x0F) == "not encrypted"
    assert link.att_reason(0x05) == "ATT error 0x05"
    assert "unknown result" not in {result.label for result in link.LinkResult}
    assert len({result.label for result in link.LinkResult}) == len(link.LinkResult)
