"""Which alerts are meant: ``rule=high-tier-wait``, ``queue!=cards``, ``tier=~gold|platinum``, ``customer!~*test``.

Behind ``=~`` stand choices with ``|`` between them, in which ``*`` is any text: no regular expression, since whoever
may set a silence could stop a worker with one.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.alerts import AlertSubject

OF_SUBJECT = {"subject" if field == "type" else field.removesuffix("_id"): field for field in AlertSubject.model_fields}
"""What an alert is about: name, as matchers, templates and labels have it → field of the contract. Silences, routes and
labels know the same names by it.
"""
_SHAPE = re.compile(r"([a-z_][a-z0-9_.-]{0,39})(=~|!~|!=|=)(.*)", re.DOTALL)
MATCHER = r"^[a-z_][a-z0-9_.-]{0,39}(=~|!~|!=|=)"
"""Pattern of one, as JSON Schema has it."""


class Matcher(NamedTuple):
    """A word on one attribute of an alert; one that it does not have is empty."""

    name: str
    sign: str
    value: str

    def fits(self, attributes: Mapping[str, str]) -> bool:
        found = attributes.get(self.name, "")
        if self.sign in ("=", "!="):
            equal = found == self.value
        else:
            equal = any(_is_like(found, each) for each in self.value.split("|"))
        return equal == (self.sign[0] != "!")

    def __str__(self) -> str:
        return f"{self.name}{self.sign}{self.value}"


def matcher(text: str) -> Matcher:
    """Raises ``ValueError`` where it is none."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no matcher: expected name=value, name!=value, name=~a|b* or name!~a|b*")
    return Matcher(found[1], found[2], found[3])


def fit(matchers: Iterable[Matcher], attributes: Mapping[str, str]) -> bool:
    """All of them."""
    return all(each.fits(attributes) for each in matchers)


def _is_like(text: str, shape: str) -> bool:
    """In time that grows with the text alone."""
    first, *others = shape.split("*")
    if not others:
        return text == first
    *between, last = others
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for part in between:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True
