"""A scorer by a transformer in ONNX form, for who has such a model and the cores: extra ``onnx``, off by default.

The texts of a batch are scored together before the batch is handled, on a thread beside the event loop (`prepare`);
handling them is a look-up then.
"""

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from math import exp
from pathlib import Path
from typing import Any

from streams.base.errors import UserError
from streams.sentiment.scoring import Reading

METHOD = "onnx"
SIDES = ("negative", "neutral", "positive")
_TOGETHER = 32
"""Texts of one run."""
_KEPT = 4_096
"""Readings that are kept; then they are forgotten all at once."""
_LONGEST = 256
"""Tokens of a text that the model sees."""

Run = Callable[[Sequence[str]], list[list[float]]]
"""Texts → the logits of each, in the order of the model's labels."""


class OnnxScorer:
    """A scorer whose model says how likely each of ``SIDES`` is; score = P(positive) − P(negative)."""

    method = METHOD

    def __init__(self, run: Run, labels: Sequence[str], version: str) -> None:
        """``labels``: the model's, in order. Raises ``ValueError`` where they are not those of ``SIDES``."""
        found = [label.lower() for label in labels]
        if sorted(found) != sorted(SIDES):
            raise ValueError(f"the labels of the model are {', '.join(labels)}; expected are {', '.join(SIDES)}")
        self._run, self.version = run, version
        self._places = [found.index(side) for side in SIDES]
        self._kept: dict[str, Reading] = {}

    def __call__(self, text: str, language: str | None = None) -> float | None:
        reading = self.read(text, language)
        return None if reading is None else reading.score

    def prepare(self, texts: Sequence[str]) -> None:
        """Scores texts that `read` will be asked for, some at a time. Not on the event loop."""
        new = [text for text in dict.fromkeys(texts) if text.strip() and text not in self._kept]
        if len(self._kept) + len(new) > _KEPT:
            self._kept = {}
        for at in range(0, len(new), _TOGETHER):
            some = new[at : at + _TOGETHER]
            for text, logits in zip(some, self._run(some), strict=True):
                self._kept[text] = self._reading(logits)

    def read(self, text: str, language: str | None = None) -> Reading | None:
        """A text that was not prepared is scored alone."""
        if not text.strip():
            return None
        known = self._kept.get(text)
        return self._reading(*self._run([text])) if known is None else known

    def _reading(self, logits: Sequence[float]) -> Reading:
        largest = max(logits)
        grown = [exp(logits[place] - largest) for place in self._places]
        negative, neutral, positive = (each / sum(grown) for each in grown)
        confidence = round(max(negative, neutral, positive), 3)
        return Reading(round(positive - negative, 3), METHOD, self.version, None, confidence)


def load(folder: Path | None) -> OnnxScorer:
    """The scorer by ``model.onnx``, ``tokenizer.json`` and ``config.json`` (with ``id2label``) of a folder.

    Raises ``UserError``: the extra is not installed, no folder is set, a file is missing or not of that kind.
    """
    try:
        import numpy as np  # noqa: PLC0415 - the extra
        import onnxruntime  # noqa: PLC0415
        from tokenizers import Tokenizer  # noqa: PLC0415
    except ImportError as error:
        raise UserError(
            f"sentiment scorer {METHOD!r} needs what is not installed ({error.name}): "
            "pip install 'contact-streams[onnx]'"
        ) from None
    if folder is None:
        raise UserError(f"sentiment scorer {METHOD!r} needs CONTACT_STREAMS_SENTIMENT_MODEL, the folder of its model")
    try:
        labels = json.loads((folder / "config.json").read_text("utf-8"))["id2label"]
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.enable_padding()
        tokenizer.enable_truncation(_LONGEST)
        session: Any = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
        version = sha256((folder / "model.onnx").read_bytes()).hexdigest()[:8]
        wanted = {each.name for each in session.get_inputs()}

        def run(texts: Sequence[str]) -> list[list[float]]:
            encoded = tokenizer.encode_batch(list(texts))
            every = {
                "input_ids": [each.ids for each in encoded],
                "attention_mask": [each.attention_mask for each in encoded],
                "token_type_ids": [each.type_ids for each in encoded],
            }
            feeds = {name: np.array(rows, dtype=np.int64) for name, rows in every.items() if name in wanted}
            found: list[list[float]] = session.run(None, feeds)[0].tolist()
            return found

        return OnnxScorer(run, [labels[key] for key in sorted(labels, key=int)], version)
    except Exception as error:
        raise UserError(
            f"sentiment scorer {METHOD!r} cannot be loaded from {folder}: {type(error).__name__}: {error}"
        ) from error
