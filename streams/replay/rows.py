"""One row of a call log to its events, as the mapping says. Everything is looked up only when a rule needs it, so that
a column which does not concern a row (the service time of a call that hung up) cannot make it unreadable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from schemas.fields import FIRST_TIME, LAST_TIME
from streams.base.times import iso
from streams.replay import formats, values
from streams.replay.check import PLUS, TEMPLATE_FIELD, typed
from streams.replay.cut import BOM, INSIDE
from streams.replay.model import Column, Condition, EventRule, Lookup, Mapping, Moment, Value, When
from streams.replay.order import BEGINS, ENDS, Made, backwards, told
from streams.replay.times import DAY_MS, Calendar, from_utc, to_ms
from streams.replay.values import UNITS_MS

FIRST_MS, LAST_MS = to_ms(FIRST_TIME), to_ms(LAST_TIME)
_STANDS_FOR_NONE = "where such a time stands for none, list it under absent"
_LITTLE_MS = 5000
"""By so much two clocks disagree, or columns that are rounded in different ways."""
_NEAR_EPOCH_MS = DAY_MS * 14 // 24
"""How far a local clock can be from UTC."""


class BadRow(Exception):
    """The row cannot be read; the text says why."""

    contact_id: str | None = None
    """Whose row it is, where that could be read."""
    line: int | None = None
    """Where it is, when it is one of several that belong together."""


class LeftOut(Exception):
    """The row is no contact, for the reason in the text."""


class Read(NamedTuple):
    """What a row holds."""

    contact: dict[str, Any]
    """The fields that all its events share."""
    events: list[Made]
    """In the order of the mapping."""


class Planned(NamedTuple):
    """One event to publish: ``contact`` is shared by all events of the row, ``extra`` is what its type adds."""

    time: int
    type: str
    nth: int
    """0, or how many events of this type the contact already has."""
    contact: dict[str, Any]
    extra: dict[str, Any]
    line: int = 0
    """Line of its row in the file, from 1."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    index: int
    absent: frozenset[str]
    parse: Callable[[str], Any]
    kind: str

    def text(self, row: Sequence[str]) -> str | None:
        text = row[self.index].strip()
        if not text.isascii() and BOM in text:
            raise BadRow(f"{self.name}: {INSIDE}")
        if text in self.absent or (self.kind in UNITS_MS and self.read(text) < 0):
            return None
        return text

    def read(self, text: str) -> Any:
        """What the text stands for: ms (duration, time of day), ordinal (date), `formats.Stamp` (datetime)."""
        try:
            return self.parse(text)
        except (ValueError, OverflowError) as error:
            raise BadRow(f"{self.name}: {error}") from None


