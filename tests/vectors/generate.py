"""Turn the wire vectors (JSON) into what C programs can use: a header, or a fuzzer's first corpus.

    python generate.py header OUT.h     tables for the C tests of hub and firmware
    python generate.py corpus OUT_DIR   one file per vector, the bytes alone

Standard library only: it runs wherever the C tests are built.
"""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TABLES = {"samples": "packet", "info": "info"}

PREAMBLE = """\
/* Made by tests/vectors/generate.py from the JSON files beside it. */
#ifndef WIRE_VECTORS_H
#define WIRE_VECTORS_H

#include <stdbool.h>

#include "pod_wire.h"
"""

TYPES = """
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


def load(table: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((HERE / f"wire_{table}.json").read_text())
    return content


def constant(value: str | int, prefix: str = "POD_WIRE_") -> str:
    return f"{prefix}{value.upper()}" if isinstance(value, str) else str(value)


def flags(value: list[str] | int) -> str:
    if isinstance(value, int):
        return str(value)
    return " | ".join(constant(flag, "POD_WIRE_FLAG_") for flag in value) or "0"


def sample(values: list[int]) -> str:
    acc, gyr = (", ".join(map(str, axes)) for axes in (values[:3], values[3:]))
    return f"{{.acc = {{{acc}}}, .gyr = {{{gyr}}}}}"


def struct(fields: dict[str, Any]) -> str:
    """A C initialiser; a count beyond the array (a vector the encoder refuses) keeps no samples."""
    parts = []
    for key, value in fields.items():
        if key == "samples":
            parts.append(f".count = {len(value)}")
            if 1 <= len(value) <= 19:
                parts.append(f".samples = {{{', '.join(map(sample, value))}}}")
        elif key == "flags":
            parts.append(f".flags = {flags(value)}")
        else:
            parts.append(f".{key} = {constant(value)}")
    return f"{{{', '.join(parts)}}}"


def decode_entry(vector: dict[str, Any], field: str) -> str:
    parts = [
        f".name = {json.dumps(vector['name'])}",
        f".hex = {json.dumps(vector['hex'])}",
        f".result = {constant(vector['result'])}",
        f".canonical = {str(vector.get('canonical', vector['result'] == 'ok')).lower()}",
    ]
    if field in vector:
        parts.append(f".{field} = {struct(vector[field])}")
    return f"    {{{', '.join(parts)}}},\n"


def refused_entry(vector: dict[str, Any], field: str) -> str:
    return (
        f"    {{.name = {json.dumps(vector['name'])}, .capacity = {vector['capacity']}, "
        f".result = {constant(vector['result'])}, .{field} = {struct(vector[field])}}},\n"
    )


def header() -> str:
    text = PREAMBLE
    for table, field in TABLES.items():
        vectors = load(table)
        decode = "".join(decode_entry(vector, field) for vector in vectors["decode"])
        refused = "".join(refused_entry(vector, field) for vector in vectors["encode_refused"])
        text += TYPES.format(table=table, field=field)
        text += f"\nstatic const {table}_decode_vector {table}_decode[] = {{\n{decode}}};\n"
        text += f"\nstatic const {table}_refused_vector {table}_refused[] = {{\n{refused}}};\n"
    return text + "\n#endif\n"


def write_corpus(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        for index, vector in enumerate(load(table)["decode"]):
            (folder / f"{table}-{index:03}").write_bytes(bytes.fromhex(vector["hex"]))


def main() -> None:
    match sys.argv[1:]:
        case ["header", out]:
            Path(out).write_text(header())
        case ["corpus", out]:
            write_corpus(Path(out))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
