"""What was usual in a queue, read from the records of its contacts."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.base.times import iso
from streams.inspect.usual import NothingUsual, usual
from streams.quality.scoring import rank
from streams.rules import load

T0 = 1_767_258_000_000


@dataclass
class Record:
    key: bytes
    value: bytes | None


def told(
    name: str, took: int, transfers: int = 0, queue: str = "cards", score: float | None = 1.0, **more: Any
) -> Record:
    doc = {
        "line": "",
        "queue": queue,
        "began_at": iso(T0),
        "time_ms": took,
        "transfers": transfers,
        "business": {"score": score},
    }
    return Record(name.encode(), orjson.dumps(doc | more))


async def _all(records: list[Record]) -> AsyncIterator[Record]:
    for record in records:
        yield record


def found(*records: Record) -> str:
    return asyncio.run(usual(_all(list(records)), T0, T0 + 1, ""))


def test_the_file_is_one_of_the_rules(tmp_path: Path) -> None:
    records = [told(f"c{number}", 1000 * number, int(number > 80)) for number in range(1, 101)]
    records += [told("c1", 1000), told("gone", 7), Record(b"gone", None), told("few", 5, queue="loans")]
    records += [told("other", 9, line="r"), told("later", 9, began_at=iso(T0 + 1)), told("nobody", 9, score=None)]
    text = found(*records)
    assert (
        text
        == """\
queues:
  "cards":  # 100 contacts
    time: {10: 10000ms, 25: 25000ms, 50: 50000ms, 75: 75000ms, 90: 90000ms}
    transfers: [80.00, 100.00]
  # "loans": only 1 contacts
"""
    )
    (tmp_path / "quality.yaml").write_text(text)
    queue = load(tmp_path).customers.quality.queues["cards"]
    assert rank(60_000, queue.time_ms) == pytest.approx(0.6) and queue.transfers == (80.0, 100.0)


def test_equal_times_are_one_percentile() -> None:
    assert "time: {10: 5ms, 90: 6ms}" in found(*(told(f"c{number}", 5 + (number > 80)) for number in range(100)))


def test_nothing_is_usual_of_a_few_contacts() -> None:
    with pytest.raises(NothingUsual, match="no queue has 50 contacts"):
        found(*(told(f"c{number}", 5) for number in range(49)))
