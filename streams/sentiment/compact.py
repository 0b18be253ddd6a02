"""The scorer that is shipped: a small linear model for each of six languages, and the table that tells them apart.

Offline, standard library alone, some 30 µs for a message of 150 characters. How good it is, what its weights were made
from and with which command, is in ``docs/sentiment.md``.
"""

import gzip
from hashlib import sha256
from importlib.resources import files

from streams.sentiment.features import LANGUAGES
from streams.sentiment.language import Languages, has_letters, is_written
from streams.sentiment.model import Model
from streams.sentiment.scoring import Reading

METHOD = "compact"
_UNDETERMINED = frozenset({"", "und", "mul", "mis", "zxx"})
"""Tags that say no language."""
_SIGNS_ALONE = "en"
"""Emoji and emoticons mean the same everywhere; a text without letters is scored by this model."""


class CompactScorer:
    """The default scorer. All that it changes are its bounded caches; safe to share."""

    method = METHOD

    def __init__(self) -> None:
        packed = {name: _data(f"weights_{name}.tsv.gz") for name in LANGUAGES}
        table = _data("languages.tsv.gz")
        self._models = {name: Model(name, _lines(each)) for name, each in packed.items()}
        self._languages = Languages(_lines(table), [name for name in LANGUAGES if name != "zh"])
        self.version = sha256(b"".join([*packed.values(), table])).hexdigest()[:8]
        """Of the weights: another one, other scores."""

    def __call__(self, text: str, language: str | None = None) -> float | None:
        """−1..1 with three decimals. ``language``: a BCP 47 tag; ``None`` = it is found. ``None``: nothing to score, or
        in none of the six languages, or nobody can tell.
        """
        reading = self.read(text, language)
        return None if reading is None else reading.score

    def read(self, text: str, language: str | None = None) -> Reading | None:
        """As a call, with language and confidence."""
        found = self._language(text, language)
        if found is None:
            return None
        judged = self._models[found](text)
        if judged is None:
            return None
        return Reading(judged.score, METHOD, self.version, found, judged.confidence)

    def _language(self, text: str, tag: str | None) -> str | None:
        code = "" if tag is None else tag[:3].split("-")[0].split("_")[0].lower()
        if code in _UNDETERMINED:
            return self._languages.of(text) or (None if has_letters(text) else _SIGNS_ALONE)
        return code if code in self._models and is_written(text, code) else None


def _data(name: str) -> bytes:
    return files("streams.sentiment").joinpath("data", name).read_bytes()


def _lines(packed: bytes) -> list[str]:
    return gzip.decompress(packed).decode().split("\n")
