"""The exported contract is current, well-formed and compatible with the released one."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from schemas.compat import compare
from schemas.events import EVENTS
from schemas.export import BASELINE, EXPORT, asyncapi, differences, json_schemas, read_schemas, rendered, write
from schemas.registry import topics

DOCUMENT = asyncapi()


def test_the_committed_export_is_current() -> None:
    assert differences(EXPORT) == [], "run contact-streams schemas export"


def test_no_change_breaks_the_released_contract() -> None:
    assert compare(read_schemas(BASELINE), json_schemas()) == []


def test_every_event_type_and_output_is_exported() -> None:
    names = set(json_schemas())
    assert {f"input/{type_}" for type_ in EVENTS} <= names
    assert {f"output/{name}" for name, spec in topics().items() if spec.direction == "output"} <= names


@pytest.mark.parametrize("name", sorted(json_schemas()))
def test_schema_is_json_schema_and_keeps_unknown_fields(name: str) -> None:
    schema = json_schemas()[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is True


def test_writing_repairs_and_the_same_contract_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "asyncapi.json").write_text("{}")
    stale = tmp_path / "json" / "input" / "contact.forgotten.json"
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    (tmp_path / "notes.json").write_text("not ours")
    changes = write(tmp_path)
    assert "asyncapi.json is out of date" in changes
    assert "json/input/contact.forgotten.json belongs to no model any more" in changes
    assert "json/output/alerts.json is missing" in changes
    assert not stale.exists()
    assert (tmp_path / "notes.json").exists()
    assert differences(tmp_path) == []
    assert rendered() == rendered()


def resolve(reference: str) -> Any:
    found: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT)))
    assert references
    for reference in references:
        assert isinstance(resolve(reference), dict), reference


def test_asyncapi_describes_every_topic() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"]["title"] == "Contact Streams"
    assert DOCUMENT["channels"].keys() == topics().keys()
    for name, spec in topics().items():
        channel = DOCUMENT["channels"][name]
        assert channel["address"] == name
        assert channel["messages"].keys() == spec.models.keys()
        assert channel["bindings"]["kafka"]["partitions"] == spec.partitions
        action = "receive" if spec.direction == "input" else "send"
        assert DOCUMENT["operations"][f"{action}.{name}"]["channel"] == {"$ref": f"#/channels/{name}"}
    raw = DOCUMENT["channels"]["contacts.voice"]["bindings"]["kafka"]["topicConfiguration"]
    assert raw == {
        "cleanup.policy": ["delete"],
        "retention.ms": 604_800_000,
        "segment.ms": "86400000",
        "message.timestamp.type": "LogAppendTime",
    }


def test_asyncapi_messages_carry_payloads_and_examples() -> None:
    for name, message in DOCUMENT["components"]["messages"].items():
        payload = resolve(message["payload"]["$ref"])
        assert payload["type"] == "object", name
    queued = DOCUMENT["components"]["messages"]["contact.queued"]
    assert queued["payload"] == {"$ref": "#/components/schemas/ContactQueued"}
    assert queued["contentType"] == "application/cloudevents+json"
    assert {e["payload"]["type"] for e in queued["examples"]} == {"contact.queued"}
