"""The shipped weights on public texts that none of them was made from; they are not part of the project."""

import gzip
import os
import random
from pathlib import Path

import pytest

from streams.sentiment.features import LANGUAGES
from tests.bench.sentiment import seed

DATA = os.environ.get("SENTIMENT_DATA", "")


@pytest.mark.skipif(not DATA, reason="SENTIMENT_DATA, the folder of labelled texts, is not set")
@pytest.mark.parametrize("language", LANGUAGES)
def test_unhappy_and_content_texts_are_told_apart(language: str) -> None:
    bench = pytest.importorskip("tests.bench.sentiment.__main__", reason="the extra bench is not installed")
    rows = [row for row in seed.labelled(Path(DATA), language) if row.source not in bench.OPEN and bench.held_out(row)]
    some = [(row.text, row.side) for row in random.Random(1).sample(rows, min(2000, len(rows)))]
    packed = gzip.decompress((bench.SHIPPED / f"weights_{language}.tsv.gz").read_bytes())
    model = bench.Model(language, packed.decode().split("\n"))
    _, auc, lifted, _ = map(float, bench.figures(lambda text: getattr(model(text), "score", None), some).split(" / "))
    assert auc >= 0.84
    assert lifted <= 0.2


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_seed_grows_the_same_every_time_and_on_all_sides(language: str) -> None:
    rows = seed.grown(language, 30)
    assert rows == seed.grown(language, 30)
    assert {row.side for row in rows} == {-1, 0, 1}
    listed = seed.words(language)
    assert min(listed.values()) == -3
    assert max(listed.values()) == 3
