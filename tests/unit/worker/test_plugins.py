"""Scorers by name, and that one of somebody else's harms no worker."""

import signal
import subprocess
import sys
import threading
import time
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from streams.sentiment.compact import CompactScorer
from streams.sentiment.scoring import Reading, read
from streams.worker import plugins
from streams.worker.guarded import Guard, GuardedScorer
from streams.worker.plugins import PluginError, load_scorer


def constant() -> plugins.Scorer:
    return lambda text, language: 0.5


def raising() -> plugins.Scorer:
    return lambda text, language: 1 / 0


def not_a_number() -> plugins.Scorer:
    return lambda text, language: float("nan")


MADE = {"constant": constant, "number": int, "raising": raising, "nan": not_a_number}


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint(name, f"{__name__}:x", plugins.SENTIMENT) for name in (*MADE, "compact")]
    points.append(EntryPoint("gone", "no_such_module:x", plugins.SENTIMENT))
    monkeypatch.setattr(plugins, "entry_points", lambda group: EntryPoints(points).select(group=group))
    monkeypatch.setattr(EntryPoint, "load", lambda self: MADE[self.name])


def test_by_name() -> None:
    assert isinstance(load_scorer("compact"), CompactScorer)
    assert load_scorer("none") is None
    scorer = load_scorer("constant")
    assert scorer is not None
    assert scorer("text", None) == 0.5
    assert read(scorer, "scorer", "text", None) == Reading(0.5, "constant")


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(
        PluginError,
        match="no sentiment scorer 'bert'; available: compact, constant, gone, nan, none, number, onnx, raising",
    ):
        load_scorer("bert")


def test_the_old_name_says_what_takes_its_place() -> None:
    with pytest.raises(PluginError, match="'lexicon' is no more; 'compact' takes its place"):
        load_scorer("lexicon")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "'gone' cannot be loaded"),
        ("number", "'number' is no function"),
        ("raising", "'raising' fails on .* ZeroDivisionError"),
        ("nan", "'nan' fails on .*a score is a number from -1 to 1, not nan"),
    ],
)
def test_what_cannot_be_used_is_refused_at_the_start(name: str, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        load_scorer(name)


@pytest.mark.parametrize("given", [float("nan"), float("inf"), 1.01, -2, "0.5", True])
def test_what_is_no_score_is_none_and_counted(given: object) -> None:
    failed: list[str] = []
    scorer = GuardedScorer(lambda text, language: given, "theirs", failed.append)  # type: ignore[arg-type, return-value]
    assert scorer("text") is None
    assert failed == ["invalid"]


def test_a_scorer_that_raises_is_asked_again() -> None:
    failed: list[str] = []

    def moody(text: str, language: str | None) -> float:
        if text == "bad":
            raise RuntimeError("no")
        return 0.25

    scorer = GuardedScorer(moody, "theirs", failed.append)
    assert [scorer(text) for text in ("good", "bad", "good")] == [0.25, None, 0.25]
    assert failed == ["raised"]


def test_a_scorer_that_hangs_is_left_behind_and_rests_after_three_times() -> None:
    failed: list[str] = []
    asked: list[str] = []
    now = [0.0]
    forever = threading.Event()

    def stuck(text: str, language: str | None) -> float:
        asked.append(text)
        if text == "stuck":
            forever.wait()
        return 0.25

    scorer = GuardedScorer(stuck, "theirs", failed.append, patience=0.05, clock=lambda: now[0])
    assert [scorer(text) for text in ("stuck", "fine", "stuck", "stuck", "stuck", "fine")] == [None, 0.25, *[None] * 4]
    assert failed == ["hung"] * 5
    assert asked == ["stuck", "fine", "stuck", "stuck", "stuck"]  # the last one found it resting
    now[0] = 61
    assert scorer("fine") == 0.25
    forever.set()


def test_what_a_text_says_is_not_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def raises(text: str, language: str | None) -> float:
        raise ValueError(f"cannot score {text!r}")

    failed: list[str] = []
    assert GuardedScorer(raises, "theirs", failed.append).read("I am Anna Rossi") is None
    assert GuardedScorer(lambda text, language: text, "theirs", failed.append).read("Anna Rossi") is None  # type: ignore[arg-type, return-value]
    assert failed == ["raised", "invalid"] and "raised: ValueError" in caplog.text
    assert "Rossi" not in caplog.text


@pytest.mark.parametrize(
    "given",
    [
        Reading(0.3, "mine", "1", "en", float("nan")),
        Reading(0.3, "mine", "1", "en", 2.0),
        Reading(0.3, "mine", "1", "en", "high"),  # type: ignore[arg-type]
        Reading(0.3, "mine", 3, "en"),  # type: ignore[arg-type]
        Reading(0.3, "mine", "1", "x" * 51),
    ],
)
def test_what_a_scorer_says_of_itself_is_checked(given: Reading) -> None:
    """A confidence that cannot be written once made every message a dead letter."""
    failed: list[str] = []
    assert GuardedScorer(lambda text, language: given, "theirs", failed.append).read("text") is None  # type: ignore[arg-type, return-value]
    assert failed == ["invalid"]


def test_one_that_is_slow_with_every_text_rests() -> None:
    later, failed = [0.0], list[str]()

    def slow(text: str) -> str:
        time.sleep(0.06)
        return text

    guard = Guard(slow, "theirs", failed.append, clock=lambda: time.monotonic() + later[0], share=0.03)
    assert 3 <= sum(guard("text") is not None for _ in range(100)) <= 5, "0.3 s, and the text over it"
    later[0] = 61
    assert guard("text") == "text"


def test_one_that_is_quick_with_every_text_may_have_all_of_the_time() -> None:
    """A backlog is nothing but texts: those that went without a score had another in a replay."""
    failed: list[str] = []

    def quick(text: str) -> str:
        time.sleep(0.002)
        return text

    guard = Guard(quick, "theirs", failed.append, share=0.001)
    assert [guard("text") for _ in range(100)] == ["text"] * 100
    assert not failed


def test_one_is_not_late_while_the_process_stands() -> None:
    """As by SIGSTOP: nobody runs, and the time is over when it goes on."""
    script = """
import os, sys, threading, time
from streams.worker.guarded import Guard
failed = []
guard = Guard(lambda text: time.sleep(0.1) or text, "theirs", failed.append, patience=0.4)
guard("first")
threading.Timer(0.05, lambda: os.write(1, b".")).start()
print(guard("text"), failed, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.read(1) == b"."
    process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=20)[0] == b"text []\n"


def test_one_that_hangs_now_and_then_leaves_few_threads_behind() -> None:
    calls = [0]

    def moody(text: str, language: str | None) -> float:
        calls[0] += 1
        if calls[0] % 3 == 0:
            time.sleep(20)
        return 0.1

    failed: list[str] = []
    scorer = GuardedScorer(moody, "theirs", failed.append, patience=0.03)
    for _ in range(60):
        scorer("text")
    assert calls[0] == 3 * 8 and failed.count("hung") == 60 - 2 * 8
