"""What the default scorer makes of words, and how often it is right."""

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.domain.sentiment import NEGATIVE, POSITIVE, LexiconScorer, parse_lexicon

SCORER = LexiconScorer()
SAMPLE: dict[str, list[tuple[str, str, str]]] = yaml.safe_load(
    Path(__file__).with_name("sentiment_sample.yaml").read_text("utf-8")
)


def side(score: float | None) -> str:
    assert score is not None
    return "positive" if score >= POSITIVE else "negative" if score <= NEGATIVE else "neutral"


def test_the_sample_is_what_it_says() -> None:
    texts = [text for half in SAMPLE.values() for _, _, text in half]
    assert len(texts) == len(set(texts)) == 300
    assert (len(SAMPLE["tune"]), len(SAMPLE["report"])) == (240, 60)
    assert {label for label, _, _ in SAMPLE["report"]} == {"negative", "neutral", "positive"}


def test_documented_accuracy() -> None:
    """The figures of the module's docstring: on sentences the lexicon was not written for."""
    found = [(label, side(SCORER(text, language))) for label, language, text in SAMPLE["report"]]
    sided = [(label, score) for label, score in found if score != "neutral"]
    assert sum(label == score for label, score in found) >= 36
    assert (sum(label == score for label, score in sided), len(sided)) == (18, 21)
    assert sum({label, score} == {"negative", "positive"} for label, score in found) <= 1


def test_language_is_guessed_well_enough() -> None:
    found = [side(SCORER(text, None)) == label for label, _, text in SAMPLE["report"]]
    assert sum(found) >= 36


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        ("good", "not good"),
        ("very good", "good"),
        ("good", "a bit good"),
        ("good!!", "good"),
        ("GOOD service", "good service"),
        ("not bad at all", "bad"),
        ("bad, not good", "bad, not good!!!"),
        ("bad but good", "good but bad"),
        ("I don't hate it", "I hate it"),
        ("it works", "it doesn't work"),
        ("it works", "it doesn’t work"),
        ("fine 🙂", "fine 😡"),
        ("ok :-)", "ok :-("),
        ("das ist gut", "das ist nicht gut"),
        ("es funktioniert", "es funktioniert leider nicht"),
        ("sehr nett von Ihnen", "nett von Ihnen, aber unverschämt"),
    ],
)
def test_order(stronger: str, weaker: str) -> None:
    better, worse = SCORER(stronger, None), SCORER(weaker, None)
    assert better is not None
    assert worse is not None
    assert better > worse


def test_exact_scores() -> None:
    # x / √(x² + 12): good = 2.2; very adds 30 %
    assert SCORER("good", "en") == 0.536
    assert SCORER("very good", "en") == 0.637
    assert SCORER("the form", "en") == 0


@pytest.mark.parametrize("text", ["", "  ", "123 456", "…"])
def test_nothing_to_score(text: str) -> None:
    assert SCORER(text, "en") is None


def test_languages() -> None:
    assert SCORER("good", "en-GB") == SCORER("good", "EN_us") == SCORER("good", None)
    assert SCORER("très bien", "fr") is None
    assert SCORER("Das war eine Frechheit", "de-AT") == SCORER("Das war eine Frechheit", None)


@given(st.text(max_size=200), st.sampled_from([None, "en", "de", "fr", "x-y", ""]))
def test_any_text_gets_a_score_in_range_or_none(text: str, language: str | None) -> None:
    score = SCORER(text, language)
    assert score is None or -1 <= score <= 1
    assert score == SCORER(text, language)


def test_a_lexicon_names_the_line_it_cannot_read() -> None:
    with pytest.raises(ValueError, match="line 2: 'great'"):
        parse_lexicon(["1.0: good", "great: fine"])


def test_lexicon_forms() -> None:
    lexicon = parse_lexicon(
        ["1: help/ed/ful gut~ on_time", "", "# comment", "negated -1: work", "boost 0.3: very", "but: but"]
    )
    assert set(lexicon.weights) == {"help", "helped", "helpful", "gut", "gute", "guter", "guten", "gutes", "gutem"}
    assert lexicon.phrases == {"on time": 1.0}
    assert (lexicon.negated, lexicon.boosts, lexicon.buts) == ({"work": -1.0}, {"very": 0.3}, {"but"})


def test_a_long_text_takes_no_longer_than_its_length() -> None:
    begun = time.process_time()
    SCORER("not very good, " * 6000 + "a" * 10_000, None)
    assert time.process_time() - begun < 2
