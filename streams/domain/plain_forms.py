"""Digits of any script, full-width characters, unusual spaces and dashes in their plain forms."""

import unicodedata
from collections.abc import Iterator

_BLOCKS = (range(0x80, 0x20000), range(0xE0000, 0xE0080))
"""Where such characters lie; a test looks at all of Unicode."""
_FULL_WIDTH = 0xFEE0
"""From the full-width exclamation mark to ``!``, and so on up to ``~``."""


def plain_form(char: str) -> str:
    """One character for one, so that positions in a text and in its plain form agree."""
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category in ("Zs", "Cf"):  # spaces; zero-width and direction marks, which copied phone numbers carry
        return " "
    if category == "Pd" or char == "−":
        return "-"
    return chr(ord(char) - _FULL_WIDTH) if 0xFF01 <= ord(char) <= 0xFF5E else char


def _table() -> Iterator[tuple[int, str]]:
    for block in _BLOCKS:
        for code in block:
            plain = plain_form(chr(code))
            if ord(plain) != code:
                yield code, plain


# Made once and never added to: a cache that fills itself from texts would hold whatever characters people send.
PLAIN_FORMS = dict(_table())
"""Code point → its plain form; for ``str.translate``."""
