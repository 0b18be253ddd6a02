"""Dead letters: what could not be used, with where it lay and why. Nothing is dropped in silence.

The first few of a kind in a batch have a letter each. Of a flood the others share one: it holds the bytes of the first
of them, how many they are, and their offsets, by which they are found on their own topic.
"""

import base64
import hashlib
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from streams.base.times import iso
from streams.engine import (
    BatchTooLarge,
    Failure,
    Outputs,
    Record,
    RowFailure,
    Unfetchable,
    UnreadableRecord,
    changelog_of,
)
from streams.engine.changelog import encode_key

PAYLOAD_LIMIT = 64 * 1024
"""Bytes of the original that are kept; a longer one is named by its hash."""

LATEST_MS = 253_402_300_799_999
"""The end of the year 9999. On a topic that was not created with the broker's time, a record may carry any number."""

ROW_LIMIT = 480 * 1024
"""Bytes of a row in one letter: a larger one takes several, and none of it is lost."""

SINGLE = 10
"""Letters of one kind (agent, reason, topic, error) in one batch that stand for one record each."""
PATHS = 20
"""Paths of one kind that have letters of their own when they share; the others share one without a path."""
RUNS = 1000
"""Runs of offsets that one letter names; the next one goes on behind them."""
RUN_BYTES = 44
"""Most bytes of a run: two offsets of 19 digits, brackets and commas."""

HEADERS, HEADER_LIMIT = 50, 1024
"""Headers that are kept, and characters or bytes of each."""


def _letter(record: Record, why: "Why") -> dict[str, Any]:
    """The record of ``contacts.dead-letters`` for one unusable record (its model: `schemas.outputs.DeadLetter`)."""
    payload = record.value or b""
    offset = _span(record)[0]
    letter: dict[str, Any] = {
        "id": f"{record.topic}-{record.partition}-{offset}",
        "reason": why.reason,
        "path": why.path,
        "message": why.message,
        "topic": record.topic,
        "partition": record.partition,
        "offset": offset,
        "key": None if record.key is None else base64.b64encode(record.key[:PAYLOAD_LIMIT]).decode(),
        "timestamp": iso(max(0, min(record.timestamp, LATEST_MS))),
        "payload": base64.b64encode(payload[:PAYLOAD_LIMIT]).decode(),
        "payload_sha256": hashlib.sha256(payload).hexdigest(),
        "payload_bytes": len(payload),
        "hop": why.hop,
    }
    if record.headers:
        letter["headers"] = {
            name[:HEADER_LIMIT]: base64.b64encode((value or b"")[:HEADER_LIMIT]).decode()
            for name, value in list(record.headers)[:HEADERS]
        }
    if why.error is not None:
        letter["traceback"] = "".join(traceback.format_exception(why.error))[-8000:]
    return letter


class Why(NamedTuple):
    """Why a record cannot be used."""

    hop: str
    reason: str
    message: str
    path: str | None = None
    error: Exception | None = None
    """With its traceback."""


