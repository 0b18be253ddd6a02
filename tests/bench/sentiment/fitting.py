"""Fits the model of one language and writes its weights. Needs numpy, scipy and scikit-learn (extra ``bench``)."""

import gzip
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from streams.sentiment.features import NEGATED, parts, units
from tests.bench.sentiment.seed import Row

KEPT = 30_000
"""Features of a language that are kept."""
SCALE = 24
"""A weight of 1.0; weights are clipped at ±127/24 = 5.3."""
STRENGTH = 2.0
"""Inverse of the regularisation."""
CALM = 0.4
"""So much the log odds are moved to neutral, as most messages are and the three sides in training are not: by it fewer
neutral texts are called negative and no more complaints positive, at the same accuracy (phrases left out in turn).
"""
_STEM = 6
_UP, _DOWN = "\0+", "\0-"
"""Features in training alone: the weights of listed words that speak for and against, one pair a list."""

Lists = Sequence[Mapping[str, float]]
"""Lists of words with −3..3, the first that has a word counts; the last is one of stems (`stems`)."""


def stems(*lists: Mapping[str, float]) -> dict[str, float]:
    """First six letters → the mean weight of the longer words that begin so."""
    found = defaultdict(list)
    for each in lists:
        for word, weight in each.items():
            if len(word) > _STEM and word.isalpha():
                found[word[:_STEM]].append(weight)
    return {stem: sum(weights) / len(weights) for stem, weights in found.items()}


def _listed(word: str, lists: Lists) -> Iterable[tuple[int, float]]:
    """The number of a list and the weight of a unit in it, turned around behind a negator."""
    sign = -1 if word[0] == NEGATED else 1
    plain = word[1:] if sign < 0 else word
    *whole, stemmed = lists
    for number, each in enumerate(whole):
        if plain in each:
            yield number, sign * each[plain]
            break
    if len(plain) > _STEM and plain[:_STEM] in stemmed:
        yield len(whole), sign * stemmed[plain[:_STEM]]


def _features(text: str, language: str, lists: Lists) -> dict[str, float]:
    found = units(text, language)
    counts: Counter[str] = Counter()
    for word in found.words:
        counts.update(parts(word))
    counts.update(found.pairs)
    for unit in (*found.words, *(found.pairs if language == "zh" else ())):
        for number, weight in _listed(unit, lists):
            counts[f"{_UP if weight > 0 else _DOWN}{number}"] += abs(weight) / 3  # type: ignore[assignment]
    root = max(found.size, 1) ** 0.5
    return {feature: count / root for feature, count in counts.items()}


def fit(language: str, rows: Sequence[tuple[Row, float]], lists: Lists) -> tuple[list[str], dict[str, int]]:
    """The lines of a weights file, and how many rows of each source made them. ``rows``: each with its weight."""
    texts = [_features(row.text, language, lists) for row, _ in rows]
    often = Counter(feature for each in texts for feature in each)
    place = {feature: at for at, feature in enumerate(sorted(f for f, count in often.items() if count > 1))}
    sides = np.array([row.side for row, _ in rows])
    weights = np.array([weight for _, weight in rows], dtype=float)
    for side in (-1, 0, 1):
        weights[sides == side] *= len(rows) / 3 / weights[sides == side].sum()
    model = LogisticRegression(C=STRENGTH, max_iter=400, tol=1e-4)
    model.fit(_matrix(texts, place), sides, sample_weight=weights)
    down, calm, up = model.coef_
    found = {feature: np.array([up[at] - calm[at], down[at] - calm[at]]) for feature, at in place.items()}
    bias = [model.intercept_[side] - model.intercept_[1] - CALM for side in (2, 0)]
    folded = _folded(found, language, lists)
    ranked = sorted(folded, key=lambda f: (-np.abs(folded[f]).max() * max(often[f], 1) ** 0.5, f))[:KEPT]
    lines = ["\t".join(map(str, (SCALE, *(round(64 * each) for each in bias))))]
    for feature in sorted(ranked):
        content, unhappy = (int(np.clip(np.rint(SCALE * each), -127, 127)) for each in folded[feature])
        if content or unhappy:
            lines.append(f"{feature}\t{content}\t{unhappy}")
    return lines, dict(Counter(row.source for row, _ in rows))


def _matrix(texts: Sequence[Mapping[str, float]], place: Mapping[str, int]) -> Any:
    starts, columns, values = [0], [], []
    for each in texts:
        for feature, value in each.items():
            if feature in place:
                columns.append(place[feature])
                values.append(value)
        starts.append(len(columns))
    return csr_matrix((values, columns, starts), shape=(len(texts), len(place)))


def _folded(found: dict[str, Any], language: str, lists: Lists) -> dict[str, Any]:
    """The weights with what the lists say added to their words, so that nobody looks them up at work."""
    nothing = np.zeros(2)

    def says(number: int, weight: float) -> Any:
        return found.get(f"{_UP if weight > 0 else _DOWN}{number}", nothing) * abs(weight) / 3

    folded = {feature: weight for feature, weight in found.items() if feature[0] != "\0"}
    *whole, stemmed = lists
    seen: set[str] = set()
    for number, each in enumerate(whole):
        for word, weight in each.items():
            if word not in seen and " " not in word:
                seen.add(word)
                _add(folded, word, says(number, weight), says(number, -weight), language)
    for stem, weight in stemmed.items():
        _add(folded, f"{stem}~", says(len(whole), weight), says(len(whole), -weight), language)
    return folded


def _add(folded: dict[str, Any], feature: str, plain: Any, negated: Any, language: str) -> None:
    nothing = np.zeros(2)
    folded[feature] = folded.get(feature, nothing) + plain
    if language != "zh":
        folded[NEGATED + feature] = folded.get(NEGATED + feature, nothing) + negated - plain


def write(lines: Iterable[str], path: Path) -> int:
    """Packs lines; the same lines give the same bytes. Returns the size in bytes."""
    path.write_bytes(gzip.compress("\n".join(lines).encode(), 9, mtime=0))
    return path.stat().st_size
