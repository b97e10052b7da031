"""Whether what goes over the wire is what docs/asyncapi.json says. For any test with a broker."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "asyncapi.json"

_ID = "[A-Za-z0-9_-]+"


class WireError(AssertionError):
    """A message that the document does not know like this."""

    def __init__(self, topic: str, payload: bytes, reason: str) -> None:
        super().__init__(f"{topic}: {reason}: {payload[:300]!r}")
        self.topic = topic
        self.payload = payload
        self.reason = reason


class _Topic(NamedTuple):
    pattern: re.Pattern[str]
    payloads: Mapping[str, Draft7Validator]  # by the name of the message
    qos: int
    is_retained: bool | None  # None: the document does not say


def check(topic: str, payload: bytes, *, qos: int | None = None, retain: bool | None = None) -> str:
    """The name of the message. Raises WireError.

    `qos` and `retain` as published, where they are known: `retain` to one who subscribed with
    retain-as-published. The last will has more QoS than a status needs, so that more is fine.
    """
    known = next((known for known in _topics() if known.pattern.fullmatch(topic)), None)
    if known is None:
        raise WireError(topic, payload, "no such topic")
    if qos is not None and qos < known.qos:
        raise WireError(topic, payload, f"QoS {qos} instead of {known.qos}")
    if None not in (retain, known.is_retained) and retain != known.is_retained:
        raise WireError(topic, payload, f"retained is {retain}")
    return _message(known, topic, payload)


def _message(known: _Topic, topic: str, payload: bytes) -> str:
    try:
        value = msgspec.json.decode(payload)
    except ValueError as error:
        raise WireError(topic, payload, str(error)) from error
    faults = []
    for name, validator in known.payloads.items():
        fault = best_match(validator.iter_errors(value))
        if fault is None:
            return name
        faults.append(f"no {name}, {fault.json_path}: {fault.message}")
    raise WireError(topic, payload, "; ".join(faults))


@cache
def _topics() -> tuple[_Topic, ...]:
    return tuple(_read(json.loads(DOCUMENT.read_text(encoding="utf-8"))))


def _read(document: Mapping[str, Any]) -> Iterator[_Topic]:
    schemas = _closed(document["components"]["schemas"])
    operations = {
        operation["channel"]["$ref"].rpartition("/")[2]: operation["bindings"]["mqtt"]
        for operation in document["operations"].values()
    }
    for name, channel in document["channels"].items():
        yield _Topic(
            _pattern(channel["address"]),
            {message: _validator(message, schemas) for message in channel["messages"]},
            operations[name]["qos"],
            operations[name].get("retain"),
        )


def _pattern(address: str) -> re.Pattern[str]:
    return re.compile(_ID.join(map(re.escape, re.split(r"\{\w+\}", address))))


def _validator(message: str, schemas: Any) -> Draft7Validator:
    return Draft7Validator(
        {
            "allOf": [{"$ref": f"#/components/schemas/{message}"}],
            "components": {"schemas": schemas},
        }
    )


def _closed(value: Any) -> Any:
    """Others must bear fields that they do not know; here one that is not written down is wrong."""
    if isinstance(value, dict):
        closed = {key: _closed(inner) for key, inner in value.items()}
        return closed if "properties" not in closed else {"additionalProperties": False, **closed}
    return [_closed(inner) for inner in value] if isinstance(value, list) else value
