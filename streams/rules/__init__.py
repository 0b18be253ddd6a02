"""The rules a worker decides by: eight YAML files, shipped here, each of which a folder of one's own may replace.

``load`` reads and checks them and gives what a worker decides by (`Rules`). Every mistake is reported at once, each as
``file:line: path: what is wrong, what is allowed``.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from streams.base.document import Document, DocumentError, parse
from streams.base.errors import UserError
from streams.base.times import DAY_MS
from streams.identity.nobody import Nobody, values_of
from streams.identity.rules import IdentityRules
from streams.rules import files as rule_files
from streams.rules.files import Files, Rules, TrackingFile, build
from streams.settings import Settings

SHIPPED = Path(__file__).parent
FILES = {name: TypeAdapter[Any](kind) for name, kind in get_type_hints(Files).items()}
"""Name without ``.yaml`` → what reads it."""

__all__ = ["FILES", "SHIPPED", "Rules", "RulesError", "load", "of", "shipped_nobody"]


class RulesError(UserError):
    """The rules are not usable; one line of text for each mistake."""


def load(directory: Path | None = None, overrides: Mapping[str, object] | None = None) -> Rules:
    """The rules of a folder; a file it does not have is the shipped one, and its nobody.yaml adds to that.

    ``overrides`` by dotted path below the file's name, list items by number: ``{"kpis.time_zone": "Europe/Berlin",
    "alerts.wait.0.limit": "90s"}``. Raises RulesError.
    """
    if directory is not None and not directory.is_dir():
        raise RulesError(
            f"{directory}: not a folder; it should hold one or more of {', '.join(f'{name}.yaml' for name in FILES)}"
        )
    given = dict(overrides or {})
    sources = {name: _Source(name, directory, given) for name in FILES}
    mistakes = [f"override {path!r}: no such rule; a path begins with one of {', '.join(FILES)}" for path in given]
    files: dict[str, Any] = {}
    for name, source in sources.items():
        try:
            files[name] = FILES[name].validate_python(source.values())
        except ValidationError as error:
            mistakes += source.mistakes(error)
        except DocumentError as error:
            mistakes.append(f"{source.path}:{error.line}: {error.message}")
    if not mistakes:
        alerts = sources["alerts"]
        mistakes += [alerts.at(path, what) for path, what in _unknown_tiers(alerts.given, files["tiers"].tiers)]
        if what := _too_short(files["identity"], files["tracking"]):
            mistakes.append(sources["identity"].at(("expires_after",), what))
        mistakes += [
            sources[name].at(path, what)
            for name, path, what in rule_files.mistakes(Files(**files))
            if sources[name].own  # a shipped file gives way to what is one's own
        ]
    if mistakes:
        raise RulesError("\n".join(mistakes))
    return build(Files(**files), shipped_nobody())


@cache
def shipped_nobody() -> Nobody:
    """The values for nobody that the product ships."""
    return values_of(parse((SHIPPED / "nobody.yaml").read_text(encoding="utf-8")).values)


def of(settings: Settings) -> Rules:
    """The rules by which workers with these settings decide: those of their folder, days in their time zone. Raises
    RulesError.
    """
    return load(settings.rules_dir, {"kpis.time_zone": settings.time_zone} if settings.time_zone else None)


class _Source:
    """One file: where it is, and how to name a place in it."""

    def __init__(self, name: str, directory: Path | None, overrides: dict[str, object]) -> None:
        own = directory / f"{name}.yaml" if directory else None
        self.path = own if own is not None and own.is_file() else SHIPPED / f"{name}.yaml"
        self.own = self.path.parent != SHIPPED or any(path.split(".", 1)[0] == name for path in overrides)
        """Is it somebody's, or did somebody override something in it?"""
        self.document: Document | None = None
        self.given: dict[str, Any] = {}
        """Its values with the overrides, once they are read."""
        self.overrides = {path: overrides.pop(path) for path in list(overrides) if path.split(".", 1)[0] == name}

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

    def mistakes(self, error: ValidationError) -> Iterator[str]:
        """A line for each."""
        for problem in error.errors():
            path = tuple(step for step in problem["loc"] if step != "[key]")
            yield self.at(path, _say(problem))


_KINDS = {
    "dataclass_type": "expected a mapping, key: value",
    "dict_type": "expected a mapping, key: value",
    "frozen_set_type": "expected a list",
    "list_type": "expected a list",
    "tuple_type": "expected a list",
}
"""What is meant, in the words of who writes YAML."""
_PYTHONS = re.compile(r"^(Tuple|Frozenset|List)\b")


def _say(problem: ErrorDetails) -> str:
    kind, given = problem["type"], problem["input"]
    if kind == "missing":
        return "is missing"
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return "is not known here; remove it or correct its name"
    text = _KINDS.get(kind) or _PYTHONS.sub("The list", problem["msg"].removeprefix("Value error, "))
    return text if isinstance(given, dict) else f"{text}, not {given!r}"


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


def _too_short(identity: IdentityRules, tracking: TrackingFile) -> str | None:
    """A link must not run out while a contact that shows it may still take that back."""
    longest = max(tracking.contacts.horizon, *tracking.contacts.channel_horizons.values(), 0)
    if identity.expires_after_ms is None or identity.expires_after_ms > longest:
        return None
    return f"expected longer than contacts are known after their last word: {longest // DAY_MS}d in tracking.yaml"


def _unknown_tiers(alerts: Mapping[str, Any], known: Collection[str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for kind, rules in alerts.items():
        for index, rule in enumerate(rules):
            for place, tier in enumerate(rule.get("tiers") or ()):
                if tier not in known:
                    names = ", ".join(sorted(known))
                    yield (kind, index, "tiers", place), f"{tier!r} is not a tier of tiers.yaml ({names})"
