"""What is wrong with an event, in words its publisher can act on.

pydantic's findings become one ``Problem``: the reason a dead letter carries, the path of the field, and a sentence that
says what is expected. Values that may name a person are never repeated in it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.fields import FIRST_TIME, LAST_TIME, MAX_WHOLE, PATTERN_WORDS

Reason = Literal["missing-field", "wrong-type", "unknown-type"]
SHOWN = 60
"""Characters of a publisher's own word that a message or path repeats."""
LEAST_ALIKE = 0.74
"""How alike two words are, from 0 to 1, when one is taken for the other misspelt."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a decoded value is not an event."""

    reason: Reason
    """missing-field, wrong-type (also a value that is not allowed) or unknown-type."""
    path: str | None
    """Dotted, for example ``data.identifiers[3].kind``; ``None`` = the value as a whole."""
    message: str
    """Begins with the path, says what is expected."""


def describe(error: ValidationError, models: Mapping[str, type[BaseModel]]) -> Problem:
    """The first finding of ``error`` as a ``Problem``; how many more there are is said at its end.

    ``models`` maps each value of the discriminator (event type, record kind) to its model; it is empty where there is
    only one model.
    """
    first = error.errors(include_url=False)[0]
    more = error.error_count() - 1
    problem = _tag_problem(first, models) or _field_problem(first, models)
    if more:
        message = f"{problem.message} (and {more} more {'problem' if more == 1 else 'problems'})"
        return Problem(problem.reason, problem.path, message)
    return problem


def _tag_problem(finding: ErrorDetails, models: Mapping[str, type[BaseModel]]) -> Problem | None:
    """The discriminator itself is missing, no string, or unknown."""
    if finding["type"] not in ("union_tag_not_found", "union_tag_invalid"):
        return None
    name = finding["ctx"]["discriminator"].strip("'")
    if finding["type"] == "union_tag_not_found":
        return Problem(
            "missing-field",
            name,
            f"{name} is missing: it says what the rest means, for example {next(iter(models), '')}",
        )
    given = finding["input"].get(name)
    if not isinstance(given, str):
        return Problem("wrong-type", name, f"{name} must be a string, got {_kind(given)}")
    near = _meant(given[:SHOWN], models)
    hint = f"did you mean {near}?" if near else "the contract lists the types there are"
    return Problem("unknown-type", name, f"{name} {shown(given)} is not one we know; {hint}")


def _meant(given: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant. What stands before the dot is alike in many: it makes nothing alike."""
    first, _, rest = given.partition(".")
    words = {word: word for word in known}
    below = {word.partition(".")[2]: word for word in words if not rest or word.partition(".")[0] == first}
    choices = [(rest, below)] if rest and below else [(given, words), (given, below)]
    for asked, among in choices:
        if near := get_close_matches(asked, among, n=1, cutoff=LEAST_ALIKE):
            return among[near[0]]
        if len(asked) > 2 and (part := next((name for name in among if asked in name), None)):
            return among[part]
    return None


def _field_problem(finding: ErrorDetails, models: Mapping[str, type[BaseModel]]) -> Problem:
    steps: Sequence[str | int] = finding["loc"]
    model = models.get(str(steps[0])) if steps else None
    if model is not None:
        steps = steps[1:]
    named = steps and steps[-1] == "[key]"  # the name of an entry is wrong: the object that has it is to blame
    path = dotted(steps[:-2] if named else steps)
    subject = f"a name in {path}" if named else path or "the value"
    if finding["type"] == "missing":
        about = _description(model, steps)
        return Problem("missing-field", path, f"{subject} is missing{': ' + about if about else '; it is required'}")
    return Problem("wrong-type", path, f"{subject} {_expectation(finding)}")


def dotted(steps: Sequence[str | int]) -> str | None:
    """``("data", "identifiers", 3, "kind")`` → ``data.identifiers[3].kind``; no steps → ``None``.

    A publisher's own key that is no plain word is quoted and cut: ``data.consent["e-mail"]``.
    """
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step.isascii() and step.isidentifier() and len(step) <= SHOWN:
            path += f".{step}" if path else step
        else:
            path += f"[{shown(step)}]"
    return path or None


def shown(text: str) -> str:
    """A publisher's word in quotes, at most 60 characters, what cannot be printed escaped."""
    cut = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    escaped = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut.replace('"', "'"))
    return f'"{"".join(escaped)}"'


