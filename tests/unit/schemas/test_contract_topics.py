"""The topics' YAML: every example fits, every type has one, and mistakes are named."""

import json
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest

from schemas import alert_records as alert_models
from schemas import internal, registry
from schemas import links as between
from schemas.data import Channel
from schemas.events import EVENTS, FIELDS
from schemas.export import json_schemas
from schemas.registry import Example, RegistryError, TopicSpec, load, topics
from streams.base import alert_records, links, records

TOPICS = topics()
EXAMPLES = [
    pytest.param(spec, example, id=f"{name}-{number}")
    for name, spec in TOPICS.items()
    for number, example in enumerate(spec.examples)
]
SCHEMAS = json_schemas()


def test_every_topic_of_the_system_is_described() -> None:
    channels = {f"contacts.{channel}" for channel in get_args(Channel)}
    others = {
        "customers.profile",
        "customers.events",
        "agents.state",
        "alert.commands",
        "alert.silences",
        "alert.rules",
        "identity.commands",
    }
    outputs = {
        "journeys",
        "journey.events",
        "segments",
        "kpis",
        "alerts",
        "alert.events",
        "identity.changes",
        "queue.state",
    }
    outputs |= {
        "api.audit",
        "contacts.dead-letters",
        "customer.quiet",
        "outreach",
        "privacy.proofs",
        "defect.signals",
        "recommendations",
        "contact.quality",
        "notify.dead-letters",
    }
    inner = {"contact.normalised", "contact.interactions", "contact.measurements", "identity.links", "alert.conditions"}
    by_direction = {
        direction: {name for name, spec in TOPICS.items() if spec.direction == direction}
        for direction in ("input", "output", "internal")
    }
    assert by_direction == {
        "input": channels | others,
        "output": outputs | {"contacts.dead-letters"},
        "internal": inner,
    }


@pytest.mark.parametrize(("spec", "example"), EXAMPLES)
def test_example_fits_its_model(spec: TopicSpec, example: Example) -> None:
    assert spec.check(example.value) is None