class Portion(NamedTuple):
    """What cannot be used of a record; the rest of it was."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]]

    @classmethod
    def of(cls, record: Record, value: bytes) -> "Portion":
        return cls(record.topic, record.partition, record.offset, record.timestamp, record.key, value, record.headers)


@dataclass(slots=True)
class Flood:
    """One letter for many records."""

    letter: dict[str, Any]
    """Of the first of them."""
    runs: list[list[int]] = field(default_factory=list)
    """[first, last] offset of records that lie one behind the other."""
    count: int = 0

    def takes(self, first: int, last: int) -> bool:
        """Count one more, which lies behind those before it; False when there is no room for it."""
        if self.runs and self.runs[-1][1] + 1 == first:
            self.runs[-1][1] = last
        elif len(self.runs) < RUNS:
            self.runs.append([first, last])
        else:
            return False
        self.count += last - first + 1
        return True

    def encode(self) -> bytes:
        """The letter as it is sent; one that stands for one record looks like any other."""
        shared = {"count": self.count, "offsets": self.runs} if self.count > 1 else {}
        return orjson.dumps(self.letter | shared)


def bury(topic: str, record: Record, why: Why, out: Outputs) -> None:
    """Send a dead letter, keyed by where the record lay. Raises `OutputTooLarge`."""
    first, last = _span(record)
    kind = why.hop, why.reason, record.topic, type(why.error)
    out.counts[kind] += 1
    if out.counts[kind] <= SINGLE:
        single = Flood(_letter(record, why))
        single.takes(first, last)
        out.send(topic, single.letter["id"].encode(), single.encode())
        return
    flood = out.summary((kind, why.path))
    if flood is None and out.counts["paths", kind] == PATHS:
        why = why._replace(path=None)
        flood = out.summary((kind, None))
    if flood is not None and flood.takes(first, last):
        return
    out.counts["paths", kind] += flood is None and why.path is not None
    flood = Flood(_letter(record, why))
    flood.takes(first, last)
    size = len(orjson.dumps(flood.letter)) + RUNS * RUN_BYTES
    out.summarise((kind, why.path), (topic, flood.letter["id"].encode()), flood, size)


def buried(out: Outputs) -> dict[str, int]:
    """How many records of each topic became dead letters in this batch so far."""
    found: dict[str, int] = {}
    for kind, count in out.counts.items():
        if kind[0] != "paths":
            found[kind[2]] = found.get(kind[2], 0) + count
    return found


def _span(record: Record) -> tuple[int, int]:
    """First and last offset of what the record stands for."""
    if isinstance(record, Unfetchable) and record.first >= 0:
        return record.first, record.offset
    return record.offset, record.offset


def on_failure(topic: str, hop: str) -> "Any":
    """The engine's hook: a record whose handling raised becomes a dead letter with reason ``processing``, one that
    cannot be taken apart with ``unreadable`` or ``too-large``.
    """

    def handler(failure: Failure, out: Outputs) -> None:
        record, error = failure.record, failure.error
        if isinstance(error, UnreadableRecord):
            reason = "too-large" if isinstance(error, BatchTooLarge) else "unreadable"
            why = Why(hop, reason, str(error)[:500])
        else:
            why = Why(hop, "processing", f"{type(error).__name__}: {error}"[:500], None, error)
        bury(topic, record, why, out)

    return handler


def on_row(topic: str, group: str) -> "Any":
    """The engine's hook: a row that was set aside becomes a dead letter that holds all of it."""

    def handler(failure: RowFailure, out: Outputs) -> None:
        info, data, error = failure.info, failure.data, failure.error
        changelog, key = changelog_of(group, info.inlet), encode_key(failure.table, failure.key)
        name = f"{changelog}-{info.partition}-{failure.at}-{hashlib.sha256(key).hexdigest()[:16]}"
        chunks = [data[at : at + ROW_LIMIT] for at in range(0, len(data), ROW_LIMIT)] or [b""]
        for number, chunk in enumerate(chunks, 1):
            letter: dict[str, Any] = {
                "id": name if len(chunks) == 1 else f"{name}-{number}",
                "reason": "processing",
                "path": None,
                "message": f"{type(error).__name__}: {error}"[:500],
                "topic": changelog,
                "partition": info.partition,
                "offset": failure.at,
                "key": base64.b64encode(key).decode(),
                "timestamp": iso(out.now),
                "payload": base64.b64encode(chunk).decode(),
                "payload_sha256": hashlib.sha256(data).hexdigest(),
                "payload_bytes": len(data),
                "hop": info.inlet,
                "traceback": "".join(traceback.format_exception(error))[-8000:],
                "table": failure.table,
            }
            if len(chunks) > 1:
                letter |= {"part": number, "parts": len(chunks)}
            out.send(topic, letter["id"].encode(), orjson.dumps(letter))

    return handler
