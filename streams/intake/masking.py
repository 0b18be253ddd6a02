"""Masking of personal data in free text: ``[email]``, ``[iban]``, ``[card]``, ``[phone]``.

The order is e-mail, IBAN, international phone (``+`` or ``00`` and valid), card, national phone, so that an IBAN or a
card is not eaten as a phone, nor a phone with its country code as a card. What decides:

* e-mail: ``local@domain.tld``, letters of any script, also with spaces around the @;
* IBAN: a country of the IBAN registry, its length and structure, and ISO 7064 mod 97-10 (python-stdnum);
* card: as many digits as the numbers of a card network that begins so, and Luhn (ISO/IEC 7812-1). In groups of any
  size with spaces or dashes, or in those of cards with any one sign between them. Not after a word like "order" or
  "IMEI", unless it is in the groups of a card;
* phone: a number that ``phonenumbers`` calls valid, and anything with ``+`` and 8 to 15 digits. Numbers without a
  country code are only recognised when a region is given, and a bare number after a word like "order" is not one. A
  date inside it is a part of the number, if it is not cut.

Dates, times (seconds since 1970 too), amounts of money, IPv4 addresses, UUIDs, digests and the numbers of devices stay.
Digits of any script, full-width characters, unusual spaces and dashes count as their plain forms, what URLs, HTML and
JSON escape as the sign that it is, and what nobody sees does not part an address. Masking is idempotent.

What all of this may cost is limited for the texts of an event together (`Budget`). A text for which it is not enough is
masked by a sieve that asks nobody: whatever has the look of one of the above goes, as ``[number]``, dates included.
"""

import re
from collections.abc import Iterable, Iterator

from streams.base.plain_forms import PLAIN_FORMS
from streams.intake import detectors as find
from streams.intake import phone_detectors as phones
from streams.intake.detectors import Budget, Spent, spans
from streams.intake.escapes import Unescaped, unescaped
from streams.intake.not_personal import NO_PHONE, NotPersonal, Span

_OCTETS = 4
_WORTH_A_LOOK = re.compile(r"[\d@\uff20\ufe6b]|&commat;")  # U+FF20, U+FE6B: full-width and small @
_SEVEN_DIGITS = re.compile(r"\d(?:[\s().\-/]{0,3}\d){6}|\d{4}\D{1,3}\d{4}")
_FILL = "|"  # stands in the shadow for what is dealt with: neither a word character nor a separator

# From the @ on, so that no text is read twice: a pattern of the whole would try 64 beginnings for each.
_DOMAIN = re.compile(r"@(\s{0,2})([\w-]++)(?:\.([\w-]++))++")
_LONGEST_LOCAL = 64
_LOCAL_BACKWARDS = re.compile(rf"""\"[^"\n]{{1,{_LONGEST_LOCAL}}}\"|[\w.!#$%&'*+/=?^`{{|}}~-]{{1,{_LONGEST_LOCAL}}}""")
_PLAIN_BACKWARDS = re.compile(rf"\s{{0,2}}[\w.%+-]{{1,{_LONGEST_LOCAL}}}")


def mask(text: str, region: str | None = None, budget: Budget | None = None) -> str:
    """``text`` with personal data replaced by ``[email]``, ``[iban]``, ``[card]``, ``[phone]``, and ``[number]`` when
    the budget is used up.

    ``region`` (ISO 3166-1 alpha-2, ``"DE"``) is where phone numbers without a country code are looked for; ``None`` =
    nowhere. ``budget`` is what is left for this text and those to come; ``None`` = this is the only one.
    """
    if not _WORTH_A_LOOK.search(text):
        return text
    budget = Budget() if budget is None else budget
    masked = text
    try:
        # What is left beside a mask can be read differently once its neighbour is gone: repeat until nothing is found.
        while True:
            before, masked = masked, _mask_once(masked, region, budget)
            if masked == before:
                return masked
    except Spent:
        budget.sieved += 1
        return _sieve(text)


