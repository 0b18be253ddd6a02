"""Does a mapping hang together: does every name it uses exist, before it is used, and is it of the right kind?"""

import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from difflib import get_close_matches
from typing import get_args

from schemas.events import EVENTS, ContactEvent
from streams.replay.model import Column, Mapping, Moment, Value, When
from streams.replay.values import UNITS_MS

Fault = tuple[tuple[str | int, ...], str]
"""Where in the document, and what is wrong."""

CONTACT_TYPES = frozenset(name for name, model in EVENTS.items() if model in get_args(ContactEvent))
TEMPLATE_FIELD = re.compile(r"\{([^{}]*)\}")
PLUS = " + "
TYPED = frozenset(("number", "boolean", "datetime", *UNITS_MS))
"""Kinds of columns whose value is more than their text."""


def typed(template: str, columns: MappingABC[str, Column]) -> str | None:
    """The column whose value a template is, when it is one column alone and more than a text."""
    found = TEMPLATE_FIELD.fullmatch(template)
    return found[1] if found and columns[found[1]].kind in TYPED else None


def faults(mapping: "Mapping") -> Iterator[Fault]:
    """Every fault that the types alone do not show."""
    yield from _texts(mapping)
    yield from _contact(mapping)
    for reason, when in mapping.leave_out.items():
        yield from _when(mapping, when, ("leave_out", reason))
    known: set[str] = set()
    for name, moment in mapping.times.items():
        path = ("times", name)
        if name in mapping.columns:
            yield path, f"{name!r} is already a column; a moment needs a name of its own"
        yield from _moment(mapping, moment, known, path)
        known.add(name)
    for index, rule in enumerate(mapping.events):
        if rule.type not in CONTACT_TYPES:
            yield (
                ("events", index, "type"),
                f"the contract has no contact event {rule.type!r}; {_nearest(rule.type) or _choice(CONTACT_TYPES)}",
            )
        if rule.at not in mapping.times:
            yield ("events", index, "at"), f"no moment is called {rule.at!r}; {_choice(mapping.times)}"
        if rule.row is not None and not mapping.contact.join:
            yield ("events", index, "row"), "has no effect: rows are joined only with contact: {join: true}"
        yield from _when(mapping, rule.when, ("events", index, "when"))
        for field, value in rule.data.items():
            yield from _value(mapping, value, ("events", index, "data", field))


def _nearest(name: str) -> str:
    near = get_close_matches(name, CONTACT_TYPES, n=1)
    return f"did you mean {near[0]}?" if near else ""


def _contact(mapping: "Mapping") -> Iterator[Fault]:
    contact = mapping.contact
    if not TEMPLATE_FIELD.search(contact.id):
        yield ("contact", "id"), "every row would get the same id; name columns in braces"
    values: dict[str, Value | None] = {
        "id": contact.id, "queue": contact.queue, "customer_id": contact.customer_id, "tier": contact.tier,
    }  # fmt: skip
    for field, value in values.items():
        if value is not None:
            yield from _value(mapping, value, ("contact", field))
    for kind, value in contact.identifiers.items():
        yield from _value(mapping, value, ("contact", "identifiers", kind))


def _value(mapping: "Mapping", value: "Value", path: tuple[str | int, ...]) -> Iterator[Fault]:
    if isinstance(value, str):
        for name in TEMPLATE_FIELD.findall(value):
            yield from _column(mapping, name, path)
        if set("{}") & set(TEMPLATE_FIELD.sub("", value)):
            yield path, f"a brace in {value!r} has no partner"
    elif not isinstance(value, bool | int | float):
        yield from _column(mapping, value.column, (*path, "column"))
        for text in value.values:
            yield from _never(mapping, value.column, text, (*path, "values", text))


def _when(mapping: "Mapping", when: "When", path: tuple[str | int, ...]) -> Iterator[Fault]:
    for column, condition in when.items():
        yield from _column(mapping, column, (*path, column))
        for text in (*(condition.is_ or ()), *(condition.not_ or ())):
            yield from _never(mapping, column, text, (*path, column))


def _texts(mapping: "Mapping") -> Iterator[Fault]:
    for name, column in mapping.columns.items():
        for field in ("absent", "is_true", "is_false"):
            for text in getattr(column, field):
                if text.strip() != text:
                    yield ("columns", name, field), f"no value is {text!r}: blanks at both ends are cut off"
                elif field != "absent" and text in {"", *column.absent}:
                    yield ("columns", name, field), f"no value is {text!r}: it means that there is none"


def _never(mapping: "Mapping", column: str, text: str, path: tuple[str | int, ...]) -> Iterator[Fault]:
    """A text that no value is: who wrote it thinks that it has an effect."""
    if column not in mapping.columns:
        return
    if text.strip() != text:
        yield path, f"no value is {text!r}: blanks at both ends are cut off"
    elif text in {"", *mapping.columns[column].absent}:
        yield (
            path,
            f"no value of {column} is {text!r}: it means that there is none; say present: false or present: true",
        )


def _column(mapping: "Mapping", name: str, path: tuple[str | int, ...]) -> Iterator[Fault]:
    if name not in mapping.columns:
        listed = _choice(mapping.columns)
        yield path, f"no column is called {name!r}; each that is used has a line under columns, and {listed}"


def _moment(mapping: "Mapping", moment: "Moment", known: set[str], path: tuple[str | int, ...]) -> Iterator[Fault]:
    if moment.near is not None and moment.near not in known:
        yield (*path, "near"), f"no moment above is called {moment.near!r}; {_choice(known)}"
    if moment.date is not None and (moment.date not in mapping.columns or mapping.columns[moment.date].kind != "date"):
        yield (*path, "date"), f"{moment.date!r} is not a column of kind date"
    bad = False
    for index, term in enumerate(moment.first):
        for fault in _term(mapping, moment, term, known, (*path, "first", index)):
            bad = True
            yield fault
    if not bad:
        yield from _effects(mapping, moment, known, path)


def _effects(mapping: "Mapping", moment: "Moment", known: set[str], path: tuple[str | int, ...]) -> Iterator[Fault]:
    """``near`` and ``date`` that cannot change anything: who wrote them thinks that they do."""
    bases = {term.partition(PLUS)[0] for term in moment.first} - known
    kinds = {mapping.columns[base].kind for base in bases}
    if moment.date is not None and "time" not in kinds:
        yield (*path, "date"), "has no effect: none of the alternatives is a column of kind time"
    local = [base for base in bases if mapping.columns[base].kind == "time" or not mapping.columns[base].is_zoned]
    if moment.near is not None and not local:
        yield (*path, "near"), "has no effect: none of the alternatives is a column with a local time"


def _term(
    mapping: "Mapping", moment: "Moment", term: str, known: set[str], path: tuple[str | int, ...]
) -> Iterator[Fault]:
    base, _, plus = term.partition(PLUS)
    if plus and (plus not in mapping.columns or mapping.columns[plus].kind not in UNITS_MS):
        yield path, f"{plus!r} is not a column of kind {' or '.join(UNITS_MS)}"
    if base in known:
        return
    kind = mapping.columns[base].kind if base in mapping.columns else None
    if kind not in ("time", "datetime"):
        yield path, f"{base!r} is neither a moment above nor a column of kind time or datetime"
    if kind == "time" and moment.date is None and moment.near is None:
        yield path, f"{base!r} is a time of day: say which day with date (a column) or near (a moment above)"


def _choice(names: object) -> str:
    listed = ", ".join(sorted(names)) if isinstance(names, dict | set | frozenset) else ""
    return f"there are: {listed}" if listed else "there are none"
