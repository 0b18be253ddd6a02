"""Whether a change of a JSON Schema breaks those who use the contract.

One question decides it: can the reader's schema take everything that the writer's schema allows?

- **Inputs** we read: the reader is the new schema, the writers are connectors built on the old one. A new required
  field, a narrower type, enum or limit, a removed event type refuse what connectors send; another default changes what
  they mean.
- **Outputs** others read: the reader is a subscriber built on the old schema, the writer is the new one. A removed
  field, a field that becomes optional, a wider type, enum or limit surprise subscribers.
- **Internal** records count as inputs: a new worker reads what an old one left on the topic.

Unknown fields are allowed everywhere, so a new optional field breaks nobody. Where containment cannot be proved (a
changed pattern), it counts as broken. Schemas that refer to themselves are not supported.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Schema = Mapping[str, Any]
Direction = Literal["input", "output"]

LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
EXACT = ("pattern", "format")


@dataclass(frozen=True, slots=True)
class Side:
    """A schema and the document its references point into."""

    schema: Schema
    root: Schema

    def at(self, schema: Schema) -> "Side":
        """Another schema of the same document, its reference followed."""
        while "$ref" in schema:
            target: Any = self.root
            for step in str(schema["$ref"]).removeprefix("#/").split("/"):
                target = target[step]
            schema = target
        return Side(schema, self.root)

    def alternatives(self) -> list["Side"]:
        """What ``anyOf`` and lists of types allow, one by one."""
        branches = self.schema.get("anyOf") or self.schema.get("oneOf")
        if branches:
            return [part for branch in branches for part in self.at(branch).alternatives()]
        kinds = self.schema.get("type")
        if isinstance(kinds, list):
            return [Side({**self.schema, "type": kind}, self.root) for kind in kinds]
        return [self]

    @property
    def kind(self) -> str | None:
        return self.schema.get("type")

    @property
    def values(self) -> list[Any] | None:
        """The values an enum or constant allows; ``None`` = any."""
        return [self.schema["const"]] if "const" in self.schema else self.schema.get("enum")


def compare(old: Mapping[str, Schema], new: Mapping[str, Schema]) -> list[str]:
    """Every breaking change between two exports (``schemas.export.read_schemas``), a sentence each."""
    found = []
    for name, schema in old.items():
        direction: Direction = "output" if name.startswith("output/") else "input"
        if name not in new:
            whom = "subscribers still read it" if direction == "output" else "connectors still send it"
            found.append(f"{name} is removed: {whom}")
        else:
            found += [f"{name}: {sentence}" for sentence in breaks(schema, new[name], direction)]
    return found


def breaks(old: Schema, new: Schema, direction: Direction) -> list[str]:
    """Every change from ``old`` to ``new`` that breaks connectors (input) or subscribers (output), a sentence each."""
    before, after = Side(old, old).at(old), Side(new, new).at(new)
    if direction == "input":
        return list(_Comparison("connectors", "input").refusals(before, after, ""))
    return list(_Comparison("subscribers", "output").refusals(after, before, ""))


@dataclass(frozen=True, slots=True)
class _Comparison:
    whom: str
    direction: Direction

    def refusals(self, writer: Side, reader: Side, path: str) -> Iterator[str]:
        """What a writer may send that the reader does not take."""
        options = reader.alternatives()
        for written in writer.alternatives():
            fitting = [option for option in options if _type_fits(written, option)]
            if not fitting:
                yield self._type_sentence(written, options, path)
                continue
            yield from min((list(self._inside(written, option, path)) for option in fitting), key=len)

    def _inside(self, writer: Side, reader: Side, path: str) -> Iterator[str]:
        yield from self._values(writer, reader, path)
        yield from self._limits(writer, reader, path)
        yield from self._fields(writer, reader, path)
        for keyword, suffix in (("items", "[]"), ("additionalProperties", "{}"), ("propertyNames", "{name}")):
            yield from self._below(writer, reader, keyword, path + suffix)

    def _values(self, writer: Side, reader: Side, path: str) -> Iterator[str]:
        if reader.values is None:
            return
        if writer.values is None:
            yield self._sentence(path, "is any value" if self._output else "is limited to some values")
            return
        allowed = [_exactly(value) for value in reader.values]
        extra = [value for value in writer.values if _exactly(value) not in allowed]
        if extra:
            words = ", ".join(repr(value) for value in extra)
            yield self._sentence(path, f"may now be {words}" if self._output else f"may no longer be {words}")

    def _limits(self, writer: Side, reader: Side, path: str) -> Iterator[str]:
        for keyword in (*LOWER, *UPPER, *EXACT):
            limit, sent = reader.schema.get(keyword), writer.schema.get(keyword)
            if limit is None or reader.values is not None:
                continue
            if writer.values is not None and all(_within(keyword, limit, value) for value in writer.values):
                continue
            if sent is None or _exceeds(keyword, sent, limit):
                before, after = (limit, sent) if self._output else (sent, limit)
                yield self._sentence(path, f"has another {keyword}, {after} instead of {before}")

    def _fields(self, writer: Side, reader: Side, path: str) -> Iterator[str]:
        sent, read = writer.schema.get("properties", {}), reader.schema.get("properties", {})
        always = set(writer.schema.get("required", ()))
        for name in reader.schema.get("required", ()):
            if name in always or (self._output and name not in sent):
                continue
            yield self._sentence(_join(path, name), "becomes optional" if self._output else "becomes required")
        for name, schema in read.items():
            if name in sent:
                yield from self._default(sent[name], schema, _join(path, name))
                yield from self.refusals(writer.at(sent[name]), reader.at(schema), _join(path, name))
            elif self._output:
                yield self._sentence(_join(path, name), "is removed")

    def _default(self, sent: Schema, read: Schema, path: str) -> Iterator[str]:
        """A field that connectors leave out would mean something else."""
        if self._output or "default" not in sent:
            return
        if _exactly(sent["default"]) != _exactly(read.get("default")):
            yield self._sentence(path, f"has another default, {read.get('default')!r} instead of {sent['default']!r}")

    def _below(self, writer: Side, reader: Side, keyword: str, path: str) -> Iterator[str]:
        """Items of lists, values and names of maps; ``true`` or nothing there means anything."""
        sent, read = writer.schema.get(keyword, True), reader.schema.get(keyword, True)
        if isinstance(read, Mapping):
            if isinstance(sent, Mapping):
                yield from self.refusals(writer.at(sent), reader.at(read), path)
            elif sent:
                yield self._sentence(path, "may now be anything" if self._output else "may no longer be anything")
        elif not read and sent:
            yield self._sentence(path, "may now hold other fields" if self._output else "refuses unknown fields")

    def _type_sentence(self, written: Side, options: Iterable[Side], path: str) -> str:
        kinds = " or ".join(option.kind or "anything" for option in options)
        sent = written.kind or "anything"
        if self._output:
            return self._sentence(path, f"may now be {sent}, it was {kinds}")
        return self._sentence(path, f"may no longer be {sent}, only {kinds}")

    def _sentence(self, path: str, what: str) -> str:
        return f"{path or 'the record'} {what}: that breaks {self.whom}"

    @property
    def _output(self) -> bool:
        return self.direction == "output"


def _type_fits(writer: Side, reader: Side) -> bool:
    return reader.kind is None or writer.kind == reader.kind or (writer.kind, reader.kind) == ("integer", "number")


def _exceeds(keyword: str, sent: Any, limit: Any) -> bool:
    if keyword in LOWER:
        return bool(sent < limit)
    return bool(sent > limit) if keyword in UPPER else bool(sent != limit)


def _within(keyword: str, limit: Any, value: Any) -> bool:
    """Whether one value of an enum keeps a limit."""
    if keyword == "pattern":
        return isinstance(value, str) and re.search(limit, value) is not None
    size = len(value) if keyword.endswith("Length") and isinstance(value, str) else value
    return keyword not in EXACT and not _exceeds(keyword, size, limit)


def _exactly(value: Any) -> tuple[type, Any]:
    """1, 1.0 and true are different values of an enum."""
    return type(value), value


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
