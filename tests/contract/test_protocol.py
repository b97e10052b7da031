"""The page a maker builds from says what the headers say, and its examples are test vectors."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

# Whether a characteristic needs an encrypted link; tests of the pod hold it to that.
LINKS = {
    "service": "",
    "info": "any",
    "samples": "encrypted",
    "control": "encrypted",
    "haptic": "encrypted",
    "config": "encrypted",
    "time": "encrypted",
    "status": "encrypted",
}

# A word of each row of a record's layout, and the vector's field that stands there.
FIELDS = {
    "info": [
        ("placement", "placement"),
        ("firmware", "firmware"),
        ("sampling rate", "rate_mhz"),
        ("accelerometer", "acc_nm_s2_per_lsb"),
        ("gyroscope", "gyr_nrad_s_per_lsb"),
        ("samples a packet", "batch"),
    ],
    "Advertising": [
        ("placement", "placement"),
        ("battery", "battery_mv"),
        ("conditions", "conditions"),
    ],
    "haptic": [
        ("pattern", "pattern"),
        ("intensity", "intensity_percent"),
        ("pulses", "pulses"),
        ("each on for", "on_ms"),
        ("off between", "off_ms"),
    ],
    "status": [
        ("state", "state"),
        ("conditions", "conditions"),
        ("charging", "charging"),
        ("battery", "battery_mv"),
        ("sampling rate", "rate_mhz"),
        ("since the pod started", "uptime_s"),
        ("packets dropped", "packets_dropped"),
        ("overflowed", "fifo_overflows"),
        ("unreadable", "fifo_bad_words"),
        ("IMU resets", "imu_resets"),
        ("writes refused", "writes_refused"),
        ("settings", "settings_lost"),
        ("centrals", "centrals_refused"),
    ],
}

# What the pod waits for and how much it needs, by its name in the core's source.
THRESHOLDS = [
    ("power_machine.c", "FAST_ADVERTISING_US", "(30 * US_PER_S)", "fast for 30 s"),
    ("power_machine.c", "NO_HUB_US", "(300 * US_PER_S)", "5 min without a hub"),
    ("power_machine.c", "AT_REST_US", "(600 * US_PER_S)", "10 min"),
    ("power_machine.c", "ENCRYPTION_US", "(10 * US_PER_S)", "has not encrypted within 10 s"),
    ("power_machine.c", "PAIRING_US", "(60 * US_PER_S)", "60 s from power-on"),
    ("imu_guard.c", "SLOWEST_RETRY_US", "10000000U", "after 10 s at most"),
    ("imu_guard.c", "ATTEMPTS_TO_FAULT", "3", "no samples after three resets"),
    ("pod_core.c", "EMPTY_MV", "3300", "cell below 3.3 V"),
    ("pod_core.c", "START_MV", "3450", "`START` below 3.45 V"),
    ("pod_core.c", "LOW_MV", "3600", "below 3.6 V"),
    ("pod_core.c", "LOW_OVER_MV", "3700", "until above 3.7 V"),
]

ENUMERATOR = re.compile(r"\b(POD_(?:LINK|WIRE)_\w+) = (0x[0-9A-Fa-f]+|\d+)")

# Section of the page: the record's type, and its length where it is fixed.
RECORDS = {
    "Advertising": ("POD_LINK_TYPE_ADVERTISEMENT", "POD_LINK_ADVERTISEMENT_BYTES"),
    "info": ("POD_WIRE_TYPE_INFO", "POD_WIRE_INFO_BYTES"),
    "samples": ("POD_WIRE_TYPE_SAMPLES", None),
    "control": ("POD_LINK_TYPE_CONTROL", None),
    "haptic": ("POD_LINK_TYPE_HAPTIC", "POD_LINK_HAPTIC_BYTES"),
    "config": ("POD_LINK_TYPE_CONFIG", None),
    "status": ("POD_LINK_TYPE_STATUS", "POD_LINK_STATUS_BYTES"),
}


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "firmware" / "PROTOCOL.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def constants(root: Path) -> dict[str, int]:
    include = root / "native" / "include"
    text = "".join((include / name).read_text() for name in ("pod_wire.h", "pod_link.h"))
    return {name: int(value, 0) for name, value in ENUMERATOR.findall(text)}


@pytest.fixture(scope="module")
def vectors(root: Path) -> dict[str, str]:
    """Bytes of every decode vector, and the result."""
    found: dict[str, str] = {}

    def collect(value: object) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("hex"), str):
                found[value["hex"]] = value["result"]
            for part in value.values():
                collect(part)
        elif isinstance(value, list):
            for part in value:
                collect(part)

    for path in sorted((root / "tests" / "vectors").glob("*.json")):
        collect(json.loads(path.read_text()))
    return found


def section(page: str, title: str) -> str:
    match = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^##+ |\Z)", page, re.M | re.S)
    assert match, f"no section {title}"
    return match[1]


def tables(text: str) -> list[list[list[str]]]:
    """Each table's rows of cells, without heading and rule."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        rows = [
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in block.splitlines()
        ]
        found.append(rows[2:])
    return found


