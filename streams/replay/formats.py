"""Dates and times of day by the signs of ``strptime``, without what it guesses and with what it lacks.

Behind the seconds a fraction of one to nine digits may follow, with a point or a comma, whether the format names it or
not. ``%z`` takes ``Z``, ``UTC``, ``+01:00``, ``+0100``, ``+01`` and ``GMT+1``, with a name such as ``[Europe/Berlin]``
behind it; a ``Z``, ``UTC`` or offset that ends the format is read as one, and never passed over. ``%s`` is the time
since 1970: seconds, or what finer unit has so many digits (13: milliseconds, 16: microseconds). Names of months are
English, whatever the machine speaks. Two signs without anything between them have two digits each: ``111`` is no day
and month.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_DAYS = "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|wed|thu|fri|sat|sun)"
_PIVOT = 69
"""Two-digit years from here on are of the last century, as POSIX has it."""

_PATTERNS: dict[str, str] = {
    "Y": "(?P<Y>[0-9]{4})",
    "y": "(?P<y>[0-9]{2})",
    "m": "(?P<m>1[0-2]|0[1-9]|[1-9])",
    "d": "(?P<d>3[01]|[12][0-9]|0[1-9]| ?[1-9])",
    "j": "(?P<j>[0-9]{3})",
    "b": f"(?P<b>{'|'.join((*_LONG, *MONTHS))})",
    "H": "(?P<H>2[0-3]|[01][0-9]| ?[0-9])",
    "I": "(?P<I>1[0-2]|0[1-9]| ?[1-9])",
    "p": r"(?P<p>[ap])\.?m\.?",
    "M": "(?P<M>[0-5][0-9]|[0-9])",
    "S": "(?P<S>[0-5][0-9]|[0-9])",
    "f": "(?P<f>[0-9]{1,9})",
    "s": "(?P<s>[0-9]{9,10}|[0-9]{12,13}|[0-9]{15,16})",
    "z": r"(?P<z>z|(?:utc|gmt)(?:[+-][0-9]{1,2}(?::?[0-9]{2})?)?|[+-][0-9]{2}(?::?[0-9]{2})?)(?:\[[a-z_/+-]+\])?",
    "a": _DAYS,
    "%": "%",
}
_PATTERNS |= {"B": _PATTERNS["b"], "h": _PATTERNS["b"], "A": _PATTERNS["a"]}
_SHORT = {"m": "[1-9]", "d": " ?[1-9]", "H": " ?[0-9]", "I": " ?[1-9]", "M": "[0-9]", "S": "[0-9]"}
"""What the pattern of a number allows beyond two digits."""
_OFFSET = re.compile(r"[^+-]*([+-])([0-9]{1,2}):?([0-9]{2})?")
_EPOCH = date(1970, 1, 1).toordinal()
_DAY_MS = 86_400_000
_FEWEST = 9
_TOKEN = re.compile(r"%(.)|\s+|[^%]", re.DOTALL)
_ZONE_AT_END = re.compile(r"(%[SfMp]\s*\(?)(?:Z|UTC|GMT|[+-]\d\d:?\d\d)(\)?)\Z", re.IGNORECASE)
_FRACTION = "(?:[.,](?P<f>[0-9]{1,9}))?"


class Stamp(NamedTuple):
    """What a text says, before a time zone makes a moment of it."""

    day: int
    """Proleptic ordinal; 0 where the format has no date."""
    of_day: int
    """Ms after midnight on the clock, rounded down."""
    offset: int | None
    """Ms that the clock is ahead of UTC, where the text says so."""


class Format:
    """One format; ``signs`` are those it holds. Raises ValueError where it cannot be used."""

    def __init__(self, text: str) -> None:
        self.text = text
        tokens = _ZONE_AT_END.sub(r"\1%z\2", re.sub(r"%S[.,]%f", "%S", text))
        parts: list[str] = []
        self.signs: set[str] = set()
        found = list(_TOKEN.finditer(tokens))
        for index, token in enumerate(found):
            sign = token[1]
            if sign is None:
                parts.append(r"\s+" if token[0].isspace() else re.escape(token[0]))
                continue
            if sign not in _PATTERNS:
                raise ValueError(f"the format {text!r} cannot be read back: {_unknown(sign)}")
            if sign in self.signs:
                raise ValueError(f"the format {text!r} cannot be read back: %{sign} occurs twice")
            touches = {found[other][1] for other in (index - 1, index + 1) if 0 <= other < len(found)} - {None, "%"}
            parts.append(self._pattern(sign, fixed=bool(touches)))
            self.signs.add({"B": "b", "h": "b", "A": "a"}.get(sign, sign))
            if sign in ("S", "s") and "%f" not in tokens:
                parts.append(_FRACTION)
        try:
            self._match = re.compile("".join(parts), re.IGNORECASE | re.ASCII).fullmatch
        except re.error as error:  # such as a name of a month in two spellings
            raise ValueError(f"the format {text!r} cannot be read back: {error}") from None

    @staticmethod
    def _pattern(sign: str, *, fixed: bool) -> str:
        pattern = _PATTERNS[sign]
        return pattern.replace(f"|{_SHORT[sign]}", "") if fixed and sign in _SHORT else pattern

    @property
    def has_date(self) -> bool:
        """Are year, month and day in it?"""
        if "s" in self.signs:
            return True
        return bool(self.signs & {"Y", "y"}) and (
            "j" in self.signs or ("d" in self.signs and bool(self.signs & {"m", "b"}))
        )

    @property
    def has_time(self) -> bool:
        """Are hour and minute in it, the half of the day included?"""
        if "s" in self.signs:
            return True
        return "M" in self.signs and ("H" in self.signs or {"I", "p"} <= self.signs)

    @property
    def is_zoned(self) -> bool:
        """Does the text say how far its clock is from UTC?"""
        return not self.signs.isdisjoint(("z", "s"))

    def read(self, text: str) -> Stamp | None:
        """What the text says; None when it is not of this format. Raises ValueError for a day that does not exist."""
        found = self._match(text)
        if found is None:
            return None
        if "s" in self.signs:
            return _since_1970(found["s"], found.groupdict().get("f") or "")
        given = {name: value.strip() for name, value in found.groupdict().items() if value is not None}
        return Stamp(_day(given) if self.has_date else 0, _of_day(given), _offset(given))


def reader(formats: Sequence[str]) -> Callable[[str], Stamp]:
    """A function that reads a text by whichever format fits. It raises ValueError when none does, when the day does not
    exist, and when two fit and disagree.
    """
    known = [Format(text) for text in formats]

    def read(text: str) -> Stamp:
        found: dict[Stamp, str] = {}
        wrong: ValueError | None = None
        for form in known:
            try:
                stamp = form.read(text)
            except ValueError as error:
                wrong = error
                continue
            if stamp is not None:
                found.setdefault(stamp, form.text)
        if len(found) > 1:
            by = " and ".join(map(repr, found.values()))
            raise ValueError(f"{text!r} says different things by the formats {by}")
        if found:
            return next(iter(found))
        if wrong is not None:
            raise wrong
        names = " or ".join(map(repr, formats))
        raise ValueError(f"time data {text!r} does not match format {names}")

    return read


def _unknown(sign: str) -> str:
    if sign == "Z":
        return "names of zones such as CET have several meanings; use time_zone, or %z for offsets"
    return f"%{sign} is no sign that is read; there are: {' '.join('%' + known for known in sorted(_PATTERNS))}"


def _day(given: dict[str, str]) -> int:
    short = int(given.get("y", 0))
    year = int(given["Y"]) if "Y" in given else short + (1900 if short >= _PIVOT else 2000)
    if "j" in given:
        day = date(year, 1, 1).toordinal() + int(given["j"]) - 1
        if date.fromordinal(max(day, 1)).year != year:
            raise ValueError("day is out of range for year")
        return day
    month = int(given["m"]) if "m" in given else MONTHS.index(given["b"].lower()[:3]) + 1
    return date(year, month, int(given["d"])).toordinal()


def _of_day(given: dict[str, str]) -> int:
    hour = int(given.get("H", 0))
    if "I" in given:
        hour = int(given["I"]) % 12 + (12 if given.get("p", "").lower() == "p" else 0)
    ms = int(given.get("f", "0").ljust(3, "0")[:3])
    return ((hour * 60 + int(given.get("M", 0))) * 60 + int(given.get("S", 0))) * 1000 + ms


def _since_1970(digits: str, fraction: str) -> Stamp:
    """Ten digits are seconds, three more are thousandths of them, and so on."""
    finer = 10 ** ((len(digits) - _FEWEST) // 3 * 3)
    ms = int(digits) * 1000 // finer + (int(fraction.ljust(3, "0")[:3]) if finer == 1 else 0)
    days, of_day = divmod(ms, _DAY_MS)
    return Stamp(_EPOCH + days, of_day, 0)


def _offset(given: dict[str, str]) -> int | None:
    zone = given.get("z")
    if zone is None:
        return None
    found = _OFFSET.fullmatch(zone)
    if found is None:
        return 0
    hours, minutes = int(found[2]), int(found[3] or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(f"{zone} is no offset from UTC")
    return (hours * 60 + minutes) * (-60_000 if found[1] == "-" else 60_000)
