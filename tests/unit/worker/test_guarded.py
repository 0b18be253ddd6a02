"""A detector of somebody else's: what it finds is added, and nothing that it does costs more than that."""

import time
from typing import Any

import pytest

from streams.rules import load
from streams.worker.guarded import HANGS, HUNG, INVALID, RAISED, GuardedDetector

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
