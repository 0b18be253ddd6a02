"""Sentiment of a customer's text by the words it is made of: −1 (very unhappy) to 1 (very happy).

A scorer adds the weights of the words it knows, looking at negation ("not happy", "funktioniert nicht"), intensifiers
("very", "kaum"), what follows a "but", exclamation marks, capitals, emoji and emoticons, and brings the sum x between
−1 and 1 by x / √(x² + 12), as VADER (Hutto and Gilbert, 2014) does. Without a tag the language is found by small words
and by the script; what is not clearly of one of its languages has no score.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, repeat
from math import sqrt
from typing import NamedTuple

Scorer = Callable[[str, str | None], float | None]
"""(text of at most ``SCORED`` characters, language tag or ``None``) → −1..1, or ``None`` when there is nothing to
score: no text, or a language it does not know.
"""

SCORED = 10_000
"""Characters of a text that a scorer gets, from its beginning: some three pages. So what one message takes has a limit,
whatever the scorer does with it.
"""
POSITIVE, NEGATIVE = 0.15, -0.15
"""From where on a score counts as positive or negative; between them it is neutral."""

_TOKEN = re.compile(
    r"<3|>:\(|[:;=]'?-?[)(D/|]+|[^\W\d_]+(?:['’-][^\W\d_]+)*|[!?,.;\u2600-\u27bf\U0001f300-\U0001faff]",
)
_BOUNDARY = frozenset("!?,.;")
_ENDINGS = ("", "e", "er", "en", "es", "em")
_WINDOW = 3  # how many words a negation reaches forward
_BEHIND = 2  # and, in German, back to its verb
_FLIP = -0.65
_BEFORE_BUT, _AFTER_BUT = 0.6, 1.3
_CAPITALS = 1.2
_LONGEST_PHRASE = 4
_ALPHA = 12.0


class Lexicon(NamedTuple):
    """The words of one language, lower case. Phrases are words joined by spaces."""

    weights: dict[str, float]
    phrases: dict[str, float]
    openers: frozenset[str]
    """First words of phrases."""
    negated: dict[str, float]
    negators: frozenset[str]
    boosts: dict[str, float]
    buts: frozenset[str]
    looks_back: bool = False
    """Does a negation also reach back to the word before it (German)?"""
    known: frozenset[str] = frozenset()
    """All words that can change the sum by themselves; the others are passed over."""


def parse_lexicon(lines: Iterable[str], *, looks_back: bool = False) -> Lexicon:
    """A lexicon from its text form. Raises ``ValueError`` that names the line when a head is not understood."""
    weights: dict[str, float] = {}
    phrases: dict[str, float] = {}
    negated: dict[str, float] = {}
    boosts: dict[str, float] = {}
    sets: dict[str, set[str]] = {"negator": set(), "but": set()}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        head, _, body = line.partition(": ")
        words = [form for word in body.split() for form in _forms(word)]
        kind, _, weight = head.rpartition(" ")
        if head in sets:
            sets[head].update(words)
            continue
        try:
            target = {"": weights, "negated": negated, "boost": boosts}[kind]
            value = float(weight)
        except (KeyError, ValueError):
            raise ValueError(
                f"line {number}: {head!r} is no weight, 'negated' or 'boost' with a weight, 'negator' or 'but'"
            ) from None
        for word in words:
            (phrases if target is weights and " " in word else target)[word] = value
    openers = frozenset(phrase.split(" ", 1)[0] for phrase in phrases)
    return Lexicon(
        weights, phrases, openers, negated, frozenset(sets["negator"]), boosts, frozenset(sets["but"]), looks_back
    )


def _forms(word: str) -> list[str]:
    if "_" in word:
        return [word.replace("_", " ")]
    if word.endswith("~"):
        return [word[:-1] + ending for ending in _ENDINGS]
    stem, *endings = word.split("/") if word[0].isalpha() else [word]
    return [stem, *(stem + ending for ending in endings)]


_UNDETERMINED = frozenset({"", "und", "mul"})
"""Tags that say no language."""
_FOREIGN = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff\uff21-\uff5a]")
"""A letter of a script that neither language is written in."""
_TELLING = 200
"""Words of a text, from its beginning, by which its language is found."""
_SHARE_TOLD, _SHARE_ALONE = 1 / 3, 1 / 2
"""Of the words of a text, how many must be known: when it has more small words of the language than of any other, and
when it has not.
"""


class WordScorer:
    """A ``Scorer`` by the words of lexicons. Stateless once it is made; safe to share."""

    def __init__(self, lexicons: Mapping[str, Iterable[str]], signs: Iterable[str], languages: Iterable[str]) -> None:
        """By their lines: a lexicon for each language, signs that mean the same in all of them, and the words by which
        a language is found. Raises ``ValueError`` as `parse_lexicon` does.
        """
        shared = parse_lexicon(signs)
        self._lexicons = {
            language: _with_signs(parse_lexicon(lines, looks_back=language == "de"), shared)
            for language, lines in lexicons.items()
        }
        self._small, frequent = _languages(languages)
        self._known = {code: _words_of(lexicon) | frequent[code] for code, lexicon in self._lexicons.items()}

    def __call__(self, text: str, language: str | None = None) -> float | None:
        """−1..1 with three decimals; 0 when no word tells. ``language``: a BCP 47 tag; ``None`` = it is found by the
        words. ``None``: there is nothing to score, or it is not known to be English or German.
        """
        tokens = _TOKEN.findall(text)
        if not tokens or _is_foreign(text):
            return None
        lower = [token.lower().replace("’", "'") for token in tokens]
        code = "" if language is None else language[:3].split("-")[0].split("_")[0].lower()
        found = self._language(lower) if code in _UNDETERMINED else code
        lexicon = self._lexicons.get(found) if found is not None else None
        if lexicon is None:
            return None
        total = _total(tokens, lower, lexicon)
        return round(total / sqrt(total * total + _ALPHA), 3)

    def _language(self, lower: list[str]) -> str | None:
        """The one of the lexicons' languages that the words are of; ``None``: of none of them, or nobody can tell.

        Signs alone are the same in all of them.
        """
        words = [word for word in lower if word[0].isalpha()][:_TELLING]
        if not words:
            return "en"
        told = list(chain.from_iterable(map(self._small.get, words, repeat(()))))
        votes = {code: told.count(code) for code in {*told, *self._known}}
        known = {code: sum(map(of_code.__contains__, words)) for code, of_code in self._known.items()}
        best = max(known, key=lambda code: (votes[code], known[code]))
        mine = votes.pop(best)
        others = max(votes.values())
        share = known[best] / len(words)
        return best if (mine > others and share >= _SHARE_TOLD) or (mine >= others and share > _SHARE_ALONE) else None


def _total(tokens: list[str], lower: list[str], lexicon: Lexicon) -> float:
    shouting = not all(token.isupper() for token in tokens if token.isalpha())
    total, at, end = 0.0, 0, len(lower)
    floor = 0  # a negation inside a kind phrase ("could not have been") reaches no further
    while at < end:
        word = lower[at]
        if word not in lexicon.known:
            at += 1
            continue
        length, weight = _phrase(lower, at, lexicon) if word in lexicon.openers else (1, None)
        if weight is None:
            weight = _word(lower, at, floor, lexicon)
            if weight and shouting and len(word) > 2 and tokens[at].isupper():
                weight *= _CAPITALS
        elif weight > 0:
            floor = at + length
        if word in lexicon.buts:
            total *= _BEFORE_BUT
            weight *= _AFTER_BUT
        total += weight
        at += length
    marks = lower.count("!")
    return total * (1 + 0.1 * min(marks, 3)) if marks else total


def _phrase(lower: list[str], at: int, lexicon: Lexicon) -> tuple[int, float | None]:
    """The longest phrase that begins here: its length in words and its weight."""
    for length in range(min(_LONGEST_PHRASE, len(lower) - at), 1, -1):
        weight = lexicon.phrases.get(" ".join(lower[at : at + length]))
        if weight is not None:
            return length, weight
    return 1, None


def _word(lower: list[str], at: int, floor: int, lexicon: Lexicon) -> float:
    word = lower[at]
    weight, if_negated = lexicon.weights.get(word, 0.0), lexicon.negated.get(word)
    if not weight and if_negated is None:
        return 0.0
    negated, boost = False, 1.0
    for back in range(at - 1, max(at - _WINDOW, floor) - 1, -1):
        before = lower[back]
        if before in _BOUNDARY or before in lexicon.buts:
            break
        if before in lexicon.negators or before.endswith("n't"):
            negated = True
        boost += lexicon.boosts.get(before, 0.0) * (1 if back == at - 1 else 0.5)
    if lexicon.looks_back and not negated and (weight > 0 or if_negated is not None):
        negated = _negated_after(lower, at, lexicon)
    if negated:
        return if_negated * boost if if_negated is not None else weight * _FLIP * boost
    return weight * boost


def _negated_after(lower: list[str], at: int, lexicon: Lexicon) -> bool:
    for after in lower[at + 1 : at + 1 + _BEHIND]:
        if after in _BOUNDARY:
            return False
        if after in lexicon.negators:
            return True
    return False


def _is_foreign(text: str) -> bool:
    """Are most of its letters of another script, whatever its tag says?"""
    if text.isascii():
        return False
    foreign = len(_FOREIGN.findall(text))
    return foreign > 0 and foreign * 2 > sum(map(str.isalpha, text))


def _languages(lines: Iterable[str]) -> tuple[dict[str, tuple[str, ...]], dict[str, set[str]]]:
    """Small word → the languages it belongs to; language → its small words and the frequent ones."""
    small: dict[str, dict[str, None]] = {}
    frequent: dict[str, set[str]] = {}
    for line in lines:
        head, _, body = line.partition(": ")
        if line.startswith("#") or not body:
            continue
        words, language = body.split(), head.removesuffix("+")
        frequent.setdefault(language, set()).update(words)
        for word in words if head == language else ():
            small.setdefault(word, {})[language] = None
    return {word: tuple(languages) for word, languages in small.items()}, frequent


def _words_of(lexicon: Lexicon) -> frozenset[str]:
    """Every word that its entries are made of."""
    entries = (lexicon.weights, lexicon.phrases, lexicon.negated, lexicon.negators, lexicon.boosts, lexicon.buts)
    return frozenset(word for each in entries for entry in each for word in entry.split())


def _with_signs(lexicon: Lexicon, signs: Lexicon) -> Lexicon:
    weights = lexicon.weights | signs.weights
    return lexicon._replace(
        weights=weights, known=frozenset(weights) | lexicon.openers | lexicon.negated.keys() | lexicon.buts
    )
