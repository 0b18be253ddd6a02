"""What in a text looks like the number of a card or a phone and is none: dates, numbers of machines, amounts, addresses
of hosts. See `streams.intake.detectors`.
"""

import re
from bisect import bisect_right

Span = tuple[int, int]

_HEX = "[0-9A-Fa-f]"
_OF_MACHINES = re.compile(
    rf"(?<![0-9A-Za-z])(?:{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"
    rf"|(?=[0-9]*[A-Fa-f])(?:{_HEX}{{64}}|{_HEX}{{40}}|{_HEX}{{32}})"
    r"|(?:\d\d([ /-])\d{6}|\d{6}([ /-])\d\d|\d{8})(?:\1|\2|[ /-])\d{6}[ /-]\d\d?"
    r"|\d{3}(?:[ -]\d{3}){4}"
    r"|\d{3}-\d{7}-\d{7}|(?<!\d[-/ ])(?:\d\d-\d{5}-\d{5}|(?:19|20)\d\d[-/]\d{4,12})"
    r"|97[89]([ -])\d{1,5}\3\d{1,7}\3\d{1,6}\3\d"
    r"|9[2-5]\d\d(?: \d{4}){4} \d\d|1Z[0-9A-Z]{16}"
    r"|(?<!\+)1\d{12}(?:\d{3}){0,2}|1\d{9}\.\d{1,9})(?![0-9A-Za-z])"
)
"""By their shape: a UUID, also without its dashes; a digest (MD5, SHA-1, SHA-256); an IMEI; orders of large shops and
of a year; an ISBN; parcels; milliseconds and finer since 1970, and seconds with a fraction."""
_FOURS = re.compile(r"(?<!\d)\d{4}(?:([ -])\d{4})(?:\1\d{4})+(?:\1\d{1,3})?(?!\d)")
"""A long number as it is printed in groups of four."""
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_HOUR, _SIXTY = r"(?:[01]\d|2[0-3])", r"[0-5]\d"
_OFFSET = r"(?:\s?[+-](?:0\d|1[0-4]):?(?:00|15|30|45))"
_DATE = re.compile(
    rf"(?<![\d+])(?:(?:{_YEAR}[-./_]{_MONTH}[-./_]{_DAY}|{_DAY}[-./]{_DAY}[-./]{_YEAR})"
    rf"(?:[ T_-]{_HOUR}[-._]{_SIXTY}(?:[-._]{_SIXTY})?(?![-._ ]?\d))?"
    rf"|{_YEAR} (?:0[1-9]|1[0-2]) (?:0[1-9]|[12]\d|3[01]) {_HOUR} {_SIXTY}(?: {_SIXTY})?"
    rf"|(?<![\d:])\d{{1,2}}:{_SIXTY}(?::{_SIXTY}(?:[.,]\d{{1,9}})?)?{_OFFSET}?"
    rf"|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2]){_YEAR}{_HOUR}{_SIXTY}{_SIXTY}"
    rf"|(?P<digits>{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
    rf"(?P<time>[ _-]?{_HOUR}{_SIXTY}(?:{_SIXTY}(?:\d{{3}}|\d{{6}})?)?)?)(?!\d)"
)
"""Dates, with what is written of the time behind them, and times of day with a colon."""


class NotPersonal:
    """The dates in a shadow, and the numbers of machines. Eight digits of a phone number can look like a date."""

    def __init__(self, shadow: str) -> None:
        self._shadow = shadow
        found = list(_DATE.finditer(shadow))
        self._dates = [match.span() for match in found]
        self._ends = [end for _, end in self._dates]
        self._written = [match["digits"] is None or match["time"] is not None for match in found]
        """With signs between its parts, or with a time: not only eight digits."""
        self._machines: tuple[list[Span], list[int]] | None = None
        self._fours: tuple[list[Span], list[int]] | None = None

    def dated(self, position: int) -> bool:
        """Does it lie in a date?"""
        if not self._ends:
            return False
        at = bisect_right(self._ends, position)
        return at < len(self._dates) and self._dates[at][0] <= position

    def is_date(self, span: Span) -> bool:
        """Is it a date, or a part of one?"""
        if not self._ends:
            return False
        at = bisect_right(self._ends, span[0])
        return at < len(self._dates) and self._dates[at][0] <= span[0] and span[1] <= self._ends[at]

    def touches_date(self, span: Span) -> bool:
        """Is there a date in it, or a part of one?"""
        return len(_within(self._dates, self._ends, span)) > 0

    def cuts_date(self, span: Span, *, written: bool = False) -> bool:
        """Is there a part of a date in it? ``written``: or a whole one that is not only eight digits."""
        start, end = span
        return any(
            self._dates[at][0] < start or self._ends[at] > end or (written and self._written[at])
            for at in _within(self._dates, self._ends, span)
        )

    def cuts_fours(self, span: Span) -> bool:
        """Does it begin inside a long number in groups of four?"""
        if self._fours is None:
            found = [match.span() for match in _FOURS.finditer(self._shadow)]
            self._fours = found, [end for _, end in found]
        return any(self._fours[0][at][0] < span[0] for at in _within(*self._fours, span))

    def in_machine(self, span: Span) -> bool:
        """Is it a number of a machine, or in one?"""
        spans, ends = self._of_machines()
        return any(spans[at][0] <= span[0] and span[1] <= ends[at] for at in _within(spans, ends, span))

    def touches_machine(self, span: Span) -> bool:
        """Is a part of it a number of a machine, or in one?"""
        return len(_within(*self._of_machines(), span)) > 0

    def _of_machines(self) -> tuple[list[Span], list[int]]:
        if self._machines is None:  # most texts hold nothing for which this has to be known
            found = [match.span() for match in _OF_MACHINES.finditer(self._shadow)]
            self._machines = found, [end for _, end in found]
        return self._machines


def _within(those: list[Span], ends: list[int], span: Span) -> range:
    """Which of ``those``, from left to right, overlap the span."""
    if not ends:
        return range(0)
    first = last = bisect_right(ends, span[0])
    while last < len(those) and those[last][0] < span[1]:
        last += 1
    return range(first, last)


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
NO_PHONE = re.compile(
    rf"(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?![\d.])"
    r"|(?<![\d.])(?:\d{1,2}\.\d{4,17}|[1-9]\d\d\.\d{8,17})(?!\.?\d)|(?<![0-9A-Za-z])v\d{1,5}(?:\.\d{1,9}){2,5}"
    r"|(?:[€$£¥₹₪]|\b(?:EUR|USD|GBP|CHF|ILS|Rs)\b)\s?\d[\d.,']{0,20}"
    r"|(?<![\d.,'])\d[\d.,']{0,20}\s?(?:[€$£¥₹₪]|(?:EUR|USD|GBP|CHF|ILS|dollars?|euros?|pounds?)\b)",
    re.IGNORECASE,
)
