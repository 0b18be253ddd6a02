"""A model in ONNX form that is small enough to write by hand: what each word says of the three sides, added up."""

import json
from collections.abc import Mapping
from pathlib import Path
from struct import pack

SIDES = ("negative", "neutral", "positive")
_FLOAT, _INT64, _IR, _OPSET = 1, 7, 8, 13


def write(folder: Path, words: Mapping[str, tuple[float, float, float]]) -> None:
    """``model.onnx``, ``tokenizer.json`` and ``config.json``; needs ``tokenizers``. Other words say nothing."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers  # noqa: PLC0415 - an extra

    vocabulary = {"[PAD]": 0, "[UNK]": 1} | {word: at for at, word in enumerate(words, 2)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"id2label": dict(enumerate(SIDES))}))
    (folder / "model.onnx").write_bytes(_model([(0.0,) * 3, (0.0,) * 3, *words.values()]))


def _model(rows: list[tuple[float, ...]]) -> bytes:
    """ModelProto of logits = ReduceSum(Gather(rows, input_ids), 1)."""
    weights = _tensor("rows", _FLOAT, (len(rows), len(SIDES)), b"".join(pack("<3f", *row) for row in rows))
    axes = _tensor("axes", _INT64, (1,), pack("<q", 1))
    flat = _text(1, "keepdims") + _number(3, 0) + _number(20, 2)
    nodes = (
        _text(1, "rows") + _text(1, "input_ids") + _text(2, "found") + _text(4, "Gather"),
        _text(1, "found") + _text(1, "axes") + _text(2, "logits") + _text(4, "ReduceSum") + _field(5, flat),
    )
    graph = b"".join(_field(1, node) for node in nodes) + _text(2, "sides") + _field(5, weights) + _field(5, axes)
    graph += _field(11, _value("input_ids", _INT64, "texts", "words")) + _field(
        12, _value("logits", _FLOAT, "texts", "sides")
    )
    return _number(1, _IR) + _field(8, _number(2, _OPSET)) + _field(7, graph)


def _tensor(name: str, kind: int, dims: tuple[int, ...], raw: bytes) -> bytes:
    return b"".join(_number(1, dim) for dim in dims) + _number(2, kind) + _text(8, name) + _field(9, raw)


def _value(name: str, kind: int, *dims: str) -> bytes:
    shape = b"".join(_field(1, _text(2, dim)) for dim in dims)
    return _text(1, name) + _field(2, _field(1, _number(1, kind) + _field(2, shape)))


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())


def _field(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])
