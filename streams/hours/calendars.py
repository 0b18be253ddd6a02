"""Opening hours as `hours.yaml` says them: calendars, and which queue goes by which."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Strict

from streams.base.times import DAY_MS, MINUTE_MS
from streams.base.units import FROM_FILES, ChannelName, RuleName, Text, Zone, reads
from streams.hours.clock import BusinessClock
from streams.hours.public_holidays import in_year, places

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = DAY_MS // MINUTE_MS
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d:[0-5]\d|2[0-3]:[0-5]\d|24:00)")
_STRETCH = {"type": "string", "pattern": f"^{_HOURS.pattern}$".replace(r"\d", "[0-9]")}

Stretch = tuple[int, int]
"""From and until, minutes since the day's midnight by the clock on the wall; beyond 1440: on the day after."""
Day = tuple[Stretch, ...]
"""When a day is open, in order of time; those of the night belong to the day on which they begin."""


def _stretch(value: object) -> Stretch:
    found = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("expected opening hours such as 08:00-18:00, or 22:00-06:00 over midnight")
    begin = 60 * int(found[1]) + int(found[2])
    end = 60 * int(found[3][:2]) + int(found[3][3:])
    if begin == end:
        raise ValueError("opening and closing are the same; a whole day is 00:00-24:00")
    return begin, end if end > begin else end + _DAY


def _closed(value: object) -> object:
    if isinstance(value, str) and value != "closed":
        raise ValueError("expected a list of opening hours, or closed")
    return () if value == "closed" else value


def _in_order(value: Day) -> Day:
    return tuple(sorted(value))


def text(stretch: Stretch) -> str:
    """As files have it."""
    (begin, end), last = stretch, "24:00"
    if end != _DAY:
        last = f"{end % _DAY // 60:02}:{end % 60:02}"
    return f"{begin // 60:02}:{begin % 60:02}-{last}"


def _dates(value: object) -> object:
    """YAML reads a date that is not quoted as one."""
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else value


def _country(value: object) -> str:
    if not isinstance(value, str) or value not in places():
        raise ValueError("expected a country of two capital letters whose holidays are known, such as DE")
    return value


OpenDay = Annotated[
    tuple[Annotated[Stretch, reads(_stretch, **_STRETCH)], ...],
    reads(_closed, anyOf=[{"type": "array", "items": _STRETCH}, {"const": "closed"}]),
    AfterValidator(_in_order),
]
"""A list of ``08:00-18:00``, or ``closed``."""


@dataclass(frozen=True, slots=True)
class Holidays:
    """On the public holidays of a place it is closed."""

    country: Annotated[str, reads(_country, type="string", pattern="^[A-Z]{2}$")]
    """ISO 3166-1, two letters."""
    subdivision: Annotated[str, Strict()] | None = None
    """A state or region, as the library `holidays` has it."""

    __pydantic_config__ = FROM_FILES

    def are_known(self) -> str | None:
        """What is wrong with the subdivision, if anything."""
        known = places()[self.country]
        if self.subdivision is None or self.subdivision in known:
            return None
        there = f"there are {', '.join(known)}" if known else f"{self.country} has none"
        return f"{self.subdivision!r} is no subdivision of {self.country} with holidays of its own; {there}"


