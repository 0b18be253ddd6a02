"""What in a text is an IBAN, a card or a phone number, and what it costs to find out.

Every detector gets a shadow, the text in plain forms in which what was dealt with is crossed out, and yields spans from
left to right. Each look it takes has a price, paid from one `Budget`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import phonenumbers
from stdnum import iban, numdb

Span = tuple[int, int]

# 1. The price of a look

UNITS = 50_000
"""What looking at the texts of one event may cost; a unit is about a microsecond of CPU."""
PER_CHARACTER, PER_DIGIT, PER_AT = 0.05, 0.4, 1
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

    def spend_on(self, shadow: str) -> None:
        """What it takes to go through a text with all patterns, whatever they find. Raises `Spent`."""
        size = len(shadow)
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

IBAN_START = re.compile(r"([A-Za-z]{2})[\s.\-]?\d[\s.\-]?\d")
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
        if whole is None:
            continue
        budget.spend(IBAN)
        if iban.is_valid(re.sub(r"[\s.\-]", "", whole[0]), check_country=False):
            end = whole.end()
            yield whole.span()


def iban_shape(country: str) -> re.Pattern[str] | None:
    """The structure of the registry ("8!n10!n") as a pattern that allows separators; ``None``: no such country."""
    return _iban_shape(country.upper())


@lru_cache(26 * 26)
def _iban_shape(country: str) -> re.Pattern[str] | None:
    if country not in _COUNTRIES:
        return None
    kinds = {"n": r"\d", "a": "[a-z]", "c": "[a-z0-9]"}
    body = "".join(
        rf"(?:[\s.\-]{{0,2}}{kinds[kind]}){{{count}}}"
        for count, kind in re.findall(r"(\d+)!([nac])", _COUNTRIES[country])
    )
    return re.compile(rf"{country}(?:[\s.\-]?\d){{2}}{body}", re.IGNORECASE)


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


def _run(shadow: str, span: Span, budget: Budget) -> Run:
    spans = [group.span() for group in _DIGITS.finditer(shadow, *span)]
    budget.spend(RUN + PER_GROUP * len(spans))
    return Run(
        "".join([shadow[start:end] for start, end in spans]),
        spans,
        [0, *accumulate([end - start for start, end in spans])],
    )


def _chosen(run: Run, find: Callable[[Run, int], Span | None]) -> Iterator[Span]:
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

_CARD_RUN = re.compile(r"(?<!\d)(?<!\d\.)\d(?:[\s\-]{0,3}\d){12,}|\d{4}(?:\.\d{4}){3}(?!\d)")
_CARD_NETWORK = re.compile(r"4|5[0-8]|6|3[04-9]|81|220[0-4]|22[2-9]|2[3-6]|27[01]|2720")
_CARD_SHAPES = {(4, 6, 5), (4, 6, 4)}
_VALUE = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))


def cards(shadow: str, budget: Budget) -> Iterator[Span]:
    for match in _CARD_RUN.finditer(shadow):
        run = _run(shadow, match.span(), budget)
        luhn = _Luhn(run.digits)

        def card(run: Run, first: int, luhn: "_Luhn" = luhn) -> Span | None:
            network = _CARD_NETWORK.match(run.digits, run.edges[first]) is not None
            ends = run.reach(first, 13, 19)
            budget.spend(CARD * len(ends))
            for last in ends:
                begin, end = run.edges[first], run.edges[last + 1]
                if (
                    luhn.valid(begin, end)
                    and (network or _printed(run, first, last))
                    and run.digits[begin:end].strip("0")
                ):
                    return run.spans[first][0], run.spans[last][1]
            return None

        yield from _chosen(run, card)


def _printed(run: Run, first: int, last: int) -> bool:
    """Is it grouped as cards are printed, or not at all?"""
    sizes = tuple(end - start for start, end in run.spans[first : last + 1])
    return len(sizes) == 1 or sizes in _CARD_SHAPES or (set(sizes[:-1]) == {4} and sizes[-1] <= 4)


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


# 5. Phone numbers

PHONE_RUN = re.compile(r"(?:\+[\s(]{0,2})?\d(?:[\s().\-/]{0,3}\d){6,}")
PLUS_NUMBER = re.compile(r"\+[\s(]{0,2}\d(?:[\s().\-/]{0,2}\d){7,14}(?!\d)")
_TIGHT_AFTER, _TIGHT_BEFORE = re.compile(r"[.\-/]\d"), re.compile(r"\d[.\-/]")
_OWN_NUMBER = re.compile(
    r"(?:#|\b(?:order|invoice|case|ticket|ref|reference|booking|tracking|bestellung|rechnung|vorgang|auftrag)\w*)"
    r"[\s#:.\-]*+(?:(?:number|no|nr|id|nummer)\b[\s#:.\-]*+)?$",
    re.IGNORECASE,
)


def international_phones(shadow: str, budget: Budget) -> Iterator[Span]:
    """Numbers with ``+`` or ``00`` that ``phonenumbers`` calls valid."""
    for match in PHONE_RUN.finditer(shadow):
        plus = match[0][0] == "+"
        if not plus and "00" not in match[0]:
            continue
        begin = match.start()

        def phone(run: Run, first: int, plus: bool = plus, begin: int = begin) -> Span | None:
            prefix = 1 if plus and first == 0 else 2
            start = begin if prefix == 1 else run.spans[first][0]
            if prefix == 2 and not _leads_abroad(shadow, start):
                return None
            for last in run.reach(first, 7, 17):
                end = run.spans[last][1]
                number = "+" + shadow[start + prefix : end]
                budget.ask(INTERNATIONAL, number)
                if _is_valid_phone(number):
                    return start, end
            return None

        yield from _chosen(_run(shadow, match.span(), budget), phone)


def _leads_abroad(shadow: str, start: int) -> bool:
    """Does ``00`` stand there as a prefix: no third zero, nothing grown to it, no parenthesis opened before it?"""
    if not shadow.startswith("00", start) or shadow.startswith("000", start):
        return False
    before = shadow[start - 1 : start]
    return before != "(" and not before.isalnum()


@lru_cache(4096)
def _is_valid_phone(raw: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(raw, None))
    except phonenumbers.NumberParseException:
        return False


def national_phones(shadow: str, budget: Budget, region: str, *, whole: bool) -> Iterator[Span]:
    """Numbers as they are written inside ``region``. Raises ``ValueError``: unknown region.

    ``whole`` refuses to cut a number at a dash or dot when it holds a space, so that "order 12345 212-555-0123" is cut
    at the space.
    """
    shape = _national_shape(region)
    for match in PHONE_RUN.finditer(shadow):
        plus = match[0][0] == "+"

        def phone(run: Run, first: int, plus: bool = plus) -> Span | None:
            if plus and first == 0:
                return None
            start = run.spans[first][0]
            if shadow[start - 1 : start] == "(":
                start -= 1
            ends = run.reach(first, 7, 17)
            budget.spend(SHAPE * len(ends))
            for last in ends:
                if not shape.fullmatch(run.digits, run.edges[first], run.edges[last + 1]):
                    continue
                budget.spend(NATIONAL_SHAPE)
                span = start, run.spans[last][1]
                if not _stands_alone(shadow, span, whole):
                    continue
                number = shadow[slice(*span)]
                budget.ask(NATIONAL * len(number), number, region)
                if _is_national_phone(number, region):
                    return span
            return None

        yield from _chosen(_run(shadow, match.span(), budget), phone)


def _stands_alone(shadow: str, span: Span, whole: bool) -> bool:
    """Is it neither a part of something else nor the number of an order or the like?"""
    start, end = span
    raw, before, after = shadow[start:end], shadow[start - 1 : start] if start else "", shadow[end : end + 1]
    if before.isalnum() or before in ("_", "#") or after.isalnum() or after == "_":
        return False
    if (
        whole
        and " " in raw
        and (_TIGHT_AFTER.match(shadow, end) or _TIGHT_BEFORE.match(shadow, max(0, start - 2), start))
    ):
        return False
    return not (raw.isdigit() and _OWN_NUMBER.search(shadow, max(0, start - 40), start))


@lru_cache
def _national_shape(region: str) -> re.Pattern[str]:
    """A cheap sieve before ``phonenumbers``: the region's pattern after its trunk prefix. Raises ``ValueError``:
    unknown region.
    """
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region.upper())
    if metadata is None or metadata.general_desc is None:
        raise ValueError(f"{region!r} is not a region with phone numbers: expected an ISO 3166-1 code such as 'DE'")
    trunk = metadata.national_prefix_for_parsing or ""
    return re.compile(rf"(?:{trunk})?(?:{metadata.general_desc.national_number_pattern})")


@lru_cache(4096)
def _is_national_phone(raw: str, region: str) -> bool:
    # The matcher, not is_valid_number: it also asks for the trunk prefix where a country writes one.
    return any(m.end - m.start == len(raw) for m in phonenumbers.PhoneNumberMatcher(raw, region.upper()))


# 6. What looks like a number and is none

_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
DATE = re.compile(
    rf"(?<![\d+])(?:{_YEAR}[-./]{_MONTH}[-./]{_DAY}|{_DAY}[-./]{_DAY}[-./]{_YEAR}"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"(?:[ _-]?(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\d{3})?)?)?)(?!\d)"
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
NO_PHONE = re.compile(
    rf"(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?![\d.])"
    r"|(?:[€$£¥₹₪]|\b(?:EUR|USD|GBP|CHF|ILS|Rs)\b)\s?\d[\d.,']{0,20}"
    r"|(?<![\d.,'])\d[\d.,']{0,20}\s?(?:[€$£¥₹₪]|(?:EUR|USD|GBP|CHF|ILS|dollars?|euros?|pounds?)\b)",
    re.IGNORECASE,
)


def spans(pattern: re.Pattern[str], shadow: str) -> Iterable[Span]:
    return (match.span() for match in pattern.finditer(shadow))
