"""Makes the table by which languages are told apart: how often three letters follow each other, from the profiles of
``langdetect`` (Apache-2.0; counts over encyclopedia articles), and the words of the seed in addition.
"""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import langdetect

SCORED = ("en", "it", "es", "fr", "de")
OTHERS = (
    *("af", "ca", "cs", "cy", "da", "et", "fi", "hr", "hu", "id", "lt", "lv", "nl"),
    *("no", "pl", "pt", "ro", "sk", "sl", "so", "sq", "sv", "sw", "tl", "tr", "vi"),
)
"""Languages of the same script that are told apart from them: no score."""
_RAREST, _LEAST = 2e-6, 6e-5
"""Share of letters that a language does not have; share in some language from which on letters get a line."""
_SHARED, _ONE = 14, 30
"""What a word of the seed costs in addition in a language that has it not: when several have it, when one has."""
_WORD = re.compile(r"[^\W\d_]+")


def table(texts: Mapping[str, Iterable[str]]) -> list[str]:
    """The lines of the table (`streams.sentiment.language.Languages`). ``texts``: of each scored language."""
    codes = (*SCORED, *OTHERS)
    counts = [_grams(code) for code in codes]
    totals = [sum(each.values()) for each in counts]
    lines = [" ".join(codes), f"*\t{bytes([_cost(_RAREST)] * len(codes)).hex()}"]
    for gram in sorted(set().union(*counts)):
        shares = [each[gram] / total for each, total in zip(counts, totals, strict=True)]
        if all(sign == " " or sign.isalpha() for sign in gram) and max(shares) >= _LEAST:
            lines.append(f"{gram}\t{bytes(_cost(max(share, _RAREST)) for share in shares).hex()}")
    having = defaultdict(set)
    for code in SCORED:
        words = Counter(word for text in texts[code] for word in _WORD.findall(text.lower()))
        for word, count in words.items():
            if count > 1:
                having[word].add(code)
    for word, those in sorted(having.items()):
        dear = _SHARED if len(those) > 1 else _ONE
        lines.append(f"={word}\t{bytes(0 if code in those else dear for code in codes).hex()}")
    return lines


def _grams(code: str) -> Counter[str]:
    profile = json.loads((Path(langdetect.__file__).parent / "profiles" / code).read_text("utf-8"))
    found: Counter[str] = Counter()
    for gram, count in profile["freq"].items():
        if len(gram) == 3:
            found[gram.lower()] += count
    return found


def _cost(share: float) -> int:
    """Eighths of a nat."""
    return min(255, round(-8 * math.log(share)))
