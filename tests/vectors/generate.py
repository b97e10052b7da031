"""Turn the vectors (JSON) into what C programs can use: a header, or a fuzzer's first corpus.

    python generate.py header wire|link OUT.h     tables for the C tests of hub and firmware
    python generate.py corpus wire|link OUT_DIR   one file per vector, the bytes alone

Standard library only: it runs wherever the C tests are built.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WIRE_TABLES = {"samples": "packet", "info": "info"}
MAX_SAMPLES = 19
MAX_TEXT_BYTES = {"name": 20, "runner": 24}

# By field: what stands before the C constants that its values name, and the one of None.
PREFIXES = {
    "placement": "POD_WIRE_",
    "flags": "POD_WIRE_FLAG_",
    "opcode": "POD_LINK_",
    "pattern": "POD_LINK_",
    "state": "POD_LINK_STATE_",
    "conditions": "POD_LINK_CONDITION_",
    "charging": "POD_LINK_",
}
UNKNOWN = {
    "placement": "POD_LINK_NO_PLACEMENT",
    "charging": "POD_LINK_CHARGING_UNKNOWN",
    "battery_mv": "POD_LINK_UNKNOWN_MV",
    "rate_mhz": "POD_LINK_UNKNOWN_RATE",
}

WIRE_PREAMBLE = """\
/* Made by tests/vectors/generate.py from the JSON files beside it. */
#ifndef WIRE_VECTORS_H
#define WIRE_VECTORS_H

#include <stdbool.h>

#include "pod_wire.h"
"""

WIRE_TYPES = """
typedef struct {{
    const char *name;
    const char *hex;
    pod_wire_result result;
    bool canonical; /* encodes to the same bytes */
    pod_wire_{field} {field};
}} {table}_decode_vector;

typedef struct {{
    const char *name;
    size_t capacity;
    pod_wire_result result;
    pod_wire_{field} {field};
}} {table}_refused_vector;
"""

LINK_PREAMBLE = """\
/* Made by tests/vectors/generate.py from the JSON file beside it. */
#ifndef LINK_VECTORS_H
#define LINK_VECTORS_H

#include "link_codecs.h"

typedef struct {
    const char *name;
    const char *hex;
    link_kind kind;
    pod_link_result result;
    link_record record;
} link_decode_vector;

typedef struct {
    const char *name;
    link_kind kind;
    link_record record;
} link_refused_vector;
"""


def load(file: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((HERE / f"{file}.json").read_text())
    del content["about"]
    return content


def load_wire() -> dict[str, Any]:
    return {table: load(f"wire_{table}") for table in WIRE_TABLES}


def load_link() -> dict[str, Any]:
    return load("link_records")


def constant(field: str, value: list[str] | str | int | None) -> str:
    match value:
        case None:
            return UNKNOWN[field]
        case str():
            return f"{PREFIXES[field]}{value.upper()}"
        case list():
            return " | ".join(constant(field, bit) for bit in value) or "0"
    return f"{value}U" if value > 0x7FFFFFFF else str(value)


def sample(values: list[int]) -> str:
    acc, gyr = (", ".join(map(str, axes)) for axes in (values[:3], values[3:]))
    return f"{{.acc = {{{acc}}}, .gyr = {{{gyr}}}}}"


def samples(values: list[list[int]]) -> str:
    """More than the array holds (a vector the encoder refuses) are counted, not kept."""
    kept = f", .samples = {{{', '.join(map(sample, values))}}}"
    return f".count = {len(values)}{kept if 1 <= len(values) <= MAX_SAMPLES else ''}"


def text(field: str, value: str | dict[str, str]) -> str:
    """Likewise of a name or runner; bytes that are no UTF-8 stand as hex."""
    data = value.encode() if isinstance(value, str) else bytes.fromhex(value["bytes"])
    characters = ", ".join(f"'\\x{byte:02x}'" for byte in data)
    kept = f", .{field} = {{{characters}}}"
    fits = 1 <= len(data) <= MAX_TEXT_BYTES[field]
    return f".{field}_bytes = {len(data)}{kept if fits else ''}"


def member(field: str, value: Any) -> str:
    if field == "samples":
        return samples(value)
    if field in MAX_TEXT_BYTES:
        return text(field, value)
    return f".{field} = {constant(field, value)}"


def struct(fields: dict[str, Any]) -> str:
    return f"{{{', '.join(member(field, value) for field, value in fields.items())}}}"


def entry(**members: str) -> str:
    return f"    {{{', '.join(f'.{name} = {value}' for name, value in members.items())}}},\n"


def table(type_: str, name: str, entries: list[str]) -> str:
    return f"\nstatic const {type_} {name}[] = {{\n{''.join(entries)}}};\n"


def wire_decode_entry(vector: dict[str, Any], field: str) -> str:
    members = {
        "name": json.dumps(vector["name"]),
        "hex": json.dumps(vector["hex"]),
        "result": f"POD_WIRE_{vector['result'].upper()}",
        "canonical": str(vector.get("canonical", vector["result"] == "ok")).lower(),
    }
    return entry(**members, **({field: struct(vector[field])} if field in vector else {}))


def wire_refused_entry(vector: dict[str, Any], field: str) -> str:
    members = {
        "name": json.dumps(vector["name"]),
        "capacity": str(vector["capacity"]),
        "result": f"POD_WIRE_{vector['result'].upper()}",
    }
    return entry(**members, **{field: struct(vector[field])})


def wire_header() -> str:
    parts = [WIRE_PREAMBLE]
    for name, vectors in load_wire().items():
        field = WIRE_TABLES[name]
        decode = [wire_decode_entry(vector, field) for vector in vectors["decode"]]
        refused = [wire_refused_entry(vector, field) for vector in vectors["encode_refused"]]
        parts += [
            WIRE_TYPES.format(table=name, field=field),
            table(f"{name}_decode_vector", f"{name}_decode", decode),
            table(f"{name}_refused_vector", f"{name}_refused", refused),
        ]
    return "".join(parts) + "\n#endif\n"


def link_entry(record: str, vector: dict[str, Any]) -> str:
    members = {
        "name": json.dumps(f"{record}: {vector['name']}"),
        "kind": f"LINK_{record.upper()}",
    }
    if "hex" in vector:
        members["hex"] = json.dumps(vector["hex"])
        members["result"] = f"POD_LINK_{vector['result'].upper()}"
    if "fields" in vector:
        members["record"] = f"{{.{record} = {struct(vector['fields'])}}}"
    return entry(**members)


def link_header() -> str:
    entries: dict[str, list[str]] = {"decode": [], "encode_refused": []}
    for record, vectors in load_link().items():
        for group, found in entries.items():
            found += [link_entry(record, vector) for vector in vectors[group]]
    decode = table("link_decode_vector", "link_decode", entries["decode"])
    refused = table("link_refused_vector", "link_refused", entries["encode_refused"])
    return f"{LINK_PREAMBLE}{decode}{refused}\n#endif\n"


def write_corpus(tables: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, vectors in tables.items():
        for index, vector in enumerate(vectors["decode"]):
            (folder / f"{name}-{index:03}").write_bytes(bytes.fromhex(vector["hex"]))


HEADERS: dict[str, Callable[[], str]] = {"wire": wire_header, "link": link_header}
TABLES: dict[str, Callable[[], dict[str, Any]]] = {"wire": load_wire, "link": load_link}


def main() -> None:
    match sys.argv[1:]:
        case ["header", "wire" | "link" as family, out]:
            Path(out).write_text(HEADERS[family]())
        case ["corpus", "wire" | "link" as family, out]:
            write_corpus(TABLES[family](), Path(out))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
