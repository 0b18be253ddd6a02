"""A phone number in its one form, read from any spelling of it. See `streams.identity.identifiers`."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

import phonenumbers
from phonenumbers import PhoneNumber

from streams.base.plain_forms import READ_FORMS, REMEMBERED, inner
from streams.identity.nobody import Nobody, digits_of, is_counted, is_run

_SHORTEST = len("+683400")
"""The shortest numbers in use have 7 digits; what is shorter is an extension inside a company."""
_LONGEST = len("+") + 15
_MOST_ZEROS = 3
_MOST_DIGITS = 32
"""Of a number with its extension and what leads abroad; what has more is none, and is not asked about."""
_NO_LINE = "0000000"
_WORDS = re.compile(r"[^\W\d_]{3,}")


class Number(NamedTuple):
    """A phone number as it was read."""

    plain: str
    """E.164, with ``;ext=`` behind it where it has an extension."""
    spellings: tuple[str, ...]
    """Its digits: as it was given, with its country code, and as it is dialled at home."""
    words: tuple[str, ...]
    """What stood among the digits."""


def phone(value: str, region: str | None = None) -> str:
    """The number in its one form; what is no possible number: trimmed, as given.

    *Possible* (length) rather than *valid* (number ranges): ranges change faster than libraries, and a number that is
    in use identifies its owner all the same.
    """
    value = value.strip()
    number = read_number(value, region)
    return value if number is None else number.plain


def is_withheld(value: str, nobody: Nobody) -> bool:
    """Is what has not the form of a phone a word, or a number, that says that nobody calls?"""
    text = inner(value.strip().lower())
    scheme = _PHONE_SCHEMES.match(text)
    user = text[scheme.end() :].partition("@")[0] if scheme else text
    return nobody.is_word(user) or nobody.is_number((digits_of(user),))


def read_number(value: str, region: str | None) -> Number | None:
    return (_read_number if len(value) <= REMEMBERED else _read_number.__wrapped__)(value, region)


@lru_cache(65_536)
def _read_number(value: str, region: str | None) -> Number | None:
    said = _dialled(value)
    digits = sum(map(str.isdigit, said))
    if not digits or digits > _MOST_DIGITS:
        return None
    number = _settled(_parsed(said, region))
    if number is None:
        return None
    plain = _e164(number)
    national = plain[1 + len(str(number.country_code)) :]
    # One digit all over, digits that count up, a line of zeros: who had to give a number and would not.
    made_up = len(set(national)) < 2 or is_run(national) or national.endswith(_NO_LINE)
    if made_up or not _SHORTEST < len(plain) <= _LONGEST:
        return None
    given = said.partition(";")[0]
    spellings = digits_of(given), plain[1:], *_at_home(number, national, region)
    whole = f"{plain};ext={number.extension}" if number.extension else plain
    return Number(whole, spellings, tuple(_WORDS.findall(given)))


def _at_home(number: PhoneNumber, national: str, region: str | None) -> Iterator[str]:
    """Its digits without the country code, where that is counted on the keys; as it is dialled inside the region."""
    if is_counted(national):
        yield national
    if region and number.country_code == phonenumbers.country_code_for_region(region.upper()):
        yield digits_of(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL))


def _settled(number: PhoneNumber | None) -> PhoneNumber | None:
    """As it is read from its one form, too. A valid number is; of others zeros in front can go one by one."""
    for _ in range(_MOST_ZEROS):
        if number is None or phonenumbers.is_valid_number(number):
            return number
        again = _possible(_e164(number), None)
        if again is not None and _e164(again) == _e164(number):
            return number
        if again is not None:
            again.extension = number.extension
        number = again
    return None


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _parsed(said: str, region: str | None) -> PhoneNumber | None:
    """As the spelling says; without ``+``, a number of the region, else one of abroad, if it is valid there.

    What is valid both ways and begins with the region's own country code is that: the zero in front of a German area
    code that begins with 49 is not left out.
    """
    if "+" in said:
        return _possible(said[said.index("+") :], None)
    at_home = _possible(said, region) if region else None
    valid = at_home is not None and phonenumbers.is_valid_number(at_home)
    if at_home is not None and valid and not said.startswith(str(at_home.country_code)):
        return at_home
    abroad = _possible(f"+{said.removeprefix('00')}", None)
    if abroad is not None and (said.startswith("00") or phonenumbers.is_valid_number(abroad)):
        return abroad
    return at_home


def _possible(said: str, region: str | None) -> PhoneNumber | None:
    try:
        number = phonenumbers.parse(said, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        if _ZERO_AT_HOME in said and (without := _possible(said.replace(_ZERO_AT_HOME, "", 1), region)):
            return without
        number = _renumbered(number)
    return number if phonenumbers.is_possible_number(number) else None


def _renumbered(number: PhoneNumber) -> PhoneNumber:
    """Mobile numbers as they were before 2019 (Mexico: a 1 in front) and 2016 (Brazil: without the 9 behind the area
    code). WhatsApp goes on calling people by these.
    """
    national = str(number.national_number)
    if number.country_code == _MEXICO and re.fullmatch("1[0-9]{10}", national):
        national = national[1:]
    elif number.country_code == _BRAZIL and re.fullmatch("[1-9]{2}[6-9][0-9]{7}", national):
        national = f"{national[:2]}9{national[2:]}"
    else:
        return number
    return PhoneNumber(number.country_code, int(national), number.extension)


_MEXICO, _BRAZIL = 52, 55
_ZERO_AT_HOME = "(0)"
"""Behind a country code: dialled at home only. Where it belongs to the number (Italy), with it the number is valid."""
_BYTE = r"(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])"
_MACHINE = re.compile(rf"(?!\d\d(?:\.\d\d){{3}}$){_BYTE}(?:\.{_BYTE}){{3}}(?::\d+)?")
"""An IPv4 address; groups of two digits are those of a phone."""
_NAMED = re.compile(r"[^\d+]*[^\W\d_]\d")
"""``agent4711``: digits grown to a word."""
_GLUED = re.compile(r"(?!(?:tele?|telefon|phone|ph|fon|fone|fax|mobile?|mob|cell|handy)\d)[^\W\d_]{2,}\d")
"""Names of devices, trunks and users with digits in them: SEP001122334455."""
_LETTER = re.compile(r"[^\W\d_]")
_ROUNDED = re.compile(r"\d[.,]\d+e[+-]?\d")
"""What a spreadsheet makes of a long number."""
_DOTS = str.maketrans("_·•‧∙\t\r\n", "--------")
"""What else stands between groups of digits."""
_OF_A_TABLE = re.compile(r"(\d{7,15})\.0+")
"""As a spreadsheet or a data frame writes a number."""
_SERVICE_CODE = re.compile(r"^[*#]{1,2}\d{2,3}[*#]")
"""``#31#`` in front of a number: to hide one's own."""
_PHONE_SCHEMES = re.compile(
    r"(?:(?:tel|sips?|callto|skype|sms|smsto|mms|whatsapp|wa|phone|mobile|fax|h323)\s*:\s*(?://)?)+"
)
_REMARK = re.compile(r"\([^()\d]*\)")
_CALL_LINK = re.compile(r"(?:\bwa\.me/|[?&](?:phone|number)=)[ +]*(\d[\d ().-]*)")
_WHATSAPP = frozenset({"c.us", "s.whatsapp.net"})
_NO_LINES = frozenset({"g.us", "lid", "broadcast", "newsletter", "hosted.lid"})
"""What else WhatsApp names with digits: groups, and people whose number it hides."""


