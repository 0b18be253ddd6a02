"""What URLs, HTML and JSON escape, as the signs that it stands for, and where in the text each of them was."""

import re
from bisect import bisect_right
from functools import lru_cache
from html.entities import html5
from typing import NamedTuple
from urllib.parse import unquote

from streams.base.plain_forms import PLAIN_FORMS

Span = tuple[int, int]

_AGAIN = "%(?:25)*"
"""A URL inside a URL escapes the percent sign, too."""
_THREE_BYTES = rf"E2{_AGAIN}80{_AGAIN}[89A][0-9A-F]|E3{_AGAIN}80{_AGAIN}80"
_IN_URLS = rf"{_AGAIN}(?:0[9AD]|2[0-46-9A-F]|3[A-F]|40|5[B-F]|60|7[B-E]|C2{_AGAIN}A[0D]|{_THREE_BYTES})"
"""Signs; letters and digits are as they are written."""
_ESCAPE = re.compile(
    rf"{_IN_URLS}|&#0{{0,9}}(\d{{1,6}});|&#x0{{0,9}}([0-9A-F]{{1,5}});|&([A-Z]{{2,8}});"
    r"|\\u(0[0-9A-F]{3}|20[0-6][0-9A-F]|3000)|\\([nrt/\"])",
    re.IGNORECASE,
)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "/": "/", '"': '"'}
_WORD = re.compile(r"\S+")
_SPACE_OF_A_FORM = re.compile(r"(?<=[\w)])\+(?=\(?\d)(?![\w.+-]{0,64}(?:@|%(?:25)*40))")
"""A form writes blanks as ``+``; not in an address, and where a value begins with one it was a ``+``."""


class Unescaped(NamedTuple):
    """A text in which each escape is the one sign that it stands for."""

    text: str
    behind: tuple[int, ...] = ()
    """Position behind each of them."""
    further: tuple[int, ...] = ()
    """How much further on that is in the text as it was given."""

    def was_escaped(self, position: int) -> bool:
        at = bisect_right(self.behind, position)
        return at < len(self.behind) and self.behind[at] == position + 1

    def given(self, span: Span) -> Span:
        """Where a span was in the text as it was given."""
        return self._given(span[0]), self._given(span[1])

    def _given(self, position: int) -> int:
        at = bisect_right(self.behind, position)
        return position + self.further[at - 1] if at else position


def unescaped(text: str) -> Unescaped:
    """``text``: in plain forms (`plain_forms.PLAIN_FORMS`), as the signs of the escapes are afterwards."""
    if not ("%" in text or "&" in text or "\\" in text):
        return Unescaped(text)
    if "+" in text:
        text = _WORD.sub(_without_form, text)
    parts: list[str] = []
    behind: list[int] = []
    further: list[int] = []
    done = length = 0
    for escape in _ESCAPE.finditer(text):
        start, end = escape.span()
        sign = (_sign if end - start <= _USUAL else _sign.__wrapped__)(escape[0])
        if sign is None:
            continue
        parts += (text[done:start], sign)
        length += start - done + 1
        behind.append(length)
        further.append(end - length)
        done = end
    return Unescaped("".join((*parts, text[done:])), tuple(behind), tuple(further))


def _without_form(word: re.Match[str]) -> str:
    is_form = "+" in word[0] and ("=" in word[0] or "%" in word[0])
    return _SPACE_OF_A_FORM.sub(" ", word[0]) if is_form else word[0]


@lru_cache(1024)
def _sign(written: str) -> str | None:
    """In its plain form; ``None``: it stands for none, or for more than one."""
    escape = _ESCAPE.fullmatch(written)
    assert escape is not None
    decimal, hexadecimal, name, code, control = escape.groups()
    if control:
        found = _CONTROLS[control.lower()]
    elif name:
        found = html5.get(f"{name};") or html5.get(f"{name.lower()};", "")
    elif decimal or hexadecimal or code:
        number = int(decimal) if decimal else int(hexadecimal or code, 16)
        found = "" if number > _LARGEST or number in _SURROGATES else chr(number)
    else:
        found = unquote(_PERCENT.sub("%", written))
    return found.translate(PLAIN_FORMS) if len(found) == 1 else None


_USUAL = len("%25E2%2580%25AF")
_PERCENT = re.compile(_AGAIN)
_LARGEST, _SURROGATES = 0x10FFFF, range(0xD800, 0xE000)
