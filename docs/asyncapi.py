"""Writes docs/asyncapi.json, docs/schemas/ and docs/MESSAGES.md anew, from the message types.

    python docs/asyncapi.py [--check]

With --check nothing is written; exits 1 where a file differs.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from message_schemas import Schema, schemas, standing_alone
from messages_page import page
from mqtt_channels import CHANNELS, FROM_HUB, PARAMETERS, TO_HUB, Channel

from stridehub.mqtt.topics import VERSION
from stridehub.timing import MQTT_KEEP_ALIVE_S

DOCS = Path(__file__).parent
MQTT_BINDING = {"bindingVersion": "0.2.0"}


def main() -> int:
    fresh = dict(files())
    schema_folder = DOCS / "schemas"
    stale = [path for path in schema_folder.glob("*.json") if path not in fresh]
    if "--check" in sys.argv[1:]:
        differ = [path for path, text in fresh.items() if not _is_same(path, text)]
        print(*differ, *stale, sep="\n", file=sys.stderr)
        return int(bool(differ or stale))
    schema_folder.mkdir(exist_ok=True)
    for path in stale:
        path.unlink()
    for path, text in fresh.items():
        path.write_text(text, encoding="utf-8")
    return 0


def _is_same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def files() -> Iterator[tuple[Path, str]]:
    """Every file, and what it should hold."""
    all_schemas = schemas()
    yield DOCS / "asyncapi.json", _text(document(all_schemas))
    for channel in CHANNELS:
        for kind in channel.payloads:
            name = kind.__name__
            schema = standing_alone(name, all_schemas)
            yield DOCS / "schemas" / f"{name}.json", _text(schema)
    yield DOCS / "MESSAGES.md", page(all_schemas)


def _text(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def document(all_schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """The AsyncAPI document, from the hub's point of view."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "stridehub over MQTT",
            "version": f"{VERSION}.0.0",
            "description": "What a hub publishes, and the commands it takes. The same as a page:"
            " MESSAGES.md. A hub of this version may send further fields: ignore them.",
            "license": {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {
            **{f"send_{channel.name}": _send(channel) for channel in FROM_HUB},
            **{f"receive_{channel.name}": _receive(channel) for channel in TO_HUB},
        },
        "components": {
            "schemas": {name: _moved(schema) for name, schema in all_schemas.items()},
            "messages": {
                kind.__name__: _message(kind.__name__, channel, all_schemas)
                for channel in CHANNELS
                for kind in channel.payloads
            },
            "parameters": {
                name: {"description": description} for name, description in PARAMETERS.items()
            },
            "securitySchemes": {
                "password": {
                    "type": "userPassword",
                    "description": "The broker's access list goes by user: a hub writes its own"
                    " topics and reads its commands, a coach reads all and writes commands, a"
                    " viewer reads.",
                },
                "certificate": {"type": "X509", "description": "Of the hub or coach itself."},
            },
        },
    }


def _servers() -> dict[str, Any]:
    broker = {"host": {"default": "hub.local", "description": "Where the broker runs."}}
    secure = [
        {"$ref": f"#/components/securitySchemes/{name}"} for name in ("password", "certificate")
    ]
    return {
        "broker": {
            "host": "{host}:8883",
            "protocol": "secure-mqtt",
            "description": "A broker that hubs and coaches share. Version 5 where it has it, else"
            " 3.1.1, which knows no expiry.",
            "variables": broker,
            "security": secure,
            "bindings": {
                "mqtt": {
                    "cleanSession": True,
                    "keepAlive": MQTT_KEEP_ALIVE_S,
                    "lastWill": {
                        "topic": FROM_HUB[0].address,
                        "qos": 1,
                        "retain": True,
                        "message": "A Status whose state is offline.",
                    },
                    **MQTT_BINDING,
                }
            },
        },
        "own": {
            "host": "localhost:1883",
            "protocol": "mqtt",
            "description": "The hub's own broker, where no other is named: for this machine only,"
            " unless the settings say otherwise.",
        },
        "own_pages": {
            "host": "localhost:9001",
            "protocol": "ws",
            "description": "The same, for pages in a browser: MQTT over WebSockets.",
        },
    }


def _channel(channel: Channel) -> dict[str, Any]:
    used = [name for name in PARAMETERS if f"{{{name}}}" in channel.address]
    return {
        "address": channel.address,
        "messages": {
            kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"}
            for kind in channel.payloads
        },
        "description": f"Sent {channel.when}.",
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in used},
    }


def _message(name: str, channel: Channel, all_schemas: Mapping[str, Schema]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "title": name,
        "summary": all_schemas[name]["description"],
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }
    if channel.is_command or channel.name == "ack":
        message["correlationId"] = {
            "description": "A command and its answer have the same id.",
            "location": "$message.payload#/id",
        }
    return message


def _send(channel: Channel) -> dict[str, Any]:
    binding: dict[str, Any] = {"qos": channel.qos, "retain": channel.retain}
    if channel.expiry_s is not None:
        binding["messageExpiryInterval"] = channel.expiry_s
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "summary": f"Sent {channel.when}.",
        "messages": _messages(channel),
        "bindings": {"mqtt": {**binding, **MQTT_BINDING}},
    }


def _receive(channel: Channel) -> dict[str, Any]:
    (ack,) = (channel for channel in FROM_HUB if channel.name == "ack")
    return {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "messages": _messages(channel),
        "bindings": {"mqtt": {"qos": channel.qos, **MQTT_BINDING}},
        "reply": {"channel": {"$ref": f"#/channels/{ack.name}"}, "messages": _messages(ack)},
    }


def _messages(channel: Channel) -> list[dict[str, str]]:
    return [
        {"$ref": f"#/channels/{channel.name}/messages/{kind.__name__}"} for kind in channel.payloads
    ]


def _moved(value: Any) -> Any:
    """Schemas that refer to each other as an AsyncAPI document does."""
    if isinstance(value, dict):
        return {
            key: inner.replace("#/$defs/", "#/components/schemas/")
            if key == "$ref"
            else _moved(inner)
            for key, inner in value.items()
        }
    return [_moved(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    sys.exit(main())
