"""What the default scorer makes of words, and how often it is right."""

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.sentiment.lexicon import LexiconScorer
from streams.sentiment.scoring import NEGATIVE, POSITIVE, parse_lexicon

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


def test_language_is_found_well_enough() -> None:
    """Without a tag a text is scored as with the right one, or not at all: once in 300."""
    scores = [(SCORER(text), SCORER(text, language)) for half in SAMPLE.values() for _, language, text in half]
    assert sum(untagged is None for untagged, _ in scores) <= 3
    assert [pair for pair in scores if pair[0] not in (None, pair[1])] == []


OTHERS = [
    *(
        "Llevo tres semanas esperando y nadie me llama",
        "Un desastre, terrible servicio",
        "No funciona",
        "Muchas gracias, todo perfecto",
    ),
    *(
        "Trois semaines que j'attends une réponse",
        "C'est nul",
        "Super, merci beaucoup",
        "Je ne suis pas content du service",
    ),
    *("Aspetto da tre settimane e nessuno risponde", "Il vostro servizio è pessimo", "Grazie mille, tutto perfetto"),
    *(
        "Estou há três semanas à espera",
        "O atendimento é péssimo",
        "Ik wacht al drie weken op antwoord",
        "De bezorger is weer te laat",
    ),
    *(
        "Jag har väntat i tre veckor",
        "Jeg har ventet i tre uger på svar",
        "Olen odottanut kolme viikkoa",
        "Czekam od trzech tygodni na odpowiedź",
    ),
    *(
        "Čekám už tři týdny a nikdo neodpovídá",
        "Üç haftad\u0131r cevap bekliyorum",
        "Aștept de trei săptămâni",
        "Három hete várok és senki nem válaszol",
    ),
    *(
        "Saya sudah menunggu tiga minggu",
        "Tôi đã chờ ba tuần rồi",
        "Жду ответа уже три недели, ужас",
        "Чекаю вже три тижні",
        "Περιμένω τρεις εβδομάδες",
    ),
    *(
        "אני מחכה כבר שלושה שבועות",
        "أنتظر منذ ثلاثة أسابيع",
        "मैं तीन हफ्ते से इंतज़ार कर रहा हूँ",
        "รอมาสามสัปดาห์แล้ว",
        "等了三个星期没有人回复",
        "三週間も待っています",
        "3주째 기다리고 있어요",
    ),
]


@pytest.mark.parametrize("text", OTHERS)
def test_another_language_has_no_score(text: str) -> None:
    assert SCORER(text) is None
    assert SCORER(f"{text} 😡!!!", "und") is None
    assert SCORER(text, "xx") is None


@pytest.mark.parametrize("text", ["Жду ответа уже три недели", "אני מחכה כבר שלושה שבועות", "等了三个星期没有人回复"])
def test_a_wrong_tag_gives_no_letters_a_meaning(text: str) -> None:
    """Forms say the language of their page."""
    assert SCORER(text, "en") is SCORER(text, "de-AT") is None


@pytest.mark.parametrize("text", ["Anna Weber", "Perfecto", "Servicio terrible", "Excelente atención", "Katowice 12"])
def test_where_nobody_can_tell_there_is_no_score(text: str) -> None:
    assert SCORER(text) is None


@pytest.mark.parametrize(
    "text",
    ["Bad", "Great service", "Still no answer", "refund please", "Keine Antwort!", "Danke", "ok :-)", "😡", "Why?"],
)
def test_short_texts_have_one(text: str) -> None:
    assert SCORER(text) is not None


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
    assert SCORER("good", "") == SCORER("good", "und") == SCORER("good", "en")
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
