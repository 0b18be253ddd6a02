"""What systems write for nobody: withheld numbers, words such as "unknown" and "guest", mailboxes that no person reads.

A value that names nobody is no identifier, or it would make one person of all strangers who bear it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

_NOT_A_DIGIT = re.compile(r"\D+")
_KEYPAD = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
_SHORTEST_SPELT = len("blocked")
_COUNTED_UP, _COUNTED_DOWN = "1234567890" * 3, "987654321"
_SHORTEST_COUNTED, _SHORTEST_ALIKE = len("12345"), len("11111111")
_PUNCTUATION = dict.fromkeys(code for code in range(0x80) if not chr(code).isalnum())


def folded(text: str) -> str:
    """Its letters and digits: case, spaces and punctuation do not matter ("N/A" and "na", "Private Number")."""
    if text.isascii():
        return text.lower() if text.isalnum() else text.lower().translate(_PUNCTUATION)
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


@dataclass(frozen=True, slots=True)
class Nobody:
    """The values; all of them folded, numbers as their digits without ``+`` or ``00`` in front."""

    words: frozenset[str] = frozenset()
    """Of any kind of identifier."""
    numbers: frozenset[str] = frozenset()
    """Of phones."""
    mailboxes: frozenset[str] = frozenset()
    """What stands before the @ of an e-mail address."""
    beginnings: tuple[str, ...] = ()
    """How it begins."""
    ends: tuple[str, ...] = ()
    """How it ends."""
    domains: tuple[str, ...] = ()
    """Ends of e-mail addresses, with a dot in front: a domain, and what lies below it."""

    @classmethod
    def of(
        cls,
        words: Iterable[str] = (),
        numbers: Iterable[str] = (),
        mailboxes: Iterable[str] = (),
        domains: Iterable[str] = (),
    ) -> "Nobody":
        """From values in any spelling; of mailboxes, ``noreply*`` is everything that begins so, ``*noreply`` all that
        ends so.

        What a word spells on the keys of a telephone is a number for nobody, too: carriers send that for it.

        Raises ``ValueError`` that names a value of which nothing is left: it would stand for everything.
        """
        boxes = [(box, _left(folded(box), box)) for box in mailboxes]
        plain = frozenset(_left(folded(word), word) for word in words)
        return cls(
            plain,
            frozenset(_left(digits_of(number), number) for number in numbers) | frozenset(_spelt(plain)),
            frozenset(box for given, box in boxes if "*" not in (given[0], given[-1])),
            tuple(sorted({box for given, box in boxes if given.endswith("*")})),
            tuple(sorted({box for given, box in boxes if given.startswith("*")})),
            tuple(sorted({f".{_left(domain.strip(' .@').lower(), domain)}" for domain in domains})),
        )

    def __or__(self, other: "Nobody") -> "Nobody":
        return Nobody(
            self.words | other.words,
            self.numbers | other.numbers,
            self.mailboxes | other.mailboxes,
            tuple(sorted({*self.beginnings, *other.beginnings})),
            tuple(sorted({*self.ends, *other.ends})),
            tuple(sorted({*self.domains, *other.domains})),
        )

    def is_word(self, value: str) -> bool:
        """Does it stand for nobody whatever it identifies? Zeros do, as a number and as an empty UUID, and so does one
        sign all over.
        """
        plain = folded(value)
        return plain in self.words or not plain.strip("0") or (len(plain) >= _SHORTEST_ALIKE and len({*plain}) == 1)

    def is_number(self, spellings: Iterable[str]) -> bool:
        """Does a phone stand for nobody? ``spellings``: its digits, with and without what leads abroad. What is counted
        up or down on the keys does.
        """
        return any(digits in self.numbers or is_counted(digits) for digits in spellings)

    def is_mailbox(self, box: str, domain: str) -> bool:
        """``box``: folded, ``domain``: in its one form."""
        if box in self.mailboxes or box.startswith(self.beginnings) or box.endswith(self.ends):
            return True
        return f".{domain}".endswith(self.domains)


def is_counted(digits: str) -> bool:
    """``12345``, ``0123456789``, ``987654321``: a finger ran over the keys. 98765 43210 is a number in India."""
    digits = digits.lstrip("0")
    if len(digits) < _SHORTEST_COUNTED:
        return False
    return _COUNTED_UP.startswith(digits) or _COUNTED_DOWN.endswith(digits)


def digits_of(number: str) -> str:
    """The digits of a number without what leads abroad."""
    return _NOT_A_DIGIT.sub("", number).removeprefix("00")


def values_of(file: Mapping[str, Any]) -> Nobody:
    """Of the file's mapping: ``words`` by language, ``ids``, ``numbers``, ``mailboxes``, ``domains``. Raises
    ``ValueError``."""
    words = [word for of_language in file.get("words", {}).values() for word in of_language]
    rest: dict[str, list[str]] = {name: file.get(name, []) for name in ("numbers", "mailboxes", "domains")}
    return Nobody.of([*words, *file.get("ids", [])], **rest)


@lru_cache(1)
def shipped() -> Nobody:
    """The values of the file that comes with the rules."""
    return values_of(yaml.safe_load(files("streams").joinpath("rules", "nobody.yaml").read_text("utf-8")))


def _spelt(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if len(word) >= _SHORTEST_SPELT and word.isascii() and word.isalpha():
            yield word.translate(_KEYPAD)


def _left(plain: str, given: str) -> str:
    if not plain:
        raise ValueError(f"{given!r} has no letter or digit that counts, so it would stand for everybody")
    return plain
