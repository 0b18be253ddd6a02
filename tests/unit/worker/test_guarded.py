"""Plug-ins of somebody else's: what they find is added, and nothing that they do costs more than that."""

import time
from collections.abc import Sequence
from typing import Any

import pytest

from streams.rules import load
from streams.worker.guarded import HANGS, HUNG, INVALID, RAISED, GuardedDetector, GuardedScorer

SHIPPED = load().behaviours
TEXT = "So sorry!"


def asked(plugin: Any, times: int = 1, text: str = TEXT, seconds: float = 5.0) -> tuple[list[Any], list[str]]:
    """What is found, and what failed."""
    failed: list[str] = []
    detector = GuardedDetector(SHIPPED, plugin, failed.append, seconds)
    return [detector(text, "en") for _ in range(times)], failed


def test_it_adds_to_what_the_phrases_show() -> None:
    assert asked(lambda text, language: ["stay", "apology"]) == ([("apology", "stay")], [])
    assert asked(lambda text, language: set()) == ([("apology",)], [])
    assert asked(lambda text, language: [language == "en" and len(text) == 10_000 and "stay"], text="x" * 99_999)[
        0
    ] == [("stay",)]


def test_it_is_not_asked_where_there_is_nothing_to_read() -> None:
    assert asked(lambda text, language: ["stay"], text="[email]") == ([None], [])


def raises(text: str, language: str | None) -> list[str]:
    raise KeyError(text)


@pytest.mark.parametrize(
    ("plugin", "why"),
    [
        (raises, RAISED),
        (lambda text, language: ["no-such-behaviour"], INVALID),
        (lambda text, language: "stay", INVALID),
        (lambda text, language: 0.7, INVALID),
        (lambda text, language: None, INVALID),
        (lambda text, language: [["stay"]], INVALID),
    ],
)
def test_what_is_of_no_use_gives_nothing_and_is_counted(plugin: Any, why: str) -> None:
    assert asked(plugin, 3) == ([("apology",)] * 3, [why] * 3)


def test_one_that_hangs_is_left_behind_and_rests_after_some() -> None:
    calls = []

    def hangs(text: str, language: str | None) -> list[str]:
        calls.append(text)
        time.sleep(30)
        return ["stay"]

    began = time.monotonic()
    assert asked(hangs, 9, seconds=0.05) == ([("apology",)] * 9, [HUNG] * 9)
    assert time.monotonic() - began < 5 and len(calls) == HANGS


class Ahead:
    """A scorer that takes texts beforehand."""

    def __init__(self, prepare: Any) -> None:
        self.asked: list[int] = []
        self._prepare = prepare

    def __call__(self, text: str, language: str | None = None) -> float | None:
        return 0.5

    def prepare(self, texts: Sequence[str]) -> None:
        self.asked.append(len(texts))
        self._prepare(texts)


def guarded(prepare: Any, seconds: float = 5.0) -> tuple[Ahead, Any, list[str]]:
    """The scorer, what prepares it, and what failed."""
    failed: list[str] = []
    scorer = Ahead(prepare)
    return scorer, GuardedScorer(scorer, "own", failed.append, prepared_within=seconds).prepare, failed


def test_a_scorer_that_hangs_over_a_batch_is_counted_and_rests() -> None:
    scorer, prepare, failed = guarded(lambda texts: time.sleep(30), 0.05)
    began = time.monotonic()
    for _ in range(9):
        prepare(["text"] * 1000)
    assert time.monotonic() - began < 5
    assert (failed, scorer.asked) == ([HUNG] * 9, [256] * HANGS)


def test_one_that_raises_over_a_batch_is_counted_and_asked_again_for_the_next() -> None:
    def prepare_in_vain(texts: Sequence[str]) -> None:
        raise KeyError(texts[0])

    scorer, prepare, failed = guarded(prepare_in_vain)
    prepare(["text"] * 300)
    prepare(["text"])
    assert (failed, scorer.asked) == ([RAISED] * 2, [256, 1])


def test_one_that_is_slow_over_a_batch_has_as_much_as_there_is_time_for() -> None:
    scorer, prepare, failed = guarded(lambda texts: time.sleep(0.12), 0.2)
    prepare(["text"] * 1000)
    assert (failed, scorer.asked) == ([], [256, 256])
    scorer, prepare, failed = guarded(lambda texts: None)
    prepare(["text"] * 1000)
    assert (failed, scorer.asked) == ([], [256, 256, 256, 232])


MIXED = "Hello Anna, 您好张女士 ещё раз مرحبا so sorry! 对不起 Entschuldigung"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (MIXED, ("greeting", "apology", "stay")),
        ("So sorry! " * 10_000, ("apology", "stay")),
        ("x" * 100_000, ("stay",)),
        ("[email] [phone], [card]!", None),
        ("", None),
    ],
)
def test_odd_texts_are_read_and_a_detector_sees_no_more_than_it_may(text: str, shown: tuple[str, ...] | None) -> None:
    seen: list[int] = []

    def own(text: str, language: str | None) -> list[str]:
        seen.append(len(text))
        return ["stay"]

    failed: list[str] = []
    detector = GuardedDetector(SHIPPED, own, failed.append)
    began = time.thread_time()
    assert detector(text, None) == shown and failed == []
    assert time.thread_time() - began < 0.1
    assert seen == ([min(len(text), 10_000)] if shown else [])


@pytest.mark.parametrize("plugin", [lambda text, language: float("nan"), lambda text, language: [float("nan")], raises])
@pytest.mark.parametrize("text", [MIXED, "So sorry! " * 10_000])
def test_a_detector_that_gives_nan_or_raises_leaves_what_the_phrases_show(plugin: Any, text: str) -> None:
    (found,), (why,) = asked(plugin, text=text)
    assert found == SHIPPED.of(text, "en") and why in (RAISED, INVALID)