def valued(rows: list[list[str]]) -> dict[str, int]:
    """Rows that begin with a `NAME` and its value."""
    return {row[0].strip("`"): int(row[1], 0) for row in rows}


def named(constants: dict[str, int], prefix: str, names: set[str]) -> dict[str, int]:
    return {name: constants[prefix + name] for name in names}


def test_states(page: str, constants: dict[str, int]) -> None:
    said = valued(tables(section(page, "States"))[0])
    stated = {n.removeprefix("POD_LINK_STATE_") for n in constants if "_STATE_" in n}
    assert said == named(constants, "POD_LINK_STATE_", stated)


def test_conditions(page: str, constants: dict[str, int]) -> None:
    said = valued(tables(section(page, "status"))[1])
    stated = {n.removeprefix("POD_LINK_CONDITION_") for n in constants if "_CONDITION_" in n}
    assert said == named(constants, "POD_LINK_CONDITION_", stated)


def test_sample_flags(page: str, constants: dict[str, int]) -> None:
    said = valued(tables(section(page, "samples"))[1])
    stated = {n.removeprefix("POD_WIRE_FLAG_") for n in constants if "_FLAG_" in n}
    assert said == named(constants, "POD_WIRE_FLAG_", stated)


def test_opcodes(page: str, constants: dict[str, int]) -> None:
    said = valued(tables(section(page, "control"))[1])
    assert said == named(constants, "POD_LINK_", {"START", "STOP", "RATE", "BATCH", "IDENTIFY"})


def test_errors(page: str, constants: dict[str, int], root: Path) -> None:
    said = valued(tables(section(page, "Errors"))[0])
    header = (root / "native" / "include" / "pod_link.h").read_text()
    results = header[: header.index("} pod_link_result;")]
    results = results[results.rindex("typedef enum {") :]
    stated = {name for name, _ in ENUMERATOR.findall(results)} - {"POD_LINK_OK"}
    assert said == named(constants, "POD_LINK_", {n.removeprefix("POD_LINK_") for n in stated})


def test_placements(page: str, constants: dict[str, int]) -> None:
    said: dict[str, int] = {}
    for row in tables(section(page, "Placements"))[0]:
        said |= {row[i + 1].strip("`").upper(): int(row[i]) for i in (0, 2)}
    assert said == named(constants, "POD_WIRE_", set(said))
    assert len(said) == constants["POD_WIRE_CHEST"]


def test_attributes(page: str, constants: dict[str, int], root: Path) -> None:
    text = section(page, "Attributes")
    header = (root / "native" / "include" / "pod_link.h").read_text()
    listing = header[: header.index("} pod_link_attribute;")]
    listing = listing[listing.rindex("typedef enum {") :]
    stated = re.findall(r"POD_LINK_(\w+) = (\d+),?(?: *//?\* (.*?) \*/)?", listing)
    assert [(row[0].strip("`").upper(), int(row[1], 16), row[2]) for row in tables(text)[0]] == [
        (name, int(value), properties) for name, value, properties in stated
    ]
    assert {row[0].strip("`"): row[3] for row in tables(text)[0]} == LINKS
    macro = header[header.index("#define POD_LINK_UUID_BYTES") :].split("\n\n")[0]
    listed = re.findall(r"0x([0-9a-f]{2})|(\(attribute\))", macro.split("\n", 1)[1])
    low_first = [octet or "NN" for octet, _ in listed]
    digits = "".join(reversed(low_first))
    uuid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    assert f"`{uuid}`" in text


def span(cell: str) -> int:
    """Bytes of a table's row; those of variable length count nothing."""
    return int(cell) if cell.isdigit() else 0


@pytest.mark.parametrize("title", RECORDS)
def test_layouts(page: str, constants: dict[str, int], title: str) -> None:
    kind, length = RECORDS[title]
    rows = next(
        table for table in tables(section(page, title)) if table[0][-1].startswith("version")
    )
    first_byte = constants["POD_WIRE_VERSION"] << 4 | constants[kind]
    assert f"`0x{first_byte:02x}`" in rows[0][2].lower()
    offset = 0
    for row in rows:
        if not row[0].isdigit():
            break
        assert int(row[0]) == offset, row
        offset += span(row[1])
    if length:
        assert offset == constants[length]