@dataclass(frozen=True)
class Calendar:
    """When it is open, by the clock on the wall of its time zone."""

    time_zone: Zone
    weekly: dict[Weekday, OpenDay]
    """A day that is not named is closed."""
    holidays: Holidays | None = None
    special: Annotated[dict[date, OpenDay], BeforeValidator(_dates)] = field(default_factory=dict)
    """Dates with hours of their own, whatever the weekday, and whether or not they are holidays."""

    __pydantic_config__ = FROM_FILES

    def day(self, day: date) -> Day:
        """When a date is open."""
        return () if self.holiday(day) is not None else self._usual(day)

    def holiday(self, day: date) -> str | None:
        """The public holiday for which a date is closed."""
        place = self.holidays
        if place is None or day in self.special:
            return None
        return in_year(place.country, place.subdivision, day.year).get(day)

    def _usual(self, day: date) -> Day:
        return self.special[day] if day in self.special else self.weekly.get(WEEKDAYS[day.weekday()], ())

    def mistakes(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Path in the calendar, and what is wrong there: above all hours that overlap, also those of a night with the
        next day's."""
        wrong = self.holidays.are_known() if self.holidays else None
        if wrong:
            yield ("holidays", "subdivision"), wrong
        if not any((*self.weekly.values(), *self.special.values())):
            yield ("weekly",), "is never open; name at least one day with hours"
        days = [(("weekly", str(name)), day) for name, day in self.weekly.items()]
        days += [(("special", str(on)), day) for on, day in self.special.items()]
        for path, day in days:
            for earlier, later in pairwise(day):
                if later[0] < earlier[1]:
                    yield path, f"{text(later)} overlaps {text(earlier)}"
        yield from self._nights()

    def _nights(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        for number, name in enumerate(WEEKDAYS):
            before = WEEKDAYS[number - 1]
            for what in _meeting(self.weekly.get(before, ()), self.weekly.get(name, ()), before):
                yield ("weekly", name), what
        for day in self.special:
            if day > date.min:
                yesterday = day - timedelta(days=1)
                for what in _meeting(self._usual(yesterday), self.special[day], str(yesterday)):
                    yield ("special", str(day)), what
            tomorrow = day + timedelta(days=1) if day < date.max else day
            if tomorrow not in self.special:
                for what in _meeting(self.special[day], self._usual(tomorrow), str(day)):
                    yield ("special", str(day)), f"{what} ({WEEKDAYS[tomorrow.weekday()]})"


def _meeting(before: Day, after: Day, name: str) -> Iterator[str]:
    if before and after and before[-1][1] - _DAY > after[0][0]:
        yield f"{text(after[0])} overlaps {text(before[-1])} of {name}, which goes on after midnight"


@dataclass(frozen=True)
class Hours:
    """Which queue goes by which calendar: the queue's own, else its channel's, else the default; none: it has no
    opening hours, and its days are those of `kpis.yaml`."""

    calendars: dict[RuleName, Calendar] = field(default_factory=dict)
    queues: dict[Text, Text] = field(default_factory=dict)
    channels: dict[ChannelName, Text] = field(default_factory=dict)
    default: Text | None = None

    __pydantic_config__ = FROM_FILES

    @cached_property
    def clocks(self) -> Mapping[str, BusinessClock]:
        """By calendar."""
        return {name: BusinessClock(each.time_zone, each.day) for name, each in self.calendars.items()}

    def name(self, channel: str, queue: str) -> str | None:
        """The calendar that a queue goes by."""
        return self.queues.get(queue) or self.channels.get(channel) or self.default

    def clock(self, channel: str, queue: str) -> BusinessClock | None:
        """Its business time; ``None`` where it has no opening hours."""
        name = self.name(channel, queue) if self.calendars else None
        return None if name is None else self.clocks[name]

    def zone(self, channel: str, queue: str) -> ZoneInfo | None:
        """The time zone of a queue that has opening hours."""
        name = self.name(channel, queue) if self.calendars else None
        return None if name is None else self.calendars[name].time_zone

    def mistakes(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Path in the file, and what is wrong there: what no part of it can tell by itself."""
        for name, calendar in self.calendars.items():
            for path, what in calendar.mistakes():
                yield ("calendars", name, *path), what
        named: list[tuple[tuple[str | int, ...], Any]] = [(("queues", each), at) for each, at in self.queues.items()]
        named += [(("channels", each), at) for each, at in self.channels.items()]
        if self.default is not None:
            named.append((("default",), self.default))
        known = ", ".join(sorted(self.calendars)) or "none"
        for where, at in named:
            if at not in self.calendars:
                yield where, f"{at!r} is not one of the calendars ({known})"