class RowReader:
    """Reads rows of one file; ``columns`` maps the mapping's column names to positions in the row."""

    def __init__(self, mapping: Mapping, columns: dict[str, int]) -> None:
        self.mapping = mapping
        self.calendar = Calendar(ZoneInfo(mapping.time_zone))
        contact = mapping.contact
        named = {"queue": contact.queue, "customer_id": contact.customer_id, "tier": contact.tier}
        self.named: dict[str, Value] = {name: value for name, value in named.items() if value is not None}
        self._extras: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.fields = {name: self._field(name, column, columns[name]) for name, column in mapping.columns.items()}
        self._rules = {(first, last): self._of(first, last) for first in (True, False) for last in (True, False)}

    def read(self, row: Sequence[str], *, first: bool = True, last: bool = True) -> Read:
        """The row's contact and events; of joined rows: is it the first, the last? Raises BadRow, LeftOut."""
        found, contact = self._begun(row)
        try:
            return Read(contact, self._forward(row, found, self._rules[first, last]))
        except BadRow as error:
            error.contact_id = contact["contact_id"]
            raise

    def span(self, row: Sequence[str]) -> tuple[str, int, int]:
        """Contact id, and ms of the first and the last event that the row would have if it were joined with no other.
        Raises BadRow, LeftOut.
        """
        found, contact = self._begun(row)
        try:
            times = [found.moment(rule.at) for rule in self._rules[True, True] if found.holds(rule.when)]
        except BadRow as error:
            error.contact_id = contact["contact_id"]
            raise
        present = [time for time in times if time is not None]
        if not present:
            raise LeftOut("no event")
        return contact["contact_id"], min(present), max(present)

    def _begun(self, row: Sequence[str]) -> "tuple[_Row, dict[str, Any]]":
        found = _Row(self, row)
        for reason, when in self.mapping.leave_out.items():
            if found.holds(when):
                raise LeftOut(reason)
        return found, found.contact()

    def _of(self, first: bool, last: bool) -> list[EventRule]:
        """The events of a row that is the first, or the last, of joined ones."""
        if not self.mapping.contact.join:
            return self.mapping.events
        given = {"first": first, "last": last, "not first": not first, "not last": not last, "every": True}
        default = {BEGINS: "first", ENDS: "last"}
        return [rule for rule in self.mapping.events if given[rule.row or default.get(rule.type, "every")]]

    def _forward(self, row: Sequence[str], found: "_Row", rules: list[EventRule]) -> list[Made]:
        """The events, which run forward. Where a clock was set back, the occurrences that let them do so are taken."""
        made = self._made(found, rules)
        fault = backwards(made, self.mapping.skew)
        if fault is None:
            return made
        again = self._made(_Row(self, row, forward=True), rules)
        if backwards(again, self.mapping.skew) is None:
            return again
        hint = ""
        if any(len(self.calendar.showing(event.time)) > 1 for event in fault):
            hint = "; the clock was set back then: near says which of two occurrences is meant"
        elif fault[0].time - fault[1].time <= _LITTLE_MS:
            hint = "; skew says how far clocks may disagree"
        raise BadRow(told(fault) + hint)

    def _made(self, row: "_Row", rules: list[EventRule]) -> list[Made]:
        made: list[Made] = []
        for rule in rules:
            if not row.holds(rule.when):
                continue
            moment = row.moment(rule.at)
            if moment is None:
                raise BadRow(f"{rule.type}: none of the times for {rule.at!r} is present")
            if not FIRST_MS <= moment <= LAST_MS:
                raise BadRow(f"{rule.type}: {_outside(rule.at)}")
            made.append(Made(moment, rule, self._shared(row.filled_data(rule.data))))
        return made

    def _shared(self, extra: dict[str, Any]) -> dict[str, Any]:
        """One dict for all events that add the same: a long log has few distinct ones."""
        key = tuple((name, type(value), value) for name, value in extra.items())  # the type keeps 1 and true apart
        return self._extras.setdefault(key, extra)

    def _field(self, name: str, column: Column, index: int) -> _Field:
        parse = lru_cache(maxsize=100_000)(_parser(column, self.mapping.file.decimal))
        return _Field(name, index, frozenset({"", *column.absent}), parse, column.kind)


