"""The rules of alerts as they are written, for who wants to know what an alert goes by."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import yaml

from streams.base.times import iso
from streams.rules.applied import Applied
from streams.rules.source import RulesError, file_of


@dataclass(frozen=True)
class RuleText:
    """One rule."""

    name: str
    text: str
    """As the file has it."""
    file: str
    """Name of the file, or what was applied in its place, and by whom."""
    line: int | None
    """Where it begins; None where no file has it."""
    digest: str
    """Of the file, so that one sees whether it has changed; of applied rules their version."""


def rules_in_force(directory: Path | None, applied: Applied | None) -> dict[str, RuleText]:
    """Name → rule: those that were applied while workers ran, else those of the folder. Raises `RulesError`."""
    if applied is None:
        return rule_texts(directory)
    where = f"{applied.words} at {iso(applied.time)}"
    return {
        rule["name"]: RuleText(rule["name"], _dumped(rule), where, None, applied.version)
        for rule in applied.rules.get("rules", ())
    }


def _dumped(rule: Mapping[str, Any]) -> str:
    words = yaml.safe_dump(dict(rule), sort_keys=False, allow_unicode=True, width=120).rstrip("\n")
    return "- " + textwrap.indent(words, "  ").lstrip()


def rule_texts(directory: Path | None) -> dict[str, RuleText]:
    """Name → rule, of the folder's ``alerts.yaml`` or the shipped one. Raises `RulesError`."""
    file = file_of("alerts", directory)
    try:
        text = file.read_text(encoding="utf-8")
        root = yaml.compose(text, yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RulesError(f"{file} cannot be read: {error}") from error
    digest = blake2b(text.encode(), digest_size=8).hexdigest()
    found = (_rule(text, node, name, file, digest) for name, node in _named(root))
    return {each.name: each for each in found}


def _named(root: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    """Items of the file's lists that have a name."""
    for _, items in root.value if isinstance(root, yaml.MappingNode) else ():
        for item in items.value if isinstance(items, yaml.SequenceNode) else ():
            for key, value in item.value if isinstance(item, yaml.MappingNode) else ():
                if key.value == "name" and isinstance(value, yaml.ScalarNode):
                    yield value.value, item


def _rule(text: str, node: yaml.Node, name: str, file: Path, digest: str) -> RuleText:
    lines = text[: node.end_mark.index].rstrip().splitlines()[node.start_mark.line :]
    lines[0] = " " * node.start_mark.column + lines[0][node.start_mark.column :]
    while not lines[-1].strip() or lines[-1].lstrip().startswith("#"):
        lines.pop()  # it belongs to what comes behind
    return RuleText(name, textwrap.dedent("\n".join(lines)), file.name, node.start_mark.line + 1, digest)
