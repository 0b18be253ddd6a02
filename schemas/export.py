"""The contract for other languages and tools: JSON Schema (2020-12) per event type and record, one AsyncAPI document.

``write`` puts them where they are committed; ``differences`` tells whether that is current. The output depends on the
models and the topics' YAML only, so the same contract gives the same bytes.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from schemas.registry import TopicSpec, topics

EXPORT = Path(__file__).parent / "export"
BASELINE = Path(__file__).parent / "baseline"
"""The JSON Schemas of the released version, which ``schemas.compat`` compares with."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ASYNCAPI = "3.0.0"
KAFKA_BINDING = "0.5.0"
COMPONENTS = "#/components/schemas/{model}"
CLOUDEVENTS_JSON = "application/cloudevents+json"

Schema = dict[str, Any]


def json_schemas() -> dict[str, Schema]:
    """Every JSON Schema by its name below the export, ``<direction>/<event type, record kind or topic>``."""
    found: dict[str, Schema] = {}
    for spec in topics().values():
        for name, model in spec.models.items():
            path = f"{spec.direction}/{name}"
            if path not in found:
                found[path] = _json_schema(model)
    return dict(sorted(found.items()))


def asyncapi() -> Schema:
    """The AsyncAPI document: a channel per topic, a message per event type or record."""
    specs = topics()
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "Contact Streams",
            "version": max((spec.version for spec in specs.values()), key=_version_order),
            "description": "Contact events in; customer journeys, segments, KPI readings and alerts out.",
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(spec) for name, spec in specs.items()},
        "operations": {_operation_name(spec): _operation(spec) for spec in specs.values()},
        "components": {"messages": _messages(specs.values()), "schemas": _component_schemas(specs.values())},
    }


def rendered() -> dict[str, str]:
    """File name below the export → its text."""
    files = {f"json/{name}.json": _text(schema) for name, schema in json_schemas().items()}
    return {"asyncapi.json": _text(asyncapi()), **files}


def write(directory: Path = EXPORT) -> list[str]:
    """Bring a directory's export up to date; files that no longer belong to it are deleted. Returns what changed."""
    changes = differences(directory)
    _replace(directory, rendered())
    return changes


def _replace(directory: Path, wanted: Mapping[str, str]) -> None:
    for path in _present(directory) - wanted.keys():
        (directory / path).unlink()
    for path, text in wanted.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text, encoding="utf-8")


def differences(directory: Path = EXPORT) -> list[str]:
    """How a directory's export differs from the models: one sentence per file, nothing when it is current."""
    wanted = rendered()
    present = _present(directory)
    found = [f"{path} is missing" for path in wanted.keys() - present]
    found += [f"{path} belongs to no model any more" for path in present - wanted.keys()]
    for path in wanted.keys() & present:
        if (directory / path).read_text(encoding="utf-8") != wanted[path]:
            found.append(f"{path} is out of date")
    return sorted(found)


def write_baseline(directory: Path = BASELINE) -> None:
    """Make the current JSON Schemas the released version."""
    wanted = {path: text for path, text in rendered().items() if path.startswith("json/")}
    _replace(directory, wanted)


def read_schemas(directory: Path) -> dict[str, Schema]:
    """The JSON Schemas of an export or baseline, by name as in ``json_schemas``."""
    root = directory / "json"
    files = sorted(root.glob("*/*.json"))
    return {file.relative_to(root).with_suffix("").as_posix(): json.loads(file.read_text("utf-8")) for file in files}


def _present(directory: Path) -> set[str]:
    files = [*directory.glob("asyncapi.json"), *directory.glob("json/*/*.json")]
    return {file.relative_to(directory).as_posix() for file in files}


def _json_schema(model: type[BaseModel]) -> Schema:
    return {"$schema": DIALECT, **model.model_json_schema(schema_generator=_Generator)}


class _Generator(GenerateJsonSchema):
    """Without titles made up from field names: they say nothing that the names do not."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _version_order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _channel(spec: TopicSpec) -> Schema:
    return {
        "address": spec.topic,
        "title": spec.title,
        "description": spec.description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in spec.models},
        "bindings": {
            "kafka": {
                "topic": spec.topic,
                "partitions": spec.partitions,
                "topicConfiguration": _topic_configuration(spec),
                "bindingVersion": KAFKA_BINDING,
            }
        },
        "x-key": spec.key,
        "x-version": spec.version,
        "x-producers": spec.producers,
        "x-consumers": spec.consumers,
    }


def _topic_configuration(spec: TopicSpec) -> Schema:
    """The settings the Kafka binding knows, in its types; the others as they are."""
    config: Schema = dict(spec.kafka_config())
    config["cleanup.policy"] = config["cleanup.policy"].split(",")
    if "retention.ms" in config:
        config["retention.ms"] = int(config["retention.ms"])
    return config


def _operation_name(spec: TopicSpec) -> str:
    return f"{_action(spec)}.{spec.topic}"


def _action(spec: TopicSpec) -> str:
    return "receive" if spec.direction == "input" else "send"


def _operation(spec: TopicSpec) -> Schema:
    return {
        "action": _action(spec),
        "channel": {"$ref": f"#/channels/{spec.topic}"},
        "summary": f"{'Read' if spec.direction == 'input' else 'Written'} by {_spoken(spec)}",
    }


def _spoken(spec: TopicSpec) -> str:
    return ", ".join(spec.consumers if spec.direction == "input" else spec.producers)


def _messages(specs: Iterable[TopicSpec]) -> Schema:
    """A message per event type or record, with the examples of every topic that carries it."""
    found: dict[str, Schema] = {}
    for spec in specs:
        for name, model in spec.models.items():
            message = found.setdefault(name, _message(spec, name, model))
            message["examples"] += _examples(spec, name)
    return {name: {key: part for key, part in found[name].items() if part != []} for name in sorted(found)}


def _message(spec: TopicSpec, name: str, model: type[BaseModel]) -> Schema:
    return {
        "name": name,
        "contentType": CLOUDEVENTS_JSON if spec.direction == "input" else "application/json",
        "payload": {"$ref": COMPONENTS.format(model=model.__name__)},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": KAFKA_BINDING}},
        "examples": [],
    }


def _examples(spec: TopicSpec, name: str) -> list[Schema]:
    fitting = [e for e in spec.examples if spec.direction == "output" or e.value.get(spec.discriminator) == name]
    return [{"name": e.summary, "payload": e.value} for e in fitting]


def _component_schemas(specs: Iterable[TopicSpec]) -> Schema:
    models = {model.__name__: model for spec in specs for model in spec.models.values()}
    pairs: list[tuple[type[BaseModel], Any]] = [(models[name], "validation") for name in sorted(models)]
    refs, document = models_json_schema(pairs, ref_template="{model}", schema_generator=_Generator)
    names = {refs[model, mode]["$ref"]: model.__name__ for model, mode in pairs}
    renamed = {names.get(name, name): _with_refs(schema, names) for name, schema in document["$defs"].items()}
    return dict(sorted(renamed.items()))


def _with_refs(schema: Any, names: Mapping[str, str]) -> Any:
    """The schema with every reference pointing into the document's components, generic models by their short name."""
    if isinstance(schema, list):
        return [_with_refs(part, names) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _with_refs(part, names) for key, part in schema.items()}
    if "$ref" in found:
        found["$ref"] = COMPONENTS.format(model=names.get(found["$ref"], found["$ref"]))
    return found
