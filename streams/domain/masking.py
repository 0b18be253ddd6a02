"""Masking of personal data in free text: ``[email]``, ``[iban]``, ``[card]``, ``[phone]``.

The order is e-mail, IBAN, international phone (``+`` or ``00`` and valid), card, national phone, so that an IBAN or a
card is not eaten as a phone, nor a phone with its country code as a card. What decides:

* e-mail: ``local@domain.tld``, letters of any script;
* IBAN: a country of the IBAN registry, its length and structure, and ISO 7064 mod 97-10 (python-stdnum);
* card: 13 to 19 digits with spaces or dashes that pass Luhn (ISO/IEC 7812-1). Grouped as cards are printed, or not at
  all, Luhn is enough; grouped otherwise, the first digits must also be those of a card network, so that lists of
  numbers survive;
* phone: a number that ``phonenumbers`` calls valid, and anything with ``+`` and 8 to 15 digits. Numbers without a
  country code are only recognised when a region is given, and a bare number after a word like "order" is not one.

Dates, times, amounts of money and IPv4 addresses stay. Digits of any script, full-width characters, unusual spaces and
dashes count as their plain forms. Masking is idempotent.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import phonenumbers
from stdnum import iban, luhn, numdb

Span = tuple[int, int]
Groups = list[Span]

# 1. What is looked at

_WORTH_A_LOOK = re.compile(r"[\d@\uff20]")  # U+FF20: full-width @
_SEVEN_DIGITS = re.compile(r"\d(?:[\s().\-/]{0,3}\d){6}")
_DIGITS = re.compile(r"\d+")
_FILL = "|"  # stands in the shadow for what is dealt with: neither a word character nor a separator


class _PlainForms(dict[int, str]):
    """Code point → its plain form, one character for one, so that positions in text and shadow agree."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        if category == "Nd":
            plain = str(unicodedata.decimal(char))
        elif category in ("Zs", "Cf"):  # spaces; zero-width and direction marks, which copied phone numbers carry
            plain = " "
        elif category == "Pd" or char == "−":
            plain = "-"
        else:
            plain = chr(code - 0xFEE0) if 0xFF01 <= code <= 0xFF5E else char
        self[code] = plain
        return plain


_PLAIN = _PlainForms()

_EMAIL = re.compile(
    r"""(?:"[^"\n]{1,64}"|[\w.!#$%&'*+/=?^`{|}~-]{1,64})@[\w-]+(?:\.[\w-]+)+""",
)
_IBAN_COUNTRIES: dict[str, str] = {
    prefix: properties["bban"] for _, prefix, _, properties, _ in numdb.get("iban").prefixes if "bban" in properties
}
_IBAN_START = re.compile(r"([A-Za-z]{2})[\s.\-]?\d[\s.\-]?\d")

_CARD_RUN = re.compile(r"(?<!\d)(?<!\d\.)\d(?:[\s\-]{0,3}\d){12,}|\d{4}(?:\.\d{4}){3}(?!\d)")
_CARD_NETWORK = re.compile(r"4|5[0-8]|6|3[04-9]|81|220[0-4]|22[2-9]|2[3-6]|27[01]|2720")
_CARD_SHAPES = {(4, 6, 5), (4, 6, 4)}

_PHONE_RUN = re.compile(r"(?:\+[\s(]{0,2})?\d(?:[\s().\-/]{0,3}\d){6,}")
_PLUS_NUMBER = re.compile(r"\+[\s(]{0,2}\d(?:[\s().\-/]{0,2}\d){7,14}(?!\d)")
_TIGHT_AFTER, _TIGHT_BEFORE = re.compile(r"[.\-/]\d"), re.compile(r"\d[.\-/]")
_OWN_NUMBER = re.compile(
    r"(?:#|\b(?:order|invoice|case|ticket|ref|reference|booking|tracking|bestellung|rechnung|vorgang|auftrag)\w*)"
    r"[\s#:.\-]*(?:(?:number|no|nr|id|nummer)\b[\s#:.\-]*)?$",
    re.IGNORECASE,
)

