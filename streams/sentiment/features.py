"""What a text is made of, as the compact model sees it: the same in training and at work.

Units of a text are its words, each with the mark ``¬`` when a negator stands before it, and its pairs of neighbours; a
unit counts once however often it comes. In Chinese they are the runs of one to three characters, the edges of
clauses among them. Sums over them are divided by the square root of the number of words, in Chinese of characters (see
`streams.sentiment.model`), so that a long text does not saturate.
"""

import re
from collections.abc import Collection, Iterator
from operator import add
from typing import NamedTuple

LANGUAGES = ("en", "it", "es", "fr", "de", "zh")
"""ISO 639-1 codes of the languages that can be scored."""
NEGATED = "¬"
_REACH = 3
"""Words that a negator reaches forward; a punctuation mark ends it."""
_LONGEST = 40
"""Letters of a word that are looked at."""

_MASK = re.compile(r"\[[a-z]{1,12}\]|@user\b|https?://\S{1,200}")
_SIGNS = r"<3|>?[:;=]'?-?[)(D/|]+(?![^\W\d_])|[!?.;…]|[\u2600-\u27bf\U0001f300-\U0001faff]"
_WORDS = re.compile(rf"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|{_SIGNS}")
_ELIDED = re.compile(rf"[^\W\d_]+['’]?|\d+|{_SIGNS}")
"""French and Italian: ``l'app`` is two words."""
_HAN = re.compile(r"[\u3400-\u9fff]+|[A-Za-z]+|\d+|[!?！？。…；]|[\u2600-\u27bf\U0001f300-\U0001faff]")
_ENDS = frozenset("!?.;…")


_NEGATORS = """
en: not no never nobody none nothing without neither nor cannot hardly barely cant dont doesnt didnt isnt wasnt wont
en: couldnt wouldnt havent hasnt hadnt ain't isn't wasn't aren't weren't don't doesn't didn't won't can't couldn't
en: wouldn't shouldn't haven't hasn't hadn't
it: non nessuno nessuna nessun niente nulla mai senza né neanche nemmeno neppure mica
es: no nunca jamás nadie nada ningún ninguna ninguno sin ni tampoco apenas
fr: ne n' pas jamais rien personne aucun aucune sans ni plus guère non
de: nicht kein keine keinen keiner keinem keines nie niemals niemand nichts ohne kaum weder nirgends
"""
NEGATORS = {
    language: frozenset(
        word for line in _NEGATORS.splitlines() if line.startswith(f"{language}:") for word in line[3:].split()
    )
    for language in LANGUAGES
}
"""Words that turn what follows; in Chinese they are within the runs of characters."""


class Units(NamedTuple):
    """The units of one text."""

    words: set[str]
    """Each has parts (`parts`)."""
    pairs: Collection[str]
    """Each is looked up as it is: pairs of words; in Chinese runs of characters, as often as they come."""
    size: int
    """How many words or, in Chinese, characters."""


def units(text: str, language: str) -> Units:
    """The units of a text in one of ``LANGUAGES``; empty when it holds nothing but masks, marks of other scripts."""
    text = _MASK.sub(" ", text) if "[" in text or "@" in text or "://" in text else text
    return _chinese(text) if language == "zh" else _words(text, language)


def _words(text: str, language: str) -> Units:
    find = _ELIDED if language in ("fr", "it") else _WORDS
    tokens = find.findall(text.lower().replace("’", "'"))
    negators = NEGATORS[language]
    words = set()
    pairs = set()
    before, reach = "<", 0
    for token in tokens:
        word = "0" if token.isdigit() else token  # the number itself says nothing
        pairs.add(before + " " + word)
        before = word
        if word in _ENDS:
            reach = 0
            words.add(word)
        else:
            if reach:
                reach -= 1
                words.add(NEGATED + word)
            else:
                words.add(word)
            if word in negators:
                reach = _REACH
    pairs.add(before + " >")
    return Units(words, pairs, len(tokens))


def _chinese(text: str) -> Units:
    found = _HAN.findall(text.lower())
    runs = [run for run in found if "\u3400" <= run[0] < "\ufeff"]
    words = {"0" if run.isdigit() else run for run in found if not "\u3400" <= run[0] < "\ufeff"}
    if not runs:
        return Units(words, (), len(found))
    edged = f"|{'|'.join(runs)}|"
    twos = list(map(add, edged, edged[1:]))
    size = len(edged) - 1 - 2 * len(runs) + len(found)
    return Units(words, [*edged, *twos, *map(add, twos, edged[2:])], size)


def parts(word: str) -> Iterator[str]:
    """A word's features: itself, its first 4, 5 and 6 letters; where it is negated, itself and its first six letters
    again with the mark.
    """
    word = word[:_LONGEST]
    negated = word[0] == NEGATED
    plain = word[1:] if negated else word
    yield plain
    for length in (4, 5, 6):
        if len(plain) > length:
            yield plain[:length] + "~"
    if negated:
        yield word
        if len(plain) > 6:
            yield word[:7] + "~"
