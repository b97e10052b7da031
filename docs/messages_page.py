"""docs/MESSAGES.md: all messages as tables, for people."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from message_schemas import Schema, references
from mqtt_channels import CHANNELS, FROM_HUB, TO_HUB, Channel

from stridehub.mqtt.desk import (
    COMMANDS_AT_ONCE,
    COMMANDS_PER_S,
    MAX_COMMAND_BYTES,
    STALE_MS,
)

_INTRO = """\
<!-- Written by `python docs/asyncapi.py` from hub/stridehub/mqtt: change it there. -->

# Messages

What a hub says over MQTT, and what a coach can tell it. The same for programs:
[asyncapi.json](asyncapi.json) (AsyncAPI 3) and [schemas/](schemas) (a JSON Schema for each
payload).

- Payloads are JSON objects in UTF-8. All have `v`, the version of this format, and `t`, when they
  were made.
- `null` means not known, or does not apply. The hub leaves no field out. A later hub of the same
  version may send further fields: ignore those you do not know.
- Names carry units: `_ms`, `_s`, `_min`, `_deg`, `_mps` (m/s), `_m`, `_mm`, `_g` (9.80665 m/s²),
  `_spm` (steps a minute, of both feet), `_pct`, `_mv`, `_dbm`; a `_ratio` is a share of leg length.
  Metrics are defined in [METRICS.md](METRICS.md).
- Messages with `seq` are a sequence: those of one topic and one `session` are numbered from 0
  without a gap. One may come twice, but none is left out; who sees 0, 1, 3 has lost one.
- Ids in topics are of letters, digits, `-` and `_`. Runners' ids are pseudonyms.
"""

_COMMANDS = f"""\
Each is a topic of its own, published with QoS 1 and never retained. The hub answers on `ack`: done,
or refused and why. A command that is refused has done nothing.

- `t` is the time by the hub's clock, as its messages tell it. A command that is more than
  {STALE_MS // 1000} s off is stale, and refused.
- `id` is the sender's choice, another one for each command. Sent again with the same id (and any
  `t`) it does nothing more and gets the same answer again. An id that comes again with other
  content is refused.
- Unknown fields, wrong types and payloads above {MAX_COMMAND_BYTES} bytes are refused.
- More than {COMMANDS_PER_S:g} a second, beyond {COMMANDS_AT_ONCE} at once, are refused, and far
  more are not even answered.
"""


def page(all_schemas: Mapping[str, Schema]) -> str:
    return "\n".join(_lines(all_schemas))


def _lines(all_schemas: Mapping[str, Schema]) -> Iterator[str]:
    yield from (_INTRO, "## Topics", "", "| topic | sent | QoS | retained | payload |",
                "| --- | --- | --- | --- | --- |")  # fmt: skip
    yield from map(_topic_row, FROM_HUB)
    yield from ("", "## From the hub", "")
    for channel in FROM_HUB:
        yield from _sections(channel, all_schemas)
    yield from ("## Commands", "", _COMMANDS)
    for channel in TO_HUB:
        yield from _sections(channel, all_schemas)
    yield from ("## Types within them", "")
    payloads = {kind.__name__ for channel in CHANNELS for kind in channel.payloads}
    for name in sorted(set(all_schemas) - payloads):
        yield from _section(name, all_schemas[name])


def _topic_row(channel: Channel) -> str:
    payloads = " or ".join(_link(kind.__name__) for kind in channel.payloads)
    retained = "yes" if channel.retain else ""
    if channel.expiry_s is not None:
        retained = f"for {channel.expiry_s} s"
    return f"| `{channel.address}` | {channel.when} | {channel.qos} | {retained} | {payloads} |"


def _sections(channel: Channel, all_schemas: Mapping[str, Schema]) -> Iterator[str]:
    for kind in channel.payloads:
        yield from _section(kind.__name__, all_schemas[kind.__name__], channel.address)


def _section(name: str, schema: Schema, topic: str = "") -> Iterator[str]:
    yield from (f"### {name}", "")
    if topic:
        yield from (f"`{topic}`", "")
    if "enum" in schema:
        yield from _enum(schema)
        return
    if schema["description"]:
        yield from (schema["description"], "")
    yield from ("| field | type | meaning |", "| --- | --- | --- |")
    for field, about in schema["properties"].items():
        must = "" if field in schema["required"] else f"; default `{json.dumps(about['default'])}`"
        meaning = about.get("description", "").replace("|", r"\|").replace("\n", " ")
        yield f"| `{field}` | {_type(about)}{must} | {meaning} |"
    yield ""


def _enum(schema: Schema) -> Iterator[str]:
    lines = schema["description"].splitlines()
    told = {line.partition("`: ")[0].strip("`"): line for line in lines if line.startswith("`")}
    yield from (line for line in lines if line not in told.values())
    yield from ("",) if len(lines) > len(told) else ()
    yield from (f"- {told.get(value, f'`{value}`')}" for value in schema["enum"])
    yield ""


def _type(schema: Schema) -> str:
    """In words."""
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    for name in references({key: schema[key] for key in ("$ref", "allOf") if key in schema}):
        return _link(name)
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"array of {_type(schema['items'])}"
    if kind == "object":
        return f"object: name → {_type(schema['additionalProperties'])}"
    return str(kind) + _range(schema)


def _range(schema: Schema) -> str:
    if "maxLength" in schema:
        return f" of {schema['maxLength']} characters at most"
    if "pattern" in schema:
        return f" `{schema['pattern']}`".replace("|", r"\|")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is None or high is None or high >= 2**53:
        return ""
    return f" {_number(low)}..{_number(high)}"


def _number(value: Any) -> str:
    return f"{value:g}"


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"