class _Row:
    """One row while it is read; moments are worked out once. ``forward``: of two occurrences of a time the one is taken
    that does not lie before the moment it is near to.
    """

    __slots__ = ("_forward", "_moments", "_reader", "_row")

    def __init__(self, reader: RowReader, row: Sequence[str], *, forward: bool = False) -> None:
        self._reader = reader
        self._row = row
        self._forward = forward
        self._moments: dict[str, int | None] = {}

    def text(self, column: str) -> str | None:
        return self._reader.fields[column].text(self._row)

    def holds(self, when: When) -> bool:
        return all(_holds(condition, self.text(column)) for column, condition in when.items())

    def value(self, given: Value | None) -> Any:
        if isinstance(given, Lookup):
            return given.values.get(self.text(given.column) or "")
        if not isinstance(given, str):
            return given
        column = typed(given, self._reader.mapping.columns)
        return self.filled(given) if column is None else self._typed(column)

    def filled(self, template: str) -> str | None:
        """The template with its columns in place; None as soon as one of them is absent."""
        parts: list[str] = []
        for index, part in enumerate(_parts(template)):
            text = self.text(part) if index % 2 else part
            if text is None:
                return None
            parts.append(text)
        return "".join(parts)

    def filled_data(self, data: dict[str, Value]) -> dict[str, Any]:
        """What is present of ``data``."""
        return {name: value for name, given in data.items() if (value := self.value(given)) is not None}

    def contact(self) -> dict[str, Any]:
        rules = self._reader.mapping.contact
        contact_id = self.filled(rules.id)
        if contact_id is None:
            missing = [name for name in _parts(rules.id)[1::2] if self.text(name) is None]
            raise BadRow(f"contact id: {', '.join(missing)} is absent")
        contact: dict[str, Any] = {"contact_id": contact_id, "channel": rules.channel}
        contact |= self.filled_data(self._reader.named)
        identifiers = [
            {"kind": kind, "value": text}
            for kind, value in rules.identifiers.items()
            if (text := self._identifier(value)) is not None
        ]
        return contact | {"identifiers": identifiers} if identifiers else contact

    def moment(self, name: str) -> int | None:
        if name not in self._moments:
            rule = self._reader.mapping.times[name]
            try:
                candidates = (self._term(term, rule) for term in rule.first)
                self._moments[name] = next((ms for ms in candidates if ms is not None), None)
            except (ValueError, OverflowError, OSError):  # beyond what a calendar can hold
                raise BadRow(_outside(name)) from None
        return self._moments[name]

    def _term(self, term: str, rule: Moment) -> int | None:
        base, _, plus = term.partition(PLUS)
        start = self.moment(base) if base in self._reader.mapping.times else self._clock(base, rule)
        if start is None or not plus:
            return start
        length = self._read(plus)
        return None if length is None else start + length

    def _clock(self, column: str, rule: Moment) -> int | None:
        """The moment that a column of kind time or datetime tells."""
        found = self._read(column)
        if found is None:
            return None
        calendar = self._reader.calendar
        anchor = self._anchor(rule.near)
        earliest = None if anchor is None or not self._forward else anchor - self._reader.mapping.skew
        if isinstance(found, formats.Stamp):
            if found.offset is not None:
                return self._meant(column, from_utc(found.day, found.of_day, found.offset))
            return self._meant(column, calendar.on(found.day, found.of_day, anchor, earliest))
        if rule.date is not None:
            day = self._read(rule.date)
            return None if day is None else self._meant(rule.date, calendar.on(day, found, anchor, earliest))
        return None if anchor is None else calendar.near(anchor, found, earliest)

    def _anchor(self, name: str | None) -> int | None:
        anchor = None if name is None else self.moment(name)
        if name is not None and anchor is not None and not FIRST_MS <= anchor <= LAST_MS:
            raise BadRow(_outside(name))
        return anchor

    def _meant(self, column: str, ms: int) -> int:
        """A log of 1 January 1970 does not exist; its midnight is what systems write for no time at all."""
        if abs(ms) <= _NEAR_EPOCH_MS:
            raise BadRow(f"{column}: {self.text(column)!r} is the beginning of 1970; {_STANDS_FOR_NONE}")
        return ms

    def _typed(self, column: str) -> Any:
        found = self._read(column)
        if not isinstance(found, formats.Stamp):
            return found
        anyone = Moment(first=[column])
        moment = self._clock(column, anyone)
        return None if moment is None else iso(moment)

    def _identifier(self, given: Value) -> str | None:
        """Identifiers are texts, whatever they look like: a phone keeps its leading zeros."""
        value = self.filled(given) if isinstance(given, str) else self.value(given)
        return None if value is None else str(value)

    def _read(self, column: str) -> Any:
        field = self._reader.fields[column]
        text = field.text(self._row)
        return None if text is None else field.read(text)


@lru_cache(maxsize=1000)
def _parts(template: str) -> tuple[str, ...]:
    """``"{date}-{line}"`` → ``("", "date", "-", "line", "")``: text and column in turn."""
    return tuple(TEMPLATE_FIELD.split(template))


def _holds(condition: Condition, text: str | None) -> bool:
    if condition.is_ is not None:
        return text in condition.is_
    if condition.not_ is not None:
        return text not in condition.not_
    return (text is not None) == condition.present


def _outside(moment: str) -> str:
    return f"{moment!r} lies outside {FIRST_TIME:%Y} to {LAST_TIME:%Y}; {_STANDS_FOR_NONE}"


def _parser(column: Column, decimal: str | None) -> Callable[[str], Any]:
    kind = column.kind
    if kind in UNITS_MS:
        return lambda text: values.duration(text, UNITS_MS[kind], decimal)
    if kind == "number":
        return lambda text: values.number(text, decimal)
    if kind == "boolean":
        return lambda text: values.truth(text, column.true, column.false)
    if kind in ("date", "time", "datetime"):
        read = formats.reader(column.formats)
        if kind == "datetime":
            return read
        return lambda text: read(text)[kind == "time"]
    return lambda text: text
