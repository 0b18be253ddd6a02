"""What the shipped weights are made from that was written for them: phrases, words with a feeling, courtesy; and the
rows of a folder of labelled texts.
"""

import gzip
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

HERE = Path(__file__).with_name("data")
_SIDES = {"-": -1, "0": 0, "+": 1}
_GERMAN = ("", "e", "er", "en", "es", "em")


class Row(NamedTuple):
    text: str
    side: int
    """−1 unhappy, 0 neutral, 1 content."""
    source: str


def phrases(language: str) -> list[tuple[str, int]]:
    """The authored phrases, one a line behind its sign."""
    lines = (HERE / f"seed_{language}.txt").read_text("utf-8").splitlines()
    return [(line[2:], _SIDES[line[0]]) for line in lines if line]


def words(language: str) -> dict[str, float]:
    """Word → −3..3 by the authored list and that of emoji and emoticons; ``help/ed/ful``, ``ottim*oaie`` and ``gut~`` stand for their forms."""
    found = {}
    lists = (HERE / f"words_{language}.txt", HERE / "signs.txt")
    for line in (line for each in lists for line in each.read_text("utf-8").splitlines()):
        weight, _, body = line.partition(": ")
        for word in body.split():
            for form in _forms(word):
                found[form] = float(weight)
    return found


def _forms(word: str) -> list[str]:
    if not word[0].isalpha():
        return [word]
    if "*" in word:
        stem, letters = word.split("*")
        return [stem + letter for letter in letters]
    if word.endswith("~"):
        return [word[:-1] + ending for ending in _GERMAN]
    stem, *endings = word.split("/")
    return [stem, *(stem + ending for ending in endings)]


Phrases = Sequence[tuple[str, int]]


def grown(language: str, each: int, known: Phrases | None = None, seed: int = 1) -> list[Row]:
    """The phrases (``None``: all) twice over, and ``each`` texts a side made of them: two in a row, courtesy around one,
    a plain statement before one.
    """
    rnd = random.Random(seed)
    courtesy = yaml.safe_load((HERE / "courtesy.yaml").read_text("utf-8"))[language]
    every = list(phrases(language) if known is None else known)
    by_side = {side: [text for text, each_side in every if each_side == side] for side in (-1, 0, 1)}
    gap = "" if language == "zh" else " "
    made = every * 2
    for side, own in by_side.items():
        for _ in range(each):
            text, kind = rnd.choice(own), rnd.random()
            if kind < 0.35:
                text += gap + rnd.choice(own)
            elif kind < 0.6:
                text = rnd.choice(courtesy["before"]) + gap + text
            elif kind < 0.85:
                text += gap + rnd.choice(courtesy["after"])
                text = rnd.choice(courtesy["before"]) + gap + text if kind < 0.7 else text
            else:
                text = rnd.choice(by_side[0]) + gap + text
            if rnd.random() < 0.3:
                text = text.lower()
            if rnd.random() < 0.15:
                text = text.rstrip(".。")
            made.append((text, side))
    return [Row(text, side, "phrases") for text, side in made]


def labelled(folder: Path, language: str) -> list[Row]:
    """The rows of ``train_<language>.tsv.gz``: text, label, source."""
    with gzip.open(folder / f"train_{language}.tsv.gz", "rt", encoding="utf-8") as file:
        next(file)
        split = (line.rstrip("\n").split("\t") for line in file)
        return [Row(text, int(label), source) for text, label, source in split]