_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"(?<![\d+])(?:{_YEAR}[-./]{_MONTH}[-./]{_DAY}|{_DAY}[-./]{_DAY}[-./]{_YEAR}"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"(?:[ _-]?(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\d{3})?)?)?)(?!\d)"
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_NO_PHONE = re.compile(
    rf"(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?![\d.])"
    r"|(?:[€$£¥₹₪]|\b(?:EUR|USD|GBP|CHF|ILS|Rs)\b)\s?\d[\d.,']{0,20}"
    r"|(?<![\d.,'])\d[\d.,']{0,20}\s?(?:[€$£¥₹₪]|(?:EUR|USD|GBP|CHF|ILS|dollars?|euros?|pounds?)\b)",
    re.IGNORECASE,
)

# 2. What is found


def mask(text: str, region: str | None = None) -> str:
    """``text`` with personal data replaced by ``[email]``, ``[iban]``, ``[card]`` and ``[phone]``.

    ``region`` (ISO 3166-1 alpha-2, ``"DE"``) is where phone numbers without a country code are looked for; ``None`` =
    nowhere.
    """
    if not _WORTH_A_LOOK.search(text):
        return text
    # What is left beside a mask can be read differently once its neighbour is gone: repeat until nothing is found.
    while (masked := _mask_once(text, region)) != text:
        text = masked
    return text


def _mask_once(text: str, region: str | None) -> str:
    shadow = text if text.isascii() else text.translate(_PLAIN)
    found: list[tuple[Span, str]] = []

    def take(label: str, spans: Iterable[Span]) -> None:
        """Notes what was found under ``label`` ("" = to be left as it is) and hides it from those that look next."""
        nonlocal shadow
        taken = list(spans)
        if taken:
            found.extend((span, label) for span in taken if label)
            shadow = _replaced(shadow, ((span, _FILL * (span[1] - span[0])) for span in taken))

    if "@" in shadow:
        take("[email]", _spans(_EMAIL, shadow))
    take("[iban]", _ibans(shadow))
    if _SEVEN_DIGITS.search(shadow):
        take("", _spans(_DATE, shadow))
        take("[phone]", _phones(shadow, _is_international))
        take("[card]", _cards(shadow))
        take("", _spans(_NO_PHONE, shadow))
        if region:
            take("[phone]", _phones(shadow, _National(region, whole=True)))
            take("[phone]", _phones(shadow, _National(region, whole=False)))
        take("[phone]", _spans(_PLUS_NUMBER, shadow))
    return _replaced(text, sorted(found))


def _spans(pattern: re.Pattern[str], shadow: str) -> Iterator[Span]:
    return (match.span() for match in pattern.finditer(shadow))


def _replaced(text: str, replacements: Iterable[tuple[Span, str]]) -> str:
    """``text`` with spans, in order, replaced."""
    parts: list[str] = []
    done = 0
    for (start, end), other in replacements:
        parts += (text[done:start], other)
        done = end
    return "".join(parts) + text[done:]


def _ibans(shadow: str) -> Iterator[Span]:
    end = 0
    for match in _IBAN_START.finditer(shadow):
        country = match[1].upper()
        if match.start() < end or country not in _IBAN_COUNTRIES:
            continue
        whole = _iban_shape(country).match(shadow, match.start())
        if whole and iban.is_valid(re.sub(r"[\s.\-]", "", whole[0]), check_country=False):
            end = whole.end()
            yield whole.span()


@lru_cache
def _iban_shape(country: str) -> re.Pattern[str]:
    """The structure of the registry ("8!n10!n") as a pattern that allows separators."""
    kinds = {"n": r"\d", "a": "[a-z]", "c": "[a-z0-9]"}
    body = "".join(
        rf"(?:[\s.\-]{{0,2}}{kinds[kind]}){{{count}}}"
        for count, kind in re.findall(r"(\d+)!([nac])", _IBAN_COUNTRIES[country])
    )
    return re.compile(rf"{country}(?:[\s.\-]?\d){{2}}{body}", re.IGNORECASE)


