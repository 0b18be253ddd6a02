"""Digits of any script, full-width characters, unusual spaces and dashes in their plain forms; characters that nobody
sees.

Two tables for ``str.translate``. ``PLAIN_FORMS`` is for texts in which something is looked for: one character for one,
so that positions agree. ``READ_FORMS`` is for values that are read: what nobody sees is taken out.
"""

import re
import unicodedata
from collections.abc import Iterator

_BLOCKS = (
    *(range(0x80, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x14400), range(0x16000, 0x17000)),
    *(range(0x1B000, 0x20000), range(0xE0000, 0xE0200)),
)
"""Where such characters lie; a test looks at all of Unicode."""
_FULL_WIDTH = 0xFEE0
"""From the full-width exclamation mark to ``!``, and so on up to ``~``."""
_SMALL = range(0xFE50, 0xFE6C)
"""Small forms of ASCII punctuation."""
JOINERS = "\u200c\u200d"
"""Zero-width too, but letters of Persian, of Indic scripts and of emoji are told apart by them."""
_UNSEEN = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x20E3, 0x3164, 0xFFA0}
    | {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
)
"""Marks and letters without a shape of their own: fillers, variation selectors, the frame around a key's digit."""


def is_unseen(char: str) -> bool:
    """Zero-width and direction marks, soft hyphens and the like, which copied numbers and addresses carry."""
    return unicodedata.category(char) == "Cf" or ord(char) in _UNSEEN


def plain_form(char: str) -> str:
    """One character for one.

    What nobody sees becomes a dash: between digits it separates, in an address it belongs to it. A mark on a letter
    becomes ``_``, which is part of a word as the letter is.
    """
    code, category = ord(char), unicodedata.category(char)
    if category == "Cf" or code in _UNSEEN:
        return "-"
    if category[0] == "M":
        return "_"
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Zs":
        return " "
    if category == "Pd" or char == "−":
        return "-"
    if code in _SMALL:
        plain = unicodedata.normalize("NFKC", char)
        return plain if plain.isascii() and len(plain) == 1 else char
    return chr(code - _FULL_WIDTH) if 0xFF01 <= code <= 0xFF5E else char


_CONCERNED = frozenset(("Cf", "Mc", "Me", "Mn", "Nd", "Pd", "Zs"))
"""Categories of characters with another plain form; of the others those of some few places have one."""


def _table() -> Iterator[tuple[int, str]]:
    category = unicodedata.category
    for block in _BLOCKS:
        for code in block:
            char = chr(code)
            if category(char) not in _CONCERNED and code not in _UNSEEN and code < _SMALL.start and char != "−":
                continue  # nearly all of them; the tables are made whenever a program starts
            plain = plain_form(char)
            if ord(plain) != code:
                yield code, plain


# Made once and never added to: a cache that fills itself from texts would hold whatever characters people send.
PLAIN_FORMS = dict(_table())
"""Code point → its plain form; for ``str.translate``."""
READ_FORMS: dict[int, str | None] = {
    code: None if is_unseen(chr(code)) else plain for code, plain in PLAIN_FORMS.items()
}
"""The same for numbers that are read: ``None`` = taken out."""
UNSEEN: dict[int, None] = {
    code: None for code, plain in READ_FORMS.items() if plain is None and chr(code) not in JOINERS
}
"""Code points to be taken out of an address: all but the joiners, by which domains differ."""

REMEMBERED = 64
"""Characters of an identifier whose form is kept in memory; what is longer is no number or address that comes again,
and must not fill the memory.
"""
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"(?=\s*<)')
_ANGLES = re.compile(r"<([^<>]*)>")


def inner(text: str) -> str:
    """What stands in the one pair of angle brackets, if there is any: the rest is a name.

    Quoted names may hold anything, an address too, so they go first; of two pairs nobody knows which one counts.
    """
    if "<" not in text:
        return text
    text = _QUOTED.sub("", text)
    found: list[str] = _ANGLES.findall(text)
    if found:
        return found[0].strip() if len(found) == 1 else ""
    return text.rpartition("<")[2].strip()