def _mask_once(text: str, region: str | None, budget: Budget) -> str:
    plain = _plain(text)
    shadow = plain.text
    budget.spend_on(shadow, len(plain.behind))
    found: list[tuple[Span, str]] = []

    def take(label: str, those: Iterable[Span]) -> None:
        """Notes what was found under ``label`` ("" = to be left as it is) and hides it from those that look next."""
        nonlocal shadow
        taken = list(those)
        if taken:
            found.extend((span, label) for span in taken if label)
            shadow = _replaced(shadow, ((span, _FILL * (span[1] - span[0])) for span in taken))

    if "@" in shadow:
        take("[email]", _emails(plain))
    take("[iban]", find.ibans(shadow, budget))
    if _SEVEN_DIGITS.search(shadow):
        others = NotPersonal(shadow)
        take("[phone]", phones.international_phones(shadow, budget, others))
        take("[card]", find.cards(shadow, budget, others))
        if region or "+" in shadow:
            take("", spans(NO_PHONE, shadow))
        if region:
            take("[phone]", phones.national_phones(shadow, budget, others, region, whole=True))
            take("[phone]", phones.national_phones(shadow, budget, others, region, whole=False))
        take("[phone]", spans(phones.PLUS_NUMBER, shadow))
    return _replaced(text, ((plain.given(span), label) for span, label in sorted(found)))


def _sieve(text: str) -> str:
    """Masks whatever one of the detectors could find in any round, and what stands between.

    One pass is enough: what they look for lies in a run of digits, in something of the shape of an IBAN, or at an @,
    and none of these is left, nor made by what is put in place.
    """
    plain = _plain(text)
    shadow = plain.text
    candidates = [(span, "[number]") for span in spans(phones.PHONE_RUN, shadow)]
    candidates += ((span, "[number]") for span in spans(find.CARD_OF_SIGNS, shadow))
    for start in find.IBAN_START.finditer(shadow):
        shape = find.iban_shape(start[1])
        if shape and (whole := shape.match(shadow, start.start())):
            candidates.append((whole.span(), "[number]"))
    candidates += ((span, "[email]") for span in _emails(plain, least=0))
    merged: list[tuple[Span, str]] = []
    for span, label in sorted(candidates):
        if merged and span[0] < merged[-1][0][1]:
            (begin, end), before = merged.pop()
            merged.append(((begin, max(end, span[1])), before))
        else:
            merged.append((span, label))
    return _replaced(text, ((plain.given(span), label) for span, label in merged))


def _emails(plain: Unescaped, least: int = 1) -> Iterator[Span]:
    """``least``: 0 takes a domain that has nothing before its @, too."""
    shadow, done = plain.text, 0
    for domain in _DOMAIN.finditer(shadow):
        at = domain.start()
        before = shadow[max(done, at - _LONGEST_LOCAL - 2) : at][::-1]
        if before[:1].isspace() or domain[1]:
            local = _PLAIN_BACKWARDS.match(before) if _is_spaced_domain(domain) else None
        else:
            # In a URL the names of its fields are not a part of the address.
            local = (_PLAIN_BACKWARDS if plain.was_escaped(at) else _LOCAL_BACKWARDS).match(before)
        end = _end_of_domain(domain)
        if end and (local or not least):
            done = end
            yield at - (local.end() if local else 0), done


def _end_of_domain(domain: re.Match[str]) -> int:
    """Where it ends: no name of a domain ends in something that begins with a digit; 0: it is none, as in "2@9.99"."""
    if not domain[3][:1].isdigit():
        return domain.end()
    labels = domain[0].split(".")
    if len(labels) == _OCTETS and all(label.strip("@ ").isdigit() for label in labels):
        return domain.end()
    while labels[-1][:1].isdigit():
        labels.pop()
        if not labels:
            return 0
    return domain.start() + len(".".join(labels)) if len(labels) > 1 else 0


def _is_spaced_domain(domain: re.Match[str]) -> bool:
    """Behind an @ with a space after it, is that a domain? "@ 12.30" is not, and "hi @john.doe" has none."""
    return bool(domain[1]) and not domain[2].isdigit() and len(domain[3]) > 1 and domain[3].isalpha()


def _plain(text: str) -> Unescaped:
    return unescaped(text if text.isascii() else text.translate(PLAIN_FORMS))


def _replaced(text: str, replacements: Iterable[tuple[Span, str]]) -> str:
    """``text`` with spans, in order, replaced."""
    parts: list[str] = []
    done = 0
    for (start, end), other in replacements:
        parts += (text[done:start], other)
        done = end
    return "".join(parts) + text[done:]
