"""What systems write for nobody: withheld numbers, words such as "unknown" and "guest", mailboxes that no person reads.

A value that names nobody is no identifier, or it would make one person of all strangers who bear it.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from streams.base.plain_forms import REMEMBERED

_NOT_A_DIGIT = re.compile(r"\D+")
_PUNCTUATION = dict.fromkeys(code for code in range(0x80) if not chr(code).isalnum())
_WITHOUT_MARK = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}  # noqa: RUF001 - a Turkish i
)
"""Letters whose mark Unicode does not take off."""
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_KEYPAD = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")
_AS_A_NUMBER = range(7, 16)
"""Letters of a word that telephone systems send as the digits of a keypad: as many as a number has."""

_RUN = "01234567890123456789"
_RUN_OF_ID = 8
_COUNTED_UP, _COUNTED_DOWN = "1234567890" * 3, "987654321"
_SHORTEST_COUNTED = len("12345")
_REPEATED = {True: 3, False: 7}
"""How often one letter, or one digit, is repeated in what is no id."""
_LEFT_OVER = re.compile(
    r"[-\u2212]\s*\d+(?:[.,]0+)?"  # a negative number: -1 for none
    r"|\{.*\}|[$#%]\{.*\}|\$\w+\$?|%+[^%\s]+%+|\[\[.*\]\]|<[%?].*[%?]>"  # a template that nobody filled in
    r"|%(?:\(\w+\))?[sd]"
    r"|#(?:[^\W\d_]+/?0?[!?]|NV)",  # what a spreadsheet shows for an error
    re.IGNORECASE | re.DOTALL,
)
_NUMBERED = re.compile(r"([a-z]+)\d{1,3}")
"""test1, dummy02; a number of more digits is one of many, each with its own."""
_PARTS = re.compile(r"[\W_]+")


def folded(text: str) -> str:
    """Its letters and digits: case, spaces, punctuation and marks on letters do not matter ("N/A" and "na", "Private
    Number", "numero masque").
    """
    if text.isascii():
        return text.lower() if text.isalnum() else text.lower().translate(_PUNCTUATION)
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()).translate(_WITHOUT_MARK)
    return "".join(filter(str.isalnum, text))


def is_run(digits: str) -> bool:
    """Do they count up, as in 1234567? Any length."""
    return digits in _RUN


def is_counted(digits: str) -> bool:
    """``12345``, ``0123456789``, ``987654321``: a finger ran over the keys. 98765 43210 is a number in India."""
    digits = digits.lstrip("0")
    if len(digits) < _SHORTEST_COUNTED:
        return False
    return _COUNTED_UP.startswith(digits) or _COUNTED_DOWN.endswith(digits)


@dataclass(frozen=True, slots=True)
class Nobody:
    """The values; all of them folded, numbers as their digits without ``+`` or ``00`` in front."""

    words: frozenset[str] = frozenset()
    """Of any kind of identifier."""
    parts: frozenset[str] = frozenset()
    """What stands beside such words, or titles a column: a value of nothing but these and words is one, too."""
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

    def __hash__(self) -> int:
        return hash(self.words)  # a set knows its own, and this is asked for with each id of a customer

    @classmethod
    def of(
        cls,
        words: Iterable[str] = (),
        numbers: Iterable[str] = (),
        mailboxes: Iterable[str] = (),
        domains: Iterable[str] = (),
        parts: Iterable[str] = (),
    ) -> "Nobody":
        """From values in any spelling; of mailboxes, ``noreply*`` is everything that begins so, ``*noreply`` all that
        ends so. A word as long as a phone is one, too, by the letters of a keypad: carriers send that for it.

        Raises ``ValueError`` that names a value of which nothing is left: it would stand for everything.
        """
        boxes = [(box, _left(folded(box), box)) for box in mailboxes]
        spelled = {each for word in words for each in _spellings(word)}
        dialled = {word.translate(_KEYPAD) for word in spelled if word.isascii() and word.isalpha()}
        return cls(
            frozenset(spelled),
            frozenset(each for part in parts for each in _spellings(part)),
            frozenset(_left(digits_of(number), number) for number in numbers)
            | {number for number in dialled if len(number) in _AS_A_NUMBER},
            frozenset(box for given, box in boxes if "*" not in (given[0], given[-1])),
            tuple(sorted({box for given, box in boxes if given.endswith("*")})),
            tuple(sorted({box for given, box in boxes if given.startswith("*")})),
            tuple(sorted({f".{_left(domain.strip(' .@').lower(), domain)}" for domain in domains})),
        )

    def __or__(self, other: "Nobody") -> "Nobody":
        return Nobody(
            self.words | other.words,
            self.parts | other.parts,
            self.numbers | other.numbers,
            self.mailboxes | other.mailboxes,
            tuple(sorted({*self.beginnings, *other.beginnings})),
            tuple(sorted({*self.ends, *other.ends})),
            tuple(sorted({*self.domains, *other.domains})),
        )

    def is_word(self, value: str) -> bool:
        """Does it stand for nobody whatever it identifies? So do zeros, as a number and as an empty UUID, one sign over
        and over, digits that count up, negative numbers, and templates that nobody filled in.
        """
        return (_is_word if len(value) <= REMEMBERED else _is_word.__wrapped__)(self, value)

    def says(self, value: str) -> bool:
        """As `is_word`, each time anew."""
        plain = folded(value)
        if plain in self.words or not plain.strip("0"):
            return True
        if plain.isascii() and (len(set(plain)) == 1 or plain.isdigit()):
            alike = len(set(plain)) == 1 and len(plain) >= _REPEATED[plain.isalpha()]
            if alike or (len(plain) >= _RUN_OF_ID and is_run(plain)):
                return True
        return not value.isalnum() and (_is_left_over(value) or self._is_made_of_words(value))

    def _is_made_of_words(self, value: str) -> bool:
        """``unknown, unknown``, ``caller_unknown``, ``N/A N/A``, ``customer_id``."""
        return self._are_words(_PARTS.split(value)) or (" " in value and self._are_words(value.split()))

    def _are_words(self, values: list[str]) -> bool:
        count = 0
        for value in values:
            if not (plain := folded(value)):
                continue
            if plain not in self.words and plain not in self.parts:
                return False
            count += 1
        return count > 1

    def is_number(self, spellings: Iterable[str]) -> bool:
        """Does a phone stand for nobody? ``spellings``: its digits, with and without what leads abroad. What is counted
        up or down on the keys does.
        """
        return any(digits in self.numbers or is_counted(digits) for digits in spellings)

    def is_mailbox(self, box: str, domain: str) -> bool:
        """``box``: without what follows a ``+``; ``domain``: in its one form."""
        return (_is_mailbox if len(box) + len(domain) <= REMEMBERED else _is_mailbox.__wrapped__)(self, box, domain)

    def reads(self, box: str, domain: str) -> bool:
        """As `is_mailbox`, each time anew."""
        plain = folded(box)
        if self._is_box(plain) or f".{domain}".endswith(self.domains):
            return True
        if (numbered := _NUMBERED.fullmatch(box)) is not None and numbered[1] in self.mailboxes:
            return True
        if not box.isalnum() and (plain in self.words or _is_left_over(box) or self._is_made_of_boxes(box)):
            return True
        return any(self._reads_as_nobody(plain, folded(label)) for label in domain.split(".")[:-1])

    def _is_made_of_boxes(self, box: str) -> bool:
        """``unknown.customer``: one part at least is a mailbox of nobody's."""
        plain = {folded(part) for part in _PARTS.split(box)}
        known = self.words, self.parts, self.mailboxes
        return not plain.isdisjoint(self.mailboxes) and all(any(part in each for each in known) for part in plain)

    def _reads_as_nobody(self, box: str, label: str) -> bool:
        """``not@provided.example``, ``private@private.example``, ``mail@mail.example``, ``123@123.example``."""
        if box == label and (len(set(box)) == 1 or is_run(box) or box in self.parts):
            return True
        return self._is_known(box + label) or (self._is_known(box) and self._is_known(label))

    def _is_known(self, plain: str) -> bool:
        return plain in self.words or self._is_box(plain)

    def _is_box(self, plain: str) -> bool:
        return plain in self.mailboxes or plain.startswith(self.beginnings) or plain.endswith(self.ends)


def digits_of(number: str) -> str:
    """The digits of a number without what leads abroad."""
    return _NOT_A_DIGIT.sub("", number).removeprefix("00")


def values_of(file: Mapping[str, Any]) -> Nobody:
    """Of the file's mapping: ``words`` by language, ``ids``, ``parts``, ``numbers``, ``mailboxes``, ``domains``. Raises
    ``ValueError``."""
    words = [word for of_language in file.get("words", {}).values() for word in of_language]
    rest: dict[str, list[str]] = {name: file.get(name, []) for name in ("numbers", "mailboxes", "domains", "parts")}
    return Nobody.of([*words, *file.get("ids", [])], **rest)


@lru_cache(65_536)
def _is_word(nobody: Nobody, value: str) -> bool:
    return nobody.says(value)


@lru_cache(65_536)
def _is_mailbox(nobody: Nobody, box: str, domain: str) -> bool:
    return nobody.reads(box, domain)


def _is_left_over(value: str) -> bool:
    return not value[0].isalnum() and _LEFT_OVER.fullmatch(value) is not None


def _spellings(word: str) -> set[str]:
    """Folded, with marks left out and written out: unterdruckt, unterdrueckt."""
    return {_left(folded(word), word), folded(unicodedata.normalize("NFC", word).lower().translate(_WRITTEN_OUT))}


def _left(plain: str, given: str) -> str:
    if not plain:
        raise ValueError(f"{given!r} has no letter or digit that counts, so it would stand for everybody")
    return plain
