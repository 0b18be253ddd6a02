"""What in a text is an IBAN, a card or none of these, and what it costs to find out. Phone numbers have a module of
their own, `streams.intake.phone_detectors`.

Every detector gets a shadow, the text in plain forms in which what was dealt with is crossed out, and yields spans from
left to right. Each look it takes has a price, paid from one `Budget`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from stdnum import iban, numdb

from streams.intake.not_personal import NotPersonal, Span
from streams.intake.things import is_of_a_thing

# 1. The price of a look

UNITS = 50_000
"""What looking at the texts of one event may cost; a unit is about a microsecond of CPU."""
PER_CHARACTER, PER_DIGIT, PER_AT, PER_ESCAPE = 0.05, 0.4, 1, 2
"""All patterns, once over the text; most of their work is at digits and at signs."""
SHORT = 300
"""Characters up to which a text is taken for digits all over."""
RUN, PER_GROUP = 2, 0.5
"""Taking a run of digits apart."""
IBAN_SHAPE, IBAN = 2, 10
CARD = 1
INTERNATIONAL = 70
SHAPE, NATIONAL_SHAPE, NATIONAL = 1, 20, 6
"""A candidate; one that has the region's pattern; the question to ``phonenumbers``, by the character."""


class Spent(Exception):
    """The budget is used up."""


class Budget:
    """How much may be looked at; shared by all detectors and all texts of an event.

    Prices are fixed and nothing is timed: the same event is masked the same way whenever it is read.
    """

    __slots__ = ("_asked", "left", "sieved")

    def __init__(self, units: float = UNITS) -> None:
        self.left = units
        self._asked: set[tuple[str, ...]] = set()
        self.sieved = 0
        """Texts that were masked by the sieve, because nothing was left."""

    def spend_on(self, shadow: str, escapes: int = 0) -> None:
        """What it takes to go through a text with all patterns, whatever they find. Raises `Spent`."""
        size = len(shadow)
        if escapes:
            self.spend(escapes * PER_ESCAPE)
        if size <= SHORT:  # not worth counting
            self.spend(size * (PER_CHARACTER + PER_DIGIT))
        else:
            digits = sum(map(shadow.count, "0123456789"))
            self.spend(size * PER_CHARACTER + digits * PER_DIGIT + shadow.count("@") * PER_AT)

    def spend(self, price: float) -> None:
        """Raises `Spent`, and nothing can be bought any more, when less is left."""
        if price > self.left:
            self.left = 0
            raise Spent
        self.left -= price

    def ask(self, price: float, *question: str) -> None:
        """The same question again costs nothing: its answer is remembered. Raises `Spent`."""
        if question not in self._asked:
            self.spend(price)
            self._asked.add(question)


# 2. IBANs

_SIGN = r"[\s.\-/_+]"
IBAN_START = re.compile(rf"([A-Za-z]{{2}}){_SIGN}?\d{_SIGN}?\d")
_COUNTRIES: dict[str, str] = {
    prefix: properties["bban"] for _, prefix, _, properties, _ in numdb.get("iban").prefixes if "bban" in properties
}


def ibans(shadow: str, budget: Budget) -> Iterator[Span]:
    end = 0
    for match in IBAN_START.finditer(shadow):
        if match.start() < end:
            continue
        shape = iban_shape(match[1])
        if shape is None:
            continue
        budget.spend(IBAN_SHAPE)
        whole = shape.match(shadow, match.start())
        if whole is None or _is_word_and_number(whole[0]):
            continue
        budget.spend(IBAN)
        if iban.is_valid(re.sub(_SIGN, "", whole[0]), check_country=False):
            end = whole.end()
            yield whole.span()


def _is_word_and_number(text: str) -> bool:
    """Small letters and then digits that begin with more than two: "at 84044493" and the end of "see 90437502"."""
    return text[:2].islower() and not text[2].isdigit() and text[5].isdigit()


def iban_shape(country: str) -> re.Pattern[str] | None:
    """The structure of the registry ("8!n10!n") as a pattern that allows separators; ``None``: no such country."""
    return _iban_shape(country.upper())


@lru_cache(26 * 26)
def _iban_shape(country: str) -> re.Pattern[str] | None:
    if country not in _COUNTRIES:
        return None
    kinds = {"n": r"\d", "a": "[a-z]", "c": "[a-z0-9]"}
    body = "".join(
        rf"(?:{_SIGN}{{0,3}}{kinds[kind]}){{{count}}}"
        for count, kind in re.findall(r"(\d+)!([nac])", _COUNTRIES[country])
    )
    return re.compile(rf"{country}(?:{_SIGN}?\d){{2}}{body}", re.IGNORECASE)


# 3. Runs of digits


class Run(NamedTuple):
    """Digits with separators between them, in groups."""

    digits: str
    spans: Sequence[Span]
    """Where each group stands in the shadow."""
    edges: Sequence[int]
    """Group *i* is ``digits[edges[i]:edges[i + 1]]``."""

    def reach(self, first: int, least: int, most: int) -> list[int]:
        """Last groups with which the digits from group ``first`` on number ``least`` to ``most``; the longest first."""
        edges, begin, ends = self.edges, self.edges[first], []
        for last in range(first, len(self.spans)):
            size = edges[last + 1] - begin
            if size > most:
                break
            if size >= least:
                ends.append(last)
        return ends[::-1]