@pytest.mark.parametrize(("spec", "example"), EXAMPLES)
def test_example_fits_its_exported_schema(spec: TopicSpec, example: Example) -> None:
    kind = spec.topic if spec.direction == "output" else example.value[spec.discriminator]
    jsonschema.Draft202012Validator(
        SCHEMAS[f"{spec.direction}/{kind}"], format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(example.value)


@pytest.mark.parametrize(("spec", "example"), EXAMPLES)
def test_example_has_the_key_of_its_topic(spec: TopicSpec, example: Example) -> None:
    told = spec.key_of(example.value)
    assert told is None or example.key == told
    if spec.topic.startswith("contacts.") and "contact_id" in example.value.get("data", {}):
        assert example.key == example.value["data"]["contact_id"]
        assert spec.channel == example.value["data"]["channel"]


def test_every_event_type_has_an_example() -> None:
    shown = {e.value["type"] for spec in TOPICS.values() if spec.direction == "input" for e in spec.examples}
    assert EVENTS.keys() - shown == set(), "add an example to the YAML of a topic that carries it"


@pytest.mark.parametrize("kind", [kind for kind in EVENTS if not kind.startswith("replay.")])
def test_every_field_of_a_type_is_in_an_example(kind: str) -> None:
    inputs = [example.value for spec in TOPICS.values() if spec.direction == "input" for example in spec.examples]
    shown = {name for value in inputs if value["type"] == kind for name in value["data"]}
    assert set(FIELDS[kind]) - shown == set(), "add it to the example of a topic that carries the type"


def test_every_internal_record_has_an_example() -> None:
    for spec in TOPICS.values():
        if spec.direction == "internal":
            assert set(spec.models) == {e.value["kind"] for e in spec.examples}, spec.topic


@pytest.mark.parametrize(
    ("model", "record"),
    [
        (internal.EventRecord, records.Event),
        (internal.ProfileRecord, records.Profile),
        (internal.CustomerEventRecord, records.CustomerEvent),
        (internal.AgentRecord, records.AgentState),
        (alert_models.CommandRecord, alert_records.Command),
        (internal.LeftRecord, records.Left),
        (internal.FactRecord, records.Fact),
        (internal.FactsRecord, records.Facts),
        (internal.ProgressRecord, records.Progress),
        (internal.LineProgress, records.Line),
        (between.ShownRecord, links.Shown),
        (internal.WordRecord, links.Word),
        (between.JoinedRecord, links.Joined),
        (between.SaidRecord, links.Said),
        (between.WatchedRecord, links.Watched),
        (between.ToldRecord, links.Told),
        (between.AgainRecord, links.Again),
        (between.HurriedRecord, links.Hurried),
        (between.RestsRecord, links.Rests),
        (between.RoundRecord, links.Round),
        (alert_models.ConditionRecord, alert_records.Condition),
        (alert_models.ConditionSubject, alert_records.ConditionSubject),
        (alert_models.SilencedRecord, alert_records.Silenced),
        (internal.GroupedRecord, records.Grouped),
        (internal.MovedRecord, records.Moved),
        (internal.HandedRecord, records.Handed),
        (internal.RuledRecord, records.Ruled),
    ],
)
def test_internal_models_describe_the_records(model: Any, record: Any) -> None:
    described = {name: field.is_required() for name, field in model.model_fields.items() if name != "kind"}
    actual = {field.encode_name: field.required for field in msgspec.structs.fields(record)}
    assert described == actual


@pytest.mark.parametrize(("spec", "example"), [p for p in EXAMPLES if p.values[0].direction == "internal"])  # type: ignore[union-attr]
def test_internal_examples_are_records(spec: TopicSpec, example: Example) -> None:
    union = {
        "contact.normalised": links.Read,
        "contact.interactions": records.Interaction,
        "contact.measurements": records.Measurement,
        "identity.links": links.Link,
        "alert.conditions": alert_records.AlertRecord,
    }[spec.topic]
    record = msgspec.json.decode(json.dumps(example.value), type=union)
    assert json.loads(msgspec.json.encode(record)) == example.value


def test_how_topics_are_kept() -> None:
    day, week, month = (str(days * 86_400_000) for days in (1, 7, 31))
    assert TOPICS["contacts.voice"].kafka_config() == {
        "cleanup.policy": "delete",
        "retention.ms": week,
        "segment.ms": day,
        "message.timestamp.type": "LogAppendTime",
    }
    assert TOPICS["kpis"].kafka_config() == {"cleanup.policy": "delete", "retention.ms": month, "segment.ms": day}
    assert TOPICS["alert.events"].kafka_config() == TOPICS["kpis"].kafka_config()
    stamped = {"message.timestamp.type": "LogAppendTime"}
    assert TOPICS["contacts.dead-letters"].kafka_config() == TOPICS["kpis"].kafka_config() | stamped
    within = {"max.compaction.lag.ms": day, "delete.retention.ms": day}
    for compacted in ("alerts", "journeys", "segments", "queue.state", "privacy.proofs"):
        assert TOPICS[compacted].kafka_config() == {"cleanup.policy": "compact"} | within
    assert {name: spec.partitions for name, spec in TOPICS.items() if spec.partitions != 4} == dict.fromkeys(
        ("alert.commands", "alert.conditions", "alert.rules", "alert.silences", "api.audit"), 1
    )
    for spec in TOPICS.values():
        if spec.direction in ("input", "internal"):
            assert spec.config["message.timestamp.type"] == "LogAppendTime", "publishers' clocks decide nothing"


GOOD = """
topic: demo
title: Demo
description: A topic.
direction: output
version: 1.0.0
model: schemas.outputs.Segment
key: "{customer}"
partitions: 4
compacted: true
producers: [track]
consumers: [desk]
examples:
  - {summary: one, key: c, value: {customer: c, at: 2026-03-02T09:15:00Z}}
"""


def written(directory: Path, text: str) -> Path:
    file = directory / "demo.yaml"
    file.write_text(text)
    return file


def test_times_in_yaml_stay_strings(tmp_path: Path) -> None:
    assert load(written(tmp_path, GOOD)).examples[0].value["at"] == "2026-03-02T09:15:00Z"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("partitions: 4", "partitions: 0", "partitions must be 1 or more"),
        ("partitions: 4\n", "", "partitions is missing; it is required"),
        ("compacted: true\n", "", "compacted: true or retention_days"),
        ("compacted: true", "compacted: true\nretention_days: 7", "compacted: true or retention_days"),
        ("schemas.outputs.Segment", "schemas.outputs.Segmnt", "no model at schemas.outputs.Segmnt"),
        ("direction: output", "direction: sideways", "direction must be 'input', 'output' or 'internal'"),
        ("producers: [track]", "producers: []", "producers must not be empty"),
        ("title: Demo", "title: Demo\nowner: x", "owner"),
        ("summary: one, ", "", "examples[0].summary is missing"),
        ("topic: demo", "topic: other", "topic must be demo, the name of the file, got other"),
        ("title: Demo", "title: [Demo", "line"),
    ],
)
def test_mistakes_name_the_file_and_the_field(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(RegistryError) as caught:
        load(written(tmp_path, GOOD.replace(old, new)))
    assert "demo.yaml: " in str(caught.value)
    assert told in str(caught.value)


def test_records_of_a_topic_are_checked() -> None:
    problem = TOPICS["segments"].check({"customer": "c"})
    assert problem is not None
    assert (problem.reason, problem.path) == ("missing-field", "segment")
    problem = TOPICS["contact.measurements"].check({"kind": "fact", "fact": "leg_opned"})
    assert problem is not None
    assert (problem.reason, problem.path) == ("wrong-type", "fact")


def test_the_registry_is_read_once_and_cannot_be_spoilt() -> None:
    topics().clear()
    assert registry.topics().keys() == TOPICS.keys()
