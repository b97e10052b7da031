"""JSON Schemas of all messages: msgspec's, with what comments and docs/METRICS.md say of fields."""

import inspect
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec
from field_comments import field_comments
from mqtt_channels import CHANNELS

from stridehub.mqtt import commands, messages
from stridehub.mqtt.commands import Command
from stridehub.mqtt.messages import InSequence

Schema = dict[str, Any]

_JSON_WORDS = {"None": "null", "True": "true", "False": "false"}
_METRICS = Path(__file__).with_name("METRICS.md")
_CLASSES: Mapping[str, type] = {**vars(messages), **vars(commands)}


def schemas() -> dict[str, Schema]:
    """By the name of the type; they refer to each other as #/$defs/{name}."""
    kinds = [kind for channel in CHANNELS for kind in channel.payloads]
    _, found = msgspec.json.schema_components(kinds)
    definitions = _definitions()
    return {name: _told(_CLASSES[name], found[name], definitions) for name in found}


def standing_alone(name: str, all_schemas: Mapping[str, Schema]) -> Schema:
    """One schema with all that it refers to."""
    needed = _references(all_schemas[name], all_schemas, set())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **all_schemas[name],
        **({"$defs": {key: all_schemas[key] for key in sorted(needed)}} if needed else {}),
    }


def _told(kind: type, schema: Schema, definitions: Mapping[str, str]) -> Schema:
    comments = field_comments(InSequence) | field_comments(kind)
    told: Schema = _plain(schema)
    told["description"] = inspect.cleandoc(told.get("description", ""))
    if issubclass(kind, Enum):
        told["type"] = "string"
        lines = [
            f"`{member.value}`: {comments[member.name]}"
            for member in kind
            if member.name in comments
        ]
        told["description"] = "\n".join(filter(None, [told["description"], *lines]))
        return told
    fields = told["properties"]
    for name, field in fields.items():
        text = _in_json(comments.get(name) or definitions.get(name, ""))
        fields[name] = _described(field, text)
    if issubclass(kind, Command):
        del fields["v"]["default"]
        told["required"] = ["v", *told["required"]]
    else:  # the hub leaves nothing out, and a later one may say more
        told.pop("additionalProperties", None)
        told["required"] = list(fields)
        for field in fields.values():
            field.pop("default", None)
    return told


def _described(field: Schema, text: str) -> Schema:
    """Beside a reference nothing else counts, so that it moves inwards."""
    known = field.get("description", "")
    description = "; ".join(part for part in (text, known) if part)
    if not description:
        return field
    if "$ref" in field:
        rest = {key: value for key, value in field.items() if key != "$ref"}
        return {"description": description, "allOf": [{"$ref": field["$ref"]}], **rest}
    return {**field, "description": description}


def _plain(value: Any) -> Any:
    """A copy without what only Python knows: \\Z, which $ is elsewhere, and None."""
    if isinstance(value, dict):
        return {
            key: inner.replace(r"\Z", "$") if key == "pattern" else _plain(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return _in_json(value) if isinstance(value, str) else value


def _in_json(text: str) -> str:
    return re.sub(r"\b(None|True|False)\b", lambda word: _JSON_WORDS[word[0]], text)


def _definitions() -> dict[str, str]:
    """Of the fields of a stride, from the tables of docs/METRICS.md, and what all have."""
    found = {"runner": "the runner's id"}
    for line in _METRICS.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) > 1:
            for name in re.findall(r"`(\w+)`", cells[0]):
                found[name] = cells[1].removesuffix(" |").strip()
    return found


def references(value: Any) -> Iterable[str]:
    """Names that a schema refers to."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"].rpartition("/")[2]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def _references(schema: Schema, all_schemas: Mapping[str, Schema], found: set[str]) -> set[str]:
    """Names, with those that they refer to in turn."""
    for name in references(schema):
        if name not in found:
            found.add(name)
            _references(all_schemas[name], all_schemas, found)
    return found
