"""The topics: one YAML file each under ``schemas/topics``, read into ``TopicSpec``.

With ``flow`` and ``routing``, which are derived from them, the part of the contract that needs PyYAML; the models do
without.
"""

from collections.abc import Mapping
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from schemas.data import Channel
from schemas.problems import Problem, describe

TOPICS = Path(__file__).parent / "topics"
DAY_MS = 86_400_000
SEGMENT_MS = DAY_MS
"""A record is deleted with the last one of its segment: so much later than its retention says, at most."""
COMPACTED_WITHIN: Mapping[str, str] = {"max.compaction.lag.ms": str(DAY_MS), "delete.retention.ms": str(DAY_MS)}
"""A record that was replaced or removed is gone after the first, and the name of what was removed after both."""
TIMESTAMP = "tag:yaml.org,2002:timestamp"

Direction = Literal["input", "output", "internal"]
Named = Annotated[str, Field(min_length=1)]
AnyModel = type[BaseModel]


class RegistryError(Exception):
    """A topic's YAML cannot be used; the message names the file and the field."""


class Example(BaseModel):
    """One record as it looks on the topic."""

    model_config = ConfigDict(extra="forbid")

    summary: Named
    """What it shows."""
    key: str | None
    """The record's key; ``None`` for markers, which go to every partition."""
    value: dict[str, Any]
    """The record's value, decoded."""


class TopicSpec(BaseModel):
    """One topic: who writes and reads it, how it is kept, what a record looks like."""

    model_config = ConfigDict(extra="forbid")

    topic: Named
    title: Named
    description: Named
    direction: Direction
    channel: Channel | None = None
    """Of a topic of contacts: the channel whose contacts lie on it."""
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    """Semantic version of the topic's contract."""
    model: Named
    """Dotted path of a model or of a union of models, for example ``schemas.outputs.Journey``."""
    key: Named
    """A template over the value, ``{data.contact_id}``, or words where no template tells it. ``{line/}`` is the line
    with a ``/`` behind it, nothing for the live one."""
    partitions: Annotated[int, Field(ge=1)]
    compacted: bool = False
    """Only the latest record of a key is kept, without limit of time."""
    retention_days: Annotated[int, Field(ge=1)] | None = None
    """How long a record is kept on a topic that is not compacted."""
    config: dict[str, str] = {}
    """Further Kafka topic settings."""
    producers: Annotated[list[Named], Field(min_length=1)]
    feedback: list[Named] = []
    """Those producers that stand behind a consumer in the flow: it waits for nothing of theirs."""
    consumers: Annotated[list[Named], Field(min_length=1)]
    examples: Annotated[list[Example], Field(min_length=1)]

    @field_validator("model")
    @classmethod
    def _model_exists(cls, path: str) -> str:
        resolve(path)
        return path

    @model_validator(mode="after")
    def _kept_one_way(self) -> "TopicSpec":
        if self.compacted == (self.retention_days is not None):
            raise ValueError("needs either compacted: true or retention_days, not both and not neither")
        return self

    def kafka_config(self) -> dict[str, str]:
        """The settings the topic is created with, by Kafka's names."""
        if self.compacted:
            return {"cleanup.policy": "compact", **COMPACTED_WITHIN, **self.config}
        kept = str((self.retention_days or 0) * DAY_MS)
        return {"cleanup.policy": "delete", "retention.ms": kept, "segment.ms": str(SEGMENT_MS), **self.config}

    @cached_property
    def discriminator(self) -> str:
        """The field that tells the topic's models apart: ``type`` of events, ``kind`` of internal records."""
        return "kind" if self.direction == "internal" else "type"

    @cached_property
    def models(self) -> Mapping[str, AnyModel]:
        """Event type, record kind or, for an output, the topic's name → model."""
        members = members_of(resolve(self.model))
        if self.direction == "output":
            return {self.topic: members[0]}
        return {kind_of(model, self.discriminator): model for model in members}

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        model = resolve(self.model)
        one = len(self.models) == 1
        return TypeAdapter(model if one else Annotated[model, Field(discriminator=self.discriminator)])

    def check(self, value: object) -> Problem | None:
        """What is wrong with a decoded value as a record of this topic; ``None`` when nothing is."""
        try:
            self._adapter.validate_python(value)
        except ValidationError as error:
            return describe(error, self.models if len(self.models) > 1 else {})
        return None

    def key_of(self, value: Mapping[str, Any]) -> str | None:
        """The key a record with this value has, where the template tells it and every field in it is there."""
        parts = self.key.replace("}", "{").split("{")
        if len(parts) == 1:
            return None
        fields = [_at(value, part) if index % 2 else part for index, part in enumerate(parts)]
        return None if any(field is None for field in fields) else "".join(str(field) for field in fields)


def resolve(path: str) -> Any:
    """The model or union at a dotted path.

    Raises ``ValueError`` when there is none.
    """
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"no model at {path}") from error


def members_of(model: Any) -> tuple[AnyModel, ...]:
    """The models of a union, or the model itself."""
    return get_args(model) if get_origin(model) in (Union, UnionType) else (model,)


def kind_of(model: AnyModel, discriminator: str) -> str:
    """The one value that the field has in this model: its event type, its kind of record."""
    found: str = get_args(model.model_fields[discriminator].annotation)[0]
    return found


def load(file: Path) -> TopicSpec:
    """One topic's YAML.

    Raises ``RegistryError`` naming the file and the field, or the line where it is no YAML.
    """
    try:
        document = yaml.load(file.read_text(encoding="utf-8"), _loader())  # noqa: S506 (a subclass of the safe loader)
        spec = TopicSpec.model_validate(document)
    except yaml.YAMLError as error:
        raise RegistryError(f"{file}: {error}") from error
    except ValidationError as error:
        raise RegistryError(f"{file}: {describe(error, {}).message}") from error
    if file.stem != spec.topic:
        raise RegistryError(f"{file}: topic must be {file.stem}, the name of the file, got {spec.topic}")
    return spec


def load_all(directory: Path) -> dict[str, TopicSpec]:
    """Every topic's YAML in a directory, by topic name."""
    return {spec.topic: spec for spec in map(load, sorted(directory.glob("*.yaml")))}


@cache
def _shipped() -> dict[str, TopicSpec]:
    return load_all(TOPICS)


def topics() -> dict[str, TopicSpec]:
    """Every topic of the system, by name in alphabetical order.

    Raises ``RegistryError``.
    """
    return dict(_shipped())


@cache
def _loader() -> Any:
    """A safe loader that leaves times as the strings they are on the wire."""
    base = cast(Any, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    resolvers = {
        first: [(tag, pattern) for tag, pattern in pairs if tag != TIMESTAMP]
        for first, pairs in base.yaml_implicit_resolvers.items()
    }
    return type("ContractLoader", (base,), {"yaml_implicit_resolvers": resolvers})


def _at(value: Any, path: str) -> Any:
    if path.endswith("/"):
        found = _at(value, path[:-1])
        return f"{found}/" if found else found
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