def _cards(shadow: str) -> Iterator[Span]:
    for run in _CARD_RUN.finditer(shadow):
        groups = _groups(shadow, run.span())
        first = 0
        while first < len(groups):
            last = next((j for j in _reach(groups, first, 13, 19) if _is_card(shadow, groups[first : j + 1])), None)
            if last is not None:
                yield groups[first][0], groups[last][1]
            first = first + 1 if last is None else last + 1


def _is_card(shadow: str, groups: Groups) -> bool:
    digits = "".join(shadow[start:end] for start, end in groups)
    sizes = tuple(end - start for start, end in groups)
    printed = len(sizes) == 1 or sizes in _CARD_SHAPES or (set(sizes[:-1]) == {4} and sizes[-1] <= 4)
    return (printed or _CARD_NETWORK.match(digits) is not None) and luhn.is_valid(digits) and bool(digits.strip("0"))


def _phones(shadow: str, is_phone: Callable[[str, Span, bool], bool]) -> Iterator[Span]:
    for run in _PHONE_RUN.finditer(shadow):
        groups = _groups(shadow, run.span())
        first = 0
        while first < len(groups):
            start = groups[first][0]
            plus = shadow[run.start()] == "+" and first == 0
            start = run.start() if plus else start - (shadow[start - 1 : start] == "(")
            last = next(
                (j for j in _reach(groups, first, 7, 17) if is_phone(shadow, (start, groups[j][1]), plus)), None
            )
            if last is not None:
                yield start, groups[last][1]
            first = first + 1 if last is None else last + 1


def _is_international(shadow: str, span: Span, plus: bool) -> bool:
    raw = shadow[slice(*span)]
    if not plus:
        if not raw.startswith("00") or raw.startswith("000") or shadow[span[0] - 1 : span[0]].isalnum():
            return False
        raw = "+" + raw[2:]
    return _is_valid_phone(raw)


@lru_cache(4096)
def _is_valid_phone(raw: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(raw, None))
    except phonenumbers.NumberParseException:
        return False


class _National:
    """Is it a phone number as written inside ``region``?

    ``whole`` refuses to cut a number at a dash or dot when it holds a space, so that "order 12345 212-555-0123" is cut
    at the space. After ``CHECKS`` questions to ``phonenumbers`` the cheap sieve alone decides: a dump of numbers must
    not hold the partition up, and it is better masked than not.
    """

    CHECKS = 300

    def __init__(self, region: str, whole: bool) -> None:
        self.region = region
        self.whole = whole
        self.checks = 0

    def __call__(self, shadow: str, span: Span, plus: bool) -> bool:
        start, end = span
        raw, before, after = shadow[start:end], shadow[start - 1 : start] if start else "", shadow[end : end + 1]
        if plus or before.isalnum() or before in ("_", "#") or after.isalnum() or after == "_":
            return False
        if (
            self.whole
            and " " in raw
            and (_TIGHT_AFTER.match(shadow, end) or _TIGHT_BEFORE.match(shadow, max(0, start - 2), start))
        ):
            return False
        if raw.isdigit() and _OWN_NUMBER.search(shadow, max(0, start - 40), start):
            return False
        if not _national_shape(self.region).fullmatch("".join(_DIGITS.findall(raw))):
            return False
        self.checks += 1
        return self.checks > self.CHECKS or _is_national_phone(raw, self.region)


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


def _groups(shadow: str, span: Span) -> Groups:
    return [match.span() for match in _DIGITS.finditer(shadow, *span)]


def _reach(groups: Groups, first: int, least: int, most: int) -> list[int]:
    """Last groups with which the digits from group ``first`` on number ``least`` to ``most``; the longest first."""
    ends, digits = [], 0
    for j in range(first, len(groups)):
        digits += groups[j][1] - groups[j][0]
        if digits > most:
            break
        if digits >= least:
            ends.append(j)
    return ends[::-1]
