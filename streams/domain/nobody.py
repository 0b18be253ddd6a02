"""What systems write for nobody: withheld numbers, words such as "unknown" and "guest", mailboxes that no person reads.

A value that names nobody is no identifier, or it would make one person of all strangers who bear it.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

_NOT_A_DIGIT = re.compile(r"\D+")
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
        """From values in any spelling; of mailboxes, ``noreply*`` is everything that begins so.

        Raises ``ValueError`` that names a value of which nothing is left: it would stand for everything.
        """
        boxes = list(mailboxes)
        return cls(
            frozenset(_left(folded(word), word) for word in words),
            frozenset(_left(digits_of(number), number) for number in numbers),
            frozenset(_left(folded(box), box) for box in boxes if not box.endswith("*")),
            tuple(sorted({_left(folded(box), box) for box in boxes if box.endswith("*")})),
            tuple(sorted({f".{_left(domain.strip(' .@').lower(), domain)}" for domain in domains})),
        )

    def __or__(self, other: "Nobody") -> "Nobody":
        return Nobody(
            self.words | other.words,
            self.numbers | other.numbers,
            self.mailboxes | other.mailboxes,
            tuple(sorted({*self.beginnings, *other.beginnings})),
            tuple(sorted({*self.domains, *other.domains})),
        )

    def is_word(self, value: str) -> bool:
        """Does it stand for nobody whatever it identifies? Zeros do, as a number and as an empty UUID."""
        plain = folded(value)
        return plain in self.words or not plain.strip("0")

    def is_mailbox(self, box: str, domain: str) -> bool:
        """``box``: folded, ``domain``: in its one form."""
        return box in self.mailboxes or box.startswith(self.beginnings) or f".{domain}".endswith(self.domains)


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


def _left(plain: str, given: str) -> str:
    if not plain:
        raise ValueError(f"{given!r} has no letter or digit that counts, so it would stand for everybody")
    return plain
