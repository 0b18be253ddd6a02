"""YAML with line numbers: what lets a validation error say where it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

Path = Sequence[str | int]


class DocumentError(Exception):
    """The text is not one YAML mapping with distinct keys; ``line`` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True)
class Document:
    """One YAML mapping: its plain values, and its nodes for the lines."""

    values: dict[str, Any]
    root: yaml.MappingNode

    def line_of(self, path: Path) -> int:
        """Line (from 1) of the deepest node on ``path`` that exists; steps that name no node are passed over."""
        node: yaml.Node = self.root
        line: int = node.start_mark.line + 1
        for step in path:
            found = _child(node, step)
            if found is not None:
                node, line = found
        return line


def parse(text: str) -> Document:
    """Read ``text`` as one YAML mapping. Raises DocumentError."""
    try:
        root, values = _read(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise DocumentError(1, f"not YAML: {error}") from error
    if not isinstance(root, yaml.MappingNode):
        raise DocumentError(1, "expected a YAML mapping (key: value) at the top")
    for line, key in _repeated_keys(root, set()):
        raise DocumentError(line, f"the key {key!r} occurs twice")
    return Document(values, root)


class _Loader(yaml.SafeLoader):
    pass


class _Quick(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    pass


def _date(loader: Any, node: yaml.ScalarNode) -> object:
    """A date; one that does not exist (2026-02-30) stays text, for who reads it to say so, with its line."""
    try:
        return yaml.SafeLoader.construct_yaml_timestamp(loader, node)
    except ValueError:
        return node.value


for _each in (_Loader, _Quick):
    _each.add_constructor("tag:yaml.org,2002:timestamp", _date)


def _read(text: str) -> tuple[yaml.Node | None, Any]:
    """Nodes and values, by libyaml where PyYAML has it: ten times as quick, at every start of a worker and a command.
    What it refuses is read once more, for the mistake in the words of the other, or because that one takes it.
    """
    try:
        return yaml.compose(text, Loader=_Quick), yaml.load(text, Loader=_Quick)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, ValueError):
        return yaml.compose(text, Loader=_Loader), yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        value = node.value[step]
        return value, value.start_mark.line + 1
    return None


def _repeated_keys(node: yaml.Node, seen_nodes: set[int]) -> Iterator[tuple[int, str]]:
    if id(node) in seen_nodes:  # an alias: its node was looked at where it is anchored
        return
    seen_nodes.add(id(node))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield key.start_mark.line + 1, key.value
                seen.add(key.value)
            yield from _repeated_keys(value, seen_nodes)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated_keys(value, seen_nodes)
