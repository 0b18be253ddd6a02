"""The plumbing of the scorer ``onnx``, with a stand-in for its session."""

import asyncio
import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streams.base.errors import UserError
from streams.pipeline.ingest import Ingest
from streams.sentiment import onnx
from streams.sentiment.onnx import OnnxScorer
from streams.sentiment.scoring import Reading
from streams.worker.guarded import GuardedScorer
from streams.worker.plugins import load_scorer
from tests.support import onnx_model

LABELS = ["Positive", "Negative", "Neutral"]


class Session:
    """Counts its runs; a text with "bad" is negative by e² to 1 to 1."""

    def __init__(self) -> None:
        self.runs: list[int] = []
        self.threads: set[int] = set()

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        self.runs.append(len(texts))
        self.threads.add(threading.get_ident())
        return [[0.0, 2.0 if "bad" in text else 0.0, 0.0] for text in texts]


def test_a_score_is_the_difference_of_two_probabilities() -> None:
    scorer = OnnxScorer(Session(), LABELS, "v")
    # (1 − e²) / (e² + 2), e² / (e² + 2)
    assert scorer.read("bad", "en") == Reading(-0.68, "onnx", "v", None, 0.787)
    assert scorer("good") == 0
    assert scorer("  ") is None


def test_a_batch_is_run_together_and_once() -> None:
    session = Session()
    scorer = OnnxScorer(session, LABELS, "v")
    scorer.prepare([f"text {at % 70}" for at in range(140)])
    assert session.runs == [32, 32, 6]
    assert scorer("text 3") == 0
    assert session.runs == [32, 32, 6]
    scorer("another")
    assert session.runs == [32, 32, 6, 1]


def test_what_is_kept_is_bounded() -> None:
    scorer = OnnxScorer(Session(), LABELS, "v")
    for at in range(10):
        scorer.prepare([f"{at} {each}" for each in range(1000)])
        assert len(scorer._kept) <= 4096


def test_the_texts_of_a_batch_are_scored_beside_the_event_loop_and_masked() -> None:
    session = Session()
    asked: list[str] = []
    inner = OnnxScorer(lambda texts: (asked.extend(texts), session(texts))[1], LABELS, "v")
    scorer = GuardedScorer(inner, "onnx", lambda why: None)
    ingest: Any = Ingest.__new__(Ingest)
    ingest.policy = SimpleNamespace(scorer=scorer, region=None)
    ingest.checks = SimpleNamespace(decode=json.loads)

    def record(**data: object) -> str:
        return json.dumps({"type": "message.sent", "data": {"author": "customer", **data}})

    records = [
        record(text="bad, write to a@b.example"),
        record(text="given", sentiment=0.5),
        record(author="agent", text="ours"),
        record(),
        "[]",
        record(text="fine"),
    ]
    asyncio.run(ingest.look_ahead(records))
    assert asked == ["bad, write to [email]", "fine"]
    assert threading.get_ident() not in session.threads
    assert scorer.read("bad, write to [email]") == Reading(-0.68, "onnx", "v", None, 0.787)
    assert session.runs == [2]


def test_a_session_that_raises_is_counted() -> None:
    failed: list[str] = []

    def broken(texts: Sequence[str]) -> list[list[float]]:
        raise RuntimeError("out of memory")

    scorer = GuardedScorer(OnnxScorer(broken, LABELS, "v"), "onnx", failed.append)
    assert scorer.prepare is not None
    scorer.prepare(["text"])
    assert scorer("text") is None
    assert failed == ["raised", "raised"]


def test_other_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="the labels of the model are 1 star, 5 stars; expected are negative, neutral"):
        OnnxScorer(Session(), ["1 star", "5 stars"], "v")


def test_without_the_extra_the_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "numpy", SimpleNamespace())
    with pytest.raises(UserError, match=r"needs what is not installed .*pip install 'contact-streams\[onnx\]'"):
        load_scorer("onnx")


def test_a_folder_is_needed_and_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("numpy", "onnxruntime", "tokenizers"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(Tokenizer=None))
    with pytest.raises(UserError, match="needs CONTACT_STREAMS_SENTIMENT_MODEL"):
        onnx.load(None)
    with pytest.raises(UserError, match=r"cannot be loaded from .*config\.json"):
        onnx.load(tmp_path)


def test_a_model_in_a_folder_where_the_extra_is_installed(tmp_path: Path) -> None:
    """With the real runtime and tokenizer: as the formula says, alone or in a batch, cut at 256 tokens."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tokenizers")
    onnx_model.write(tmp_path, {"bad": (2.0, 0.0, 0.0), "good": (0.0, 0.0, 1.0), "so": (0.0, 1.0, 0.0)})
    failed: list[str] = []
    alone, batched = (load_scorer("onnx", failed.append, tmp_path) for _ in range(2))
    assert isinstance(alone, GuardedScorer) and isinstance(batched, GuardedScorer)
    texts = ["Bad", "good and so", "nothing", "bad so so bad good", "good " * 300 + "bad " * 900, "没有人", " "]
    assert batched.prepare is not None
    batched.prepare(texts)
    found = [batched.read(text) for text in texts]
    assert found == [alone.read(text) for text in texts]
    # (1 − e²) / (e² + 2), (e − 1) / (2e + 1), 0, (e − e⁴) / (e + e² + e⁴), e²⁵⁶ against 1
    assert [reading and reading.score for reading in found] == [-0.68, 0.267, 0.0, -0.802, 1.0, 0.0, None]
    assert found[0] is not None and found[0].method == "onnx" and len(found[0].version or "") == 8
    assert not failed
