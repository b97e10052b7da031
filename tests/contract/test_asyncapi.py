"""docs/asyncapi.json, docs/schemas/ and docs/MESSAGES.md: whole, valid, and what the hub has.

vectors/asyncapi-3.0.0.schema.json.gz is the AsyncAPI initiative's own schema of such documents,
unchanged: schemas/3.0.0-without-$id.json of the npm package @asyncapi/specs 6.11.1 (Apache-2.0).
"""

import copy
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from stridehub.mqtt import messages
from stridehub.mqtt.commands import COMMANDS
from stridehub.mqtt.messages import Ack, AckState, InSequence, Message, StrideMessage
from stridehub.mqtt.topics import Topics

Document = dict[str, Any]


@pytest.fixture(scope="module")
def document(root: Path) -> Document:
    found: Document = json.loads((root / "docs" / "asyncapi.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "MESSAGES.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def specification(root: Path) -> Draft7Validator:
    path = root / "tests" / "vectors" / "asyncapi-3.0.0.schema.json.gz"
    return Draft7Validator(json.loads(gzip.decompress(path.read_bytes())))


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from references(inner)


def found(reference: str, document: Any) -> Any:
    """Raises KeyError."""
    assert reference.startswith("#/")
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


# ---- as the types have it ----


def test_all_is_as_the_types_have_it(root: Path) -> None:
    command: list[str | Path] = [sys.executable, root / "docs" / "asyncapi.py", "--check"]
    done = subprocess.run(command, check=False)
    assert done.returncode == 0, "python docs/asyncapi.py writes them anew"


def test_every_message_and_command_has_its_schema_and_place(document: Document, root: Path) -> None:
    kinds = {kind for kind in vars(messages).values() if isinstance(kind, type)}
    sent = {kind.__name__ for kind in kinds if issubclass(kind, Message | StrideMessage)}
    sent -= {Message.__name__, InSequence.__name__}
    known = sent | {kind.__name__ for kind in COMMANDS.values()}
    assert set(document["components"]["messages"]) == known
    assert {path.stem for path in (root / "docs" / "schemas").iterdir()} == known
    used = [name for channel in document["channels"].values() for name in channel["messages"]]
    assert sorted(used) == sorted(known)


def test_every_topic_is_there(document: Document) -> None:
    topics = Topics("{hub}")
    given = {"runner": "{runner}", "pod": "{pod}", "name": "{name}"}
    expected = set()
    for name, member in vars(Topics).items():
        if isinstance(member, property):
            expected.add(getattr(topics, name))
        elif callable(member) and not name.startswith("_"):
            (argument,) = [key for key in member.__annotations__ if key != "return"]
            expected.add(getattr(topics, name)(given[argument]))
    expected -= {topics.everything, topics.commands, topics.command("{name}")}
    expected.remove(topics.doctor)  # nobody listens there
    expected |= {topics.command(name) for name in COMMANDS}
    assert {channel["address"] for channel in document["channels"].values()} == expected


def test_each_channel_is_used_once_and_in_the_right_direction(document: Document) -> None:
    channels = {}
    for operation in document["operations"].values():
        name = operation["channel"]["$ref"].rpartition("/")[2]
        assert name not in channels
        channels[name] = operation["action"]
    assert channels == {
        name: "receive" if "/cmd/" in channel["address"] else "send"
        for name, channel in document["channels"].items()
    }


def test_sequences_are_sent_so_that_none_is_lost(document: Document) -> None:
    for operation in document["operations"].values():
        binding = operation["bindings"]["mqtt"]
        for message in operation["messages"]:
            name = message["$ref"].rpartition("/")[2]
            schema = document["components"]["schemas"][name]
            if "seq" in schema["properties"]:
                assert (binding["qos"], binding["retain"]) == (1, False)


# ---- valid ----


def test_the_document_is_valid_by_the_specification(
    document: Document, specification: Draft7Validator
) -> None:
    assert [error.json_path for error in specification.iter_errors(document)] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("asyncapi"),
        lambda document: document["info"].pop("version"),
        lambda document: document["channels"]["status"].update(topic="x"),
        lambda document: document["operations"]["send_stride"].update(action="publish"),
        lambda document: document["operations"]["send_stride"]["bindings"]["mqtt"].update(qos=3),
        lambda document: document["components"]["schemas"]["Ack"].update(type="struct"),
        lambda document: document["components"]["securitySchemes"]["password"].pop("type"),
    ],
)
def test_a_document_that_is_not_valid_is_found(
    document: Document, specification: Draft7Validator, spoil: Callable[[Document], object]
) -> None:
    spoiled = copy.deepcopy(document)
    spoil(spoiled)
    assert not specification.is_valid(spoiled)


def test_all_that_is_referred_to_is_there(document: Document) -> None:
    used = set(references(document))
    assert len(used) > 50
    for reference in used:
        found(reference, document)
    for part in ("schemas", "messages", "parameters", "securitySchemes"):
        for name in document["components"][part]:
            assert f"#/components/{part}/{name}" in used


def test_parameters_are_those_of_the_address(document: Document) -> None:
    for channel in document["channels"].values():
        assert set(re.findall(r"\{(\w+)\}", channel["address"])) == set(channel["parameters"])


def test_every_schema_stands_alone(root: Path) -> None:
    for path in (root / "docs" / "schemas").iterdir():
        schema = json.loads(path.read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
        for reference in references(schema):
            found(reference, schema)


def test_a_schema_tells_good_from_bad(root: Path) -> None:
    schema = json.loads((root / "docs" / "schemas" / "Ack.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(schema)
    ack = msgspec.to_builtins(Ack(t=1, id="c1", command="mute", state=AckState.DONE))
    assert validator.is_valid(ack)
    assert validator.is_valid(ack | {"news": "of a later hub"})
    assert not validator.is_valid(ack | {"state": "perhaps"})
    assert not validator.is_valid({key: ack[key] for key in ack if key != "reason"})


def test_nothing_in_it_is_of_python_only(document: Document) -> None:
    text = json.dumps(document)
    assert not re.search(r"\\Z|\bNone\b|\bTrue\b|\bFalse\b", text)


# ---- for people ----


def test_every_topic_type_and_field_is_on_the_page(document: Document, page: str) -> None:
    for channel in document["channels"].values():
        assert f"`{channel['address']}`" in page
    for name, schema in document["components"]["schemas"].items():
        section = page.partition(f"### {name}\n")[2].partition("\n### ")[0]
        for field in schema.get("properties", {}):
            assert f"| `{field}` |" in section
        for value in schema.get("enum", ()):
            assert f"- `{value}`" in section


def test_every_link_of_the_page_leads_somewhere(root: Path, page: str) -> None:
    headings = {heading.lower() for heading in re.findall(r"^#+ (.*)$", page, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)]+)\)", page):
        if target.startswith("#"):
            assert target.removeprefix("#") in headings
        else:
            assert (root / "docs" / target).exists()
