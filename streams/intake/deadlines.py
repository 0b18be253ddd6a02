"""The deadline that a promise names: "by Friday", "within two hours", "entro domani", "24 小时内". The words are data.

It is read relative to the time of the message, by the clock of the queue: a day is over at its end, a time without a
day is the next one, a weekday the next one of its name, and hours 1 to 6 are those of the afternoon unless something
says otherwise. Working days are Monday to Friday. What is not understood, names several deadlines, or one that is over
or farther away than ``FARTHEST_MS`` names none.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, Strict

from streams.base.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from streams.base.units import FROM_FILES, Text
from streams.intake.behaviours import READ, Behaviours

FARTHEST_MS = 31 * DAY_MS
AFTERNOON = range(1, 7)
"""Hours that are of the afternoon where nothing says which."""
NOON = 12
_HALF_DAY = 12
_LATEST = 24
UNIT_MS = {"minutes": MINUTE_MS, "half_hour": 30 * MINUTE_MS, "hours": HOUR_MS}
DAYS = {"today": 0, "tomorrow": 1, "day_after": 2}

_SENTENCE = re.compile(r"(?<=[.!?;。！？；])\s+|(?<=[。！？；])|\n+")
_AM_PM = re.compile(r"\b([ap])\.\s?m\b\.?")
_BLANK = re.compile(r"[\s,'’`()，、]+")
_SIGNS = re.compile(r"[\u3400-\u9fff]")
_NUMERALS = {sign: number for number, sign in enumerate("零一二三四五六七八九十")} | {"两": 2, "兩": 2}


def _word(phrase: str) -> str:
    if not _plain(phrase):
        raise ValueError(f"{phrase!r} has no word")
    return phrase


Phrase = Annotated[Text, AfterValidator(_word)]
Phrases = list[Phrase]


def _seven(weekdays: list[Phrases]) -> list[Phrases]:
    if len(weekdays) not in (0, 7):
        raise ValueError(f"a week has 7 days, Monday first; here are {len(weekdays)}")
    return weekdays


@dataclass(frozen=True, slots=True)
class Words:
    """Of one language; each a list of phrases in lower case."""

    by: Phrases = field(default_factory=list)
    """Before a day or a time of the day; in Chinese behind it."""
    at_latest: Phrases = field(default_factory=list)
    """In Chinese, before it."""
    within: Phrases = field(default_factory=list)
    """Before a duration; in Chinese behind it."""
    numbers: dict[Phrase, Annotated[int, Strict(), Field(ge=1, le=99)]] = field(default_factory=dict)
    minutes: Phrases = field(default_factory=list)
    half_hour: Phrases = field(default_factory=list)
    hours: Phrases = field(default_factory=list)
    days: Phrases = field(default_factory=list)
    working_days: Phrases = field(default_factory=list)
    weeks: Phrases = field(default_factory=list)
    today: Phrases = field(default_factory=list)
    tomorrow: Phrases = field(default_factory=list)
    day_after: Phrases = field(default_factory=list)
    weekdays: Annotated[list[Phrases], AfterValidator(_seven)] = field(default_factory=list)
    """Monday first."""
    before_day: Phrases = field(default_factory=list)
    """What may stand before a day."""
    at: Phrases = field(default_factory=list)
    """What stands before a time of the day."""
    clock: Phrases = field(default_factory=list)
    """What stands behind one, or for the colon of it."""
    morning: Phrases = field(default_factory=list)
    afternoon: Phrases = field(default_factory=list)
    noon: Phrases = field(default_factory=list)
    otherwise: Phrases = field(default_factory=list)
    """What makes another day of it: behind it, in Chinese before it."""

    __pydantic_config__ = FROM_FILES


@dataclass(frozen=True, slots=True)
class Table:
    """How a language names deadlines. ``meaning``: phrase → kind and number."""

    openers: frozenset[str]
    """Of which one is in a text that names a deadline."""
    patterns: tuple[re.Pattern[str], ...]
    meaning: Mapping[str, tuple[str, int]]
    in_signs: bool = False
    """Of a script without spaces."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """``tables``: language → its table; ``promises``: behaviours that may name a deadline; ``phrases`` finds those."""

    tables: Mapping[str, Table]
    promises: frozenset[str]
    phrases: Behaviours

    def of(self, text: str, language: str | None, at_ms: int, zone: ZoneInfo) -> int | None:
        """When the time of what a text promises is over (ms), as its promise says; None = it does not."""
        code = "" if language is None else language[:3].split("-")[0].split("_")[0].lower()
        tables = self.tables.values() if code in ("", "und", "mul") else [self.tables.get(code)]
        found: set[int] = set()
        sentences = [each for each in _SENTENCE.split(_AM_PM.sub(r"\1m", text[:READ].lower())) if each]
        said = datetime.fromtimestamp(at_ms / SECOND_MS, zone)
        for sentence in sentences:
            plain = _BLANK.sub(" ", sentence)
            words = plain.split(" ")
            named: set[int] = set()
            for table in tables:
                if table is None:
                    continue
                if table.in_signs:
                    if not sentence.isascii() and any(each in sentence for each in table.openers):
                        named.update(_named(plain.replace(" ", ""), table, said, at_ms))
                elif not table.openers.isdisjoint(words):
                    named.update(_named(plain, table, said, at_ms))
            if named and (
                len(sentences) == 1 or not self.promises.isdisjoint(self.phrases.of(sentence, language) or ())
            ):
                found |= named
        due = found.pop() if len(found) == 1 else None
        return due if due is not None and at_ms < due <= at_ms + FARTHEST_MS else None


def deadlines_of(languages: Mapping[str, Words], promises: Iterable[str], phrases: Behaviours) -> Deadlines:
    """The tables of a file."""
    return Deadlines({code: _table(words) for code, words in languages.items()}, frozenset(promises), phrases)


def _plain(phrase: str) -> str:
    return _BLANK.sub(" ", phrase.lower()).strip()


def _one_of(phrases: Iterable[str]) -> str:
    """A pattern for one of them, the longest first; none where there are none."""
    some = sorted({re.escape(_plain(each)) for each in phrases}, key=lambda each: (-len(each), each))
    return "|".join(some) or "(?!)"


def _table(words: Words) -> Table:
    units = {name: getattr(words, name) for name in ("minutes", "half_hour", "hours", "days", "working_days", "weeks")}
    meaning = {_plain(each): (name, 1) for name, phrases in units.items() for each in phrases}
    meaning |= {_plain(each): ("day", DAYS[name]) for name in DAYS for each in getattr(words, name)}
    meaning |= {_plain(each): ("weekday", at) for at, names in enumerate(words.weekdays) for each in names}
    meaning |= {_plain(each): ("number", number) for each, number in words.numbers.items()}
    for name in ("morning", "afternoon", "noon"):
        meaning |= {_plain(each): (name, 0) for each in getattr(words, name)}
    unit = _one_of(each for phrases in units.values() for each in phrases)
    day = _one_of(
        [*words.today, *words.tomorrow, *words.day_after, *(name for names in words.weekdays for name in names)]
    )
    in_signs = any(_SIGNS.search(each) for each in words.by)
    if in_signs:
        patterns, openers = _in_signs(words, unit, day), [*words.by, *words.within, *words.at_latest]
    else:
        patterns, openers = (
            _in_words(words, unit, day),
            [_plain(each).split()[0] for each in (*words.by, *words.within)],
        )
    return Table(frozenset(openers), tuple(map(re.compile, patterns)), meaning, in_signs)


def _in_words(words: Words, unit: str, day: str) -> list[str]:
    half, by, at, on = _one_of(words.half_hour), _one_of(words.by), _one_of(words.at), _one_of(words.before_day)
    behind, part, noon = _one_of(words.clock), _one_of([*words.morning, *words.afternoon]), _one_of(words.noon)
    clock = (
        rf"(?:(?:(?P<at>{at}) )?(?:(?P<noon>{noon})|(?P<hour>\d{{1,2}})(?:(?:[:.]| ?(?:{behind}) ?)(?P<minute>\d\d))?"
        rf"(?: ?(?P<behind>{behind}))?(?: ?(?P<part>{part}))?))"
    )
    other = re.sub(r"\?P<(\w+)>", r"?P<\1_>", clock)
    ends = rf"(?!\w)(?! (?:{_one_of(words.otherwise)})(?!\w))"
    number = rf"(?P<number>\d{{1,3}}|{_one_of(words.numbers)})"
    later = rf"{other}(?: (?:(?:{on}) )?(?P<day_>{day}))?"
    return [
        rf"(?<!\w)(?:{_one_of(words.within)}) (?:{number} (?P<unit>{unit})|(?P<half>{half})){ends}",
        rf"(?<!\w)(?:{by}) (?:(?:{on}) )?(?:(?P<day>{day})(?: {clock})?|{later}){ends}",
    ]


def _in_signs(words: Words, unit: str, day: str) -> list[str]:
    part, noon = _one_of([*words.morning, *words.afternoon]), _one_of(words.noon)
    number = r"(?:\d{1,3}|[零一二两兩三四五六七八九十]{1,3})"
    before = "".join(rf"(?<!{re.escape(each)})" for each in words.otherwise)
    hour = (
        rf"(?P<hour>{number})(?:(?P<behind>{_one_of(words.clock)})|:)(?:(?P<minute>{number})分?|(?P<minute_half>半))?"
    )
    latest = rf"(?P<latest>{_one_of(words.at_latest)})?"
    day_part = rf"{before}(?P<day>{day})?(?:(?P<part>{part})|(?P<noon>{noon}))?"
    some = (
        *words.at_latest,
        *words.today,
        *words.tomorrow,
        *words.day_after,
        *(name for names in words.weekdays for name in names),
    )
    first = "".join(sorted({each[0] for each in (*some, *words.morning, *words.afternoon, *words.noon)}))
    return [
        rf"(?:(?P<number>{number})(?P<unit>{unit})|(?P<half>{_one_of(words.half_hour)}))(?:{_one_of(words.within)})",
        rf"(?=[\d零一二两兩三四五六七八九十{first}]){latest}{day_part}(?:{hour})?(?P<by>{_one_of(words.by)})?",
    ]


def _named(text: str, table: Table, said: datetime, at_ms: int) -> Iterator[int]:
    """All that a sentence in lower case names; of a script without spaces, without them."""
    for pattern, read in zip(table.patterns, (_duration, _moment), strict=True):
        for match in pattern.finditer(text):
            parts = {name.rstrip("_"): value for name, value in match.groupdict().items() if value is not None}
            due = read(parts, table, said, at_ms)
            if due is not None:
                yield due


Parts = Mapping[str, str]


def _number(said: str, table: Table) -> int:
    if said.isdecimal():
        return int(said)
    if said in table.meaning:
        return table.meaning[said][1]
    tens, ten, ones = said.rpartition("十")
    return (_NUMERALS.get(tens, 1) * 10 if ten else 0) + _NUMERALS.get(ones, 0)


def _duration(parts: Parts, table: Table, said: datetime, at_ms: int) -> int | None:
    if "half" in parts:
        return at_ms + UNIT_MS["half_hour"]
    count, unit = _number(parts["number"], table), table.meaning[parts["unit"]][0]
    if unit in UNIT_MS:
        return at_ms + count * UNIT_MS[unit]
    if unit == "working_days":
        return _end_of(_working_day(said, count))
    return _end_of(said + timedelta(days=count * (7 if unit == "weeks" else 1)))


def _working_day(said: datetime, count: int) -> datetime:
    """So many working days later; ``count`` is at most 999."""
    day = said
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def _end_of(day: datetime) -> int:
    return _ms(datetime.combine(day.date() + timedelta(days=1), time(), day.tzinfo))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp()) * SECOND_MS


def _moment(parts: Parts, table: Table, said: datetime, at_ms: int) -> int | None:
    if table.in_signs and not parts.keys() & {"latest", "by"}:
        return None
    timed = _clock(parts, table)
    if timed is None or (timed == () and "day" not in parts):
        return None
    if "day" not in parts:
        today = _at(said, timed)
        return today if today is not None and today > at_ms else _at(said + timedelta(days=1), timed)
    kind, number = table.meaning[parts["day"]]
    ahead = number if kind == "day" else (number - said.weekday()) % 7
    due = _at(said + timedelta(days=ahead), timed)
    if kind == "weekday" and not ahead and (timed == () or due is None or due <= at_ms):
        return _at(said + timedelta(days=7), timed)
    return due


Timed = tuple[int, int] | tuple[()]
"""Hour and minute; nothing = the end of the day."""


def _at(day: datetime, timed: Timed) -> int | None:
    if not timed:
        return _end_of(day)
    hour, minute = timed
    if hour == _LATEST and not minute:
        return _end_of(day)
    return _ms(datetime.combine(day.date(), time(hour, minute), day.tzinfo))


def _clock(parts: Parts, table: Table) -> Timed | None:
    """None: there is a number that is no time of the day."""
    if "noon" in parts and "hour" not in parts:
        return NOON, 0
    if "hour" not in parts:
        return ()
    if not parts.keys() & {"at", "minute", "minute_half", "behind", "part"}:
        return None
    hour = _number(parts["hour"], table)
    minute = 30 if "minute_half" in parts else _number(parts["minute"], table) if "minute" in parts else 0
    part = (
        table.meaning[parts["part"]][0] if "part" in parts else "afternoon" if "noon" in parts and hour < NOON else ""
    )
    if (part == "afternoon" and hour < NOON) or (part == "" and hour in AFTERNOON):
        hour += _HALF_DAY
    elif part == "morning" and hour == NOON:
        hour = 0
    return (hour, minute) if (hour < _LATEST and minute < 60) or (hour, minute) == (_LATEST, 0) else None


Zones = Callable[[str, str], ZoneInfo]
"""The clock of a channel and queue."""
