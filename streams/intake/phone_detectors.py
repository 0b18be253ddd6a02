"""What in a text is a phone number. See `streams.intake.detectors`, of whose detectors these are two."""

import re
from collections.abc import Iterator
from functools import lru_cache

import phonenumbers

from streams.intake.detectors import (
    INTERNATIONAL,
    NATIONAL,
    NATIONAL_SHAPE,
    SHAPE,
    Budget,
    Run,
    chosen,
    run_of,
)
from streams.intake.not_personal import NotPersonal, Span
from streams.intake.things import is_of_a_thing

PHONE_RUN = re.compile(r"(?:\+[\s(]{0,3})?\d(?:[\s().\-/]{0,3}\d){6,}")
PLUS_NUMBER = re.compile(r"\+[\s(]{0,2}\d(?:[\s().\-/]{0,2}\d){7,14}(?!\d)")
_TIGHT_AFTER, _TIGHT_BEFORE = re.compile(r"[.\-/]\d"), re.compile(r"\d[.\-/]")
_BEFORE_CALLED = frozenset("/=:")
_CALLED = re.compile(r"(?:\bwa\.me/|[?&]phone=|\b(?:tel|sms|callto|whatsapp):)\Z", re.IGNORECASE)


def international_phones(shadow: str, budget: Budget, others: NotPersonal) -> Iterator[Span]:
    """Numbers with ``+`` or ``00``, or in a link to call them, that ``phonenumbers`` calls valid."""
    for match in PHONE_RUN.finditer(shadow):
        begin = match.start()
        plus = match[0][0] == "+"
        called = match[0][0] not in "+0" and shadow[begin - 1 : begin] in _BEFORE_CALLED and _is_called(shadow, begin)
        if not plus and not called and "00" not in match[0]:
            continue
        leads = 1 if plus else 0 if called else 2

        def phone(run: Run, first: int, leads: int = leads, begin: int = begin) -> Span | None:
            prefix, start = (leads, begin) if first == 0 else (2, run.spans[first][0])
            if prefix == 2 and (not _leads_abroad(shadow, start) or others.dated(start)):
                return None
            for last in run.reach(first, 7, 17):
                end = run.spans[last][1]
                if others.cuts_date((start, end)):
                    continue
                number = "+" + shadow[start + prefix : end]
                budget.ask(INTERNATIONAL, number)
                if not _is_valid_phone(number):
                    continue
                if shadow[start] == "+" or not _is_of_something_else(shadow, (start, end), others):
                    return start, end
            return None

        yield from chosen(run_of(shadow, match.span(), budget), phone)


def _is_of_something_else(shadow: str, span: Span, others: NotPersonal) -> bool:
    """Of a number without plus."""
    bare = shadow[slice(*span)].lstrip("(").isdigit()
    return others.touches_machine(span) or (bare and is_of_a_thing(shadow, span[0]))


def _is_called(shadow: str, begin: int) -> bool:
    return _CALLED.search(shadow, max(0, begin - 12), begin) is not None


def _leads_abroad(shadow: str, start: int) -> bool:
    """Does ``00`` stand there as a prefix: no third zero, nothing grown to it?"""
    if not shadow.startswith("00", start) or shadow.startswith("000", start):
        return False
    return not shadow[start - 1 : start].isalnum()


@lru_cache(4096)
def _is_valid_phone(raw: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(raw, None))
    except phonenumbers.NumberParseException:
        return False


def national_phones(shadow: str, budget: Budget, others: NotPersonal, region: str, *, whole: bool) -> Iterator[Span]:
    """Numbers as they are written inside ``region``. Raises ``ValueError``: unknown region.

    ``whole`` refuses to cut a number at a dash or dot when it holds a space, so that "order 12345 212-555-0123" is cut
    at the space.
    """
    shape = _national_shape(region)
    for match in PHONE_RUN.finditer(shadow):
        if others.is_date(match.span()):
            continue
        plus = match[0][0] == "+"

        def phone(run: Run, first: int, plus: bool = plus) -> Span | None:
            start = run.spans[first][0]
            if (plus and first == 0) or others.dated(start):
                return None
            if shadow[start - 1 : start] == "(":
                start -= 1
            ends = run.reach(first, 7, 17)
            budget.spend(SHAPE * len(ends))
            for last in ends:
                if not shape.fullmatch(run.digits, run.edges[first], run.edges[last + 1]):
                    continue
                budget.spend(NATIONAL_SHAPE)
                span = start, run.spans[last][1]
                if others.cuts_date(span, written=True) or others.cuts_fours(span):
                    continue
                if not _stands_alone(shadow, span, whole):
                    continue
                number = shadow[slice(*span)]
                budget.ask(NATIONAL * len(number), number, region)
                if _is_national_phone(number, region) and not _is_of_something_else(shadow, span, others):
                    return span
            return None

        yield from chosen(run_of(shadow, match.span(), budget), phone)


def _stands_alone(shadow: str, span: Span, whole: bool) -> bool:
    """Is it no part of something else?"""
    start, end = span
    raw, before, after = shadow[start:end], shadow[start - 1 : start] if start else "", shadow[end : end + 1]
    if before.isalnum() or before in ("_", "#") or after.isalnum() or after == "_":
        return False
    cut = _TIGHT_AFTER.match(shadow, end) or _TIGHT_BEFORE.match(shadow, max(0, start - 2), start)
    return not (whole and " " in raw and cut)


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
