"""A linear model of three classes (unhappy, neutral, content) over the units of a text, in whole numbers alone.

With p and n the sums of the weights that speak for content and for unhappy against neutral, over the units of a text of
N words: P(content) = e^a / (e^a + e^b + 1), a = bias + p/√N, b likewise; score = P(content) − P(unhappy), confidence =
the largest of the three. The exponentials come from a table of whole numbers and the root is a whole one, so a text has
the same score on every machine.
"""

from collections.abc import Iterable
from itertools import chain, repeat
from math import exp, isqrt
from typing import NamedTuple

from streams.sentiment.features import NEGATED, parts, units

_CACHED = 8_192
"""Words whose sums are kept for one language; then they are forgotten all at once."""
_LONGEST = 40
"""Letters of a word that is kept."""
_STEP, _LIMIT = 64, 512
"""The table of exponentials: steps of 1/64 from −8 to 8."""
_EXP = tuple(round(exp(at / _STEP) * 65_536) for at in range(-_LIMIT, _LIMIT + 1))
_SAYS_NOTHING = frozenset("0!?.;…！？。；<>|")
_LANE, _HALF, _MASK = 32, 1 << 31, (1 << 32) - 1


class Judged(NamedTuple):
    """What a model makes of a text."""

    score: float
    """−1..1, three decimals."""
    confidence: float
    """⅓..1, three decimals: the probability of the likeliest class."""


class _Sums(dict[str, int]):
    """Word → the packed sum of its features' weights, worked out when it is first asked for."""

    def __init__(self, weights: dict[str, int]) -> None:
        super().__init__()
        self._weights = weights

    def __missing__(self, word: str) -> int:
        if len(self) >= _CACHED:
            self.clear()
        total = sum(map(self._weights.get, parts(word), repeat(0)))
        if len(word) <= _LONGEST:
            self[word] = total
        return total


class Model:
    """The model of one language. Its cache of words is bounded, and nothing else changes."""

    def __init__(self, language: str, lines: Iterable[str]) -> None:
        """``lines``: scale, bias of content and of unhappy in 1/64, separated by tabs; then a feature a line with its
        two weights, −127..127, that are divided by the scale.
        """
        self.language = language
        rows = iter(lines)
        self._scale, self._content, self._unhappy = map(int, next(rows).split("\t"))
        same: dict[int, int] = {}
        weights: dict[str, int] = {}
        for row in rows:
            feature, content, unhappy = row.split("\t")
            value = (int(content) << _LANE) + int(unhappy)
            weights[feature] = same.setdefault(value, value)
        self._weights = weights
        self._sums = _Sums(weights)

    def __call__(self, text: str) -> Judged | None:
        """``None``: the text has no word, or not one of its words tells anything."""
        words, pairs, size = units(text, self.language)
        if words <= _SAYS_NOTHING and (self.language != "zh" or not pairs):
            return None
        total = sum(map(self._sums.__getitem__, words)) + sum(map(self._weights.get, pairs, repeat(0)))
        if not total and not self._knows(words, pairs):
            return None
        unhappy = ((total + _HALF) & _MASK) - _HALF
        content = (total - unhappy) >> _LANE
        root = self._scale * isqrt(size << 12)
        up = _EXP[_inside(self._content + (content << 12) // root)]
        down = _EXP[_inside(self._unhappy + (unhappy << 12) // root)]
        calm = _EXP[_LIMIT]
        every = up + down + calm
        return Judged(round((up - down) / every, 3) + 0.0, round(max(up, down, calm) / every, 3))

    def _knows(self, words: Iterable[str], pairs: Iterable[str]) -> bool:
        plain = (part for word in words for part in parts(word) if part[0] != NEGATED)
        return any(map(self._weights.__contains__, chain(plain, pairs)))


def _inside(at: int) -> int:
    return _LIMIT + max(-_LIMIT, min(_LIMIT, at))
