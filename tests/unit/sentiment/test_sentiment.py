"""What the shipped scorer makes of texts, how it finds their language, and what it costs."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.sentiment.compact import CompactScorer
from streams.sentiment.features import LANGUAGES
from streams.sentiment.model import Model
from streams.sentiment.scoring import NEGATIVE, POSITIVE, SCORED

SCORER = CompactScorer()
HERE = Path(__file__).parent
SENTENCES: dict[str, dict[str, list[str]]] = yaml.safe_load((HERE / "sentences.yaml").read_text("utf-8"))
OTHERS: dict[str, list[str]] = yaml.safe_load((HERE / "other_languages.yaml").read_text("utf-8"))
SEED = HERE.parents[1] / "bench" / "sentiment" / "data"
RIGHT_AT_LEAST = {"en": 27, "it": 24, "es": 26, "fr": 26, "de": 26, "zh": 27}
"""Of thirty sentences a language."""


def side(score: float | None) -> str:
    if score is None:
        return "none"
    return "positive" if score >= POSITIVE else "negative" if score <= NEGATIVE else "neutral"


def told(language: str) -> list[tuple[str, str, str]]:
    """Side, what the scorer finds, text."""
    return [(name, side(SCORER(text)), text) for name, texts in SENTENCES[language].items() for text in texts]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences_are_what_they_say_and_the_seed_has_none_of_them(language: str) -> None:
    texts = [text for each in SENTENCES[language].values() for text in each]
    assert {name: len(each) for name, each in SENTENCES[language].items()} == dict.fromkeys(
        ("negative", "neutral", "positive"), 10
    )
    assert len(set(texts)) == 30
    seed = {line[2:].casefold() for line in (SEED / f"seed_{language}.txt").read_text("utf-8").splitlines()}
    assert seed.isdisjoint(text.casefold() for text in texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sides_of_sentences(language: str) -> None:
    found = told(language)
    assert sum(name == what for name, what, _ in found) >= RIGHT_AT_LEAST[language], [
        each for each in found if each[0] != each[1]
    ]
    assert sum(name == "neutral" and what == "negative" for name, what, _ in found) <= 2
    lifted = [text for name, what, text in found if (name, what) == ("negative", "positive")]
    assert len(lifted) <= 1


COURTESY = {
    "en": ("Hello, hope you are well. ", " Please help. Thanks and best wishes"),
    "it": ("Gentile servizio clienti, ", " Grazie mille e cordiali saluti"),
    "es": ("Estimados señores: ", " Por favor, ayúdenme. Muchas gracias y un saludo"),
    "fr": ("Bonjour, ", " S'il vous plaît. Merci d'avance et bien cordialement"),
    "de": ("Sehr geehrte Damen und Herren, ", " Bitte helfen Sie mir. Vielen Dank und freundliche Grüße"),
    "zh": ("您好，", "麻烦您了，非常感谢。"),
}
PLAIN = {
    "en": "Three weeks and nobody answers.",
    "it": "Tre settimane e nessuno risponde.",
    "es": "Tres semanas y nadie responde.",
    "fr": "Trois semaines et personne ne répond.",
    "de": "Drei Wochen und keiner meldet sich.",
    "zh": "三个星期了，没有人回复。",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_courtesy_lifts_no_complaint(language: str) -> None:
    before, after = COURTESY[language]
    for text in (PLAIN[language], before + PLAIN[language], PLAIN[language] + after, before + PLAIN[language] + after):
        assert side(SCORER(text)) == "negative", (text, SCORER(text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_language_is_found_and_a_tag_changes_nothing(language: str) -> None:
    readings = [(SCORER.read(text), SCORER.read(text, language)) for _, _, text in told(language)]
    assert sum(found is None for found, _ in readings) <= 1
    assert [pair for pair in readings if pair[0] not in (None, pair[1])] == []


@pytest.mark.parametrize("language", OTHERS)
def test_another_language_has_no_score(language: str) -> None:
    for text in OTHERS[language]:
        assert SCORER(text) is None, text
        assert SCORER(f"{text} 😡!!!", "und") is None, text
        assert SCORER(text, language) is None


@pytest.mark.parametrize("text", ["Жду ответа уже три недели", "אני מחכה כבר שלושה שבועות", "等了三个星期没有人回复"])
def test_a_wrong_tag_gives_no_letters_a_meaning(text: str) -> None:
    """Forms say the language of their page."""
    assert SCORER(text, "en") is SCORER(text, "de-AT") is None
    assert SCORER("three weeks and nobody answers", "zh") is None


@pytest.mark.parametrize(
    "text", ["", "  ", "123 456", "…", "[name]", "[email] [number]", "Anna Weber", "Katowice 12", "qwrtz xkcd bvcx"]
)
def test_where_nobody_can_tell_there_is_no_score(text: str) -> None:
    assert SCORER(text) is None
    assert SCORER.read(text) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Great service", "en"),
        ("Still no answer", "en"),
        ("Keine Antwort!", "de"),
        ("Danke", "de"),
        ("Merci", "fr"),
        ("Grazie mille", "it"),
        ("服务太差了", "zh"),
    ],
)
def test_short_texts_have_one(text: str, language: str) -> None:
    reading = SCORER.read(text)
    assert reading is not None
    assert reading.language == language


def test_emoji_alone_have_a_score() -> None:
    assert (side(SCORER("😡")), side(SCORER("👍 🙂"))) == ("negative", "positive")


def test_a_reading_says_where_it_comes_from() -> None:
    reading = SCORER.read("Three weeks and nobody answers.")
    assert reading is not None
    assert (reading.method, reading.version, reading.language) == ("compact", SCORER.version, "en")
    assert reading.confidence is not None
    assert 0.34 <= reading.confidence <= 1


TINY = ["24\t0\t0", "fine\t48\t-24", "¬fine\t-96\t60", "late\t-24\t24", "is late\t0\t24"]


@pytest.mark.parametrize(
    ("text", "score", "confidence"),
    [
        # one word, √1: a = 48/24 = 2, b = −1; (e² − e⁻¹) / (e² + e⁻¹ + 1)
        ("fine", 0.802, 0.844),
        # two words: a = (48 − 96)/24/√2, b = (−24 + 60)/24/√2
        ("not fine", -0.640, 0.699),
        ("fine fine", 0.646, 0.734),  # a word counts once, the length twice
    ],
)
def test_the_formula(text: str, score: float, confidence: float) -> None:
    judged = Model("en", TINY)(text)
    assert judged is not None
    assert judged.score == pytest.approx(score, abs=0.006)  # the table has steps of 1/64
    assert judged.confidence == pytest.approx(confidence, abs=0.006)


def test_a_score_of_nothing_has_no_sign() -> None:
    judged = Model("en", ["24\t-400\t-390", "fine\t0\t0"])("fine")
    assert judged is not None and repr(judged.score) == "0.0"


def test_scores_are_the_same_on_every_machine() -> None:
    """Whole numbers alone: these are the scores of the shipped weights, to the third decimal."""
    texts = [PLAIN[language] for language in LANGUAGES]
    assert (SCORER.version, [SCORER(text) for text in texts]) == (
        "b3d4726f",
        [-0.996, -0.998, -0.999, -0.999, -0.987, -0.922],
    )


@given(st.text(max_size=200), st.sampled_from([None, "en", "de", "zh", "pt", "x-y", ""]))
def test_any_text_gets_a_score_in_range_or_none(text: str, language: str | None) -> None:
    score = SCORER(text, language)
    assert score is None or -1 <= score <= 1
    assert score == SCORER(text, language)


@pytest.mark.parametrize(
    "text",
    [
        "not very good, " * 7000,
        "a" * 100_000,
        "好" * 100_000,
        "много " * 17_000,
        "Good 好 много " * 8_000,
        "[" * 100_000,
    ],
)
def test_a_long_text_takes_no_longer_than_its_length(text: str) -> None:
    begun = time.process_time()
    SCORER(text[:SCORED], None)
    SCORER(text, "en")
    assert time.process_time() - begun < 2


def test_caches_are_bounded() -> None:
    scorer = CompactScorer()
    for at in range(40):
        scorer(
            " ".join(
                f"word{chr(97 + at % 26)}{''.join(chr(97 + (at * each) % 26) for each in range(k % 17))}{'x' * (k % 23)}"
                for k in range(1500)
            ),
            "en",
        )
    kept: Any = scorer._models["en"]._sums
    assert len(kept) <= 8_192
    assert len(scorer._languages._words) <= 16_384
