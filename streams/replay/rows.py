"""One row of a call log to its events, as the mapping says. Everything is looked up only when a rule needs it, so that
a column which does not concern a row (the service time of a call that hung up) cannot make it unreadable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from schemas.fields import FIRST_TIME, LAST_TIME
from streams.replay.check import PLUS, TEMPLATE_FIELD
from streams.replay.mapping import Column, Condition, Lookup, Mapping, Moment, Value, When
from streams.replay.times import Calendar, to_ms

FIRST_MS, LAST_MS = to_ms(FIRST_TIME), to_ms(LAST_TIME)


class BadRow(Exception):
    """The row cannot be read; the text says why."""


class LeftOut(Exception):
    """The row is no contact, for the reason in the text."""


class Planned(NamedTuple):
    """One event to publish: ``contact`` is shared by all events of the row, ``extra`` is what its type adds."""

    time: int
    type: str
    nth: int
    """0, or how many events of this type the row already has."""
    contact: dict[str, Any]
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    index: int
    absent: frozenset[str]
    parse: Callable[[str], int]
    is_seconds: bool
    is_day_bound: bool
    """A time of day, as opposed to a point in time."""

    def text(self, values: Sequence[str]) -> str | None:
        text = values[self.index].strip()
        if text in self.absent or (self.is_seconds and self.number(text) < 0):
            return None
        return text

    def number(self, text: str) -> int:
        """Ms (seconds, time of day, point in time) or the day's ordinal (date)."""
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

    def events(self, values: Sequence[str]) -> list[Planned]:
        """The row's events, in the order of the mapping. Raises BadRow, LeftOut."""
        row = _Row(self, values)
        for reason, when in self.mapping.leave_out.items():
            if row.holds(when):
                raise LeftOut(reason)
        contact = row.contact()
        planned: list[Planned] = []
        for rule in self.mapping.events:
            if not row.holds(rule.when):
                continue
            moment = row.moment(rule.at)
            if moment is None:
                raise BadRow(f"{rule.type}: none of the times for {rule.at!r} is present")
            if not FIRST_MS <= moment <= LAST_MS:
                raise BadRow(f"{rule.type}: {rule.at!r} lies outside {FIRST_TIME:%Y} to {LAST_TIME:%Y}")
            nth = sum(event.type == rule.type for event in planned)
            planned.append(Planned(moment, rule.type, nth, contact, self._shared(row.filled_data(rule.data))))
        return planned

    def _shared(self, extra: dict[str, Any]) -> dict[str, Any]:
        """One dict for all events that add the same: a long log has few distinct ones."""
        key = tuple((name, type(value), value) for name, value in extra.items())  # the type keeps 1 and true apart
        return self._extras.setdefault(key, extra)

    def _field(self, name: str, column: Column, index: int) -> _Field:
        parse = lru_cache(maxsize=100_000)(_parser(column, self.calendar))
        absent = frozenset({"", *column.absent})
        return _Field(name, index, absent, parse, column.kind == "seconds", column.kind == "time")


class _Row:
    """One row while it is read; moments are worked out once."""

    __slots__ = ("_moments", "_reader", "_values")

    def __init__(self, reader: RowReader, values: Sequence[str]) -> None:
        self._reader = reader
        self._values = values
        self._moments: dict[str, int | None] = {}

    def text(self, column: str) -> str | None:
        return self._reader.fields[column].text(self._values)

    def holds(self, when: When) -> bool:
        return all(_holds(condition, self.text(column)) for column, condition in when.items())

    def value(self, given: Value | None) -> Any:
        if isinstance(given, Lookup):
            return given.values.get(self.text(given.column) or "")
        return self.filled(given) if isinstance(given, str) else given

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
            {"kind": kind, "value": str(value)} for kind, value in self.filled_data(rules.identifiers).items()
        ]
        return contact | {"identifiers": identifiers} if identifiers else contact

    def moment(self, name: str) -> int | None:
        if name not in self._moments:
            rule = self._reader.mapping.times[name]
            candidates = (self._term(term, rule) for term in rule.first)
            self._moments[name] = next((ms for ms in candidates if ms is not None), None)
        return self._moments[name]

    def _term(self, term: str, rule: Moment) -> int | None:
        base, _, plus = term.partition(PLUS)
        start = self.moment(base) if base in self._reader.mapping.times else self._clock(base, rule)
        if start is None or not plus:
            return start
        duration = self._number(plus)
        return None if duration is None else start + duration

    def _clock(self, column: str, rule: Moment) -> int | None:
        number = self._number(column)
        if number is None or not self._reader.fields[column].is_day_bound:
            return number
        if rule.near is not None:
            anchor = self.moment(rule.near)
            return None if anchor is None else self._reader.calendar.near(anchor, number)
        day = self._number(rule.date or "")
        return None if day is None else self._reader.calendar.on(day, number)

    def _number(self, column: str) -> int | None:
        field = self._reader.fields[column]
        text = field.text(self._values)
        return None if text is None else field.number(text)


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


def _parser(column: Column, calendar: Calendar) -> Callable[[str], int]:
    pattern = column.pattern

    def seconds(text: str) -> int:
        return round(float(text) * 1000)

    def day(text: str) -> int:
        return datetime.strptime(text, pattern).toordinal()

    def of_day(text: str) -> int:
        clock = datetime.strptime(text, pattern)
        return ((clock.hour * 60 + clock.minute) * 60 + clock.second) * 1000 + clock.microsecond // 1000

    def point(text: str) -> int:
        return calendar.local(datetime.strptime(text, pattern))

    def unparsed(text: str) -> int:
        raise ValueError(f"{text!r} is text, not a number")

    parsers = {"seconds": seconds, "date": day, "time": of_day, "datetime": point}
    return parsers.get(column.kind, unparsed)
