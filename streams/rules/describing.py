"""JSON Schema of the rule files, for editors that complete and check while one writes: from the types that check them.

A schema says what a file may hold. What hangs on other values, or on other files (a window that does not divide, a tier
that no file has), only `contact-streams rules check` finds.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from streams.alerts import schema as conditions
from streams.alerts.cases import CasesFile
from streams.base.units import NOTHING
from streams.policies.policy import Policy
from streams.rules.files import Files
from streams.rules.source import CASES, SHIPPED

EXPORT = SHIPPED / "schema"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES: dict[str, Any] = {**get_type_hints(Files, include_extras=True), "policy": Policy, CASES: CasesFile}
"""Name of the file without ``.yaml`` → its type; all policies have one."""


class _Generator(GenerateJsonSchema):
    """Without titles made up from names, and without what a rule works out for itself."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def field_is_present(self, field: Any) -> bool:
        return super().field_is_present(field) and field.get("init", True) is not False


def schema(name: str) -> dict[str, Any]:
    """Of one file. Raises KeyError where there is none of this name."""
    return schema_of(TYPES[name], f"{name}.yaml")


def schema_of(kind: Any, title: str) -> dict[str, Any]:
    """Of any file whose types are rules'."""
    found = TypeAdapter[Any](kind).json_schema(schema_generator=_Generator)
    for each in (found, *found.get("$defs", {}).values()):
        # What another file decides is no field of this one, and a default of ours is not as a file has it.
        fields = each.get("properties", {})
        for field in [field for field, its in fields.items() if _is_nothing(its)]:
            del fields[field]
        for its in fields.values():
            its.pop("default", None)
    if title == "alerts.yaml":
        found = conditions.completed(found)
    used = set(_references(found))
    if "$defs" in found:
        found["$defs"] = {each: its for each, its in found["$defs"].items() if each in used}
    return {"$schema": DIALECT, "title": title, **{key: its for key, its in found.items() if key != "title"}}


def _is_nothing(its: dict[str, Any]) -> bool:
    return NOTHING.items() <= its.items()


def _references(of: object) -> Iterator[str]:
    """The definitions that are used, be it by others."""
    if isinstance(of, dict):
        if isinstance(of.get("$ref"), str):
            yield of["$ref"].rpartition("/")[2]
        for each in of.values():
            yield from _references(each)
    elif isinstance(of, list):
        for each in of:
            yield from _references(each)


@cache
def rendered() -> dict[str, str]:
    """Name of the schema's file → its text."""
    return {f"{name}.json": json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n" for name in TYPES}


def write(directory: Path = EXPORT) -> list[str]:
    """Bring those of a folder up to date; what changed."""
    directory.mkdir(parents=True, exist_ok=True)
    changed = stale(directory)
    for name in changed:
        (directory / name).write_text(rendered()[name], encoding="utf-8")
    return changed


def stale(directory: Path = EXPORT) -> list[str]:
    """Those of a folder that are missing or not current."""
    return [name for name, text in rendered().items() if not _says(directory / name, text)]


def _says(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8") == text