_DIGITS = re.compile(r"\d+")


def run_of(shadow: str, span: Span, budget: Budget) -> Run:
    spans = [group.span() for group in _DIGITS.finditer(shadow, *span)]
    budget.spend(RUN + PER_GROUP * len(spans))
    return Run(
        "".join([shadow[start:end] for start, end in spans]),
        spans,
        [0, *accumulate([end - start for start, end in spans])],
    )


def chosen(run: Run, find: Callable[[Run, int], Span | None]) -> Iterator[Span]:
    """From left to right: what ``find`` sees begin at a group, and then on behind it."""
    first = 0
    while first < len(run.spans):
        found = find(run, first)
        if found is None:
            first += 1
            continue
        yield found
        while first < len(run.spans) and run.spans[first][0] < found[1]:
            first += 1


# 4. Cards

_SIGNS = (
    r"\d{4}(?P<sign>\s?[^\d\s]\s?)\d{4}(?:(?P=sign)\d{4})+(?:(?P=sign)\d{1,3})?(?!\d)"
    r"|\d{4}(?P<mark>\s?[^\d\s]\s?)\d{6}(?P=mark)\d{4,5}(?!\d)"
)
CARD_OF_SIGNS = re.compile(rf"(?<!\d)(?:{_SIGNS})")
"""Groups as those of a card, with one and the same sign between them, whatever it is."""
_CARD_RUN = re.compile(rf"(?<!\d)(?:(?<!\d\.)\d(?:[\s\-]{{0,3}}\d){{12,}}|{_SIGNS})")
_JCB, _MASTERCARD_2 = "35(?:2[89]|[3-8])", "222[1-9]|22[3-9]|2[3-6]|27[01]|2720"
_MAESTRO = "5018|5020|5038|6304|633[34]|67[05-7]"
_CARD_NETWORKS: Mapping[int, re.Pattern[str]] = {
    size: re.compile(beginnings)
    for size, beginnings in {
        13: "4",
        14: "30[0-59]|3[689]",
        15: "3[47]|1800|2131",
        16: f"4|5[0-8]|{_MASTERCARD_2}|220[0-4]|6[02-57]|{_JCB}|3[689]|8[12]|8600|9792|9860",
        17: f"62|{_MAESTRO}",
        18: f"62|{_MAESTRO}",
        19: f"4|62|{_MAESTRO}|6011|64[4-9]|65|81|220[0-4]|{_JCB}",
    }.items()
}
"""Digits of a number → how the numbers of card networks of that length begin (lists of issuers, ISO/IEC 7812-1)."""
_CARD_SIZES = min(_CARD_NETWORKS), max(_CARD_NETWORKS)
_CARD_SHAPES = {(4, 6, 5), (4, 6, 4)}
_VALUE = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))


def cards(shadow: str, budget: Budget, others: NotPersonal) -> Iterator[Span]:
    for match in _CARD_RUN.finditer(shadow):
        run = run_of(shadow, match.span(), budget)
        luhn = _Luhn(run.digits)

        def card(run: Run, first: int, luhn: "_Luhn" = luhn) -> Span | None:
            start = run.spans[first][0]
            if others.dated(start):
                return None
            ends = run.reach(first, *_CARD_SIZES)
            budget.spend(CARD * len(ends))
            for last in ends:
                begin, end = run.edges[first], run.edges[last + 1]
                if not luhn.valid(begin, end) or not _CARD_NETWORKS[end - begin].match(run.digits, begin):
                    continue
                span = start, run.spans[last][1]
                if others.touches_date(span):
                    continue
                if _is_printed(run, first, last):
                    if not others.in_machine(span):
                        return span
                elif not others.touches_machine(span) and _is_alone(run, first, last, shadow):
                    return span
            return None

        yield from chosen(run, card)


def _is_printed(run: Run, first: int, last: int) -> bool:
    """Is it grouped as cards are printed?"""
    sizes = tuple(end - start for start, end in run.spans[first : last + 1])
    return len(sizes) > 1 and (sizes in _CARD_SHAPES or (set(sizes[:-1]) == {4} and sizes[-1] <= 4))


def _is_alone(run: Run, first: int, last: int, shadow: str) -> bool:
    """Is it one group, or are its groups all there are, and it is not said to be the number of an order or the like?"""
    if 0 < last - first < len(run.spans) - 1:
        return False
    return not is_of_a_thing(shadow, run.spans[first][0])


class _Luhn:
    """The checksum of ISO/IEC 7812-1 for any part of ``digits``, from sums made once."""

    def __init__(self, digits: str) -> None:
        plain = bytearray(digits.encode().translate(_VALUE))
        doubled = bytearray(digits.encode().translate(_DOUBLED))
        plain[1::2], doubled[1::2] = doubled[1::2], plain[1::2]
        # Sums in which every second digit is doubled: those at odd places, those at even places.
        self.sums = list(accumulate(plain, initial=0)), list(accumulate(doubled, initial=0))

    def valid(self, begin: int, end: int) -> bool:
        sums = self.sums[(end - 1) % 2]
        return (sums[end] - sums[begin]) % 10 == 0


def spans(pattern: re.Pattern[str], shadow: str) -> Iterable[Span]:
    return (match.span() for match in pattern.finditer(shadow))