def _dialled(value: str) -> str:
    """What is dialled: ``+`` where the spelling says that it is international, then digits, at the end ``;ext=``.

    Empty: it says that it is no number.
    """
    text = (value if value.isascii() else value.translate(READ_FORMS)).strip().lower()
    text = inner(text)
    if "%" in text:
        text = unquote(text)
    if "e" in text and _ROUNDED.match(text):
        return ""
    if ("/" in text or "=" in text) and (link := _CALL_LINK.search(text)):
        return f"+{digits_of(link[1])}"
    scheme = _PHONE_SCHEMES.match(text)
    user, at, host = (text[scheme.end() :].partition("?")[0] if scheme else text).partition("@")
    if scheme:
        user = user.partition(":")[0]
    if _MACHINE.fullmatch(user.partition(";")[0].strip()) or (at and _NAMED.match(user)):
        return ""  # through which many call
    if at:
        host = re.split(r"[\s;:?>,]", host.strip(), maxsplit=1)[0].rstrip(".")
        if host in _NO_LINES:
            return ""
        user = re.split(r"[:_.]" if host in _WHATSAPP else ":", user, maxsplit=1)[0]
        if host in _WHATSAPP:
            return f"+{user.removeprefix('+')}"
    number, *parameters = user.replace("+00", "+", 1).split(";")
    if _GLUED.match(number) or (at and _LETTER.search(number)):
        return ""
    number = _SERVICE_CODE.sub("", _REMARK.sub("", number).lstrip(" ("), count=1).rstrip(" .,#*")
    number = number.translate(_DOTS)
    if table := _OF_A_TABLE.fullmatch(number):
        number = table[1]
    told = dict(each.strip().partition("=")[::2] for each in parameters)
    context = told.get("phone-context", "").strip(" .,")
    if context.startswith("+") and not number.startswith(("+", "00")):
        number = context + number
    extension = told.get("ext", "").strip(" .,")
    return f"{number};ext={extension}" if extension.isdigit() else number
