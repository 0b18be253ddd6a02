"""One rule file: its values, and how to name a place in it."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from streams.base.document import Document, DocumentError, parse
from streams.base.errors import UserError
from streams.base.units import CURRENCY, LABEL, LANGUAGE, LINK, NAME
from streams.rules.fields import allowed

SHIPPED = Path(__file__).parent
"""The folder of the files that are shipped."""
CASES = "alerts.cases"
"""The file, without .yaml, of what tries the rules of alerts.yaml; workers do not read it."""


def file_of(name: str, directory: Path | None) -> Path:
    """A deployment's own, or the shipped one."""
    own = directory / f"{name}.yaml" if directory else None
    return own if own is not None and own.is_file() else SHIPPED / f"{name}.yaml"


class RulesError(UserError):
    """The rules are not usable; one line of text for each mistake."""


class Source:
    """One file: where it is, and how to name a place in it."""

    def __init__(self, path: Path, overrides: dict[str, object] | None = None) -> None:
        """``overrides``: by dotted path below the file's name; those of this file are taken out."""
        mine = [] if overrides is None else [each for each in overrides if each.split(".", 1)[0] == path.stem]
        self.path, self.own = path, SHIPPED not in path.parents or bool(mine)
        """Is it somebody's, or did somebody override something in it?"""
        self.document: Document | None = None
        self.given: dict[str, Any] = {}
        """Its values with the overrides, once they are read."""
        self.overrides = {each: overrides.pop(each) for each in mine} if overrides else {}

    def values(self) -> dict[str, Any]:
        """The values with the overrides. Raises DocumentError."""
        try:
            self.document = parse(self.path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise DocumentError(1, f"cannot be read: {error}") from error
        values = self.given = self.document.values
        for path, value in self.overrides.items():
            _put(values, path.split(".")[1:], value)
        return values

    def at(self, path: tuple[str | int, ...], what: str) -> str:
        """``file:line: path: what``."""
        dotted = ".".join(str(step) for step in path)
        full = ".".join(str(step) for step in (self.path.stem, *path))
        if full in self.overrides:
            return f"override {full!r}: {what}"
        line = self.document.line_of(path) if self.document else 1
        return f"{self.path}:{line}: {dotted or self.path.stem}: {what}"

    def mistakes(self, error: ValidationError, kind: object) -> Iterator[str]:
        """A line for each; ``kind``: the type of the file."""
        problems = error.errors()
        for problem in problems:
            if problem["type"] == "too_short" and any(_is_within(each["loc"], problem["loc"]) for each in problems):
                continue  # its items are left out because each of them has a mistake of its own
            path = tuple(step for step in problem["loc"] if step != "[key]")
            yield self.at(path, say(problem, allowed(kind, path[:-1]) if problem["type"] in UNKNOWN else []))


_KINDS = {
    "dataclass_type": "expected a mapping, key: value",
    "dict_type": "expected a mapping, key: value",
    "frozen_set_type": "expected a list",
    "list_type": "expected a list",
    "tuple_type": "expected a list",
}
"""What is meant, in the words of who writes YAML."""
UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
"""Of a field that is not there."""
_PATTERNS = {
    CURRENCY: "expected a currency: three capital letters, such as EUR",
    NAME: "expected a name: up to 40 of a-z, 0-9 and -, the first no -, such as high-tier-wait",
    LANGUAGE: "expected a language: two or three small letters, such as en",
    LABEL: "expected the name of a label: up to 40 of a-z, 0-9, _, . and -, the first a letter or _, such as team",
    LINK: "expected a link that begins with https://",
}
"""What a pattern means."""
_PYTHONS = re.compile(r"^(Tuple|Frozenset|List)\b")
_COUNTED = re.compile(r" after validation, not \w+$")


def _is_within(place: tuple[int | str, ...], whole: tuple[int | str, ...]) -> bool:
    return len(place) > len(whole) and place[: len(whole)] == whole


def say(problem: ErrorDetails, known: Sequence[str]) -> str:
    kind, given = problem["type"], problem["input"]
    if kind == "missing":
        return "is missing"
    if kind in UNKNOWN:
        near = get_close_matches(str(problem["loc"][-1]), known, n=1, cutoff=0.7)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"is not known here; remove it or correct its name{': ' if known else ''}{', '.join(known)}{hint}"
    meant = _PATTERNS.get(problem["ctx"]["pattern"]) if kind == "string_pattern_mismatch" else None
    text = meant or _KINDS.get(kind) or _words(problem["msg"])
    return text if isinstance(given, dict) else f"{text}, not {given!r}"


def _words(message: str) -> str:
    """Pydantic's, for who writes YAML: how many were given is in what was given."""
    return _COUNTED.sub("", _PYTHONS.sub("The list", message.removeprefix("Value error, ")))


def _put(values: Any, path: list[str], value: object) -> None:
    """Set the value at the path; mappings that do not exist are made, so that the check names what is wrong."""
    for place, step in enumerate(path, 1):
        key: Any = step
        if isinstance(values, list):
            if not step.isdigit() or int(step) >= len(values):
                raise DocumentError(1, f"override: a list of {len(values)}, numbered from 0, has no item {step!r}")
            key = int(step)
        elif place < len(path) and not isinstance(values.get(key), dict | list):
            values[key] = {}
        if place == len(path):
            values[key] = value
        elif not isinstance(values[key], dict | list):
            raise DocumentError(1, f"override: {step!r} holds no further rules")
        values = values[key]
