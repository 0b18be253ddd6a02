"""Identifiers in their one form: every spelling of a phone number or an e-mail address is the same value, and what has
not the form of its kind, or names nobody, is none.

* phone: E.164 (``+4917012345``), an extension as ``;ext=5`` (RFC 3966). Read are URIs (tel, sip, sips, callto, sms,
  whatsapp) with their parameters, WhatsApp's ids and links, display names, ``+``, ``00``, digits of any script.
* e-mail: ``local@domain``, lower case and NFKC, the domain in ASCII. Read are ``mailto:``, display names, angle
  brackets, comments, quotes.
* social: lower case, NFKC, without the leading ``@``. The others stay as they are given, in NFC and trimmed.

A value in its one form has no other.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

import idna

from schemas.fields import MAX_IDENTIFIER
from streams.base.claims import STRENGTH
from streams.base.plain_forms import JOINERS, REMEMBERED, UNSEEN, inner, is_unseen
from streams.identity.nobody import Nobody
from streams.identity.phone_numbers import is_withheld, read_number

Why = Literal["form", "nobody"]
"""Why a value is no identifier: it has not the form of its kind, or is one of those that name nobody."""

_RANK = {"customer": -1} | {kind: rank for rank, kind in enumerate(STRENGTH)}
_WEAKEST = len(STRENGTH)

_HANDLE_BEGINS = re.compile(r"^[\s@]+")


def identifiers(
    given: Iterable[Mapping[str, str]],
    region: str | None,
    nobody: Nobody,
    unused: Callable[[str, Why], None] | None = None,
) -> tuple[tuple[str, str], ...]:
    """(kind, value) pairs, each once, the strongest kind first and inside a kind as given. Unknown kinds come last.

    ``region`` and ``nobody`` as for `read`. ``unused`` is told kind and reason of each that is left out.
    """
    pairs: dict[tuple[str, str], None] = {}
    for item in given:
        kind = item["kind"]
        value, why = read(kind, item["value"], region, nobody)
        if value is not None:
            pairs[kind, value] = None
        elif unused is not None and why is not None:
            unused(kind, why)
    if len(pairs) < 2:
        return tuple(pairs)
    return tuple(sorted(pairs, key=lambda pair: _RANK.get(pair[0], _WEAKEST)))


def read(kind: str, value: str, region: str | None, nobody: Nobody) -> tuple[str | None, Why | None]:
    """The value in its one form, or why it has none. A word for nobody is that also where the kind asks for a number or
    an address: who looks for values of the wrong form is not to find withheld ones.

    ``region``: ISO 3166-1 alpha-2 code of the country whose phone numbers come without a country code; ``None`` = all
    come with one. ``nobody``: what names nobody.
    """
    if kind == "phone":
        number = read_number(value.strip(), region)
        if number is None:
            return None, "nobody" if is_withheld(value, nobody) else "form"
        hidden = nobody.is_number(number.spellings) or any(map(nobody.is_word, number.words))
        return (None, "nobody") if hidden else (number.plain, None)
    if kind == "email":
        address = _address(value.strip())
        if address is None:
            return None, "nobody" if nobody.is_word(value) else "form"
        return (None, "nobody") if nobody.is_mailbox(address[1], address[2]) else (address[0], None)
    plain = social(value) if kind == "social" else plain_id(value)
    if not plain:
        return None, "form"
    return (None, "nobody") if nobody.is_word(plain) else (plain, None)


def plain_id(value: str) -> str:
    """An id of somebody else's making: NFC, without spaces and what nobody sees at its ends; case counts."""
    if value.isascii():
        return value.strip()
    value = unicodedata.normalize("NFC", value).strip()
    while value and (is_unseen(value[0]) or is_unseen(value[-1])):
        value = value[is_unseen(value[0]) : len(value) - is_unseen(value[-1])].strip()
    return value


def social(value: str) -> str:
    """A social handle: trimmed, lower case, without the leading ``@``."""
    if not value.isascii():
        value = _lower(value.translate(UNSEEN))
    return _HANDLE_BEGINS.sub("", value).rstrip().lower()


# E-mail addresses

