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

from tests.bench.sentiment.seed import HERE

SCORED = ("en", "it", "es", "fr", "de")
OTHERS = (
    *("af", "ca", "cs", "cy", "da", "et", "fi", "hr", "hu", "id", "lt", "lv", "nl"),
    *("no", "pl", "pt", "ro", "sk", "sl", "so", "sq", "sv", "sw", "tl", "tr", "vi"),
)
"""Languages of the same script that are told apart from them: no score."""
_RAREST, _LEAST = 2e-6, 6e-5
"""Share of letters that a language does not have; share in some language from which on letters get a line."""
_SHARED, _ONE, _COMMON = 14, 30, 40
"""What a word of the seed costs in addition in a language that has it not: when several have it, when one has, and when
it is common there: then it is that much dearer with its letters, too."""
_OFTEN, _RARER = 40, 20
"""How often a common word comes; so many times rarer than in another language, and a language has a word not."""
_WORD = re.compile(r"[^\W\d_]+")


def table(texts: Mapping[str, Iterable[str]]) -> list[str]:
    """The lines of the table (`streams.sentiment.language.Languages`). ``texts``: of each scored language."""
    codes = (*SCORED, *OTHERS)
    counts = [_grams(code) for code in codes]
    totals = [sum(each.values()) for each in counts]
    other = bytes([_cost(_RAREST)] * len(codes))
    costs: dict[str, bytes] = {}
    lines = [" ".join(codes), f"*\t{other.hex()}"]
    for gram in sorted(set().union(*counts)):
        shares = [each[gram] / total for each, total in zip(counts, totals, strict=True)]
        if all(sign == " " or sign.isalpha() for sign in gram) and max(shares) >= _LEAST:
            costs[gram] = bytes(_cost(max(share, _RAREST)) for share in shares)
            lines.append(f"{gram}\t{costs[gram].hex()}")
    having = defaultdict(set)
    known = {code: Counter(word for text in texts[code] for word in _WORD.findall(text.lower())) for code in SCORED}
    most = Counter[str]()
    for each in known.values():
        most |= each
    for code, each in known.items():
        for word, count in each.items():
            if count > 1 and count * _RARER > most[word]:
                having[word].add(code)
    for code, words in _neighbours():
        for word in words:
            having[word].add(code)
    for word, those in sorted(having.items()):
        dear = [0 if code in those else _SHARED if len(those) > 1 else _ONE for code in codes]
        if len(those) == 1 and most[word] >= _OFTEN:
            spelled = [sum(costs.get(gram, other)[at] for gram in _spelled(word)) for at in range(len(codes))]
            least = spelled[codes.index(*those)] + _COMMON
            dear = [min(255, max(each, least - cost)) if each else 0 for each, cost in zip(dear, spelled, strict=True)]
        lines.append(f"={word}\t{bytes(dear).hex()}")
    return lines


def _spelled(word: str) -> list[str]:
    edged = f" {word} "
    return [edged[at : at + 3] for at in range(len(word))]


def _neighbours() -> list[tuple[str, list[str]]]:
    lines = (HERE / "neighbours.txt").read_text("utf-8").splitlines()
    return [(line[:2], line[3:].split()) for line in lines if not line.startswith("#")]


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
