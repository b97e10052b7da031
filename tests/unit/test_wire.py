import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from stridehub.errors import PacketError, UnknownPlacementError
from stridehub.kernel import wire
from stridehub.model import Placement, PodInfo

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
Fields = dict[str, Any]


def vectors(table: str, kind: str, *, ok: bool = False) -> list[Any]:
    content = json.loads((VECTORS / f"wire_{table}.json").read_text())[kind]
    return [pytest.param(v, id=v["name"]) for v in content if (v["result"] == "ok") == ok]


def reason(vector: Fields) -> str:
    return str(vector["result"]).replace("_", " ")


def placement(value: str | int) -> Any:
    return Placement.from_label(value) if isinstance(value, str) else value


def packet_of(fields: Fields) -> wire.Packet:
    named = fields["flags"]
    bits = named if isinstance(named, int) else sum(wire.PacketFlag[f.upper()] for f in named)
    samples = np.array(fields["samples"], np.int16).reshape(-1, 6)
    flags: Any = bits
    other = {key: fields[key] for key in ("sequence", "pod_clock_us", "dropped")}
    return wire.Packet(
        placement=placement(fields["placement"]), flags=flags, samples=samples, **other
    )


def info_of(fields: Fields) -> PodInfo:
    return PodInfo(**(fields | {"placement": placement(fields["placement"])}))


def assert_same(got: wire.Packet, want: wire.Packet) -> None:
    for field in ("placement", "sequence", "pod_clock_us", "flags", "dropped"):
        assert getattr(got, field) == getattr(want, field), field
    np.testing.assert_array_equal(got.samples, want.samples)


@pytest.mark.parametrize("vector", vectors("samples", "decode", ok=True))
def test_samples_vector_both_ways(vector: Fields) -> None:
    data = bytes.fromhex(vector["hex"])
    assert_same(wire.decode(data), packet_of(vector["packet"]))
    assert wire.encode(packet_of(vector["packet"])) == data


@pytest.mark.parametrize("vector", vectors("samples", "decode"))
def test_refused_samples_name_the_reason(vector: Fields) -> None:
    data = bytes.fromhex(vector["hex"])
    with pytest.raises(PacketError) as caught:
        wire.decode(data)
    assert caught.value.reason == reason(vector)
    assert caught.value.value == data


@pytest.mark.parametrize(
    "vector", [v for v in vectors("samples", "encode_refused") if "room" not in v.id]
)
def test_samples_not_encoded(vector: Fields) -> None:
    with pytest.raises(PacketError) as caught:
        wire.encode(packet_of(vector["packet"]))
    assert caught.value.reason == reason(vector)


@pytest.mark.parametrize("vector", vectors("info", "decode", ok=True))
def test_info_vector_both_ways(vector: Fields) -> None:
    data = bytes.fromhex(vector["hex"])
    assert wire.decode_info(data) == info_of(vector["info"])
    same = wire.encode_info(info_of(vector["info"])) == data
    assert same == vector.get("canonical", True)


@pytest.mark.parametrize("vector", vectors("info", "decode"))
def test_refused_info_names_the_reason(vector: Fields) -> None:
    with pytest.raises(PacketError) as caught:
        wire.decode_info(bytes.fromhex(vector["hex"]))
    assert caught.value.reason == reason(vector)


@pytest.mark.parametrize(
    "vector", [v for v in vectors("info", "encode_refused") if "room" not in v.id]
)
def test_info_not_encoded(vector: Fields) -> None:
    with pytest.raises(PacketError) as caught:
        wire.encode_info(info_of(vector["info"]))
    assert caught.value.reason == reason(vector)


def test_vectors_cover_every_result() -> None:
    seen = {
        v["result"]
        for table in ("samples", "info")
        for group in ("decode", "encode_refused")
        for v in json.loads((VECTORS / f"wire_{table}.json").read_text())[group]
    }
    refusals = ["version", "type", "placement", "count", "flags", "rate", "scale"]
    assert seen == {"ok", "too_short", "too_long", "no_room"} | {f"bad_{r}" for r in refusals}


packets = st.builds(
    wire.Packet,
    placement=st.sampled_from(Placement),
    sequence=st.integers(0, 2**16 - 1),
    pod_clock_us=st.integers(0, 2**32 - 1),
    samples=npst.arrays(
        np.int16, st.tuples(st.integers(1, wire.MAX_SAMPLES), st.just(6)), fill=st.nothing()
    ),
    flags=st.integers(0, 7).map(wire.PacketFlag),
    dropped=st.integers(0, 2**16 - 1),
)
infos = st.builds(
    PodInfo,
    placement=st.sampled_from(Placement),
    rate_mhz=st.integers(50_000, 850_000),
    acc_nm_s2_per_lsb=st.integers(1, 19_153_613),
    gyr_nrad_s_per_lsb=st.integers(1, 4_261_058),
    batch=st.integers(1, wire.MAX_SAMPLES),
    firmware=st.integers(0, 2**16 - 1),
)