_MAIL_SCHEMES = re.compile(r"(?:(?:mailto|smtp|e-?mail)\s*:\s*(?://)?)+", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_OF_OUTLOOK = re.compile(r"\[mailto:([^\[\]<>]*)\]", re.IGNORECASE)
"""``Anna Weber [mailto:anna@example.com]``: a line "From" of a mail that was forwarded."""
_COMMENT = re.compile(r"\([^()]*\)")
_COMMENTS_DEEP = 4
_AROUND = re.compile(rf"[\s{JOINERS}]*+([@.])[\s{JOINERS}]*")
_LONGEST_FROM = 2 * MAX_IDENTIFIER
"""Characters of an address with its name in NFKC, in which one sign can become eighteen letters."""
_EDGES = " \t\r\n,;:<>“”„‟‘’‚‛«»‹›" + JOINERS  # noqa: RUF001 - the quotes of letters and of word processors
_PAIRS = frozenset({"''", '""', "[]"})
_ATOM = re.compile(r"[^\s@\"(),:;<>\[\]\\]{1,64}")
_QUOTED_LOCAL = re.compile(r'"((?:[^"\\\n]|\\.){1,62})"')
_DOMAIN = re.compile(r"(?=.{4,255}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?:xn--[a-z0-9-]{1,59}|[a-z]{2,63})")


def _address(value: str) -> tuple[str, str, str] | None:
    """An address in its one form, and its parts: domain in ASCII (IDNA 2008 after UTS 46; what that refuses, in
    Punycode all the same), before the @ lower case in NFKC, as RFC 8265 has it for names of users. None: it is none.
    """
    return (_read_address if len(value) <= REMEMBERED else _read_address.__wrapped__)(value)


@lru_cache(65_536)
def _read_address(value: str) -> tuple[str, str, str] | None:
    """The address, what is before its @ and a +, and its domain."""
    text = value if value.isascii() else unicodedata.normalize("NFKC", value).translate(UNSEEN)
    if len(text) > _LONGEST_FROM:
        return None
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    text = inner(_OF_OUTLOOK.sub(r"<\1>", text).strip())
    if scheme := _MAIL_SCHEMES.match(text):
        text = unicodedata.normalize("NFKC", unquote(text[scheme.end() :].partition("?")[0]))
    elif "%" in text and "@" not in text:
        text = unicodedata.normalize("NFKC", unquote(text))
    box, _, domain = _bare(text).rpartition("@")
    plain_box, plain_domain = _box(box), _domain(domain)
    if plain_box is None or plain_domain is None:
        return None
    return f"{plain_box}@{plain_domain}", plain_box.partition("+")[0], plain_domain


def _bare(text: str) -> str:
    """Without comments, and what stands around the address."""
    if '"' not in text:
        for _ in range(_COMMENTS_DEEP):
            if "(" not in text:
                break
            text = _COMMENT.sub("", text)
        text = _AROUND.sub(r"\1", text)
    text = text.strip(_EDGES).rstrip(_EDGES + ".")
    while len(text) > 1 and text[0] + text[-1] in _PAIRS:
        text = text[1:-1].strip(_EDGES).rstrip(_EDGES + ".")
    return text


def _box(box: str) -> str | None:
    """What is before the @; ``None``: it is not of the form."""
    if not box.isascii():
        box = box.translate(dict.fromkeys(map(ord, JOINERS)))
    box = _lower(box)
    if quoted := _QUOTED_LOCAL.fullmatch(box):
        inside = re.sub(r"\\(.)", r"\1", quoted[1])
        return inside if _ATOM.fullmatch(inside) else box
    return box if _ATOM.fullmatch(box) else None


def _domain(domain: str) -> str | None:
    """In ASCII; ``None``: it is not of the form."""
    domain = domain.lower()
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode().lower()
        except (idna.IDNAError, UnicodeError):
            domain = _punycode(domain)
    return domain if _DOMAIN.fullmatch(domain) else None


def _punycode(domain: str) -> str:
    """Of labels that IDNA 2008 refuses, such as emoji: registries have them, and mail programs show either form."""
    for joiner in JOINERS:
        domain = domain.replace(joiner, "")
    labels = _lower(domain).replace("。", ".").split(".")
    if any(unicodedata.category(char)[0] in "PZC" for label in labels for char in label if char not in "-_"):
        return ""
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)


def _lower(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