@pytest.mark.parametrize(
    ("index", "kind", "length"),
    [
        (0, "POD_LINK_TYPE_TIME_REQUEST", "POD_LINK_TIME_REQUEST_BYTES"),
        (1, "POD_LINK_TYPE_TIME_REPLY", "POD_LINK_TIME_REPLY_BYTES"),
    ],
)
def test_time_layouts(
    page: str, constants: dict[str, int], index: int, kind: str, length: str
) -> None:
    rows = tables(section(page, "time"))[index]
    assert f"0x1{constants[kind]}" in rows[0][2]
    assert sum(span(row[1]) for row in rows) == constants[length]


def test_limits(page: str, constants: dict[str, int]) -> None:
    """Every limit of the headers, where the page states it."""
    for title, sentence in {
        "info": "1 to {POD_WIRE_MAX_SAMPLES}",
        "samples": "n, samples, 1 to {POD_WIRE_MAX_SAMPLES}",
        "control": "u8, s: 0 to {POD_LINK_MAX_IDENTIFY_S}",
        "haptic": "from {POD_LINK_MIN_PULSE_MS}; all pulses together at most {POD_LINK_MAX_ON_MS}",
        "config": "r, 0 to {POD_LINK_MAX_RUNNER_BYTES}",
    }.items():
        assert sentence.format(**constants) in section(page, title).replace("| r, ", "r, ")
    haptic = section(page, "haptic")
    assert "pulses, 1 to {POD_LINK_MAX_PULSES} |".format(**constants) in haptic
    off = "off between them, ms, {POD_LINK_MIN_PULSE_MS} to {POD_LINK_MAX_OFF_MS}"
    assert off.format(**constants) in haptic
    assert "n, 0 to {POD_LINK_MAX_NAME_BYTES}".format(**constants) in section(page, "config")


@pytest.fixture(scope="module")
def fields(root: Path) -> dict[str, dict[str, Any]]:
    """Of every vector that decodes, by its bytes."""
    folder = root / "tests" / "vectors"
    link = json.loads((folder / "link_records.json").read_text())
    info = json.loads((folder / "wire_info.json").read_text())
    found = {vector["hex"]: vector.get("info") for vector in info["decode"]}
    for record in link.values():
        if isinstance(record, dict):
            found |= {vector["hex"]: vector.get("fields") for vector in record["decode"]}
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize("title", FIELDS)
def test_fields_stand_where_the_page_says(
    page: str, fields: dict[str, dict[str, Any]], constants: dict[str, int], title: str
) -> None:
    """The example of each record, read by the page's own offsets."""
    text = section(page, title)
    example = re.search(r"^Example: `([0-9a-f]+)`", text, re.M)
    assert example
    data = bytes.fromhex(example[1])
    layout = next(t for t in tables(text) if t[0][-1].startswith("version"))
    rows = [row for row in layout[1:] if "reserved" not in row[2]]
    assert len(rows) == len(FIELDS[title])
    for (offset, size, words), (word, field) in zip(rows, FIELDS[title], strict=True):
        assert word in words
        value = int.from_bytes(data[int(offset) : int(offset) + int(size)], "little")
        wanted = fields[example[1]][field]
        if isinstance(wanted, int):
            assert value == wanted, field
        elif isinstance(wanted, str):
            assert value in [v for n, v in constants.items() if n.endswith(f"_{wanted.upper()}")]
        elif isinstance(wanted, list):
            bits = [constants[f"POD_LINK_CONDITION_{name.upper()}"] for name in wanted]
            assert value == sum(bits)


@pytest.mark.parametrize(("file", "name", "value", "words"), THRESHOLDS)
def test_thresholds(page: str, root: Path, file: str, name: str, value: str, words: str) -> None:
    source = (root / "firmware" / "core" / file).read_text()
    assert re.search(rf"\b{name} (?:= )?{re.escape(value)}", source), f"{name} is another now"
    assert words in re.sub(r"\s+", " ", page)


def test_every_example_is_a_vector(page: str, vectors: dict[str, str]) -> None:
    examples = re.findall(r"^Example: `([0-9a-f]+)`", page, re.M)
    assert len(examples) == page.count("Example: ")
    assert len(examples) >= 9
    assert {example: vectors.get(example) for example in examples} == dict.fromkeys(examples, "ok")