def _description(model: type[BaseModel] | None, steps: Sequence[str | int]) -> str:
    """What the field at ``steps`` means, from its model; empty where unknown."""
    text = ""
    for step in steps:
        field = model.model_fields.get(str(step)) if model is not None else None
        if field is None:
            return ""
        text = field.description or ""
        below = field.annotation
        model = below if isinstance(below, type) and issubclass(below, BaseModel) else None
    return text.rstrip(".")


_KINDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return _KINDS.get(type(value), type(value).__name__)


def _expected(what: str) -> Callable[[ErrorDetails], str]:
    return lambda finding: f"must be {what}, got {_kind(finding['input'])}"


def _number(finding: ErrorDetails) -> str:
    too_large = isinstance(finding["input"], int) and not isinstance(finding["input"], bool)
    return "is too large a number" if too_large else _expected("a number")(finding)


def _whole(finding: ErrorDetails) -> str:
    """Decoders of JSON make a float of a whole number with more than 19 digits."""
    given = finding["input"]
    if isinstance(given, float) and abs(given) > MAX_WHOLE:
        return f"is too large a number: at most {MAX_WHOLE}, written without a decimal point"
    return _expected("a whole number, written without a decimal point")(finding)


def _not_empty(finding: ErrorDetails) -> str:
    length = finding["ctx"]["min_length"]
    return "must not be empty" if length == 1 else f"must have at least {length} entries"


def _literal(finding: ErrorDetails) -> str:
    given = finding["input"]
    got = shown(given) if isinstance(given, str) else _kind(given)
    return f"must be {finding['ctx']['expected']}, got {got}"


def _fixed(words: str) -> Callable[[ErrorDetails], str]:
    return lambda _: words


def _filled(template: str) -> Callable[[ErrorDetails], str]:
    return lambda finding: template.format(**finding["ctx"], length=len(finding["input"]))


def _limit(finding: ErrorDetails) -> str:
    """Above or below what is allowed; the limits of times are text."""
    ctx = finding["ctx"]
    limit = ctx["ge"] if "ge" in ctx else ctx["le"]
    if isinstance(limit, str):
        return f"must lie from {FIRST_TIME:%Y-%m-%d} to {LAST_TIME:%Y-%m-%d} in UTC"
    return f"must be {limit:g} or more" if "ge" in ctx else f"must be {limit:.0f} or less"


_object = _expected("a JSON object")
_EXPECTATIONS: Mapping[str, Callable[[ErrorDetails], str]] = {
    "string_type": _expected("a string"),
    "string_unicode": _fixed("must be valid Unicode, names included; half of a surrogate pair is not"),
    "string_too_short": _not_empty,
    "string_too_long": _filled("must have at most {max_length} characters, got {length}"),
    "string_pattern_mismatch": lambda finding: PATTERN_WORDS.get(finding["ctx"]["pattern"], finding["msg"]),
    "timezone_aware": _fixed("must carry a time zone: end it with Z or an offset such as +01:00"),
    "int_type": _whole,
    "float_type": _number,
    "finite_number": _fixed("must be a number; NaN and Infinity are none"),
    "bool_type": _expected("true or false"),
    "list_type": _expected("a list"),
    "dict_type": _object,
    "model_type": _object,
    "model_attributes_type": _object,
    "literal_error": _literal,
    "greater_than_equal": _limit,
    "less_than_equal": _limit,
    "too_short": _not_empty,
    "too_long": _filled("must have at most {max_length} entries, got {length}"),
}


def _expectation(finding: ErrorDetails) -> str:
    if finding["type"].startswith("datetime_"):
        reason: Any = finding.get("ctx", {}).get("error", "")
        words = "must be a time that exists, in RFC 3339 such as 2026-03-02T09:15:00.000Z"
        return f"{words}: {reason}" if reason else words
    explain = _EXPECTATIONS.get(finding["type"])
    return explain(finding) if explain else finding["msg"]