@given(packets)
def test_every_packet_survives_the_wire(packet: wire.Packet) -> None:
    data = wire.encode(packet)
    assert len(data) == 12 + 12 * len(packet.samples) <= wire.MAX_BYTES
    assert_same(wire.decode(data), packet)


@given(infos)
def test_every_info_survives_the_wire(info: PodInfo) -> None:
    assert wire.decode_info(wire.encode_info(info)) == info


def plausible_bytes(type_: int, size: int) -> st.SearchStrategy[bytes]:
    """Noise, and noise behind a right start so that the later checks are reached too."""
    start = st.builds(
        lambda first, place, rest: bytes([first, place]) + rest,
        st.just(0x10 | type_),
        st.integers(0, 9),
        st.binary(max_size=size),
    )
    return st.one_of(st.binary(max_size=size), start)


@given(plausible_bytes(1, 260))
@example(b"")
def test_decode_accepts_only_what_encodes_to_the_same_bytes(data: bytes) -> None:
    try:
        packet = wire.decode(data)
    except PacketError:
        return
    assert wire.encode(packet) == data


@given(packets, st.data())
def test_a_damaged_packet_is_refused_or_still_canonical(
    packet: wire.Packet, data: st.DataObject
) -> None:
    damaged = bytearray(wire.encode(packet))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        decoded = wire.decode(damaged)
    except PacketError:
        return
    assert wire.encode(decoded) == bytes(damaged)


@given(packets, st.data())
def test_no_other_length_is_accepted(packet: wire.Packet, data: st.DataObject) -> None:
    whole = wire.encode(packet)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(PacketError, match="too short"):
        wire.decode(whole[:cut])
    with pytest.raises(PacketError, match="too long"):
        wire.decode(whole + data.draw(st.binary(min_size=1, max_size=30)))


@given(plausible_bytes(2, 24))
def test_info_decode_accepts_only_valid_records(data: bytes) -> None:
    try:
        info = wire.decode_info(data)
    except PacketError:
        return
    assert wire.encode_info(info)[:17] == data[:17]


def packet(samples: Any, **fields: Any) -> wire.Packet:
    return wire.Packet(
        Placement.PELVIS, **({"sequence": 0, "pod_clock_us": 0} | fields), samples=samples
    )


@pytest.mark.parametrize("container", [bytes, bytearray, memoryview])
def test_any_buffer_decodes_and_the_samples_own_their_memory(container: type) -> None:
    want = np.arange(12, dtype=np.int16).reshape(2, 6)
    data = bytearray(wire.encode(packet(want)))
    decoded = wire.decode(container(data))
    data[:] = bytes(len(data))
    np.testing.assert_array_equal(decoded.samples, want)


def test_strided_samples_encode_as_their_copy_does() -> None:
    wide = np.arange(8 * 12, dtype=np.int16).reshape(8, 12)
    assert wire.encode(packet(wide[::2, ::2])) == wire.encode(packet(wide[::2, ::2].copy()))


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((2, 6)),
        np.zeros((2, 6), np.uint16),
        np.zeros((2, 5), np.int16),
        np.zeros(6, np.int16),
    ],
)
def test_samples_of_another_shape_or_type_are_refused(samples: Any) -> None:
    with pytest.raises(ValueError, match="samples"):
        wire.encode(packet(samples))


@pytest.mark.parametrize("fields", [{"sequence": 2**16}, {"pod_clock_us": 2**32}, {"dropped": -1}])
def test_a_counter_beyond_its_width_is_refused(fields: Fields) -> None:
    with pytest.raises(OverflowError):
        wire.encode(packet(np.zeros((1, 6), np.int16), **fields))


def test_placements_have_the_names_of_the_command_line() -> None:
    labels = ["pelvis", "thigh_l", "thigh_r", "shank_l", "shank_r", "foot_l", "foot_r", "chest"]
    assert [p.label for p in Placement] == labels
    assert [Placement.from_label(label) for label in labels] == list(Placement)


@pytest.mark.parametrize("label", ["", "Pelvis", "shank", "1"])
def test_another_name_is_no_placement(label: str) -> None:
    with pytest.raises(UnknownPlacementError) as caught:
        Placement.from_label(label)
    assert caught.value.placement == label
