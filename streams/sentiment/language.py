"""Which of the scored languages a text is in, or that it is in none of them.

By script first: Han characters without kana or hangul are Chinese; most letters of another script than Latin are no
language that is scored. Else by the letters: each word costs every language of a table the sum of −log P(three letters
| language), the cheapest wins (naive Bayes). It must be one of ``LANGUAGES``, clearly cheaper than any other, and not
dear: letters that are rare in all of them are of a language that the table does not know, unless the table knows most
of the words.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

_LANE = 32
"""Bits of one language in the packed sum of costs: that of all words of a text stays far below 2³²."""
_TELLING = 16
"""Words of a text, from its beginning, by which its language is found."""
_LONGEST = 24
"""Letters of a word that are looked at."""
_HEAD = 1_000
"""Characters of a text that are looked at."""
_CACHED = 16_384

_LATIN_WORD = re.compile(r"[^\W\d_]+")
_MASK = re.compile(r"\[[a-z]{1,12}\]|@\w{1,40}|https?://\S{1,200}")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff\uac00-\ud7af\u1100-\u11ff]+")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_NOT_LATIN = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff\uff21-\uff5a]")
_FOREIGN = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff\uff21-\uff5a\u3400-\u9fff\uf900-\ufaff]+")


class Rules(NamedTuple):
    """How sure a language must be; costs are eighths of a nat."""

    prior: int = 24
    """How much dearer a language that is not wanted is from the start: most messages are in one that is."""
    margin: int = 8
    """How much dearer the next language must be, …"""
    margin_per_word: int = 1
    """… and that much more for each word, up to six."""
    dearest: int = 76
    """Mean cost of three letters from which on a text is in no language of the table."""


SURE = Rules()


class Languages:
    """Finds the language of texts by a table of costs. A cache of words is all that it keeps."""

    def __init__(self, lines: Iterable[str], wanted: Iterable[str], rules: Rules = SURE) -> None:
        """``lines``: codes of the languages, blank between; then three letters (blank = edge of a word), a tab, and the
        costs in hexadecimal, a byte each; the line ``*`` has those of letters without a line, a line ``=word`` those of
        a whole word in addition.
        """
        head, *rows = lines
        self._codes = head.split(" ")
        self._wanted = frozenset(wanted)
        self._rules = rules
        self._costs = {gram: _packed(bytes.fromhex(costs)) for gram, costs in (row.split("\t") for row in rows if row)}
        self._else = self._costs.pop("*")
        self._prior = _packed(bytes(0 if code in self._wanted else rules.prior for code in self._codes))
        self._words: dict[str, int] = {}

    def of(self, text: str) -> str | None:
        """The code of the language; ``None``: of none of those that are wanted, or nobody can tell."""
        text = text[:_HEAD]
        if not text.isascii():
            by_script = _by_script(text)
            if by_script is not None:
                return by_script or None
        if "[" in text or "@" in text or "://" in text:
            text = _MASK.sub(" ", text)
        words = _LATIN_WORD.findall(text.lower())[:_TELLING]
        if not words:
            return None
        return self._cheapest(words)

    def _cheapest(self, words: list[str]) -> str | None:
        known = self._words
        total = self._prior
        for word in words:
            cost = known.get(word)
            total += self._cost(word) if cost is None else cost
        size = len(self._codes)
        costs = memoryview(total.to_bytes(4 * size, "little")).cast("I").tolist()
        least = min(costs)
        best = self._codes[costs.index(least)]
        if best not in self._wanted:
            return None
        costs.remove(least)
        rules = self._rules
        if min(costs) - least < rules.margin + rules.margin_per_word * min(len(words), 6):
            return None
        if least <= rules.dearest * sum(map(len, words)):
            return best
        return best if 2 * sum("=" + word in self._costs for word in words) > len(words) else None

    def _cost(self, word: str) -> int:
        edged = f" {word[:_LONGEST]} "
        costs, other = self._costs, self._else
        total = sum([costs.get(edged[at : at + 3], other) for at in range(len(edged) - 2)])
        total += costs.get("=" + word, 0)
        if len(self._words) >= _CACHED:
            self._words.clear()
        if len(word) <= _LONGEST:
            self._words[word] = total
        return total


def has_letters(text: str) -> bool:
    """Does a text say anything in words, apart from masks?"""
    return _LATIN_WORD.search(_MASK.sub(" ", text)) is not None


def is_written(text: str, language: str) -> bool:
    """Can a text be in that language, by its script? Forms say the language of their page."""
    script = None if text.isascii() else _by_script(text[:_HEAD])
    return script == "zh" if language == "zh" else script is None


def _by_script(text: str) -> str | None:
    """``zh``, empty for a script of no language that is scored; ``None``: most letters are Latin, or there are none."""
    if _NOT_LATIN.search(text) is None:
        return None
    han, foreign, latin, kana = (
        sum(map(len, script.findall(text))) for script in (_HAN, _FOREIGN, _LATIN, _KANA_HANGUL)
    )
    if foreign > latin + 2 * han or (han and kana * 8 > han):
        return ""
    return "zh" if 3 * han > latin else None


def _packed(costs: bytes) -> int:
    """Each in a lane of its own."""
    lanes = bytearray(len(costs) * _LANE // 8)
    lanes[:: _LANE // 8] = costs
    return int.from_bytes(lanes, "little")
