"""Bad texts and bad scorers, from the event on its topic to what comes out of the door: a score or none, and never a
dead letter or a stop.
"""

import threading
from dataclasses import replace
from typing import Any

import pytest

from streams import app
from streams.sentiment.compact import CompactScorer
from streams.sentiment.scoring import SCORED, Scorer
from streams.worker.guarded import GuardedScorer
from streams.worker.metrics import Metrics
from tests.support.offline import NOW, RULES, SETTINGS, TaskUnderTest, fetched
from tests.support.system import event

COMPACT = CompactScorer()
SAID = {"channel": "chat", "author": "customer", "direction": "inbound"}
LONG = {
    "words": "three weeks and nobody answers " * 3_226,
    "one word": "a" * 100_000,
    "Han": "没有人回复" * 20_000,
    "Cyrillic": "много " * 16_667,
    "mixed scripts": "Good 好 много שלום " * 6_250,
    "marks of masks": "[" * 100_000,
    "digits": "1" * 100_000,
    "signs": "!?" * 50_000,
    "emoji": "😡" * 100_000,
}


def handed(texts: list[str], scorer: Scorer | None) -> tuple[list[dict[str, Any]], TaskUnderTest]:
    """What ``contact.normalised`` says of messages with these texts, in their order."""
    inlet = next(each for each in app.inlets(SETTINGS, RULES, Metrics(), scorer) if each.name == "ingest")
    task = TaskUnderTest(replace(inlet, topics=("contacts.chat",)))
    events = [
        event("message.sent", "c1", NOW / 1000 - len(texts) + at, **SAID, text=text) | {"id": f"m{at}"}
        for at, text in enumerate(texts)
    ]
    task.batch(fetched(events))
    return task.on("contact.normalised"), task


def scores(texts: list[str], scorer: Scorer | None) -> list[float | None]:
    found, task = handed(texts, scorer)
    assert not task.on("contacts.dead-letters")
    assert len(found) == len(texts)
    return [each["data"].get("sentiment") for each in found]


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_text_of_100000_characters_costs_nobody_anything(text: str) -> None:
    asked: list[int] = []

    def measured(given: str, language: str | None) -> float | None:
        asked.append(len(given))
        return COMPACT(given, language)

    before, score, after = scores(["Great service", text[:100_000], "Great service"], measured)
    assert before == after == COMPACT("Great service") is not None
    assert score is None or -1 <= score <= 1
    assert max(asked) <= SCORED


def test_what_is_empty_once_it_is_masked_has_no_score() -> None:
    empty = ["anna@example.com", "+44 20 7946 0123", "https://example.com/a?b=c", "   ", "…", "4471 8890 1234"]
    assert scores(empty, COMPACT) == [None] * len(empty)


def test_scripts_that_are_mixed_have_a_score_or_none_and_it_is_the_same_again() -> None:
    mixed = [
        "Great 服务 сервис",
        "没有人 answers",
        "Спасибо, great",
        "שלום thanks",
        "좋아요 👍",
        "ﷺ" * 50,
        "\u202e" + "ok" * 9,
    ]
    assert scores(mixed, COMPACT) == scores(mixed, COMPACT)
    assert scores(["三个星期了，没有人回复 (order A1)"], COMPACT)[0] == COMPACT("三个星期了，没有人回复 (order A1)")


def moody(given: object) -> Scorer:
    def score(text: str, language: str | None) -> Any:
        if text != "bad":
            return 0.5
        if isinstance(given, Exception):
            raise given
        return given

    return score


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (RuntimeError("no"), "raised"),
        (RecursionError("deep"), "raised"),
        (float("nan"), "invalid"),
        (float("inf"), "invalid"),
        (-1.5, "invalid"),
        ("0.5", "invalid"),
        (True, "invalid"),
    ],
)
def test_a_scorer_that_fails_on_a_text_costs_that_text_its_score(given: object, why: str) -> None:
    failed: list[str] = []
    guarded = GuardedScorer(moody(given), "theirs", failed.append)
    assert scores(["good", "bad", "good"], guarded) == [0.5, None, 0.5]
    assert failed == [why]


def test_a_scorer_that_hangs_costs_its_texts_their_scores_and_the_batch_goes_on() -> None:
    forever, failed = threading.Event(), list[str]()

    def stuck(text: str, language: str | None) -> float:
        if text == "bad":
            forever.wait()
        return 0.5

    guarded = GuardedScorer(stuck, "theirs", failed.append, patience=0.05)
    assert scores(["good", "bad", "good", "bad", "good"], guarded) == [0.5, None, 0.5, None, 0.5]
    assert failed == ["hung", "hung"]
    forever.set()


def test_a_score_of_the_connector_is_not_asked_for_again() -> None:
    failed: list[str] = []
    inlets = app.inlets(SETTINGS, RULES, Metrics(), GuardedScorer(moody(RuntimeError()), "theirs", failed.append))
    task = TaskUnderTest(replace(next(each for each in inlets if each.name == "ingest"), topics=("contacts.chat",)))
    task.batch(fetched([event("message.sent", "c1", NOW / 1000, **SAID, text="bad", sentiment=0.1)]))
    (told,) = task.on("contact.normalised")
    assert (told["data"]["sentiment"], failed) == (0.1, [])
